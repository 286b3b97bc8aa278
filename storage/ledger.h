#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "storage/block.h"
#include "storage/database.h"
#include "storage/loaded_blocks.h"
#include "storage/queue_ledger.h"
#include "storage/shared_bodies.h"
#include "storage/store.h"

namespace rocksdb {
class WriteBatch;
}

namespace leveret::storage {

/// What is known in memory of the messages in a database, and how a group of batches becomes one write.
///
///     stage, stage, drop, stage ... > finish: the write says it all, and the ledger says what it will leave on disk
///
/// Staged batches stay as they are until the write is done: it may point into their contents.  What `finish` has put
/// into the write is on disk before anything is staged again.
class Ledger {
 public:
  /// `database` outlives the ledger.
  explicit Ledger(const Database& database) : database_(database), keeping_(database.keeping()), bodies_(database) {}

  void stage(const Batch& batch);

  /// Forgets a queue, with what was staged for it.
  void drop(QueueId queue, rocksdb::WriteBatch& write);

  /// Puts everything staged into the write.  Messages that were settled since they were staged are left out; contents
  /// that several messages still need are stored once.
  void finish(rocksdb::WriteBatch& write);

  /// Octets of bodies that went from the disk since this was last asked.
  std::uint64_t take_freed_octets() { return std::exchange(freed_octets_, 0); }

 private:
  struct StagedContent {
    Octets octets{};
    std::uint32_t references = 0;
    SharedBody shared_body{};
  };

  struct StagedAppend {
    Position position = 0;
    std::uint32_t content = 0;  // in staged_contents_
    std::uint32_t body_octets = 0;
    std::uint32_t returns = 0;
    bool redelivered = false;
    bool is_settled = false;
  };

  struct Queue {
    QueueLedger ledger;
    std::vector<StagedAppend> appends{};  // by position
    std::size_t loaded_blocks = 0;
    bool is_active = false;
  };

  bool is_ours(bool is_transient) const { return is_transient == (keeping_ == Keeping::transient); }
  Queue* activate(QueueId queue);
  static StagedAppend* staged(Queue& queue, Position position);
  void stage_delayed(const Append& append, std::uint32_t content);
  void settle_delayed(const Settle& settlement);
  void put_delayed(rocksdb::WriteBatch& write);
  void settle(Queue& queue, const Settle& settlement);
  static void count_returns(Queue& queue, const ReturnCount& counted);
  void purge(Queue& queue, const Purge& order);
  void forget(StagedAppend& append);
  void put_shared_bodies(rocksdb::WriteBatch& write);
  void put_messages(QueueId id, Queue& queue, rocksdb::WriteBatch& write);

  const Database& database_;
  const Keeping keeping_;
  SharedBodies bodies_;
  std::unordered_map<QueueId, Queue> queues_{};
  LoadedBlocks loaded_blocks_{};
  std::uint64_t freed_octets_ = 0;

  std::vector<StagedContent> staged_contents_{};
  std::map<std::pair<QueueId, DelayedPlace>, StagedAppend> staged_delayed_{};
  std::vector<QueueId> active_{};          // queues with something staged
  std::unordered_set<QueueId> dropped_{};  // their records are on disk until the write is done

  BlockWriter block_{};  // the one being written, and what is in it
  std::vector<BlockEntry> entries_{};
};

}  // namespace leveret::storage
