#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

/// How a broker comes to its end.
enum class End { clean, killed };

/// What a quorum queue still knows in its broker's next life.
class QuorumRestartTest : public DurableBrokerTest, public testing::WithParamInterface<End> {
 protected:
  void restart() { GetParam() == End::clean ? restart_cleanly() : restart_after_kill(); }

  TestChannel channel() { return connect().open_channel(); }

  void declare(TestChannel& channel, FieldTableBuilder arguments = {}) {
    channel.declare_queue("q", {.durable = true, .arguments = arguments.put("x-queue-type", "quorum").view()});
    channel.select_confirms();
  }

  /// When a confirm has come, all that was done before is on disk.
  static void publish_confirmed(TestChannel& channel, std::string_view body) {
    channel.publish_to("q", body);
    channel.next_confirm();
  }

  static std::int64_t delivery_count(const ReceivedMessage& message) {
    const auto headers = message.properties().headers.value_or(FieldTable{});
    const auto counted = headers.find("x-delivery-count");
    return counted ? counted->as_integer().value() : 0;
  }
};

INSTANTIATE_TEST_SUITE_P(After, QuorumRestartTest, testing::Values(End::clean, End::killed),
                         [](const auto& row) { return row.param == End::clean ? "clean" : "killed"; });

TEST_P(QuorumRestartTest, KeepsTransientMessages) {
  {
    auto first = channel();
    declare(first);
    publish_confirmed(first, "transient");
  }
  restart();
  EXPECT_THAT(channel().drain_bodies("q"), ElementsAre("transient"));
}

TEST_P(QuorumRestartTest, GoesOnCountingDeliveries) {
  auto first = channel();
  declare(first);
  publish_confirmed(first, "poison");
  for (int i = 0; i < 3; ++i) first.reject(first.get("q"), Requeue::yes);
  publish_confirmed(first, "other");
  restart();
  auto second = channel();
  const auto message = second.get("q");
  EXPECT_EQ(message.body, "poison");
  EXPECT_TRUE(message.is_redelivered);
  EXPECT_EQ(delivery_count(message), 3);
  second.reject(message, Requeue::yes);
  EXPECT_EQ(delivery_count(second.get("q")), 4);
}

TEST_P(QuorumRestartTest, CountsTheReturnsOfAConsumerThatHasGone) {
  auto first = channel();
  declare(first);
  publish_confirmed(first, "1");
  publish_confirmed(first, "2");
  for (int i = 0; i < 2; ++i) {
    auto& leaver = connect();
    auto consumer = leaver.open_channel();
    consumer.consume("q");
    consumer.next_bodies(2);
    leaver.close();
  }
  wait_until([&] { return first.counts_of("q").messages == 2; }, "both have come back");
  publish_confirmed(first, "3");
  restart();
  const auto messages = channel().drain("q");
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(delivery_count(messages[0]), 2);
  EXPECT_EQ(delivery_count(messages[1]), 2);
  EXPECT_LE(delivery_count(messages[2]), 1) << "nobody has seen it, but after a kill that is not known";
}

TEST_P(QuorumRestartTest, GivesUpAtTheLimitThatWasNearlyReached) {
  auto first = channel();
  first.declare_queue("dead", {.durable = true});
  const auto arguments = FieldTableBuilder{}
                             .put("x-delivery-limit", 3)
                             .put("x-dead-letter-exchange", "")
                             .put("x-dead-letter-routing-key", "dead");
  declare(first, arguments);
  publish_confirmed(first, "poison");
  for (int i = 0; i < 3; ++i) first.reject(first.get("q"), Requeue::yes);
  publish_confirmed(first, "other");
  restart();
  auto second = channel();
  second.consume("dead", {.no_ack = NoAck::yes});
  second.reject(second.get("q"), Requeue::yes);
  const auto dead = second.next_delivery();
  EXPECT_EQ(dead.body, "poison");
  EXPECT_EQ(dead.properties().headers->find("x-last-death-reason")->as_text(), "delivery_limit");
}

class QuorumQueueTest : public BrokerTest {
 protected:
  void declare(FieldTableBuilder arguments = {}) {
    channel_.declare_queue("q", {.durable = true, .arguments = arguments.put("x-queue-type", "quorum").view()});
  }

  TestChannel channel_ = connect().open_channel();
};

TEST_F(QuorumQueueTest, KnowsNoExclusiveConsumers) {
  declare();
  channel_.consume("q", {.exclusive = true});
  auto other = connect().open_channel();
  other.consume("q", {.exclusive = true});
  EXPECT_EQ(other.counts_of("q").consumers, 2u);
}

TEST_F(QuorumQueueTest, KnowsNoPrefetchOfAWholeChannel) {
  declare();
  channel_.limit_prefetch(5, true);
  channel_.send(protocol::basic::Consume{.queue = "q"});
  channel_.client().expect_close(ReplyCode::not_implemented,
                                 "NOT_IMPLEMENTED - queue 'q' in vhost '/' does not support global qos");
}

TEST_F(QuorumQueueTest, CountsReturnsAndGivesUpAtTheLimit) {
  channel_.declare_queue("dead");
  channel_.consume("dead", {.no_ack = NoAck::yes});
  declare(FieldTableBuilder{}
              .put("x-delivery-limit", 2)
              .put("x-dead-letter-exchange", "")
              .put("x-dead-letter-routing-key", "dead"));
  channel_.publish_to("q", "poison");
  for (std::int64_t count = 0; count <= 2; ++count) {
    const auto message = channel_.get("q");
    const auto headers = message.properties().headers.value_or(FieldTable{});
    const auto counted = headers.find("x-delivery-count");
    EXPECT_EQ(counted.has_value(), count > 0);
    if (counted) {
      EXPECT_EQ(counted->as_integer(), count);
    }
    channel_.reject(message, Requeue::yes);
  }
  const auto dead = channel_.next_delivery();
  EXPECT_EQ(dead.properties().headers->find("x-last-death-reason")->as_text(), "delivery_limit");
  EXPECT_FALSE(channel_.try_get("q"));
}

TEST_F(QuorumQueueTest, HasThirtyTwoPriorities) {
  declare();
  for (const std::uint8_t priority : std::initializer_list<std::uint8_t>{0, 7, 200, 31, 3, 5})
    channel_.publish("", "q", std::to_string(priority), {.properties = {.priority = priority}});
  channel_.publish_to("q", {"none", "none either"});
  EXPECT_THAT(channel_.drain_bodies("q"), ElementsAre("200", "31", "7", "5", "none", "none either", "3", "0"));
}

TEST_F(QuorumQueueTest, SaysHowOftenAMessageWasDelivered) {
  declare();
  channel_.publish_to("q", "m");
  const auto first = channel_.get("q");
  EXPECT_FALSE(first.properties().headers);
  channel_.nack(first, Multiple::no, Requeue::yes);
  const auto again = channel_.get("q");
  for (const auto name : {"x-delivery-count", "x-acquired-count"})
    EXPECT_EQ(again.properties().headers->find(name)->as_integer(), 1) << name;
}

/// A quorum queue that keeps what has come back for a second the first time, then for two, and for two and a half at
/// most.
class DelayedRetryTest : public QuorumQueueTest {
 protected:
  void declare(std::string_view type, FieldTableBuilder arguments = {}) {
    QuorumQueueTest::declare(
        arguments.put("x-delayed-retry-type", type).put("x-delayed-retry-min", 1000).put("x-delayed-retry-max", 2500));
  }

  std::uint32_t ready() { return channel_.counts_of("q").messages; }

  /// The one message there is comes back after that time, not before.
  void expect_rest(std::chrono::milliseconds time) {
    EXPECT_EQ(ready(), 0u);
    broker_.clock().advance(time - 1ms);
    EXPECT_EQ(ready(), 0u) << time.count();
    broker_.clock().advance(1ms);
    wait_until([&] { return ready() == 1; }, "it is ready again");
  }
};

TEST_F(DelayedRetryTest, RestsLongerEachTime) {
  declare("all");
  channel_.publish_to("q", "m");
  for (const auto time : {1000ms, 2000ms, 2500ms, 2500ms}) {
    channel_.reject(channel_.get("q"), Requeue::yes);
    expect_rest(time);
  }
}

TEST_F(DelayedRetryTest, DoesNotHoldUpTheOthers) {
  declare("all");
  channel_.publish_to("q", {"1", "2"});
  channel_.consume("q");
  const auto first = channel_.next_delivery();
  EXPECT_EQ(channel_.next_delivery().body, "2");
  channel_.nack(first, Multiple::no, Requeue::yes);
  channel_.publish_to("q", "3");
  EXPECT_EQ(channel_.next_delivery().body, "3");
  broker_.clock().advance(1s);
  const auto again = channel_.next_delivery();
  EXPECT_EQ(again.body, "1");
  EXPECT_TRUE(again.is_redelivered);
}

TEST_F(DelayedRetryTest, MayBeForFailuresAlone) {
  declare("failed");
  channel_.publish_to("q", "m");
  channel_.nack(channel_.get("q"), Multiple::no, Requeue::yes);
  EXPECT_EQ(ready(), 1u);
  channel_.reject(channel_.get("q"), Requeue::yes);
  expect_rest(2000ms);
  auto& leaver = connect();
  auto other = leaver.open_channel();
  other.get("q");
  leaver.close();
  expect_rest(2500ms);
}

TEST_F(DelayedRetryTest, MayBeForWhatWasGivenBackAlone) {
  declare("returned");
  channel_.publish_to("q", "m");
  channel_.reject(channel_.get("q"), Requeue::yes);
  EXPECT_EQ(ready(), 1u);
  channel_.nack(channel_.get("q"), Multiple::no, Requeue::yes);
  expect_rest(2000ms);
}

TEST_F(DelayedRetryTest, CountsAgainstTheQueuesLimit) {
  declare("all", FieldTableBuilder{}.put("x-max-length", 1).put("x-overflow", "reject-publish"));
  channel_.publish_to("q", "m");
  channel_.reject(channel_.get("q"), Requeue::yes);
  channel_.select_confirms();
  channel_.publish_to("q", "too much");
  channel_.client().expect<protocol::basic::Nack>(channel_.number());
}

TEST_F(DelayedRetryTest, IsPurgedToo) {
  declare("all");
  channel_.publish_to("q", {"1", "2"});
  channel_.reject(channel_.get("q"), Requeue::yes);
  EXPECT_EQ(channel_.purge("q"), 2u);
  broker_.clock().advance(1s);
  EXPECT_EQ(ready(), 0u);
}

TEST_F(DelayedRetryTest, EndsWithItsPolicy) {
  const auto virtual_host = broker_.broker().find_virtual_host("/");
  virtual_host->put_policy(broker::PolicyKind::user,
                           {.name = "rest",
                            .pattern = "q",
                            .definition = {{"delayed-retry-type", "all"}, {"delayed-retry-min", 3'600'000}}});
  QuorumQueueTest::declare();
  channel_.publish_to("q", "m");
  channel_.reject(channel_.get("q"), Requeue::yes);
  EXPECT_EQ(ready(), 0u);
  virtual_host->remove_policy(broker::PolicyKind::user, "rest");
  wait_until([&] { return ready() == 1; }, "it is ready again");
}

TEST_P(QuorumRestartTest, EndsTheRestOfWhatHadComeBack) {
  auto first = channel();
  declare(first, FieldTableBuilder{}.put("x-delayed-retry-type", "all").put("x-delayed-retry-min", 3'600'000));
  publish_confirmed(first, "resting");
  first.reject(first.get("q"), Requeue::yes);
  publish_confirmed(first, "other");
  restart();
  auto second = channel();
  const auto message = second.get("q");
  EXPECT_EQ(message.body, "resting");
  EXPECT_EQ(delivery_count(message), 1);
}

TEST_P(QuorumRestartTest, CountsADeliveryThatWasOutAtTheEnd) {
  auto first = channel();
  declare(first);
  publish_confirmed(first, "out");
  EXPECT_EQ(first.get("q").body, "out");
  restart();
  EXPECT_EQ(delivery_count(channel().get("q")), 1);
}

}  // namespace
}  // namespace leveret::test
