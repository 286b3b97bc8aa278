#pragma once
#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <utility>

namespace leveret::storage {

/// A file system for RocksDB, which writes some files otherwise than it would by itself.
///
/// There are no OPTIONS files: it would write one at each opening and read it back to compare, a sixth of a start of
/// ours, and our options are in the program.
///
/// A log has the size of its preallocated blocks at once, so that a sync has no new size to make durable: it takes 98
/// instead of 125 us then (1 KiB, ext4 on a virtual disk).  Behind the last record it has zeros, where a reader ends.
class StoreFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit StoreFiles(const std::shared_ptr<rocksdb::FileSystem>& target) : FileSystemWrapper(target) {}
  const char* Name() const override { return "StoreFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    if (name.find("/OPTIONS-") != std::string::npos) return rocksdb::IOStatus::NotSupported("no options files");
    return target()->NewWritableFile(name, options, result, context);
  }

  rocksdb::FileOptions OptimizeForLogWrite(const rocksdb::FileOptions& options,
                                           const rocksdb::DBOptions& of_database) const override {
    auto optimized = target()->OptimizeForLogWrite(options, of_database);
    optimized.fallocate_with_keep_size = false;
    return optimized;
  }
};

}  // namespace leveret::storage
