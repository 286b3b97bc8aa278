#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block.h"
#include "storage/shared_bodies.h"
#include "storage/store.h"

namespace rocksdb {
class WriteBatch;
}

namespace leveret::storage {

/// What the database says is settled of a block: one bit a position, lowest first, from the block's first position to
/// the last settled one.  Positions that never held a message count as settled.
inline bool is_settled(std::string_view settled_record, Position offset) {
  return offset / 8 < settled_record.size() && (settled_record[offset / 8] >> (offset % 8) & 1);
}

/// What is known in memory of one queue's messages on disk: its blocks, and which of their messages are settled.
/// Some 32 octets a block, and one bit a position for a block that is settled in part.
///
/// Changes are collected until `put_changes`; the database then agrees with what this object says.
class QueueLedger {
 public:
  /// A block has been written or found.  Blocks come in order of position; the bodies its unsettled messages share are
  /// known.  `settled_record` is empty for a block nothing of which is settled.
  /// False, and nothing added, when the record does not belong to such a block.
  bool add_block(const std::vector<BlockEntry>& entries, std::string_view settled_record, SharedBodies& bodies);

  /// A position that no block holds, or that is settled already, changes nothing.
  void settle(Position position, SharedBodies& bodies);
  void purge(Position before, SharedBodies& bodies);
  void mark_delivered(Position before) { delivered_before_ = before; }

  bool is_unsettled(Position position) const;
  Position delivered_before() const { return delivered_before_; }

  /// The next position that was never used.
  Position next() const { return next_; }
  /// `position` is used, though no block holds it.
  void use(Position position) { next_ = std::max(next_, position + 1); }

  /// Takes over what the queue's own record says, which is empty for a queue that has none.  The position its messages
  /// are to be read from, or nothing when the record cannot be read.
  std::optional<Position> restore(std::string_view record);

  void put_changes(QueueId queue, rocksdb::WriteBatch& write);

  /// Deletes everything of the queue; this object is then like a new one.
  void drop(QueueId queue, SharedBodies& bodies, rocksdb::WriteBatch& write);

 private:
  struct SharedReference {
    std::uint32_t offset = 0;
    SharedBody body{};
  };

  struct Block {
    Position first = 0;
    std::uint16_t span = 0;  // positions from the first to the last message
    std::uint16_t live = 0;  // unsettled messages
    bool is_touched = false;
    bool has_record = false;                                 // the database says what is settled of it
    std::unique_ptr<std::uint64_t[]> gone{};                 // one bit a position: settled, or never there
    std::unique_ptr<std::vector<SharedReference>> shared{};  // by offset

    bool is_gone(std::uint32_t offset) const { return gone && (gone[offset / 64] >> (offset % 64) & 1); }
    void set_gone(std::uint32_t offset);
    std::string record() const;
  };

  struct DeletedRange {
    Position first = 0;
    Position end = 0;
  };

  Block* find(Position position);
  const Block* find(Position position) const;
  void touch(Block& block);
  static void release_shared(const Block& block, std::uint32_t offset, SharedBodies& bodies);
  void forget_dead_blocks();
  /// The position before which nothing unsettled is on disk.
  Position head() const;

  std::deque<Block> blocks_{};  // by first position; the ones without an unsettled message go now and then
  std::size_t dead_blocks_ = 0;
  Position next_ = 0;
  Position delivered_before_ = 0;

  std::vector<Position> touched_{};  // first positions of the blocks that changed since `put_changes`
  std::vector<DeletedRange> deleted_{};
  Position stored_head_ = 0;
  Position stored_delivered_before_ = 0;
  bool is_stored_ = false;
};

}  // namespace leveret::storage
