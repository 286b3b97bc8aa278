#include <map>

#include "tests/integration/backlog_test.h"

namespace leveret::test {
namespace {

TEST_F(BacklogTest, OfPersistentMessagesComesBackInOrder) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel, "q", 2);
  auto consumer = connect().open_channel();
  expect_all(consumer, "q");
}

TEST_F(BacklogTest, OfTransientMessagesComesBackInOrder) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  fill(channel, "q", 1);
  auto consumer = connect().open_channel();
  expect_all(consumer, "q");
}

TEST_F(BacklogTest, OfBothKindsComesBackInOrder) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  channel.select_confirms();
  for (std::uint32_t number = 1; number <= message_count; ++number) {
    const auto mode = static_cast<std::uint8_t>(1 + number / 7 % 2);
    channel.publish("", "q", body_of(number), {.properties = {.delivery_mode = mode}});
    if (number % 500 == 0) wait_until_confirmed(channel, number);
  }
  auto consumer = connect().open_channel();
  expect_all(consumer, "q");
}

TEST_F(BacklogTest, IsNotKeptInMemoryByATransientMessageThatCameBefore) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  channel.publish_to("q", "transient");
  fill(channel, "q", 2);
  wait_until([&] { return paged_out() > message_count - 100; }, "nearly all are in the store alone");
  EXPECT_EQ(channel.get("q", NoAck::yes).body, "transient");
  auto consumer = connect().open_channel();
  expect_all(consumer, "q");
}

TEST_F(BacklogTest, LeavesMemoryAgainWhenItHasComeBack) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel, "q", 2);
  auto& holder = connect();
  EXPECT_EQ(holder.open_channel().get("q").body, body_of(1));
  auto& leaver = connect();
  auto consumer = leaver.open_channel();
  consumer.consume("q");
  std::uint32_t left = message_count;
  for (std::uint32_t number = 2; number <= message_count; ++number) {
    const auto message = consumer.next_delivery();
    ASSERT_EQ(message.body, body_of(number));
    if (number % 10 != 0) continue;
    consumer.acknowledge(message);
    --left;
  }
  EXPECT_EQ(paged_out(), 0u);
  leaver.close();
  wait_until([&] { return channel.counts_of("q").messages == left - 1; }, "the others have come back");
  wait_until([&] { return paged_out() > left - 100; }, "nearly all are in the store alone");
  channel.publish_persistent("q", "new");
  holder.close();
  wait_until([&] { return channel.counts_of("q").messages == left + 1; }, "the first has come back as well");
  auto reader = connect().open_channel();
  for (std::uint32_t number = 1; number <= message_count; ++number) {
    if (number % 10 == 0) continue;
    const auto message = reader.get("q", NoAck::yes);
    ASSERT_EQ(message.body, body_of(number));
    EXPECT_TRUE(message.is_redelivered);
  }
  const auto last = reader.get("q", NoAck::yes);
  EXPECT_EQ(last.body, "new");
  EXPECT_FALSE(last.is_redelivered);
  EXPECT_FALSE(reader.try_get("q"));
}

/// A message that is held stands behind others that have come back: it may still come back to its place.
TEST_F(BacklogTest, StaysInMemoryBeforeWhatIsHeld) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel, "q", 2);
  auto& leaver = connect();
  auto leaving = leaver.open_channel();
  for (std::uint32_t number = 1; number <= 1000; ++number) ASSERT_EQ(leaving.get("q").body, body_of(number));
  auto& holder = connect();
  EXPECT_EQ(holder.open_channel().get("q").body, body_of(1001));
  leaver.close();
  wait_until([&] { return channel.counts_of("q").messages == message_count - 1; }, "the others have come back");
  EXPECT_GT(paged_out(), message_count / 2);
  holder.close();
  wait_until([&] { return channel.counts_of("q").messages == message_count; }, "all have come back");
  auto reader = connect().open_channel();
  for (std::uint32_t number = 1; number <= message_count; ++number)
    ASSERT_EQ(reader.get("q", NoAck::yes).body, body_of(number));
}

TEST_F(BacklogTest, OfManyQueuesSharesMemory) {
  constexpr std::uint32_t queues = 50;
  constexpr std::uint32_t of_each = 40;
  const auto name_of = [](std::uint32_t queue) { return "q" + std::to_string(queue); };
  auto channel = connect().open_channel();
  for (std::uint32_t queue = 0; queue < queues; ++queue) channel.declare_queue(name_of(queue), {.durable = true});
  channel.select_confirms();
  for (std::uint32_t number = 1; number <= of_each; ++number) {
    for (std::uint32_t queue = 0; queue < queues; ++queue) channel.publish_persistent(name_of(queue), body_of(number));
    wait_until_confirmed(channel, number * queues);
  }
  wait_until([&] { return paged_out() > queues * (of_each - 3); }, "each queue has one or two at hand, not sixteen");

  auto consumer = connect().open_channel();
  std::map<std::string, std::uint32_t> last;
  for (std::uint32_t queue = 0; queue < queues; ++queue) consumer.consume(name_of(queue), {.tag = name_of(queue)});
  for (std::uint32_t i = 0; i < queues * of_each; ++i) {
    const auto message = consumer.next_delivery();
    ASSERT_EQ(message.body, body_of(++last[message.consumer_tag]));
    consumer.acknowledge(message);
  }
  EXPECT_EQ(last.size(), queues);
}

TEST_F(BacklogTest, IsThereAfterARestart) {
  {
    auto channel = connect().open_channel();
    channel.declare_queue("q", {.durable = true});
    fill(channel, "q", 2);
  }
  broker_.destroy();
  clients_.clear();
  broker_.start();
  auto consumer = connect().open_channel();
  expect_all(consumer, "q");
}

TEST_F(BacklogTest, IsReadOneByOneAsWell) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel, "q", 2);
  auto reader = connect().open_channel();
  for (std::uint32_t number = 1; number <= message_count; ++number) {
    const auto message = reader.get("q", NoAck::yes);
    ASSERT_EQ(message.body, body_of(number));
    EXPECT_EQ(message.messages_left, message_count - number);
  }
  EXPECT_FALSE(reader.try_get("q"));
}

TEST_F(BacklogTest, CanBePurgedBesideWhatIsUnacknowledged) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel, "q", 2);
  auto holder = client.open_channel();
  EXPECT_EQ(holder.get("q").body, body_of(1));
  auto purger = connect().open_channel();
  EXPECT_EQ(purger.purge("q"), message_count - 1);
  purger.select_confirms();
  purger.publish_persistent("q", "after");
  purger.wait_for_confirms(1);
  broker_.destroy();
  clients_.clear();
  broker_.start();
  auto reader = connect().open_channel();
  EXPECT_THAT(reader.drain_bodies("q"), ElementsAre(body_of(1), "after"));
}

TEST_F(BacklogTest, ExpiresFromItsHead) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true, .arguments = FieldTableBuilder{}.put("x-message-ttl", 60'000).view()});
  fill(channel, "q", 2);
  broker_.clock().advance(61s);
  wait_until([&] { return connect().open_channel().counts_of("q").messages == 0; }, "all have expired");
}

TEST_F(BacklogTest, IsDroppedFromItsHeadWhenALimitIsReached) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true, .arguments = FieldTableBuilder{}.put("x-max-length", 1000).view()});
  fill(channel, "q", 2);
  auto reader = connect().open_channel();
  const auto left = reader.drain_bodies("q");
  ASSERT_EQ(left.size(), 1000u);
  EXPECT_EQ(left.front(), body_of(message_count - 999));
  EXPECT_EQ(left.back(), body_of(message_count));
}

}  // namespace
}  // namespace leveret::test
