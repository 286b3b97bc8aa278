#include <gtest/gtest.h>

#include <future>

#include <boost/asio/post.hpp>

#include "tests/allocation/allocation_counter.h"
#include "tests/support/broker_test.h"

/// In the steady state a shard takes nothing from the allocator for a message, whatever its way.
namespace leveret::test {
namespace {

struct Traffic {
  std::string name{};
  std::size_t body_size = 16;
  bool confirms = false;
  bool acknowledges = true;
  std::size_t queues = 1;
};

std::ostream& operator<<(std::ostream& stream, const Traffic& traffic) {
  return stream << traffic.name;
}

class SteadyTraffic : public BrokerTest, public testing::WithParamInterface<Traffic> {
 protected:
  static constexpr std::size_t round_size = 500;  // messages
  static constexpr std::size_t rounds = 20;

  SteadyTraffic() : BrokerTest({.broker = {.shards = 1}}) {
    publisher_.declare_exchange("to-all", "fanout");
    for (std::size_t i = 0; i < GetParam().queues; ++i) {
      const std::string queue = "q" + std::to_string(i);
      publisher_.declare_queue(queue);
      publisher_.bind(queue, "to-all", "");
      consumer_.consume(queue, {.no_ack = GetParam().acknowledges ? NoAck::no : NoAck::yes});
    }
    if (GetParam().confirms) publisher_.select_confirms();
  }

  void pass_round() {
    for (std::size_t i = 0; i < round_size; ++i) publisher_.publish("to-all", "", body_);
    for (std::size_t i = 0; i < round_size * GetParam().queues; ++i) {
      const auto message = consumer_.next_delivery();
      if (GetParam().acknowledges && i % 10 == 9) consumer_.acknowledge(message, Multiple::yes);
    }
    published_ += round_size;
    while (GetParam().confirms && confirmed_ < published_)
      confirmed_ = static_cast<std::uint64_t>(publisher_.next_confirm().delivery_tag);
    consumer_.synchronize();
    publisher_.synchronize();
  }

  void count_allocations_of_shard(bool is_counted) {
    std::promise<void> done;
    boost::asio::post(broker_.broker().shards().front()->context(), [&] {
      AllocationCounter::count_this_thread(is_counted);
      done.set_value();
    });
    done.get_future().wait();
  }

  TestChannel publisher_ = connect().open_channel();
  TestChannel consumer_ = connect().open_channel();
  const std::string body_ = std::string(GetParam().body_size, 'x');
  std::uint64_t published_ = 0;
  std::uint64_t confirmed_ = 0;
};

TEST_P(SteadyTraffic, AllocatesNothing) {
  for (std::size_t i = 0; i < rounds; ++i) pass_round();
  count_allocations_of_shard(true);
  const auto before = AllocationCounter::count();
  for (std::size_t i = 0; i < rounds; ++i) pass_round();
  const auto counted = AllocationCounter::count() - before;
  count_allocations_of_shard(false);
  // A hundredth each is left for buffers that find a new size for themselves.
  EXPECT_LT(counted, rounds * round_size / 100) << "for " << rounds * round_size << " messages";
}

INSTANTIATE_TEST_SUITE_P(Of, SteadyTraffic,
                         testing::Values(Traffic{.name = "small_messages"},
                                         Traffic{.name = "without_acknowledgements", .acknowledges = false},
                                         Traffic{.name = "a_kilobyte", .body_size = 1024},
                                         Traffic{.name = "confirms", .confirms = true},
                                         Traffic{.name = "fan_out", .queues = 10}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace leveret::test
