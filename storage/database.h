#pragma once
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/gate.h"
#include "storage/keys.h"
#include "storage/store.h"

namespace leveret::storage {

inline std::string_view text(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

/// Which messages of a batch concern a database: those that are to survive, or those that are not.
enum class Keeping : std::uint8_t { durable, transient };

/// A RocksDB database with the options of ours, and its errors as StoreErrors.
///
/// One thread writes, and may open it anew.  Others stay inside `gate()` while they use it.
class Database {
 public:
  struct Options {
    std::filesystem::path data_directory{};  // for messages
    std::string name{};                      // of the folder in it
    rocksdb::Env* env = nullptr;
    std::size_t write_buffer_octets = 0;
    std::shared_ptr<rocksdb::Cache> cache{};  // of what is read of tables, except for the blocks
    Keeping keeping = Keeping::durable;
  };

  enum class Missing : std::uint8_t { refuse, create };

  explicit Database(Options options) : options_(std::move(options)) {}
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// This object, when it is open.  Errors: StoreError.
  Database& open(Missing missing);
  /// Makes it usable again after an error: what a restart would find.  Errors: StoreError; then there is no database
  /// until it succeeds.
  void reopen();
  void close();

  rocksdb::DB& db() const { return *db_; }
  Gate& gate() { return gate_; }
  Keeping keeping() const { return options_.keeping; }
  /// Set while those who stay inside the gate are to leave soon.
  std::atomic<bool>& is_leaving() { return is_leaving_; }

  /// Does what reads for the thread that writes.  A read that fails there cannot be answered with an error: it is
  /// handed to `on_failed_read`, which waits before it is tried again, or throws.
  template <class Read>
  auto patiently(Read read) const {
    for (;;) {
      try {
        return read();
      } catch (const StoreError& failure) {
        if (!on_failed_read) throw;
        on_failed_read(failure);
      }
    }
  }
  std::function<void(const StoreError&)> on_failed_read{};

  std::optional<std::string> get(std::string_view key) const;
  std::string path() const { return (options_.data_directory / options_.name).string(); }

  StoreError error(const rocksdb::Status& status) const;
  StoreError damaged(const std::string& what) const;
  void require(const rocksdb::Status& status) const {
    if (!status.ok()) throw error(status);
  }

 private:
  rocksdb::Options rocksdb_options(Missing missing) const;
  void check_logs() const;
  void check_log(const std::string& file) const;
  void check_blob_files() const;

  const Options options_;
  Gate gate_;
  std::atomic<bool> is_leaving_{false};
  std::unique_ptr<rocksdb::DB> db_{};
};

/// The keys of a kind, or those of one queue, in order.  Stands nowhere until it is told where: a seek to the first key
/// meets all that was deleted before it.
class KeyRange {
 public:
  KeyRange(const Database& database, const Key& first, const Key& end, const rocksdb::Snapshot* snapshot = nullptr);
  KeyRange(const KeyRange&) = delete;
  KeyRange& operator=(const KeyRange&) = delete;

  bool is_valid() const { return iterator_->Valid(); }
  void next() { iterator_->Next(); }
  void seek_first() { iterator_->Seek(first_slice_); }
  void seek(const Key& key) { iterator_->Seek(key); }
  /// The last key that is not behind `key`.
  void seek_back(const Key& key) { iterator_->SeekForPrev(key); }
  std::string_view key() const { return text(iterator_->key()); }
  std::string_view value() const { return text(iterator_->value()); }
  /// Errors: StoreError, for what kept it from reading.
  void check() const { database_.require(iterator_->status()); }

 private:
  const Database& database_;
  Key first_;
  Key end_;
  rocksdb::Slice first_slice_;
  rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace leveret::storage
