#pragma once
#include <rocksdb/snapshot.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/block.h"
#include "storage/block_state.h"
#include "storage/database.h"
#include "storage/store.h"

namespace leveret::storage {

/// A block of messages or of bodies as it was read, checked.
struct LoadedBlock {
  std::shared_ptr<rocksdb::Cache> cache{};  // what `value` may be pinned in
  rocksdb::PinnableSlice value{};
  std::vector<BlockEntry> entries{};  // their contents point into `value`
};

/// The last blocks of which a read took only a part, for the reads that take the rest.  Takes calls from any thread.
class PartlyReadBlocks {
 public:
  struct Place {
    const Database* database = nullptr;
    QueueId queue{};
    Position first{};
    friend bool operator==(const Place&, const Place&) = default;
  };

  /// Gives back the block, and forgets it; nothing when it is not here.
  std::shared_ptr<const LoadedBlock> take(const Place& place);
  void keep(const Place& place, std::shared_ptr<const LoadedBlock> block);

 private:
  static constexpr std::size_t blocks_max = 32;  // of at most `block_octets_max`, as a larger one has one message

  std::mutex mutex_;  // guards what follows
  std::deque<std::pair<Place, std::shared_ptr<const LoadedBlock>>> blocks_{};
};

/// Walks over the unsettled messages that a database has of a queue, as of one moment.  Where they are is known from
/// the states of the blocks; a block itself is read when one of its messages is asked for.
///
/// Errors: StoreError, from everything that is not `const`.
class BacklogCursor {
 public:
  /// Stands at the first message at `from` or behind it.  All outlive the cursor.
  BacklogCursor(const Database& database, std::shared_ptr<rocksdb::Cache> cache, PartlyReadBlocks& partly_read,
                QueueId queue, Position from);

  /// False behind the last one.
  bool is_valid() const { return is_valid_; }
  Position position() const { return first_ + offset_; }
  /// Where the block ends in which the cursor stands, and what the block has.
  Position block_end() const { return first_ + state_.span(); }
  const BlockState& state() const { return state_; }
  /// Whether the next message is in a block that has not been read.
  bool is_at_new_block() const { return !block_; }

  struct Found {
    StoredMessage message{};
    std::shared_ptr<const void> buffer{};  // what its content points into
  };
  Found message();
  void advance();

  /// Keeps the block for the next read, if something of it is left.
  void leave();

 private:
  void enter_block();
  void skip_gone();
  std::shared_ptr<const LoadedBlock> load(const Key& key);
  std::shared_ptr<const LoadedBlock> body_block(SharedBody body);
  PartlyReadBlocks::Place place() const { return {.database = &database_, .queue = queue_, .first = first_}; }

  const Database& database_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  PartlyReadBlocks& partly_read_;
  const QueueId queue_;
  rocksdb::ManagedSnapshot snapshot_;
  KeyRange states_;

  bool is_valid_ = false;
  Position first_ = 0;
  std::uint32_t offset_ = 0;
  BlockState state_{};
  std::shared_ptr<const LoadedBlock> block_{};
  std::shared_ptr<const LoadedBlock> bodies_{};
};

/// Reads from where the cursors stand, which see different messages of one queue, in order of position.
ReadResult read_backlog(const std::vector<BacklogCursor*>& cursors, Position from, const ReadLimits& limits);

}  // namespace leveret::storage
