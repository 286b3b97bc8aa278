#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "storage/keys.h"
#include "storage/memory_store.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/store_support.h"

namespace leveret::storage {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr QueueId orders{1};
constexpr QueueId invoices{2};

ReadResult read_delayed(Store& store, QueueId queue, const DelayedPlace& from = {}, ReadLimits limits = {}) {
  std::promise<ReadResult> answer;
  store.read_delayed(queue, from, limits, [&answer](ReadResult result) { answer.set_value(std::move(result)); });
  return answer.get_future().get();
}

std::vector<std::string> texts_of(const ReadResult& result) {
  EXPECT_FALSE(result.error) << result.error->what();
  std::vector<std::string> texts;
  for (const auto& message : result.messages) texts.push_back(text_of(message.content));
  return texts;
}

enum class Kind { memory, rocksdb };

/// What every store does with delayed messages.
class DelayedTest : public testing::TestWithParam<Kind> {
 protected:
  DelayedTest() { open(); }

  void open() {
    store_ = GetParam() == Kind::memory ? make_memory_store() : open_rocksdb_store({.directory = directory_.path()});
  }

  void commit() { ASSERT_EQ(storage::commit(*store_, batch_).get(), StoreStatus::stored); }
  std::vector<std::string> texts(QueueId queue, const DelayedPlace& from = {}) {
    return texts_of(read_delayed(*store_, queue, from));
  }

  TestDirectory directory_{};
  std::unique_ptr<Store> store_{};
  TestBatch batch_{};
};

TEST_P(DelayedTest, IsReadInOrderOfTimeThenOfArrival) {
  batch_.delay(orders, 900, 1, "third").delay(orders, 300, 2, "first").delay(invoices, 100, 3, "other");
  commit();
  batch_.delay(orders, 900, 4, "fourth").delay(orders, 600, 5, "second");
  commit();
  const ReadResult result = read_delayed(*store_, orders);
  EXPECT_THAT(texts_of(result), ElementsAre("first", "second", "third", "fourth"));
  EXPECT_TRUE(result.is_end);
  EXPECT_EQ(result.messages[0].due, DueTime{300});
  EXPECT_EQ(result.messages[0].position, 2u);
  EXPECT_THAT(texts(orders, {.due = DueTime{900}, .position = 2}), ElementsAre("fourth"));
}

TEST_P(DelayedTest, IsReadPieceByPiece) {
  for (Position i = 0; i < 5; ++i) batch_.delay(orders, 100 + i / 2, i, std::to_string(i));
  commit();
  std::vector<std::string> all;
  DelayedPlace from{};
  for (bool is_end = false; !is_end;) {
    const ReadResult piece = read_delayed(*store_, orders, from, {.messages = 2});
    EXPECT_LE(piece.messages.size(), 2u);
    for (const auto& text : texts_of(piece)) all.push_back(text);
    from = {.due = piece.next_due, .position = piece.next};
    is_end = piece.is_end;
  }
  EXPECT_THAT(all, ElementsAre("0", "1", "2", "3", "4"));
}

TEST_P(DelayedTest, StopsAtTheLimitOfOctetsAndReadsALargerOneAlone) {
  batch_.delay(orders, 1, 1, std::string(3'000, 'a')).delay(orders, 2, 2, "small").delay(orders, 3, 3, "other");
  commit();
  const ReadResult first = read_delayed(*store_, orders, {}, {.octets = 100});
  EXPECT_EQ(first.messages.size(), 1u);
  const ReadResult second =
      read_delayed(*store_, orders, {.due = first.next_due, .position = first.next}, {.octets = 100});
  EXPECT_THAT(texts_of(second), ElementsAre("small", "other"));
}

TEST_P(DelayedTest, IsApartFromWhatIsNotDelayed) {
  batch_.delay(orders, 500, 2, "delayed");
  batch_.append(orders, 3, "ordinary");
  commit();
  EXPECT_THAT(texts(orders), ElementsAre("delayed"));
  EXPECT_THAT(texts_of(read(*store_, orders, 0)), ElementsAre("ordinary"));
  batch_.purge(orders, 10);
  commit();
  EXPECT_THAT(texts(orders), ElementsAre("delayed"));
}

TEST_P(DelayedTest, SettledOnesAreGone) {
  batch_.delay(orders, 1, 1, "settled").delay(orders, 2, 2, "kept").delay(orders, 3, 3, "not written");
  batch_.settle_delayed(orders, 3, 3);
  commit();
  batch_.settle_delayed(orders, 1, 1);
  commit();
  EXPECT_THAT(texts(orders), ElementsAre("kept"));
}

TEST_P(DelayedTest, TransientOnesAreReadBetweenTheOthers) {
  batch_.delay(orders, 10, 5, "first").delay(orders, 30, 6, "third");
  batch_.delay(orders, 20, 4, "second", true).delay(orders, 40, 3, "fourth", true);
  commit();
  const ReadResult result = read_delayed(*store_, orders);
  EXPECT_THAT(texts_of(result), ElementsAre("first", "second", "third", "fourth"));
  EXPECT_TRUE(result.messages[1].is_transient);
  EXPECT_FALSE(result.messages[2].is_transient);
  batch_.settle_delayed(orders, 20, 4, 0, true);
  commit();
  EXPECT_THAT(texts(orders), ElementsAre("first", "third", "fourth"));
}

TEST_P(DelayedTest, HasItsOwnCopyOfWhatOthersShare) {
  const auto content = batch_.content("shared");
  batch_.append_again(QueueId{3}, 1, content).append_again(QueueId{4}, 1, content);
  batch_.delay_again(orders, 1, 1, content).delay_again(invoices, 2, 1, content);
  commit();
  batch_.settle_delayed(orders, 1, 1).settle(QueueId{3}, 1);
  commit();
  EXPECT_THAT(texts(orders), IsEmpty());
  EXPECT_THAT(texts(invoices), ElementsAre("shared"));
  EXPECT_THAT(texts_of(read(*store_, QueueId{4}, 0)), ElementsAre("shared"));
}

TEST_P(DelayedTest, GoesWithItsQueue) {
  batch_.delay(orders, 1, 1, "durable").delay(orders, 2, 2, "transient", true).delay(invoices, 1, 1, "other");
  commit();
  store_->drop_queue(orders);
  batch_.settle_delayed(orders, 1, 1);  // of one that was on its way
  commit();
  EXPECT_THAT(texts(orders), IsEmpty());
  EXPECT_THAT(texts(invoices), ElementsAre("other"));
}

INSTANTIATE_TEST_SUITE_P(Stores, DelayedTest, testing::Values(Kind::memory, Kind::rocksdb));

/// What is on disk.
class StoredDelayedTest : public DelayedTest {
 protected:
  void restart() {
    store_->close();
    store_.reset();
    open();
  }
  void restart_after_kill() {
    store_.reset();
    open();
  }
  std::map<char, int> keys_after_close() {
    store_->close();
    store_.reset();
    return key_counts(directory_.store());
  }
};

TEST_P(StoredDelayedTest, IsCountedOverRestarts) {
  batch_.delay(orders, 1, 7, "12345").delay(orders, 2, 8, "123").delay(orders, 3, 9, "transient", true);
  batch_.append(orders, 4, "ordinary");
  commit();
  batch_.settle_delayed(orders, 1, 7, 5);
  commit();
  restart_after_kill();
  const QueueState state = store_->recover_queue(orders);
  EXPECT_EQ(state.delayed_messages, 1u);
  EXPECT_EQ(state.delayed_body_octets, 3u);
  EXPECT_EQ(state.messages, 1u);
  EXPECT_EQ(state.next_position, 9u);
  EXPECT_THAT(texts(orders), ElementsAre("123"));
  batch_.settle_delayed(orders, 2, 8, 3);
  commit();
  restart();
  EXPECT_EQ(store_->recover_queue(orders).delayed_messages, 0u);
  EXPECT_THAT(texts(orders), IsEmpty());
}

TEST_P(StoredDelayedTest, LeavesNothingBehindADroppedQueue) {
  for (Position i = 0; i < 100; ++i) batch_.delay(orders, 1'000 - i, i, "text").delay(invoices, 1 + i, i, "text");
  commit();
  store_->drop_queue(orders);
  batch_.delay(invoices, 5'000, 500, "text");
  commit();
  EXPECT_EQ(keys_after_close()['t'], 101);
  open();
  EXPECT_THAT(store_->stored_queues(), ElementsAre(invoices));
}

TEST_P(StoredDelayedTest, LeavesNothingBehindWhatIsSettled) {
  for (Position i = 0; i < 10; ++i) batch_.delay(orders, 100, i, "text");
  commit();
  for (Position i = 0; i < 10; ++i) batch_.settle_delayed(orders, 100, i, 4);
  commit();
  EXPECT_THAT(keys_after_close(), Not(Contains(testing::Key('t'))));
}

TEST_P(StoredDelayedTest, FlippedBitIsNeverDeliveredAndWhatIsBehindItIs) {
  batch_.delay(orders, 1, 1, "first").delay(orders, 2, 2, "second").delay(orders, 3, 3, "third");
  commit();
  store_->close();
  store_.reset();
  rocksdb::DB* opened = nullptr;
  rocksdb::Options options;
  options.enable_blob_files = true;
  ASSERT_TRUE(rocksdb::DB::Open(options, directory_.store().string(), &opened).ok());
  const std::unique_ptr<rocksdb::DB> database{opened};
  const Key key{KeyKind::delayed, orders, DelayedPlace{.due = DueTime{2}, .position = 2}};
  std::string value;
  ASSERT_TRUE(database->Get({}, key, &value).ok());
  value.back() ^= 1;
  ASSERT_TRUE(database->Put({}, key, value).ok());
  ASSERT_TRUE(opened->Close().ok());
  open();
  const ReadResult first = read_delayed(*store_, orders);
  EXPECT_THAT(texts_of(first), ElementsAre("first"));
  const ReadResult second = read_delayed(*store_, orders, {.due = first.next_due, .position = first.next});
  ASSERT_TRUE(second.error);
  EXPECT_THAT(second.messages, IsEmpty());
  EXPECT_THAT(texts(orders, {.due = second.next_due, .position = second.next}), ElementsAre("third"));
}

TEST_P(StoredDelayedTest, StoreOfTheFormatBeforeIsOpenedAndNamedAnew) {
  batch_.append(orders, 1, "ordinary");
  commit();
  store_->close();
  store_.reset();
  const auto path = directory_.store() / "FORMAT";
  std::ofstream{path} << "leveret store 2\n";
  open();
  std::string format;
  std::getline(std::ifstream{path}, format);
  EXPECT_EQ(format, "leveret store 3");
  EXPECT_THAT(texts_of(read(*store_, orders, 0)), ElementsAre("ordinary"));
}

INSTANTIATE_TEST_SUITE_P(Rocksdb, StoredDelayedTest, testing::Values(Kind::rocksdb));

}  // namespace
}  // namespace leveret::storage
