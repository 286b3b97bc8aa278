#pragma once
#include <rocksdb/file_system.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::storage {

/// The machine's files, with a disk that can fail, hang, lose its power, or count.  Takes calls from any thread.
///
/// A sync is only noted down, so tests are quick; `lose_power` takes away what no sync asked for.
class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FaultyFileSystem();
  const char* Name() const override { return "FaultyFileSystem"; }

  /// Writes and syncs, of files whose names end so, fail until `repair`.
  void break_down(rocksdb::IOStatus failure = rocksdb::IOStatus::IOError("the disk has failed"),
                  std::string suffix = {});
  void repair();

  /// Reads of files whose names end so fail until `allow_reads`.
  void fail_reads(std::string suffix);
  void allow_reads();

  /// From now on it takes its time to tell a file's size.
  void tell_sizes_slowly();

  /// Waits until something could not be written since `break_down`.
  void await_failure();

  /// Syncs of the log wait until `resume_syncs`.
  void hold_syncs();
  void resume_syncs();
  /// Waits until a sync of the log waits.
  void await_held_sync();

  /// How often the log was synced.
  std::uint64_t log_syncs() const;

  /// The process dies: nothing it does from now on reaches the files.
  void kill();
  /// The machine dies: as `kill`, and what was not synced is lost or torn, in the log also garbled, as `random` will
  /// have it.
  void lose_power(std::mt19937& random);

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileSize(const std::string& path, const rocksdb::IOOptions& options, std::uint64_t* size,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  friend class TrackedFile;
  friend class ReadFile;
  friend class TrackedDirectory;

  struct FileState {
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
  };

  /// A change of names that a power loss may undo: `path` appeared, from `renamed_from` if that has a name; it had
  /// `replaced` as content before.
  struct NameChange {
    std::string path{};
    std::string renamed_from{};
    std::optional<std::string> replaced{};
  };

  rocksdb::IOStatus check_alive(std::string_view path);
  rocksdb::IOStatus check_readable(const std::string& path) const;
  void sync(const std::string& path);
  void undo(const NameChange& change);

  std::atomic<bool> tells_sizes_slowly_{false};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool is_broken_ = false;
  std::string broken_suffix_{};
  bool has_failed_ = false;
  rocksdb::IOStatus failure_{};
  std::optional<std::string> unreadable_suffix_{};
  bool is_dead_ = false;
  bool holds_syncs_ = false;
  bool has_held_sync_ = false;
  std::uint64_t log_syncs_ = 0;
  std::map<std::string, FileState> files_{};
  std::vector<NameChange> name_changes_{};  // since the directory was last synced
};

}  // namespace leveret::storage
