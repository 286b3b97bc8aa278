#include "tests/integration/backlog_test.h"

namespace leveret::test {
namespace {

/// Messages that somebody holds leave memory as well, and come back from the store when they are given back.
class HeldBacklogTest : public BacklogTest {
 protected:
  /// Somebody who has received all of it, and acknowledged nothing, until nearly all of that has left memory.
  TestClient& hold_all(std::string_view queue) {
    auto& holder = connect();
    auto& channel = holding_.emplace_back(holder.open_channel());
    channel.consume(queue);
    for (std::uint32_t number = 1; number <= message_count; ++number) {
      last_ = channel.next_delivery();
      EXPECT_EQ(last_.body, body_of(number));
    }
    wait_until([&] { return held_out_of_memory() > message_count - 200; }, "nearly all are in the store alone");
    return holder;
  }

  std::uint64_t held_out_of_memory() {
    return sum_of_queues([](const broker::QueueNumbers& numbers) { return numbers.unacknowledged_paged_out; });
  }

  static void expect_redelivered(TestChannel& reader, std::string_view queue) {
    for (std::uint32_t number = 1; number <= message_count; ++number) {
      const auto message = reader.get(queue, NoAck::yes);
      ASSERT_EQ(message.body, body_of(number));
      EXPECT_TRUE(message.is_redelivered);
    }
    EXPECT_FALSE(reader.try_get(queue));
  }

  static FieldTableBuilder to_the_dead() {
    return FieldTableBuilder{}.put("x-dead-letter-exchange", "").put("x-dead-letter-routing-key", "dead");
  }

  void expect_all_dead(TestChannel& channel) {
    wait_until([&] { return channel.counts_of("dead").messages == message_count; }, "all have died");
    auto reader = connect().open_channel();
    for (std::uint32_t number = 1; number <= message_count; ++number)
      ASSERT_EQ(reader.get("dead", NoAck::yes).body, body_of(number));
  }

  std::list<TestChannel> holding_{};
  ReceivedMessage last_{};
};

class HeldBacklogOfModeTest : public HeldBacklogTest, public testing::WithParamInterface<std::uint8_t> {};

INSTANTIATE_TEST_SUITE_P(DeliveryMode, HeldBacklogOfModeTest, testing::Values(1, 2));

TEST_P(HeldBacklogOfModeTest, ReturnsToItsPlace) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel, "q", GetParam());
  auto& holder = hold_all("q");
  channel.publish_to("q", "later");
  holder.close();
  wait_until([&] { return channel.counts_of("q").messages == message_count + 1; }, "all have come back");
  auto reader = connect().open_channel();
  reader.consume("q", {.no_ack = NoAck::yes});
  for (std::uint32_t number = 1; number <= message_count; ++number)
    ASSERT_EQ(reader.next_delivery().body, body_of(number));
  EXPECT_EQ(reader.next_delivery().body, "later");
}

TEST_F(HeldBacklogTest, IsPublishedAndHeldAtOnce) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  auto& holder = connect();
  auto holding = holder.open_channel();
  holding.consume("q");
  fill(channel, "q", 1);
  for (std::uint32_t number = 1; number <= message_count; ++number) holding.next_delivery();
  wait_until([&] { return held_out_of_memory() > message_count / 2; }, "most transient ones are in the store alone");
  holder.close();
  wait_until([&] { return channel.counts_of("q").messages == message_count; }, "all have come back");
  auto reader = connect().open_channel();
  expect_redelivered(reader, "q");
}

TEST_F(HeldBacklogTest, IsAcknowledgedWithoutBeingRead) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel, "q", 2);
  auto& holder = hold_all("q");
  holding_.back().acknowledge(last_, Multiple::yes);
  holding_.back().synchronize();
  holder.close();
  channel.publish_persistent("q", "new");
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("new"));
  EXPECT_EQ(held_out_of_memory(), 0u);
}

TEST_F(HeldBacklogTest, IsDeadLetteredWhenItHasBeenRead) {
  auto channel = connect().open_channel();
  channel.declare_queue("dead", {.durable = true});
  channel.declare_queue("q", {.durable = true, .arguments = to_the_dead().view()});
  fill(channel, "q", 2);
  hold_all("q");
  holding_.back().nack(last_, Multiple::yes, Requeue::no);
  expect_all_dead(channel);
  EXPECT_EQ(channel.counts_of("q").messages, 0u);
}

TEST_P(HeldBacklogOfModeTest, IsDeadLetteredThoughItsQueueIsDeleted) {
  for (const bool is_durable : {true, false}) {
    SCOPED_TRACE(is_durable ? "durable" : "not durable");
    auto channel = connect().open_channel();
    channel.declare_queue("dead", {.durable = true});
    channel.declare_queue("q", {.durable = is_durable, .arguments = to_the_dead().view()});
    fill(channel, "q", GetParam());
    hold_all("q");
    holding_.back().nack(last_, Multiple::yes, Requeue::no);
    EXPECT_EQ(holding_.back().delete_queue("q"), 0u);
    expect_all_dead(channel);
  }
}

TEST_F(HeldBacklogTest, IsGoneWithItsVirtualHostThoughItHasDied) {
  auto channel = connect().open_channel();
  channel.declare_queue("dead", {.durable = true});
  channel.declare_queue("q", {.durable = true, .arguments = to_the_dead().view()});
  fill(channel, "q", 2);
  hold_all("q");
  holding_.back().nack(last_, Multiple::yes, Requeue::no);
  holding_.back().delete_queue("q");
  ASSERT_TRUE(broker_.broker().delete_virtual_host("/"));
  wait_until([&] { return sum_of_queues([](const broker::QueueNumbers&) { return 1; }) == 0; }, "all queues are gone");
}

TEST_F(HeldBacklogTest, IsThereAfterAKill) {
  {
    auto channel = connect().open_channel();
    channel.declare_queue("q", {.durable = true});
    fill(channel, "q", 2);
  }
  hold_all("q");
  holding_.clear();
  broker_.destroy();
  clients_.clear();
  broker_.start();
  auto reader = connect().open_channel();
  expect_redelivered(reader, "q");
}

TEST_F(HeldBacklogTest, IsPurgedWhereItHasComeBack) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel, "q", 2);
  auto& holder = hold_all("q");
  holder.close();
  wait_until([&] { return channel.counts_of("q").messages == message_count; }, "all have come back");
  EXPECT_EQ(channel.purge("q"), message_count);
  channel.publish_persistent("q", "new");
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("new"));
}

TEST_F(HeldBacklogTest, ExpiresWhenItHasComeBack) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true, .arguments = FieldTableBuilder{}.put("x-message-ttl", 60'000).view()});
  fill(channel, "q", 2);
  auto& holder = hold_all("q");
  broker_.clock().advance(61s);
  holder.close();
  wait_until([&] { return sum_of_queues([](const broker::QueueNumbers& numbers) { return numbers.messages(); }) == 0; },
             "all have expired");
}

TEST_F(HeldBacklogTest, RestsOutOfMemoryBeforeItIsTriedAgain) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true,
                              .arguments = FieldTableBuilder{}
                                               .put("x-queue-type", "quorum")
                                               .put("x-delayed-retry-type", "all")
                                               .put("x-delayed-retry-min", 60'000)
                                               .view()});
  fill(channel, "q", 2);
  auto& holder = hold_all("q");
  holder.close();
  wait_until(
      [&] {
        return sum_of_queues([](const broker::QueueNumbers& numbers) { return numbers.delayed; }) == message_count;
      },
      "all rest");
  broker_.clock().advance(61s);
  auto reader = connect().open_channel();
  reader.consume("q", {.no_ack = NoAck::yes});
  for (std::uint32_t number = 1; number <= message_count; ++number)
    ASSERT_EQ(reader.next_delivery().body, body_of(number));
}

}  // namespace
}  // namespace leveret::test
