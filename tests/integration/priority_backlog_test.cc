#include <future>
#include <numeric>

#include "broker/message.h"
#include "storage/rocksdb_store.h"
#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

constexpr std::uint32_t message_count = 1500;
constexpr std::uint8_t priority_max = 9;

/// Priorities of a classic queue, most of whose messages are in the store alone.
class PriorityBacklogTest : public testing::Test {
 protected:
  TestClient& connect() { return clients_.emplace_back(broker_.port(), TestClient::Options{}); }
  TestChannel channel() { return connect().open_channel(); }

  static DeclaredQueue declare(TestChannel& channel, FieldTableBuilder arguments = {}, bool durable = true) {
    return channel.declare_queue(
        "q", {.durable = durable, .arguments = arguments.put("x-max-priority", int{priority_max}).view()});
  }

  static std::uint8_t priority_of(std::uint32_t number) { return static_cast<std::uint8_t>(number * 7 % 10); }
  static std::string body_of(std::uint32_t number) { return std::to_string(number) + std::string(1000, '.'); }

  /// In rounds, so that what has been written can leave memory before more comes.
  static void fill(TestChannel& channel, std::uint8_t delivery_mode = 2) {
    channel.select_confirms();
    for (std::uint32_t number = 1; number <= message_count; ++number) {
      channel.publish("", "q", body_of(number),
                      {.properties = {.delivery_mode = delivery_mode, .priority = priority_of(number)}});
      if (number % 500 == 0)
        while (channel.next_confirm().delivery_tag < DeliveryTag{number}) continue;
    }
  }

  /// The numbers of all messages, as they are to be delivered.
  static std::vector<std::uint32_t> in_order() {
    std::vector<std::uint32_t> numbers(message_count);
    std::iota(numbers.begin(), numbers.end(), 1);
    std::ranges::stable_sort(numbers, std::greater{}, priority_of);
    return numbers;
  }

  static void expect_all(TestChannel& channel) {
    EXPECT_EQ(channel.counts_of("q").messages, message_count);
    channel.limit_prefetch(100);
    channel.consume("q");
    std::uint32_t received = 0;
    for (const std::uint32_t number : in_order()) {
      const auto message = channel.next_delivery();
      ASSERT_EQ(message.body.substr(0, 10), body_of(number).substr(0, 10));
      EXPECT_FALSE(message.is_redelivered);
      if (++received % 50 == 0) channel.acknowledge(message, Multiple::yes);
    }
    EXPECT_EQ(channel.counts_of("q").messages, 0u);
  }

  static TestBroker::Options with_little_memory(const std::filesystem::path& directory) {
    TestBroker::Options options{.directory = directory};
    options.broker.queued_memory_max = 64 * 1024;
    return options;
  }

  void restart_after_kill() {
    broker_.destroy();
    clients_.clear();
    broker_.start();
  }

  TemporaryDirectory directory_{};
  TestBroker broker_{with_little_memory(directory_.path())};
  std::list<TestClient> clients_{};
};

TEST_F(PriorityBacklogTest, OfPersistentMessagesComesBackInOrder) {
  auto publisher = channel();
  declare(publisher);
  fill(publisher);
  auto consumer = channel();
  expect_all(consumer);
}

TEST_F(PriorityBacklogTest, OfTransientMessagesComesBackInOrder) {
  auto publisher = channel();
  declare(publisher, {}, false);
  fill(publisher, 1);
  auto consumer = channel();
  expect_all(consumer);
}

TEST_F(PriorityBacklogTest, IsThereAfterAKill) {
  {
    auto publisher = channel();
    declare(publisher);
    fill(publisher);
  }
  restart_after_kill();
  auto consumer = channel();
  expect_all(consumer);
}

TEST_F(PriorityBacklogTest, IsReadOneByOneAsWell) {
  auto publisher = channel();
  declare(publisher);
  fill(publisher);
  auto reader = channel();
  std::uint32_t left = message_count;
  for (const std::uint32_t number : in_order()) {
    const auto message = reader.get("q", NoAck::yes);
    ASSERT_EQ(message.body.substr(0, 10), body_of(number).substr(0, 10));
    EXPECT_EQ(message.messages_left, --left);
  }
  EXPECT_FALSE(reader.try_get("q"));
}

TEST_F(PriorityBacklogTest, TakesRequeuedMessagesBackToTheirPlaces) {
  auto publisher = channel();
  declare(publisher);
  fill(publisher);
  auto& leaver = connect();
  auto reader = leaver.open_channel();
  const auto order = in_order();
  for (std::uint32_t i = 0; i < 500; ++i) reader.get("q");
  leaver.close();
  wait_until([&] { return publisher.counts_of("q").messages == message_count; }, "all are ready");
  auto other = channel();
  for (std::uint32_t i = 0; i < message_count; ++i) {
    const auto message = other.get("q", NoAck::yes);
    ASSERT_EQ(message.body.substr(0, 10), body_of(order[i]).substr(0, 10));
    ASSERT_EQ(message.is_redelivered, i < 500) << i;
  }
}

TEST_F(PriorityBacklogTest, CanBePurged) {
  auto publisher = channel();
  declare(publisher);
  fill(publisher);
  auto holder = channel();
  const auto held = holder.get("q");
  auto purger = channel();
  EXPECT_EQ(purger.purge("q"), message_count - 1);
  purger.select_confirms();
  purger.publish_persistent("q", "after");
  purger.wait_for_confirms(1);
  restart_after_kill();
  EXPECT_THAT(channel().drain_bodies("q"), ElementsAre(held.body, "after"));
}

TEST_F(PriorityBacklogTest, LeavesNothingWhenItIsDeleted) {
  auto publisher = channel();
  declare(publisher);
  fill(publisher);
  publisher.delete_queue("q");
  declare(publisher);
  publisher.publish_persistent("q", "other");
  restart_after_kill();
  EXPECT_LE(channel().drain("q").size(), 1u);
}

TEST_F(PriorityBacklogTest, ExpiresInEveryPriority) {
  auto publisher = channel();
  declare(publisher, FieldTableBuilder{}.put("x-message-ttl", 60'000));
  fill(publisher);
  broker_.clock().advance(61s);
  wait_until([&] { return channel().counts_of("q").messages == 0; }, "all have expired");
}

TEST_F(PriorityBacklogTest, IsDroppedFromItsHeadWhenALimitIsReached) {
  auto publisher = channel();
  declare(publisher, FieldTableBuilder{}.put("x-max-length", 1000));
  fill(publisher);
  EXPECT_EQ(channel().drain_bodies("q").size(), 1000u);
}

/// Puts a message into the row in which a store before format 3 had those of all priorities.
storage::Append append_to_row(storage::Batch& batch, storage::QueueId row, storage::Position position,
                              broker::MessageRef message, bool redelivered) {
  const auto octets = static_cast<std::uint32_t>(message->body().size());
  const auto stored = message->stored();
  const auto content = batch.add({stored, message.release(), [](void* owner) {
                                    broker::MessageRef::adopt(static_cast<broker::Message*>(owner)).reset();
                                  }});
  return {.queue = row, .position = position, .content = content, .redelivered = redelivered, .body_octets = octets};
}

broker::MessageRef message_of_priority(std::uint8_t priority, std::string_view body) {
  const std::string properties = protocol::encode_properties({.delivery_mode = std::uint8_t{2}, .priority = priority});
  broker::MessageBuilder builder;
  builder.begin({"", "q"}, protocol::as_octets(properties), body.size());
  builder.append(protocol::as_octets(body));
  return builder.finish();
}

TEST_F(PriorityBacklogTest, OfAnOldStoreIsTakenOver) {
  {
    auto publisher = channel();
    declare(publisher);
  }
  const auto row = broker_.broker().find_virtual_host("/")->queues().front()->address.queue;
  broker_.stop();
  {
    const auto store = storage::open_rocksdb_store({.directory = directory_.path()});
    auto batch = std::make_unique<storage::Batch>();
    for (std::uint32_t number = 1; number <= message_count; ++number)
      batch->appends.push_back(append_to_row(
          *batch, row, number, message_of_priority(priority_of(number), body_of(number)), number % 3 == 0));
    batch->settlements.push_back({.queue = row, .position = 1, .body_octets = 1001});
    batch->delivered.push_back({.queue = row, .before = 100});
    std::promise<void> written;
    store->commit(std::move(batch), [&](auto, auto) { written.set_value(); });
    written.get_future().wait();
    store->close();
  }
  clients_.clear();
  for (int lives = 0; lives < 2; ++lives) {
    broker_.start();
    EXPECT_EQ(channel().counts_of("q").messages, message_count - 1);
    broker_.stop();
    clients_.clear();
  }
  broker_.start();
  auto reader = channel();
  for (const std::uint32_t number : in_order()) {
    if (number == 1) continue;
    const auto message = reader.get("q", NoAck::yes);
    ASSERT_EQ(message.body.substr(0, 10), body_of(number).substr(0, 10));
    ASSERT_EQ(message.is_redelivered, number % 3 == 0 || number < 100) << number;
  }
  EXPECT_FALSE(reader.try_get("q"));
}

TEST_F(PriorityBacklogTest, OfAQuorumQueueComesBackInOrder) {
  {
    auto publisher = channel();
    publisher.declare_queue("q",
                            {.durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", "quorum").view()});
    fill(publisher);
  }
  restart_after_kill();
  auto consumer = channel();
  expect_all(consumer);
}

}  // namespace
}  // namespace leveret::test
