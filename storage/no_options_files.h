#pragma once
#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <utility>

namespace leveret::storage {

/// A file system in which RocksDB cannot make its OPTIONS files, which it does without.  It writes one at each opening
/// and reads it back to compare, a sixth of a start of ours; our options are in the program.
class NoOptionsFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit NoOptionsFiles(const std::shared_ptr<rocksdb::FileSystem>& target) : FileSystemWrapper(target) {}
  const char* Name() const override { return "NoOptionsFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    if (name.find("/OPTIONS-") != std::string::npos) return rocksdb::IOStatus::NotSupported("no options files");
    return target()->NewWritableFile(name, options, result, context);
  }
};

}  // namespace leveret::storage
