#include "storage/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/write_batch.h>

#include <fstream>
#include <optional>
#include <semaphore>
#include <vector>

#include "storage/block.h"
#include "storage/keys.h"
#include "storage/memory_store.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/faulty_file_system.h"
#include "tests/storage/store_support.h"

namespace leveret::storage {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

constexpr QueueId orders{1};
constexpr QueueId invoices{2};

class RocksdbStoreTest : public testing::Test {
 protected:
  RocksdbStoreTest() { open(); }

  void open() {
    files_ = std::make_shared<FaultyFileSystem>();
    store_ = open_rocksdb_store({.directory = directory_.path(),
                                 .on_alarm = [this](const StoreError&) { alarms_.release(); },
                                 .on_alarm_cleared = [this] { alarms_cleared_.release(); },
                                 .retry_after_min = 1ms,
                                 .retry_after_max = 5ms,
                                 .file_system = files_});
  }

  void restart() {
    store_->close();
    store_.reset();
    open();
  }

  void restart_after_kill() {
    files_->kill();
    store_.reset();
    open();
  }

  void commit() { ASSERT_EQ(storage::commit(*store_, batch_).get(), StoreStatus::stored); }

  auto messages(QueueId queue) { return recover(*store_, queue).messages; }

  std::map<char, int> keys_after_close() {
    store_->close();
    store_.reset();
    return key_counts(directory_.store());
  }

  std::string error_at_open() {
    try {
      open();
    } catch (const StoreError& error) {
      return error.what();
    }
    return {};
  }

  /// The only file of the store whose name ends so.
  std::filesystem::path file(std::string_view end) {
    for (const auto& entry : std::filesystem::directory_iterator{directory_.store()}) {
      if (entry.path().string().ends_with(end)) return entry.path();
    }
    ADD_FAILURE() << "no file " << end;
    return {};
  }

  TestDirectory directory_;
  std::counting_semaphore<> alarms_{0};
  std::counting_semaphore<> alarms_cleared_{0};
  std::shared_ptr<FaultyFileSystem> files_{};
  std::unique_ptr<Store> store_{};
  TestBatch batch_{};
};

const auto is = [](std::string text, bool redelivered = false) {
  return RecoveredMessage{.text = std::move(text), .redelivered = redelivered};
};

// ---------------------------------------------------------------------------------------------------------- restarts

TEST_F(RocksdbStoreTest, NewStoreIsEmptyAndStoppedCleanly) {
  EXPECT_TRUE(store_->stopped_cleanly());
  EXPECT_THAT(store_->stored_queues(), IsEmpty());
  EXPECT_EQ(recover(*store_, orders).next_position, 0u);
}

TEST_F(RocksdbStoreTest, KeepsNoOptionsInFiles) {
  for (const auto& entry : std::filesystem::directory_iterator{directory_.store()})
    EXPECT_FALSE(entry.path().filename().string().starts_with("OPTIONS")) << entry.path();
}

TEST_F(RocksdbStoreTest, MessagesSurviveACleanStop) {
  batch_.append(orders, 0, "first").append(orders, 1, "second").append(invoices, 0, "third");
  commit();
  restart();
  EXPECT_TRUE(store_->stopped_cleanly());
  EXPECT_THAT(store_->stored_queues(), UnorderedElementsAre(orders, invoices));
  EXPECT_THAT(messages(orders), ElementsAre(Pair(0, is("first")), Pair(1, is("second"))));
  EXPECT_THAT(messages(invoices), ElementsAre(Pair(0, is("third"))));
}

TEST_F(RocksdbStoreTest, MessagesSurviveAKill) {
  batch_.append(orders, 0, "first").append(orders, 1, "second");
  commit();
  restart_after_kill();
  EXPECT_FALSE(store_->stopped_cleanly());
  EXPECT_THAT(messages(orders), ElementsAre(Pair(0, is("first")), Pair(1, is("second"))));
}

TEST_F(RocksdbStoreTest, CleanMarkGoesWithTheFirstChange) {
  restart();
  batch_.append(orders, 0, "first");
  commit();
  restart_after_kill();
  EXPECT_FALSE(store_->stopped_cleanly());
}

TEST_F(RocksdbStoreTest, DestroyedWithoutCloseIsNoCleanStop) {
  batch_.append(orders, 0, "first");
  commit();
  store_.reset();
  open();
  EXPECT_FALSE(store_->stopped_cleanly());
  EXPECT_THAT(messages(orders), ElementsAre(Pair(0, is("first"))));
}

TEST_F(RocksdbStoreTest, CloseWritesWhatWasHandedOver) {
  files_->hold_syncs();
  batch_.append(orders, 0, "first");
  auto first = storage::commit(*store_, batch_);
  files_->await_held_sync();
  batch_.append(orders, 1, "second");
  auto second = storage::commit(*store_, batch_);
  store_->put_definition("queue", "orders");
  files_->resume_syncs();
  store_->close();
  EXPECT_EQ(first.get(), StoreStatus::stored);
  EXPECT_EQ(second.get(), StoreStatus::stored);
  store_.reset();
  open();
  EXPECT_THAT(messages(orders), ElementsAre(Key(0), Key(1)));
}

TEST_F(RocksdbStoreTest, NextPositionIsNeverAUsedOne) {
  batch_.append(orders, 5, "first").append(orders, 9, "second");
  commit();
  batch_.settle(orders, 9).settle(orders, 5);
  commit();
  restart();
  EXPECT_EQ(recover(*store_, orders).next_position, 10u);
  batch_.mark_delivered(orders, 40);
  commit();
  restart();
  EXPECT_EQ(recover(*store_, orders).next_position, 40u);
}

TEST_F(RocksdbStoreTest, RedeliveredIsWhatWasSaidOrMarked) {
  batch_.append(orders, 0, "a").append(orders, 1, "b").append(orders, 2, "c").append(orders, 3, "d", true);
  batch_.mark_delivered(orders, 2);
  commit();
  restart();
  EXPECT_THAT(messages(orders),
              ElementsAre(Pair(0, is("a", true)), Pair(1, is("b", true)), Pair(2, is("c")), Pair(3, is("d", true))));
}

// ------------------------------------------------------------------------------------------------------- definitions

TEST_F(RocksdbStoreTest, CountsOfReturnsSurvive) {
  batch_.append(orders, 0, "never").append(orders, 1, "once").append(orders, 2, "settled");
  commit();
  batch_.count_returns(orders, 1, 1).count_returns(orders, 2, 1);
  batch_.append(orders, 3, "at once").count_returns(orders, 3, 1).count_returns(orders, 3, 2);
  commit();
  batch_.settle(orders, 2);
  commit();
  restart_after_kill();
  EXPECT_THAT(messages(orders),
              ElementsAre(Pair(0, is("never")), Pair(1, RecoveredMessage{.text = "once", .returns = 1}),
                          Pair(3, RecoveredMessage{.text = "at once", .returns = 2})));
}

TEST_F(RocksdbStoreTest, CountingReturnsOfWhatIsNotThereChangesNothing) {
  batch_.append(orders, 5, "first").append(orders, 6, "settled");
  commit();
  batch_.settle(orders, 6);
  commit();
  batch_.count_returns(orders, 6, 1).count_returns(orders, 70, 1).count_returns(invoices, 1, 1);
  commit();
  restart();
  EXPECT_THAT(messages(orders), ElementsAre(Pair(5, is("first"))));
  EXPECT_THAT(messages(invoices), IsEmpty());
}

TEST_F(RocksdbStoreTest, DefinitionsSurviveInOrderOfTheirKeys) {
  store_->put_definition("exchange b", "1");
  store_->put_definition("exchange a", "2");
  store_->put_definition("exchange c", "3");
  store_->put_definition("exchange b", std::string("\0new", 4));
  store_->erase_definition("exchange c");
  restart();
  std::vector<std::pair<std::string, std::string>> definitions;
  store_->recover_definitions([&](auto key, auto value) { definitions.emplace_back(key, value); });
  EXPECT_THAT(definitions, ElementsAre(Pair("exchange a", "2"), Pair("exchange b", std::string("\0new", 4))));
}

TEST_F(RocksdbStoreTest, DefinitionIsOnDiskWithTheBatchAfterIt) {
  store_->put_definition("queue", "orders");
  batch_.append(orders, 0, "first");
  commit();
  restart_after_kill();
  int definitions = 0;
  store_->recover_definitions([&](auto, auto) { ++definitions; });
  EXPECT_EQ(definitions, 1);
}

// ------------------------------------------------------------------------------------------------------ settlements

TEST_F(RocksdbStoreTest, SettledMessagesDoNotComeBack) {
  for (Position position = 0; position < 100; ++position) batch_.append(orders, position, "text");
  commit();
  for (Position position = 0; position < 100; ++position) {
    if (position % 10 != 3) batch_.settle(orders, position);
  }
  commit();
  restart_after_kill();
  EXPECT_THAT(messages(orders),
              ElementsAre(Key(3), Key(13), Key(23), Key(33), Key(43), Key(53), Key(63), Key(73), Key(83), Key(93)));
  for (Position position = 3; position < 93; position += 10) batch_.settle(orders, position);
  commit();
  restart();
  EXPECT_THAT(messages(orders), ElementsAre(Key(93)));
}

TEST_F(RocksdbStoreTest, SettlingTwiceOrWhatIsNotThereChangesNothing) {
  batch_.append(orders, 10, "a").append(orders, 20, "b");
  commit();
  batch_.settle(orders, 10).settle(orders, 10).settle(orders, 15).settle(orders, 5).settle(orders, 99);
  batch_.settle(invoices, 0);
  commit();
  batch_.settle(orders, 10);
  commit();
  restart();
  EXPECT_THAT(messages(orders), ElementsAre(Key(20)));
}

TEST_F(RocksdbStoreTest, OneOldMessageKeepsOnlyItsOwnBlock) {
  batch_.append(orders, 0, "old").append(orders, 1, "young");
  commit();
  for (Position position = 2; position < 200; ++position) {
    batch_.append(orders, position, "text").settle(orders, position - 1);
    commit();
  }
  batch_.settle(orders, 199);
  commit();
  EXPECT_THAT(keys_after_close(), UnorderedElementsAre(Pair('c', 1), Pair('m', 1), Pair('q', 1), Pair('s', 1)));
  open();
  EXPECT_THAT(recover(*store_, orders).messages, ElementsAre(Pair(0, is("old"))));
}

TEST_F(RocksdbStoreTest, SettledInTheSameBatchIsNotWritten) {
  batch_.append(orders, 0, "first").settle(orders, 0);
  commit();
  EXPECT_THAT(keys_after_close(), UnorderedElementsAre(Pair('c', 1), Pair('q', 1)));
}

TEST_F(RocksdbStoreTest, SettledWhileItsBatchWaitsIsNotWritten) {
  files_->hold_syncs();
  batch_.append(orders, 0, "first");
  auto first = storage::commit(*store_, batch_);
  files_->await_held_sync();
  batch_.append(orders, 1, "second").append(orders, 2, "third");
  auto second = storage::commit(*store_, batch_);
  batch_.settle(orders, 1).settle(orders, 0);
  auto third = storage::commit(*store_, batch_);
  files_->resume_syncs();
  EXPECT_EQ(third.get(), StoreStatus::stored);
  restart();
  EXPECT_THAT(messages(orders), ElementsAre(Pair(2, is("third"))));
}

TEST_F(RocksdbStoreTest, PurgeTakesEverythingBeforeItsPosition) {
  for (Position position = 0; position < 10; ++position) batch_.append(orders, position, "text");
  batch_.append(invoices, 0, "text");
  commit();
  for (Position position = 10; position < 20; ++position) batch_.append(orders, position, "text");
  batch_.purge(orders, 8);
  commit();
  batch_.append(orders, 20, "late").purge(orders, 18);
  commit();
  restart_after_kill();
  EXPECT_THAT(messages(orders), ElementsAre(Key(18), Key(19), Key(20)));
  EXPECT_THAT(messages(invoices), ElementsAre(Key(0)));
}

TEST_F(RocksdbStoreTest, PurgeOfManyBlocksLeavesNoKeyBehind) {
  const auto shared = batch_.content("shared");
  batch_.append_again(orders, 0, shared).append_again(invoices, 0, shared);
  commit();
  for (Position position = 1; position < 100; ++position) {
    batch_.append(orders, 2 * position, "text").append(orders, 2 * position + 1, "text").settle(orders, 2 * position);
    commit();
  }
  batch_.settle(invoices, 0).purge(orders, 200);
  commit();
  batch_.append(orders, 200, "last");
  commit();
  EXPECT_THAT(keys_after_close(),
              UnorderedElementsAre(Pair('c', 1), Pair('m', 1), Pair('n', 1), Pair('q', 2), Pair('s', 1)));
  open();
  EXPECT_THAT(messages(orders), ElementsAre(Pair(200, is("last"))));
}

TEST_F(RocksdbStoreTest, DroppedQueueLeavesNothing) {
  batch_.append(orders, 0, "first").append(invoices, 0, "second").mark_delivered(orders, 1);
  commit();
  batch_.append(orders, 1, "third").settle(orders, 0);
  auto stored = storage::commit(*store_, batch_);
  store_->drop_queue(orders);
  EXPECT_EQ(stored.get(), StoreStatus::stored);
  restart();
  EXPECT_THAT(store_->stored_queues(), ElementsAre(invoices));
  store_->drop_queue(invoices);
  EXPECT_THAT(keys_after_close(), ElementsAre(Pair('c', 1)));
}

TEST_F(RocksdbStoreTest, LargeBatchBecomesSeveralBlocks) {
  for (Position position = 0; position < 10'000; ++position) batch_.append(orders, position, "x");
  for (Position position = 0; position < 5; ++position) batch_.append(invoices, position, std::string(600'000, 'y'));
  commit();
  restart();
  EXPECT_EQ(messages(orders).size(), 10'000u);
  EXPECT_EQ(messages(invoices).size(), 5u);
  EXPECT_THAT(keys_after_close(), AllOf(testing::Contains(Pair('m', 3 + 5))));
}

// ----------------------------------------------------------------------------------------------------- shared bodies

TEST_F(RocksdbStoreTest, SharedBodyIsStoredOnceAndGoesWithTheLastMessage) {
  const auto shared = batch_.content("shared");
  batch_.append_again(orders, 0, shared).append_again(invoices, 7, shared);
  commit();
  restart();
  SharedBody body_of_order{};
  store_->recover_queue(orders, [&](const StoredMessage& message) { body_of_order = message.shared_body; });
  store_->recover_queue(invoices, [&](const StoredMessage& message) {
    EXPECT_EQ(message.shared_body, body_of_order);
    EXPECT_NE(message.shared_body, SharedBody::none);
    EXPECT_EQ(message.content.size(), 6u);
  });
  batch_.settle(orders, 0);
  commit();
  EXPECT_THAT(keys_after_close(), testing::Contains(Pair('b', 1)));
  open();
  EXPECT_THAT(messages(orders), IsEmpty());
  EXPECT_THAT(messages(invoices), ElementsAre(Pair(7, is("shared"))));
  batch_.settle(invoices, 7);
  commit();
  EXPECT_THAT(keys_after_close(), Not(testing::Contains(Key('b'))));
}

TEST_F(RocksdbStoreTest, SharedBodyOfADroppedOrphanStaysForTheOthers) {
  const auto shared = batch_.content("shared");
  batch_.append_again(orders, 0, shared).append_again(invoices, 0, shared);
  commit();
  restart();
  store_->drop_queue(orders);
  EXPECT_THAT(messages(invoices), ElementsAre(Pair(0, is("shared"))));
  restart();
  EXPECT_THAT(messages(invoices), ElementsAre(Pair(0, is("shared"))));
  batch_.purge(invoices, 1);
  commit();
  EXPECT_THAT(keys_after_close(), Not(testing::Contains(Key('b'))));
}

TEST_F(RocksdbStoreTest, QueueDroppedBeforeOthersAreRecoveredIsGone) {
  batch_.append(orders, 0, "first").append(invoices, 0, "second");
  commit();
  restart();
  store_->drop_queue(orders);
  restart();
  EXPECT_THAT(store_->stored_queues(), ElementsAre(invoices));
  EXPECT_THAT(messages(invoices), ElementsAre(Pair(0, is("second"))));
}

TEST_F(RocksdbStoreTest, SharedBodyNeededOnceIsStoredWithItsMessage) {
  const auto shared = batch_.content("shared");
  batch_.append_again(orders, 0, shared).append_again(invoices, 0, shared).settle(orders, 0);
  commit();
  restart();
  EXPECT_THAT(messages(invoices), ElementsAre(Pair(0, is("shared"))));
  EXPECT_THAT(keys_after_close(), Not(testing::Contains(Key('b'))));
}

// ------------------------------------------------------------------------------------------------------- group commit

TEST_F(RocksdbStoreTest, EverythingThatWaitsSharesOneSync) {
  files_->hold_syncs();
  batch_.append(orders, 0, "text");
  std::vector<std::future<StoreStatus>> answers;
  answers.push_back(storage::commit(*store_, batch_));
  files_->await_held_sync();
  const auto syncs = files_->log_syncs();
  for (Position position = 1; position <= 20; ++position) {
    store_->put_definition("definition " + std::to_string(position), "value");
    batch_.append(orders, position, "text");
    answers.push_back(storage::commit(*store_, batch_));
  }
  files_->resume_syncs();
  for (auto& answer : answers) EXPECT_EQ(answer.get(), StoreStatus::stored);
  EXPECT_EQ(files_->log_syncs() - syncs, 2u);
}

TEST_F(RocksdbStoreTest, BatchComesBackWholeAndInOrder) {
  std::vector<int> order;
  std::promise<std::unique_ptr<Batch>> last;
  for (int i = 0; i < 10; ++i) {
    batch_.append(orders, static_cast<Position>(i), "text");
    store_->commit(batch_.take(), [&order, &last, i](std::unique_ptr<Batch> batch, StoreStatus) {
      order.push_back(i);
      if (i == 9) last.set_value(std::move(batch));
    });
  }
  const auto batch = last.get_future().get();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(batch->contents.size(), 1u);
  EXPECT_EQ(batch->appends.size(), 1u);
}

// -------------------------------------------------------------------------------------------------------- write errors

TEST_F(RocksdbStoreTest, FailingDiskConfirmsNothingAndLosesNothing) {
  batch_.append(orders, 0, "before");
  commit();
  files_->break_down();
  batch_.append(orders, 1, "first");
  auto first = storage::commit(*store_, batch_);
  alarms_.acquire();
  batch_.append(orders, 2, "second").settle(orders, 0);
  auto second = storage::commit(*store_, batch_);
  EXPECT_EQ(first.wait_for(50ms), std::future_status::timeout);
  EXPECT_EQ(second.wait_for(0ms), std::future_status::timeout);
  EXPECT_FALSE(alarms_.try_acquire());
  EXPECT_FALSE(alarms_cleared_.try_acquire());

  files_->repair();
  alarms_cleared_.acquire();
  EXPECT_EQ(first.get(), StoreStatus::stored);
  EXPECT_EQ(second.get(), StoreStatus::stored);
  restart_after_kill();
  EXPECT_THAT(messages(orders), ElementsAre(Pair(1, is("first")), Pair(2, is("second"))));
}

TEST_F(RocksdbStoreTest, CloseOfAFailingStoreHandsBackWhatItCouldNotWrite) {
  files_->break_down();
  batch_.append(orders, 0, "first");
  auto first = storage::commit(*store_, batch_);
  alarms_.acquire();
  batch_.append(orders, 1, "second");
  auto second = storage::commit(*store_, batch_);
  EXPECT_THROW(store_->close(), StoreError);
  EXPECT_EQ(first.get(), StoreStatus::failed);
  EXPECT_EQ(second.get(), StoreStatus::failed);
}

// ----------------------------------------------------------------------------------------------------------- refusals

TEST_F(RocksdbStoreTest, SecondOpenIsRefused) {
  EXPECT_THAT(error_at_open(),
              testing::StrEq("data directory " + directory_.path().string() + " is in use by another broker"));
}

TEST_F(RocksdbStoreTest, UnknownFormatIsRefusedAndNothingIsTouched) {
  store_->close();
  store_.reset();
  std::ofstream{directory_.store() / "FORMAT"} << "leveret store 1\n";
  const auto files = [this] {
    std::map<std::string, std::filesystem::file_time_type> result;
    for (const auto& entry : std::filesystem::directory_iterator{directory_.store()}) {
      result[entry.path().string()] = entry.last_write_time();
    }
    return result;
  };
  const auto files_before = files();
  EXPECT_THAT(error_at_open(), AllOf(HasSubstr("unknown store format \"leveret store 1\""), Not(HasSubstr("\n"))));
  EXPECT_EQ(files(), files_before);
}

TEST_F(RocksdbStoreTest, PreviousFormatIsOpenedAndBecomesThisOne) {
  batch_.append(orders, 0, "first");
  commit();
  store_->close();
  store_.reset();
  std::ofstream{directory_.store() / "FORMAT"} << "leveret store 2\n";
  open();
  EXPECT_THAT(messages(orders), ElementsAre(Pair(0, is("first"))));
  std::string format;
  std::getline(std::ifstream{directory_.store() / "FORMAT"}, format);
  EXPECT_EQ(format, "leveret store 3");
}

TEST_F(RocksdbStoreTest, StoreWithoutItsFormatIsRefused) {
  batch_.append(orders, 0, "first");
  commit();
  store_->close();
  store_.reset();
  std::filesystem::remove(directory_.store() / "FORMAT");
  EXPECT_THAT(error_at_open(), HasSubstr("FORMAT is missing"));
}

TEST_F(RocksdbStoreTest, InterruptedCreationIsContinued) {
  store_.reset();
  std::filesystem::remove(directory_.store() / "FORMAT");
  EXPECT_THAT(error_at_open(), IsEmpty());
}

class DamagedStoreTest : public RocksdbStoreTest, public testing::WithParamInterface<std::string_view> {};

TEST_P(DamagedStoreTest, MissingFileIsRefused) {
  batch_.append(orders, 0, std::string(1000, 'x'));
  commit();
  restart();  // which turns the log into a table
  store_->recover_queue(orders, [](const StoredMessage&) {});
  store_->close();
  store_.reset();
  std::filesystem::remove(file(GetParam()));
  EXPECT_THAT(error_at_open(), AllOf(HasSubstr("is damaged"), Not(HasSubstr("\n"))));
}

TEST_P(DamagedStoreTest, FileOfGarbageIsRefused) {
  batch_.append(orders, 0, std::string(1000, 'x'));
  commit();
  restart();
  store_->recover_queue(orders, [](const StoredMessage&) {});
  store_->close();
  store_.reset();
  const auto path = file(GetParam());
  std::ofstream{path} << std::string(std::filesystem::file_size(path), 'g');
  EXPECT_THAT(error_at_open(), AllOf(HasSubstr("is damaged"), Not(HasSubstr("\n"))));
}
INSTANTIATE_TEST_SUITE_P(Files, DamagedStoreTest, testing::Values("CURRENT", ".sst"));

TEST_F(RocksdbStoreTest, TornEndOfTheLogIsCutOff) {
  batch_.append(orders, 0, "first");
  commit();
  batch_.append(orders, 1, "second");
  commit();
  files_->kill();
  store_.reset();
  const auto log = file(".log");
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 3);
  open();
  EXPECT_THAT(messages(orders), ElementsAre(Pair(0, is("first"))));
  batch_.append(orders, 1, "third");
  commit();
  restart_after_kill();
  EXPECT_THAT(messages(orders), ElementsAre(Pair(0, is("first")), Pair(1, is("third"))));
}

TEST_F(RocksdbStoreTest, GarbageBehindTheLogIsCutOff) {
  batch_.append(orders, 0, "first");
  commit();
  files_->kill();
  store_.reset();
  std::ofstream{file(".log"), std::ios::app} << std::string(5000, 'g');
  open();
  EXPECT_THAT(messages(orders), ElementsAre(Pair(0, is("first"))));
}

TEST_F(RocksdbStoreTest, FlippedBitInABlockIsNeverDelivered) {
  batch_.append(orders, 0, "first");
  commit();
  store_->close();
  store_.reset();
  {
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, directory_.store().string(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db{opened};
    const storage::Key key{KeyKind::messages, orders, 0};
    std::string value;
    ASSERT_TRUE(db->Get({}, key, &value).ok());
    value.back() = static_cast<char>(value.back() ^ 1);
    ASSERT_TRUE(db->Put({}, key, value).ok());
  }
  open();
  try {
    store_->recover_queue(orders, [](const StoredMessage&) { ADD_FAILURE(); });
    ADD_FAILURE();
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), HasSubstr("messages of queue 1 are not what was written"));
  }
}

TEST_F(RocksdbStoreTest, FlippedBitInTheLogIsFoundWhereSomethingWasWrittenBehindIt) {
  constexpr Position last = 9;
  for (Position position = 0; position <= last; ++position) {
    batch_.append(orders, position, "a message whose octets nobody may change");
    commit();
  }
  files_->kill();
  store_.reset();
  std::ifstream written{file(".log"), std::ios::binary};
  const std::string log{std::istreambuf_iterator<char>{written}, {}};
  const auto flip = [&](std::size_t at) {
    std::string flipped = log;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    std::ofstream{file(".log"), std::ios::binary} << flipped;
  };
  const auto body_at = [&](Position which) {
    std::size_t at = log.find("a message whose");
    for (; which > 0; --which) at = log.find("a message whose", at + 1);
    return at;
  };
  for (const Position which : {Position{0}, Position{4}, last - 1}) {
    flip(body_at(which));
    EXPECT_THAT(error_at_open(), AllOf(HasSubstr("is damaged"), HasSubstr(".log"), Not(HasSubstr("\n"))));
  }
  flip(body_at(last));
  open();
  EXPECT_THAT(messages(orders), testing::SizeIs(last)) << "a torn end looks the same";
}

// ------------------------------------------------------------------------------------------------------- memory store

TEST(MemoryStore, AnswersBeforeCommitReturns) {
  const auto store = make_memory_store();
  TestBatch batch;
  batch.append(orders, 0, "first");
  std::optional<StoreStatus> answer;
  store->commit(batch.take(), [&](std::unique_ptr<Batch> returned, StoreStatus status) {
    EXPECT_EQ(returned->appends.size(), 1u);
    answer = status;
  });
  EXPECT_EQ(answer, StoreStatus::stored);
}

TEST(MemoryStore, RemembersDefinitions) {
  const auto store = make_memory_store();
  store->put_definition("a", "1");
  store->put_definition("b", "2");
  store->put_definition("a", "3");
  store->erase_definition("b");
  std::map<std::string, std::string> definitions;
  store->recover_definitions([&](auto key, auto value) { definitions.emplace(key, value); });
  EXPECT_THAT(definitions, ElementsAre(Pair("a", "3")));
}

}  // namespace
}  // namespace leveret::storage
