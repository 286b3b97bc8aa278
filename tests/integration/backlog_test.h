#pragma once
#include <future>

#include "tests/support/broker_test.h"

namespace leveret::test {

inline constexpr std::uint32_t message_count = 3000;

/// What does not fit into memory is left to the store: here next to nothing does.
class BacklogTest : public testing::Test {
 protected:
  TestClient& connect() { return clients_.emplace_back(broker_.port(), TestClient::Options{}); }

  static std::string body_of(std::uint32_t number) { return std::to_string(number) + std::string(1000, '.'); }

  /// In rounds, so that what has been written can leave memory before more comes.
  void fill(TestChannel& channel, std::string_view queue, std::uint8_t delivery_mode) {
    channel.select_confirms();
    for (std::uint32_t number = 1; number <= message_count; ++number) {
      channel.publish("", queue, body_of(number), {.properties = {.delivery_mode = delivery_mode}});
      if (number % 500 == 0) wait_until_confirmed(channel, number);
    }
  }

  static void wait_until_confirmed(TestChannel& channel, std::uint32_t number) {
    while (channel.next_confirm().delivery_tag < DeliveryTag{number}) continue;
  }

  static void expect_all(TestChannel& channel, std::string_view queue) {
    EXPECT_EQ(channel.counts_of(queue).messages, message_count);
    channel.limit_prefetch(100);
    channel.consume(queue);
    for (std::uint32_t number = 1; number <= message_count; ++number) {
      const auto message = channel.next_delivery();
      ASSERT_EQ(message.body, body_of(number));
      EXPECT_FALSE(message.is_redelivered);
      if (number % 50 == 0) channel.acknowledge(message, Multiple::yes);
    }
    EXPECT_EQ(channel.counts_of(queue).messages, 0u);
  }

  /// What a function of each queue's numbers gives, of all queues.
  template <class Function>
  std::uint64_t sum_of_queues(Function number_of) {
    std::uint64_t sum = 0;
    for (const auto& shard : broker_.broker().shards()) {
      std::promise<std::uint64_t> counted;
      shard->run_here([&] {
        std::uint64_t of_shard = 0;
        for (const auto& [id, queue] : shard->queues()) of_shard += number_of(queue->numbers());
        counted.set_value(of_shard);
      });
      sum += counted.get_future().get();
    }
    return sum;
  }

  /// How many ready messages of all queues are in the store alone.
  std::uint64_t paged_out() {
    return sum_of_queues([](const broker::QueueNumbers& numbers) { return numbers.paged_out; });
  }

  static TestBroker::Options with_little_memory(const std::filesystem::path& directory) {
    TestBroker::Options options{.directory = directory};
    options.broker.queued_memory_max = 64 * 1024;
    return options;
  }

  TemporaryDirectory directory_{};
  TestBroker broker_{with_little_memory(directory_.path())};
  std::list<TestClient> clients_{};
};

}  // namespace leveret::test
