#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <atomic>
#include <fstream>
#include <semaphore>

#include "storage/block.h"
#include "storage/keys.h"
#include "storage/rocksdb_store.h"
#include "tests/storage/faulty_file_system.h"
#include "tests/storage/store_support.h"

namespace leveret::storage {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;
using namespace std::chrono_literals;

constexpr QueueId orders{1};

/// What happens to a disk, and what the store makes of it.
class FaultTest : public testing::Test {
 protected:
  FaultTest() { open(); }

  void open() {
    files_ = std::make_shared<FaultyFileSystem>();
    open_again();
  }
  void open_again(std::chrono::milliseconds retry_after = 1ms) {
    store_ = open_rocksdb_store({.directory = directory_.path(),
                                 .on_alarm = [this](const StoreError& error) { alarmed(error); },
                                 .on_alarm_cleared = [this] { alarms_cleared_.release(); },
                                 .retry_after_min = retry_after,
                                 .retry_after_max = 5 * retry_after,
                                 .write_buffer_octets = 256 << 10,
                                 .file_system = files_});
  }
  void close() {
    store_->close();
    store_.reset();
  }
  void alarmed(const StoreError& error) {
    alarm_ = error.what();
    alarms_.release();
  }

  void commit() { ASSERT_EQ(storage::commit(*store_, batch_).get(), StoreStatus::stored); }

  /// The paths of the closed store's files whose names end so.
  std::vector<std::filesystem::path> files_ending(std::string_view end) const {
    std::vector<std::filesystem::path> result;
    for (const auto& entry : std::filesystem::directory_iterator{directory_.store()}) {
      if (entry.path().string().ends_with(end)) result.push_back(entry.path());
    }
    return result;
  }

  /// Three blocks, which are in a file for large values when the store is closed.
  void store_three_blocks() {
    for (Position block = 0; block < 3; ++block) {
      for (Position i = 0; i < 10; ++i) batch_.append(orders, 10 * block + i, std::string(1000, 'x'));
      commit();
    }
    close();
  }

  std::string error_at_open() {
    try {
      open();
    } catch (const StoreError& error) {
      return error.what();
    }
    return {};
  }

  TestDirectory directory_;
  std::string alarm_{};
  std::counting_semaphore<> alarms_{0};
  std::counting_semaphore<> alarms_cleared_{0};
  std::shared_ptr<FaultyFileSystem> files_{};
  std::unique_ptr<Store> store_{};
  TestBatch batch_{};
};

TEST_F(FaultTest, FullDiskConfirmsNothingUntilThereIsRoom) {
  batch_.append(orders, 0, "before");
  commit();
  files_->break_down(rocksdb::IOStatus::NoSpace("no space left on device"));
  batch_.append(orders, 1, "meanwhile");
  auto meanwhile = storage::commit(*store_, batch_);
  alarms_.acquire();
  EXPECT_THAT(alarm_, HasSubstr("no space left on device"));
  EXPECT_EQ(meanwhile.wait_for(20ms), std::future_status::timeout);
  files_->repair();
  alarms_cleared_.acquire();
  EXPECT_EQ(meanwhile.get(), StoreStatus::stored);
  EXPECT_THAT(read_all(*store_, orders).messages, ElementsAre(Pair(0, "before"), Pair(1, "meanwhile")));
}

TEST_F(FaultTest, ReadWaitsWhileTheDatabaseCannotBeOpened) {
  batch_.append(orders, 0, "before");
  commit();
  files_->break_down();
  batch_.append(orders, 1, "meanwhile");
  auto meanwhile = storage::commit(*store_, batch_);
  alarms_.acquire();
  std::promise<ReadResult> answer;
  store_->read(orders, 0, {}, [&answer](ReadResult result) { answer.set_value(std::move(result)); });
  files_->repair();
  const auto result = answer.get_future().get();
  EXPECT_FALSE(result.error);
  EXPECT_EQ(text_of(result.messages.at(0).content), "before");
}

TEST_F(FaultTest, ReadThatWaitsWhenTheStoreEndsIsAnsweredWithAnError) {
  files_->break_down();
  batch_.append(orders, 0, "first");
  auto first = storage::commit(*store_, batch_);
  alarms_.acquire();
  std::promise<ReadResult> answer;
  store_->read(orders, 0, {}, [&answer](ReadResult result) { answer.set_value(std::move(result)); });
  EXPECT_THROW(store_->close(), StoreError);
  const auto result = answer.get_future().get();
  EXPECT_TRUE(result.error || result.messages.empty());
}

TEST_F(FaultTest, DiskThatHasFailedAndIsWellAgainDoesNotKeepTheStoreFromClosing) {
  close();
  open_again(10min);
  batch_.append_transient(orders, 0, std::string(300'000, 't'));
  commit();
  files_->break_down(rocksdb::IOStatus::IOError("the disk has failed"), ".blob");
  batch_.append_transient(orders, 1, "its memory is full: a file is to be written, and fails behind its back");
  commit();
  files_->await_failure();
  files_->break_down();
  batch_.append(orders, 2, "durable").append_transient(orders, 3, "transient");
  auto meanwhile = storage::commit(*store_, batch_);
  alarms_.acquire();
  files_->repair();
  EXPECT_NO_THROW(close());
  EXPECT_EQ(meanwhile.get(), StoreStatus::stored);
}

TEST_F(FaultTest, FlippedBitInAFileIsReportedAndTheRestIsRead) {
  store_three_blocks();
  const auto blobs = files_ending(".blob");
  ASSERT_EQ(blobs.size(), 1u);
  {
    std::fstream file{blobs.front(), std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(blobs.front()) / 2));  // in the second block
    file.put('y');
  }
  open();
  EXPECT_EQ(store_->recover_queue(orders).messages, 30u);
  const auto before = read(*store_, orders, 0);
  EXPECT_EQ(before.messages.size(), 10u);
  EXPECT_FALSE(before.error);
  const auto damaged = read(*store_, orders, before.next);
  ASSERT_TRUE(damaged.error);
  EXPECT_THAT(damaged.error->what(), AllOf(HasSubstr("is damaged"), Not(HasSubstr("\n"))));
  EXPECT_TRUE(damaged.messages.empty());
  EXPECT_EQ(damaged.next, 20u);
  const auto behind = read(*store_, orders, damaged.next);
  EXPECT_EQ(behind.messages.size(), 10u);
  EXPECT_TRUE(behind.is_end);
}

TEST_F(FaultTest, MissingFileOfLargeValuesIsRefusedByName) {
  store_three_blocks();
  const auto blob = files_ending(".blob").at(0);
  std::filesystem::remove(blob);
  EXPECT_THAT(error_at_open(), AllOf(HasSubstr("is damaged"), HasSubstr(blob.filename()), Not(HasSubstr("\n"))));
}

TEST_F(FaultTest, ShortenedFileOfLargeValuesIsRefusedByName) {
  store_three_blocks();
  const auto blob = files_ending(".blob").at(0);
  std::filesystem::resize_file(blob, std::filesystem::file_size(blob) - 1);
  EXPECT_THAT(error_at_open(), AllOf(HasSubstr("is damaged"), HasSubstr(blob.filename()), Not(HasSubstr("\n"))));
}

TEST_F(FaultTest, FilesThatAreMergedWhileItOpensAreNotMissed) {
  const auto die = [this] {
    commit();
    files_->kill();
    store_.reset();
    files_ = std::make_shared<FaultyFileSystem>();
  };
  for (Position i = 0; i < 2; ++i) {  // each start makes a file of what is in the log; the fourth begins to merge them
    batch_.append(orders, i, std::string(1000, 'x'));
    die();
    open_again();
    batch_.settle(orders, i, 1000);
    die();
    if (i == 1) files_->tell_sizes_slowly();
    EXPECT_NO_THROW(open_again());
  }
}

TEST_F(FaultTest, StateThatCannotBeReadRaisesTheAlarmAndConfirmsNothing) {
  batch_.append(orders, 0, "first").append(orders, 1, "second");
  commit();
  close();
  {
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, directory_.store().string(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db{opened};
    ASSERT_TRUE(db->Put({}, storage::Key{KeyKind::state, orders, 0}, "\xFF").ok());
  }
  open();
  batch_.settle(orders, 0);
  auto settled = storage::commit(*store_, batch_);
  alarms_.acquire();
  EXPECT_THAT(alarm_, HasSubstr("what is settled of queue 1 cannot be read"));
  EXPECT_THROW(store_->close(), StoreError);
  EXPECT_EQ(settled.get(), StoreStatus::failed);
}

/// A file system of a few MiB, where the tests may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const std::filesystem::path& path) : path_(path) {
    std::filesystem::create_directories(path_);
    is_mounted_ = mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=12m") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool is_mounted() const { return is_mounted_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
  bool is_mounted_ = false;
};

TEST_F(FaultTest, RealFullDiskLosesNothingThatWasConfirmed) {
  const SmallDisk disk{directory_.path() / "disk"};
  if (!disk.is_mounted()) GTEST_SKIP() << "needs the right to mount a file system";
  { std::ofstream{disk.path() / "ballast"} << std::string(4 << 20, 'b'); }
  const auto open_on_disk = [&] {
    return open_rocksdb_store({.directory = disk.path() / "data",
                               .on_alarm = [this](const StoreError& error) { alarmed(error); },
                               .on_alarm_cleared = [this] { alarms_cleared_.release(); },
                               .retry_after_min = 1ms,
                               .retry_after_max = 20ms,
                               .write_buffer_octets = 256 << 10});
  };
  auto store = open_on_disk();
  std::atomic<std::size_t> stored = 0;
  Position position = 0;
  while (!alarms_.try_acquire_for(5ms)) {
    batch_.append(orders, position++, std::string(200'000, 'x'));
    store->commit(batch_.take(), [&](auto, StoreStatus status) { stored += status == StoreStatus::stored; });
  }
  const std::size_t stored_when_full = stored;
  EXPECT_LT(stored_when_full, position);
  std::filesystem::remove(disk.path() / "ballast");
  alarms_cleared_.acquire();
  store->close();
  store.reset();
  EXPECT_EQ(stored, position);
  store = open_on_disk();
  EXPECT_EQ(store->recover_queue(orders).messages, position);
  EXPECT_EQ(read_all(*store, orders).messages.size(), position);
  store->close();
}

}  // namespace
}  // namespace leveret::storage
