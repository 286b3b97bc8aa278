#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "storage/block.h"
#include "storage/queue_ledger.h"
#include "storage/shared_bodies.h"
#include "storage/store.h"

namespace rocksdb {
class WriteBatch;
}

namespace leveret::storage {

/// What is known in memory of all messages on disk, and how a group of batches becomes one write.
///
///     stage, stage, drop, stage ... > finish: the write says it all, and the ledger says what it will leave on disk
///
/// Staged batches stay as they are until the write is done: it may point into their contents.
class Ledger {
 public:
  void stage(const Batch& batch);

  /// Forgets a queue, with what was staged for it.
  void drop(QueueId queue, rocksdb::WriteBatch& write);

  /// Puts everything staged into the write.  Messages that were settled since they were staged are left out; contents
  /// that several messages still need are stored once.
  void finish(rocksdb::WriteBatch& write);

  /// For recovery.
  QueueLedger& queue(QueueId queue) { return queues_[queue].ledger; }
  SharedBodies& bodies() { return bodies_; }

 private:
  struct StagedContent {
    Octets octets{};
    std::uint32_t references = 0;
    SharedBody shared_body{};
  };

  struct StagedAppend {
    Position position = 0;
    std::uint32_t content = 0;  // in staged_contents_
    bool redelivered = false;
    bool is_settled = false;
  };

  struct Queue {
    QueueLedger ledger{};
    std::vector<StagedAppend> appends{};  // by position
    bool is_active = false;
  };

  Queue& activate(QueueId queue);
  void settle(Queue& queue, Position position);
  void purge(Queue& queue, Position before);
  void forget(StagedAppend& append);
  void put_shared_bodies(rocksdb::WriteBatch& write);
  void put_messages(QueueId id, Queue& queue, rocksdb::WriteBatch& write);

  std::unordered_map<QueueId, Queue> queues_{};
  SharedBodies bodies_{};

  std::vector<StagedContent> staged_contents_{};
  std::vector<QueueId> active_{};  // queues with something staged

  BlockWriter block_{};  // the one being written, and what is in it
  std::vector<BlockEntry> entries_{};
};

}  // namespace leveret::storage
