#include "broker/alarms.h"
#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

namespace basic = protocol::basic;
namespace connection = protocol::connection;
using broker::Alarm;

class AlarmTest : public BrokerTest {
 protected:
  broker::Alarms& alarms() { return broker_.broker().alarms(); }
  /// Of a channel whose client the broker does not listen to.
  bool is_heard(TestChannel& channel) {
    channel.client().socket().send_some(frame_of(channel.number(), basic::Qos{}));
    witness_.synchronize();
    return channel.client().has_frame(channel.number());
  }
  void expect_blocked(TestClient& client, std::string_view reason) {
    EXPECT_EQ(client.expect<connection::Blocked>().reason, reason);
  }

  TestChannel witness_ = connect().open_channel();
};

TEST_F(AlarmTest, WhoPublishesIsBlockedUntilItIsCleared) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  alarms().raise(Alarm::store);
  channel.publish_to("q", {"first", "second"});
  expect_blocked(channel.client(), "low on disk");
  EXPECT_FALSE(is_heard(channel));
  EXPECT_EQ(witness_.counts_of("q").messages, 0u) << "not even the first has got through";
  alarms().clear(Alarm::store);
  channel.client().expect<connection::Unblocked>();
  channel.expect<basic::QosOk>();
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("first", "second"));
}

TEST_F(AlarmTest, WhoDoesNotPublishNoticesNothing) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "before");
  channel.synchronize();
  alarms().raise(Alarm::store);
  channel.consume("q");
  channel.acknowledge(channel.next_delivery());
  alarms().clear(Alarm::store);
  channel.synchronize();
  EXPECT_FALSE(channel.client().has_frame({}));
}

TEST_F(AlarmTest, AClientThatCannotBeToldWaitsAllTheSame) {
  auto channel = connect({.has_capabilities = false}).open_channel();
  channel.declare_queue("q");
  alarms().raise(Alarm::store);
  channel.publish_to("q", "body");
  EXPECT_FALSE(is_heard(channel));
  alarms().clear(Alarm::store);
  channel.expect<basic::QosOk>();
  EXPECT_EQ(channel.get("q").body, "body");
  EXPECT_FALSE(channel.client().has_frame({}));
}

TEST_F(AlarmTest, ABlockedConsumerStillGetsItsDeliveries) {
  witness_.declare_queue("q");
  witness_.publish_to("q", "body");
  const auto held = witness_.get("q");
  auto channel = connect().open_channel();
  channel.consume("q");
  alarms().raise(Alarm::store);
  channel.publish_to("q", "another");
  expect_blocked(channel.client(), "low on disk");
  witness_.reject(held, Requeue::yes);
  EXPECT_EQ(channel.next_delivery().body, "body");
}

TEST_F(AlarmTest, ABlockedConnectionCanBeClosedByTheBroker) {
  auto channel = connect().open_channel();
  alarms().raise(Alarm::store);
  channel.publish_to("q", "body");
  expect_blocked(channel.client(), "low on disk");
  for (const auto& shard : broker_.broker().shards()) shard->run_here([&shard] { shard->force_close_all("test"); });
  channel.client().expect_close(ReplyCode::connection_forced, "CONNECTION_FORCED - test");
}

TEST_F(AlarmTest, AMessageRefusedOnlyComesToLightAfterwards) {
  auto channel = connect().open_channel();
  alarms().raise(Alarm::store);
  channel.publish("missing", "key", "body");
  expect_blocked(channel.client(), "low on disk");
  alarms().clear(Alarm::store);
  channel.client().expect<connection::Unblocked>();
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no exchange 'missing' in vhost '/'");
}

/// A broker whose limits are passed from the start.
class ShortOfAllTest : public testing::Test {
 protected:
  TemporaryDirectory directory_{};
  TestBroker broker_{
      {.broker = {.disk_free_limit = UINT64_MAX, .memory_high_watermark = 0}, .directory = directory_.path()}};
};

TEST_F(ShortOfAllTest, LimitsRaiseTheAlarms) {
  TestClient client{broker_.port(), TestClient::Options{}};
  auto channel = client.open_channel();
  channel.publish_to("q", "body");
  EXPECT_EQ(client.expect<connection::Blocked>().reason, "low on disk & memory");
}

}  // namespace
}  // namespace leveret::test
