#pragma once
#include <vector>

#include "storage/database.h"
#include "storage/store.h"

namespace leveret::storage {

/// Walks over the delayed messages that a database has of a queue, in order of their places, as of one moment.  A key
/// has one message: they are written in one order and settled in another.
///
/// Errors: StoreError, from everything that is not `const`.
class DelayedCursor {
 public:
  /// Stands at the first message at `from` or behind it.  `database` outlives the cursor.
  DelayedCursor(const Database& database, QueueId queue, const DelayedPlace& from);

  /// False behind the last one.
  bool is_valid() const { return keys_.is_valid(); }
  DelayedPlace place() const { return delayed_place(keys_.key()); }
  /// A copy of the message where it stands, which is added to `result`; how many octets its content has.
  std::size_t add_to(ReadResult& result) const;
  /// How many octets that would be, near enough.
  std::size_t octets() const { return keys_.value().size(); }
  void advance();

 private:
  const Database& database_;
  const QueueId queue_;
  KeyRange keys_;
};

/// Reads from where the cursors stand, which see different messages of one queue.
ReadResult read_delayed(const std::vector<DelayedCursor*>& cursors, const DelayedPlace& from, const ReadLimits& limits);

}  // namespace leveret::storage
