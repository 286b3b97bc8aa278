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

using QuorumConsumerTest = BrokerTest;

TEST_F(QuorumConsumerTest, KnowsNoExclusiveConsumers) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", "quorum").view()});
  channel.consume("q", {.exclusive = true});
  auto other = connect().open_channel();
  other.consume("q", {.exclusive = true});
  EXPECT_EQ(other.counts_of("q").consumers, 2u);
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
