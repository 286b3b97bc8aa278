#include <atomic>

#include "tests/support/broker_test.h"
#include "tests/support/forwarding_store.h"

namespace leveret::test {
namespace {

/// A store in memory that can be written, and for a while not be read.
class UnreadableStore final : public ForwardingStore {
 public:
  struct Fault {
    std::atomic<bool> is_there{false};
    std::atomic<int> reads{0};  // that have failed
  };

  explicit UnreadableStore(Fault& fault) : fault_(fault) {}

  void read(storage::QueueId queue, storage::Position from, storage::ReadLimits limits,
            storage::ReadHandler done) override {
    if (!fault_.is_there) return ForwardingStore::read(queue, from, limits, std::move(done));
    ++fault_.reads;
    done({.next = from, .error = storage::StoreError{"the disk cannot be read"}});
  }
  void read_delayed(storage::QueueId queue, storage::DelayedPlace from, storage::ReadLimits limits,
                    storage::ReadHandler done) override {
    if (!fault_.is_there) return ForwardingStore::read_delayed(queue, from, limits, std::move(done));
    ++fault_.reads;
    done({.next = from.position, .next_due = from.due, .error = storage::StoreError{"the disk cannot be read"}});
  }

 private:
  Fault& fault_;
};

class UnreadableBacklogTest : public testing::Test {
 protected:
  TestBroker::Options options() {
    TestBroker::Options options{.make_store = [this] { return std::make_unique<UnreadableStore>(fault_); }};
    options.broker.queued_memory_max = 64 * 1024;
    return options;
  }

  UnreadableStore::Fault fault_{};
  TestBroker broker_{options()};
  TestClient client_{broker_.port(), TestClient::Options{}};
};

TEST_F(UnreadableBacklogTest, WaitsUntilItCanBeReadAgain) {
  constexpr int count = 2000;
  auto channel = client_.open_channel();
  channel.declare_queue("q", {.durable = true});
  channel.select_confirms();
  const auto body_of = [](int number) { return std::to_string(number) + std::string(1000, '.'); };
  for (int number = 0; number < count; ++number) {
    channel.publish_persistent("q", body_of(number));
    channel.next_confirm();
  }
  fault_.is_there = true;
  channel.consume("q", {.no_ack = NoAck::yes});
  wait_until([&] { return fault_.reads > 0; }, "a read fails");
  for (int i = 0; i < 10; ++i) channel.synchronize();
  EXPECT_EQ(fault_.reads, 1) << "it is not asked for again at once";
  fault_.is_there = false;
  broker_.clock().advance(1s);
  for (int number = 0; number < count; ++number) ASSERT_EQ(channel.next_delivery().body, body_of(number));
}

}  // namespace
}  // namespace leveret::test
