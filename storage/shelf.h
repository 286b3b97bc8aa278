#pragma once
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <optional>

#include "storage/database.h"
#include "storage/ledger.h"
#include "storage/store.h"

namespace leveret::storage {

/// A database and the ledger of its messages: what puts staged work into it.  Belongs to the committer's thread.
class Shelf {
 public:
  /// `database` is open, and outlives the shelf.
  explicit Shelf(Database& database) : database_(database), ledger_(database) {}

  void stage(const Batch& batch) { ledger_.stage(batch); }
  void drop(QueueId queue) { ledger_.drop(queue, write_); }
  /// For what is no message.
  rocksdb::WriteBatch& write_batch() { return write_; }

  /// As GroupWriter::write.
  std::optional<StoreError> write();

  std::uint64_t take_freed_octets() { return ledger_.take_freed_octets(); }

 private:
  Database& database_;
  Ledger ledger_;
  rocksdb::WriteBatch write_{};
  bool is_finished_ = false;  // `write_` has everything that is staged
  bool is_broken_ = false;    // writing failed: the database is opened anew before it is tried again
};

}  // namespace leveret::storage
