#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/memory_store.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/faulty_file_system.h"
#include "tests/storage/store_support.h"

namespace leveret::storage {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::Le;
using testing::Pair;

constexpr QueueId orders{1};
constexpr QueueId invoices{2};

enum class Kind { rocksdb, memory };

/// What every store promises of reads.
class ReadTest : public testing::TestWithParam<Kind> {
 protected:
  void commit() { ASSERT_EQ(storage::commit(*store_, batch_).get(), StoreStatus::stored); }

  auto read_all(QueueId queue, Position from = 0, ReadLimits limits = {}) {
    return storage::read_all(*store_, queue, from, limits).messages;
  }

  TestDirectory directory_;
  std::unique_ptr<Store> store_ =
      GetParam() == Kind::memory
          ? make_memory_store()
          : open_rocksdb_store({.directory = directory_.path(), .file_system = std::make_shared<FaultyFileSystem>()});
  TestBatch batch_{};
};

INSTANTIATE_TEST_SUITE_P(Stores, ReadTest, testing::Values(Kind::rocksdb, Kind::memory),
                         [](const auto& test) { return test.param == Kind::memory ? "memory" : "rocksdb"; });

TEST_P(ReadTest, EmptyQueueEndsAtOnce) {
  const auto result = read(*store_, orders, 7);
  EXPECT_THAT(result.messages, IsEmpty());
  EXPECT_TRUE(result.is_end);
  EXPECT_EQ(result.next, 7u);
}

TEST_P(ReadTest, GivesWhatWasCommittedInOrder) {
  batch_.append(orders, 3, "first").append(orders, 4, "second", true).append(invoices, 9, "other");
  commit();
  batch_.append(orders, 8, "third");
  commit();
  const auto result = read(*store_, orders, 0);
  ASSERT_EQ(result.messages.size(), 3u);
  EXPECT_EQ(result.messages[0].position, 3u);
  EXPECT_EQ(text_of(result.messages[0].content), "first");
  EXPECT_FALSE(result.messages[0].redelivered);
  EXPECT_TRUE(result.messages[1].redelivered);
  EXPECT_EQ(text_of(result.messages[2].content), "third");
  EXPECT_EQ(result.next, 9u);
  EXPECT_TRUE(result.is_end);
}

TEST_P(ReadTest, BeginsInTheMiddleOfWhatWasWrittenTogether) {
  for (Position position = 0; position < 100; ++position) batch_.append(orders, position, "text");
  commit();
  batch_.append(orders, 100, "last");
  commit();
  EXPECT_THAT(read_all(orders, 97), ElementsAre(Key(97), Key(98), Key(99), Key(100)));
}

TEST_P(ReadTest, SettledMessagesAreLeftOut) {
  for (Position position = 0; position < 10; ++position) batch_.append(orders, position, "text");
  commit();
  for (Position position = 0; position < 10; ++position) {
    if (position % 4 != 1) batch_.settle(orders, position);
  }
  commit();
  EXPECT_THAT(read_all(orders), ElementsAre(Key(1), Key(5), Key(9)));
}

TEST_P(ReadTest, TellsHowOftenAMessageHasComeBack) {
  batch_.append(orders, 0, "never").append(orders, 1, "twice");
  commit();
  batch_.count_returns(orders, 1, 2);
  commit();
  const auto result = read(*store_, orders, 0);
  ASSERT_EQ(result.messages.size(), 2u);
  EXPECT_EQ(result.messages[0].returns, 0u);
  EXPECT_EQ(result.messages[1].returns, 2u);
}

TEST_P(ReadTest, SharedContentIsReadWithEachOfItsQueues) {
  const auto shared = batch_.content("shared");
  batch_.append(orders, 0, "own").append_again(orders, 1, shared).append_again(invoices, 5, shared);
  commit();
  EXPECT_THAT(read_all(orders), ElementsAre(Pair(0, "own"), Pair(1, "shared")));
  EXPECT_THAT(read_all(invoices), ElementsAre(Pair(5, "shared")));
}

TEST_P(ReadTest, LimitsAreKeptAndAPieceFollowsTheOther) {
  for (Position position = 0; position < 1000; ++position) {
    batch_.append(orders, position, std::to_string(position).append(1000, 'x'));
    if (position % 70 == 0) commit();
  }
  commit();
  const auto by_messages = storage::read_all(*store_, orders, 0, {.messages = 30});
  EXPECT_EQ(by_messages.messages.size(), 1000u);
  EXPECT_THAT(by_messages.pieces, Each(Le(30u)));
  const auto by_octets = storage::read_all(*store_, orders, 0, {.octets = 20'000});
  EXPECT_EQ(by_octets.messages.size(), 1000u);
  EXPECT_THAT(by_octets.pieces, Each(Le(20u)));
}

TEST_P(ReadTest, MessageAboveTheLimitIsReadAlone) {
  batch_.append(orders, 0, std::string(3 << 20, 'x')).append(orders, 1, "small").append(orders, 2, "small");
  commit();
  const auto result = storage::read_all(*store_, orders, 0, {.octets = 1000});
  EXPECT_THAT(result.pieces, ElementsAre(1, 2));
  EXPECT_EQ(result.messages.at(0).size(), 3u << 20);
}

TEST_P(ReadTest, PurgedAndDroppedMessagesAreGone) {
  for (Position position = 0; position < 10; ++position) {
    batch_.append(orders, position, "text").append(invoices, position, "text");
    commit();
  }
  batch_.purge(orders, 8);
  commit();
  EXPECT_THAT(read_all(orders), ElementsAre(Key(8), Key(9)));
  store_->drop_queue(invoices);
  commit();
  EXPECT_THAT(read_all(invoices), IsEmpty());
}

TEST_P(ReadTest, TransientMessagesStandBetweenTheOthers) {
  batch_.append(orders, 0, "a").append(orders, 2, "c").append(orders, 5, "f");
  commit();
  batch_.append_transient(orders, 1, "b").append_transient(orders, 3, "d").append_transient(orders, 4, "e");
  commit();
  const auto all = read(*store_, orders, 0);
  ASSERT_EQ(all.messages.size(), 6u);
  EXPECT_EQ(text_of(all.messages[1].content), "b");
  EXPECT_TRUE(all.messages[1].is_transient);
  EXPECT_FALSE(all.messages[2].is_transient);
  EXPECT_THAT(read_all(orders, 0, {.messages = 1}),
              ElementsAre(Pair(0, "a"), Pair(1, "b"), Pair(2, "c"), Pair(3, "d"), Pair(4, "e"), Pair(5, "f")));
  batch_.settle(orders, 3, 1, true).settle(orders, 2, 1);
  commit();
  EXPECT_THAT(read_all(orders), ElementsAre(Key(0), Key(1), Key(4), Key(5)));
  batch_.purge(orders, 5, 1);
  commit();
  EXPECT_THAT(read_all(orders), ElementsAre(Key(0), Key(5)));
  batch_.append_transient(orders, 6, "g");
  commit();
  store_->drop_queue(orders);
  commit();
  EXPECT_THAT(read_all(orders), IsEmpty());
}

TEST_P(ReadTest, PurgeTakesAPieceOutOfTheMiddle) {
  for (Position position = 0; position < 300; ++position) {
    batch_.append(orders, position, "text");
    if (position % 7 == 0) commit();
  }
  commit();
  batch_.purge(orders, 295, 5);
  commit();
  EXPECT_THAT(read_all(orders),
              ElementsAre(Key(0), Key(1), Key(2), Key(3), Key(4), Key(295), Key(296), Key(297), Key(298), Key(299)));
}

TEST_P(ReadTest, ResultOutlivesTheStore) {
  batch_.append(orders, 0, "first");
  commit();
  const auto result = read(*store_, orders, 0);
  store_->close();
  store_.reset();
  EXPECT_EQ(text_of(result.messages.at(0).content), "first");
}

}  // namespace
}  // namespace leveret::storage
