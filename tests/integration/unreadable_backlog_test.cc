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

  static constexpr int count = 2000;
  static std::string body_of(int number) { return std::to_string(number) + std::string(1000, '.'); }

  static void fill(TestChannel& channel) {
    channel.select_confirms();
    for (int number = 0; number < count; ++number) {
      channel.publish_persistent("q", body_of(number));
      channel.next_confirm();
    }
  }

  /// Until it has left memory somebody holds all of it.
  ReceivedMessage receive_all(TestChannel& channel) {
    channel.consume("q");
    ReceivedMessage last;
    for (int number = 0; number < count; ++number) last = channel.next_delivery();
    return last;
  }

  void expect_a_failed_read(TestChannel& channel) {
    wait_until([&] { return fault_.reads > 0; }, "a read fails");
    for (int i = 0; i < 10; ++i) channel.synchronize();
    EXPECT_EQ(fault_.reads, 1) << "it is not asked for again at once";
  }

  void end_fault() {
    fault_.is_there = false;
    broker_.clock().advance(1s);
  }

  UnreadableStore::Fault fault_{};
  TestBroker broker_{options()};
  TestClient client_{broker_.port(), TestClient::Options{}};
};

TEST_F(UnreadableBacklogTest, WaitsUntilItCanBeReadAgain) {
  auto channel = client_.open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel);
  fault_.is_there = true;
  channel.consume("q", {.no_ack = NoAck::yes});
  expect_a_failed_read(channel);
  end_fault();
  for (int number = 0; number < count; ++number) ASSERT_EQ(channel.next_delivery().body, body_of(number));
}

TEST_F(UnreadableBacklogTest, WaitsWhenItHasBeenGivenBack) {
  auto channel = client_.open_channel();
  channel.declare_queue("q", {.durable = true});
  fill(channel);
  TestClient holder{broker_.port(), TestClient::Options{}};
  auto holding = holder.open_channel();
  receive_all(holding);
  fault_.is_there = true;
  holder.close();
  expect_a_failed_read(channel);
  channel.consume("q", {.no_ack = NoAck::yes});
  end_fault();
  for (int number = 0; number < count; ++number) ASSERT_EQ(channel.next_delivery().body, body_of(number));
}

TEST_F(UnreadableBacklogTest, DiesWhenItCanBeReadAgain) {
  auto channel = client_.open_channel();
  channel.declare_queue("dead");
  channel.declare_queue(
      "q", {.durable = true,
            .arguments =
                FieldTableBuilder{}.put("x-dead-letter-exchange", "").put("x-dead-letter-routing-key", "dead").view()});
  fill(channel);
  auto holding = client_.open_channel();
  const auto last = receive_all(holding);
  fault_.is_there = true;
  holding.nack(last, Multiple::yes, Requeue::no);
  expect_a_failed_read(channel);
  channel.consume("dead", {.no_ack = NoAck::yes});
  end_fault();
  for (int number = 0; number < count; ++number) ASSERT_EQ(channel.next_delivery().body, body_of(number));
}

}  // namespace
}  // namespace leveret::test
