#include "tests/storage/faulty_file_system.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

namespace leveret::storage {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

bool is_log(const std::string& path) {
  return path.ends_with(".log");
}

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

class TrackedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  TrackedFile(FaultyFileSystem& system, std::string path, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(system), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const std::lock_guard lock{system_.mutex_};
    if (auto status = system_.check_alive(path_); !status.ok()) return status;
    system_.files_[path_].written += data.size();
    return target()->Append(data, options, debug);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const std::lock_guard lock{system_.mutex_};
    if (auto status = system_.check_alive(path_); !status.ok()) return status;
    return target()->Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return sync(); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return sync(); }
  void PrepareWrite(std::size_t, std::size_t, const IOOptions&, IODebugContext*) override {
    // Space allocated in advance would be cut off at the end of a dead process, and lengthen what the power loss cut.
  }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  IOStatus sync() {
    if (auto status = target()->Flush({}, nullptr); !status.ok()) return status;
    std::unique_lock lock{system_.mutex_};
    if (is_log(path_) && system_.holds_syncs_) {
      system_.has_held_sync_ = true;
      system_.changed_.notify_all();
      system_.changed_.wait(lock, [this] { return !system_.holds_syncs_; });
    }
    if (auto status = system_.check_alive(path_); !status.ok()) return status;
    system_.sync(path_);
    return IOStatus::OK();
  }

  FaultyFileSystem& system_;
  const std::string path_;
};

class TrackedDirectory final : public rocksdb::FSDirectory {
 public:
  TrackedDirectory(FaultyFileSystem& system, std::string path) : system_(system), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{system_.mutex_};
    if (auto status = system_.check_alive(path_); !status.ok()) return status;
    system_.name_changes_.clear();
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  FaultyFileSystem& system_;
  const std::string path_;
};

class ReadFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  ReadFile(FaultyFileSystem& system, std::string path, std::unique_ptr<rocksdb::FSRandomAccessFile> file)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), system_(system), path_(std::move(path)) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions& options, rocksdb::Slice* result, char* scratch,
                IODebugContext* debug) const override {
    if (auto status = system_.check_readable(path_); !status.ok()) return status;
    return target()->Read(offset, size, options, result, scratch, debug);
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    if (auto status = system_.check_readable(path_); !status.ok()) return status;
    return target()->MultiRead(requests, count, options, debug);
  }
  IOStatus Prefetch(std::uint64_t, std::size_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("everything is read by Read");
  }

 private:
  FaultyFileSystem& system_;
  const std::string path_;
};

FaultyFileSystem::FaultyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

IOStatus FaultyFileSystem::check_alive(std::string_view path) {
  if (is_dead_) return IOStatus::IOError("the machine has stopped");
  if (!is_broken_ || !path.ends_with(broken_suffix_)) return IOStatus::OK();
  has_failed_ = true;
  changed_.notify_all();
  return failure_;
}

void FaultyFileSystem::sync(const std::string& path) {
  if (is_log(path)) ++log_syncs_;
  FileState& file = files_[path];
  file.synced = file.written;
}

void FaultyFileSystem::break_down(IOStatus failure, std::string suffix) {
  const std::lock_guard lock{mutex_};
  is_broken_ = true;
  has_failed_ = false;
  failure_ = std::move(failure);
  broken_suffix_ = std::move(suffix);
}

void FaultyFileSystem::repair() {
  const std::lock_guard lock{mutex_};
  is_broken_ = false;
}

void FaultyFileSystem::fail_reads(std::string suffix) {
  const std::lock_guard lock{mutex_};
  unreadable_suffix_ = std::move(suffix);
}

void FaultyFileSystem::allow_reads() {
  const std::lock_guard lock{mutex_};
  unreadable_suffix_.reset();
}

IOStatus FaultyFileSystem::check_readable(const std::string& path) const {
  const std::lock_guard lock{mutex_};
  if (unreadable_suffix_ && path.ends_with(*unreadable_suffix_)) return IOStatus::IOError("the disk cannot be read");
  return IOStatus::OK();
}

void FaultyFileSystem::await_failure() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return has_failed_; });
}

void FaultyFileSystem::tell_sizes_slowly() {
  tells_sizes_slowly_ = true;
}

void FaultyFileSystem::hold_syncs() {
  const std::lock_guard lock{mutex_};
  holds_syncs_ = true;
  has_held_sync_ = false;
}

void FaultyFileSystem::resume_syncs() {
  const std::lock_guard lock{mutex_};
  holds_syncs_ = false;
  changed_.notify_all();
}

void FaultyFileSystem::await_held_sync() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return has_held_sync_; });
}

std::uint64_t FaultyFileSystem::log_syncs() const {
  const std::lock_guard lock{mutex_};
  return log_syncs_;
}

void FaultyFileSystem::kill() {
  const std::lock_guard lock{mutex_};
  is_dead_ = true;
}

void FaultyFileSystem::lose_power(std::mt19937& random) {
  const std::lock_guard lock{mutex_};
  is_dead_ = true;
  const auto up_to = [&random](std::uint64_t max) {
    return std::uniform_int_distribution<std::uint64_t>{0, max}(random);
  };
  for (const auto& [path, file] : files_) {
    if (file.written == file.synced || !std::filesystem::exists(path)) continue;
    const std::uint64_t kept = file.synced + up_to(file.written - file.synced);
    std::filesystem::resize_file(path, kept);
    if (kept == file.synced || !is_log(path) || up_to(1) == 0) continue;
    std::fstream garbled{path, std::ios::binary | std::ios::in | std::ios::out};
    garbled.seekp(static_cast<std::streamoff>(file.synced + up_to(kept - file.synced - 1)));
    garbled.put(static_cast<char>(up_to(255)));
  }
  for (auto lost = up_to(name_changes_.size()); lost > 0; --lost) {
    undo(name_changes_.back());
    name_changes_.pop_back();
  }
}

void FaultyFileSystem::undo(const NameChange& change) {
  if (!std::filesystem::exists(change.path)) return;
  if (!change.renamed_from.empty()) std::filesystem::rename(change.path, change.renamed_from);
  if (change.replaced) {
    std::ofstream{change.path, std::ios::binary} << *change.replaced;
  } else {
    std::filesystem::remove(change.path);
  }
}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  const std::lock_guard lock{mutex_};
  if (auto status = check_alive(path); !status.ok()) return status;
  NameChange change{.path = path, .renamed_from = {}, .replaced = content_of(path)};
  std::unique_ptr<rocksdb::FSWritableFile> file;
  if (auto status = target()->NewWritableFile(path, options, &file, debug); !status.ok()) return status;
  name_changes_.push_back(std::move(change));
  files_[path] = {};
  *result = std::make_unique<TrackedFile>(*this, path, std::move(file));
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                               IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  if (auto status = target()->NewRandomAccessFile(path, options, &file, debug); !status.ok()) return status;
  *result = std::make_unique<ReadFile>(*this, path, std::move(file));
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::NewDirectory(const std::string& path, const IOOptions&,
                                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) {
  *result = std::make_unique<TrackedDirectory>(*this, path);
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                      IODebugContext* debug) {
  const std::lock_guard lock{mutex_};
  if (auto status = check_alive(to); !status.ok()) return status;
  name_changes_.push_back({.path = to, .renamed_from = from, .replaced = content_of(to)});
  files_[to] = files_[from];
  files_.erase(from);
  return target()->RenameFile(from, to, options, debug);
}

IOStatus FaultyFileSystem::GetFileSize(const std::string& path, const IOOptions& options, std::uint64_t* size,
                                       IODebugContext* debug) {
  if (tells_sizes_slowly_) std::this_thread::sleep_for(std::chrono::milliseconds{100});
  return target()->GetFileSize(path, options, size, debug);
}

IOStatus FaultyFileSystem::DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  const std::lock_guard lock{mutex_};
  if (auto status = check_alive(path); !status.ok()) return status;
  files_.erase(path);
  return target()->DeleteFile(path, options, debug);
}

}  // namespace leveret::storage
