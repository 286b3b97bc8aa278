#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "storage/block_state.h"
#include "storage/database.h"
#include "storage/loaded_blocks.h"
#include "storage/queue_record.h"
#include "storage/shared_bodies.h"
#include "storage/store.h"

namespace rocksdb {
class WriteBatch;
}

namespace leveret::storage {

/// One queue's messages on disk: its record, and the states of those blocks that are being settled.
///
/// States are loaded when a settlement needs them, many at a time, and forgotten when there are too many:
///
///     head                 front_end_                                           next
///      | blocks, all loaded |  blocks on disk, of which some may be loaded too   |
///
/// Changes are collected until `put_changes`; the database then agrees with what this object says.  Nothing is loaded
/// between that and the write.
class QueueLedger {
 public:
  /// What is stored of the queue.  `database`, `bodies` and `loaded` outlive the ledger.
  QueueLedger(QueueId queue, const Database& database, SharedBodies& bodies, const LoadedBlocks& loaded);

  /// A block that is being written.  Blocks come in order of position; the bodies they share are known.
  void add_block(const std::vector<BlockEntry>& entries, rocksdb::WriteBatch& write);

  /// A position that no block holds, or that is settled already, changes nothing.
  void settle(Position position, std::uint32_t body_octets);
  void set_returns(Position position, std::uint32_t returns);
  void purge(Position from, Position before);
  /// A delayed message that is being written; it shares no body.
  void add_delayed(const BlockEntry& entry);
  /// A delayed message on disk, which is settled once.
  void settle_delayed(const DelayedPlace& place, std::uint32_t body_octets);
  void mark_delivered(Position before) { record_.delivered_before = before; }

  /// The next position that was never used.
  Position next() const { return record_.next; }
  /// `position` is used, though no block holds it.
  void use(Position position) { record_.next = std::max(record_.next, position + 1); }

  /// Something of the queue is on disk, or will be with what was put last.
  bool is_stored() const { return stored_.has_value(); }

  /// Afterwards at most `LoadedBlocks::of_queue_max` states are in memory.
  void put_changes(rocksdb::WriteBatch& write);

  /// Deletes everything of the queue; the object is of no use afterwards.
  void drop(rocksdb::WriteBatch& write);

  std::size_t loaded_blocks() const { return blocks_.size(); }
  /// Octets of bodies that went from the disk since this was last asked.
  std::uint64_t take_freed_octets() { return std::exchange(freed_octets_, 0); }

 private:
  static constexpr Position everything = std::numeric_limits<Position>::max();

  struct Block {
    BlockState state{};
    bool is_touched = false;
    std::unique_ptr<std::vector<SharedReference>> shared{};  // loaded when one of them is settled
  };
  using Blocks = std::map<Position, Block>;  // by first position

  struct Range {
    Position first = 0;
    Position end = 0;
  };

  struct Sums {
    std::uint64_t messages = 0;
    std::uint64_t body_octets = 0;
    std::uint64_t shared = 0;
  };

  Blocks::iterator find(Position position);
  Blocks::iterator find_or_load(Position position);
  void load_front();
  Position load(Position from, std::size_t count);
  std::optional<Position> block_before(Position position) const;
  bool is_deleted(Position first) const;

  std::vector<BlockEntry> read_entries(Position first) const;
  void release_shared(Blocks::iterator block, std::uint32_t offset);
  void touch(Blocks::iterator block);
  void settle(Blocks::iterator block, std::uint32_t offset, std::uint32_t body_octets);
  void settle_part(Position from, Position before);

  void purge_blocks(Position from, Position before);
  template <class Visitor>
  void for_each_block(Position from, Position before, Visitor visit) const;
  Sums sums(Position from, Position before) const;
  void release_all_shared(Position from, Position before);
  void set_sums(const Sums& sums);

  void put_states(rocksdb::WriteBatch& write);
  void update_head();
  void forget();

  const QueueId queue_;
  const Database& database_;
  SharedBodies& bodies_;
  const LoadedBlocks& loaded_;

  QueueRecord record_{};
  std::optional<QueueRecord> stored_{};
  Blocks blocks_{};
  Position front_end_ = everything;  // all blocks that begin before it are loaded

  std::vector<Position> touched_{};              // first positions of the blocks that changed since `put_changes`
  std::vector<Range> deleted_{};                 // blocks that begin there have been purged since
  std::vector<DelayedPlace> settled_delayed_{};  // since `put_changes`
  std::uint64_t freed_octets_ = 0;
};

}  // namespace leveret::storage
