#include "storage/shelf.h"

#include <utility>

namespace leveret::storage {
namespace {

/// A write batch that grew larger than this gives its memory back.
constexpr std::size_t write_octets_kept_max = 4 << 20;

}  // namespace

std::optional<StoreError> Shelf::write() {
  if (!std::exchange(is_finished_, true)) ledger_.finish(write_);
  if (is_broken_) {
    // A failed write or sync leaves it open what has reached the disk.  Opened anew, the database is what a restart
    // would find, and the group, written once more, puts the same values at the same keys.
    try {
      database_.reopen();
    } catch (const StoreError& failure) {
      return failure;
    }
    is_broken_ = false;
  }
  if (write_.Count() > 0) {
    rocksdb::WriteOptions options;
    options.sync = database_.keeping() == Keeping::durable;
    const auto status = database_.db().Write(options, &write_);
    if (!status.ok()) {
      is_broken_ = true;
      return database_.error(status);
    }
  }
  if (write_.GetDataSize() > write_octets_kept_max) {
    write_ = rocksdb::WriteBatch{};
  } else {
    write_.Clear();
  }
  is_finished_ = false;
  return std::nullopt;
}

}  // namespace leveret::storage
