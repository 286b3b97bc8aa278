#pragma once
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include "storage/store.h"

namespace rocksdb {
class FileSystem;
}

namespace leveret::storage {

struct RocksdbOptions {
  std::filesystem::path directory{};  // the data directory; made when it is missing

  /// Writing has begun to fail, or works again.  Called on the store's own thread, each once per change.
  std::function<void(const StoreError&)> on_alarm{};
  std::function<void()> on_alarm_cleared{};

  std::chrono::milliseconds retry_after_min{100};  // doubled after each failure
  std::chrono::milliseconds retry_after_max{5'000};

  std::size_t write_buffer_octets = 16 << 20;  // kept in memory, and in the log, before they become a file

  std::shared_ptr<rocksdb::FileSystem> file_system{};  // the machine's own when empty
};

/// A store on this machine's disk, RocksDB in `directory`/store.  What it writes there is in docs/storage.md.
///
/// Errors: StoreError with one line, when the directory is in use, has an unknown format, or cannot be read or written.
std::unique_ptr<Store> open_rocksdb_store(const RocksdbOptions& options);

}  // namespace leveret::storage
