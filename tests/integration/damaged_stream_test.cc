#include <filesystem>
#include <fstream>

#include "storage/rocksdb_store.h"
#include "tests/storage/faulty_file_system.h"
#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

constexpr int message_count = 2000;

/// A stream of which something cannot be read: consumers that come to it are cancelled, and never get anything else
/// than what was published, in order and without a gap.
class DamagedStreamTest : public testing::Test {
 protected:
  DamagedStreamTest() {
    auto channel = connect().open_channel();
    channel.declare_queue("s",
                          {.durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", "stream").view()});
    channel.select_confirms();
    // In rounds, so that they are stored in several blocks.
    for (int number = 0; number < message_count; ++number) {
      channel.publish_to("s", body_of(number));
      if (number % 100 == 99)
        while (channel.next_confirm().delivery_tag < DeliveryTag{static_cast<std::uint64_t>(number + 1)}) continue;
    }
    broker_.stop();  // which leaves the messages in files
    clients_.clear();
  }

  TestClient& connect() { return clients_.emplace_back(broker_.port(), TestClient::Options{}); }

  static std::string body_of(int number) { return std::to_string(number) + std::string(1000, '.'); }

  TestChannel reader_from(int offset) {
    auto channel = connect().open_channel();
    channel.limit_prefetch(10'000);
    channel.consume("s", {.arguments = FieldTableBuilder{}.put("x-stream-offset", offset).view()});
    return channel;
  }

  /// How far the messages from `first` on go until the consumer is cancelled.
  static int end_of_cancelled(TestChannel& reader, int first) {
    reader.next_cancellation();
    while (reader.has_delivery()) EXPECT_EQ(reader.next_delivery().body, body_of(first++));
    return first;
  }

  static void expect_whole(TestChannel& reader, int first) {
    for (int number = first; number < message_count; ++number) ASSERT_EQ(reader.next_delivery().body, body_of(number));
  }

  /// Another byte in the middle of the file that the messages are in.
  void damage() {
    for (const auto& entry : std::filesystem::directory_iterator{directory_.path() / "store"}) {
      if (entry.path().extension() != ".blob") continue;
      std::fstream file{entry.path(), std::ios::binary | std::ios::in | std::ios::out};
      file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
      file.put('!');
    }
  }

  TemporaryDirectory directory_{};
  std::shared_ptr<storage::FaultyFileSystem> files_ = std::make_shared<storage::FaultyFileSystem>();
  TestBroker broker_{{.make_store = [this] {
    return storage::open_rocksdb_store({.directory = directory_.path(), .file_system = files_});
  }}};
  std::list<TestClient> clients_{};
};

TEST_F(DamagedStreamTest, CancelsWhoComesToAFlippedBit) {
  damage();
  broker_.start();
  auto first = reader_from(0);
  const int end = end_of_cancelled(first, 0);
  EXPECT_GT(end, 0);
  EXPECT_LT(end, message_count);
  auto again = reader_from(end);
  EXPECT_EQ(end_of_cancelled(again, end), end) << "it is as it was";
  auto behind = reader_from(end + 300);
  expect_whole(behind, end + 300);
  first.publish_to("s", "new");
  EXPECT_EQ(behind.next_delivery().body, "new");
}

TEST_F(DamagedStreamTest, CancelsWhoCannotReadForNow) {
  broker_.start();
  files_->fail_reads(".blob");
  auto reader = reader_from(0);
  EXPECT_EQ(end_of_cancelled(reader, 0), 0);
  auto other = reader_from(700);
  EXPECT_EQ(end_of_cancelled(other, 700), 700);
  files_->allow_reads();
  auto late = reader_from(0);
  expect_whole(late, 0);
}

TEST_F(DamagedStreamTest, IsOtherwiseWhole) {
  broker_.start();
  auto reader = reader_from(0);
  expect_whole(reader, 0);
}

}  // namespace
}  // namespace leveret::test
