#include "storage/ledger.h"

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <stdexcept>

namespace leveret::storage {
/// The queue, or nothing when it has been dropped.
Ledger::Queue* Ledger::activate(QueueId id) {
  if (dropped_.contains(id)) return nullptr;
  auto queue = queues_.find(id);
  if (queue == queues_.end()) {
    queue = queues_.emplace(id, Queue{.ledger = QueueLedger{id, database_, bodies_, loaded_blocks_}}).first;
  }
  if (!std::exchange(queue->second.is_active, true)) active_.push_back(id);
  return &queue->second;
}

void Ledger::stage(const Batch& batch) {
  const auto first_content = static_cast<std::uint32_t>(staged_contents_.size());
  for (const auto& content : batch.contents) staged_contents_.push_back({.octets = content.octets()});

  for (const auto& append : batch.appends) {
    const std::uint32_t content = first_content + static_cast<std::uint32_t>(append.content);
    if (append.due != DueTime::none) {
      stage_delayed(append, content);
      continue;
    }
    Queue* queue = is_ours(append.is_transient) ? activate(append.queue) : nullptr;
    if (!queue) continue;
    if (append.position < queue->ledger.next()) {
      throw std::logic_error(
          fmt::format("queue {} uses position {} twice", static_cast<std::uint64_t>(append.queue), append.position));
    }
    queue->appends.push_back({.position = append.position,
                              .content = content,
                              .body_octets = append.body_octets,
                              .redelivered = append.redelivered});
    queue->ledger.use(append.position);
    ++staged_contents_[content].references;
  }
  if (keeping_ == Keeping::durable) {
    for (const auto& mark : batch.delivered) {
      if (Queue* queue = activate(mark.queue)) queue->ledger.mark_delivered(mark.before);
    }
    for (const auto& counted : batch.returns) {
      if (Queue* queue = activate(counted.queue)) count_returns(*queue, counted);
    }
  }
  for (const auto& settlement : batch.settlements) {
    if (!is_ours(settlement.is_transient)) continue;
    if (settlement.due != DueTime::none)
      settle_delayed(settlement);
    else if (Queue* queue = activate(settlement.queue))
      settle(*queue, settlement);
  }
  for (const auto& order : batch.purges) {
    if (Queue* queue = activate(order.queue)) purge(*queue, order);
  }
}

/// A delayed message has a copy of its own of what it shares with others, so it is no reference.
void Ledger::stage_delayed(const Append& append, std::uint32_t content) {
  if (!is_ours(append.is_transient) || !activate(append.queue)) return;
  const DelayedPlace place{.due = append.due, .position = append.position};
  const StagedAppend staged{.position = append.position,
                            .content = content,
                            .body_octets = append.body_octets,
                            .redelivered = append.redelivered};
  if (!staged_delayed_.emplace(std::pair{append.queue, place}, staged).second) {
    throw std::logic_error(
        fmt::format("queue {} uses position {} twice", static_cast<std::uint64_t>(append.queue), append.position));
  }
}

void Ledger::settle_delayed(const Settle& settlement) {
  Queue* queue = activate(settlement.queue);
  const DelayedPlace place{.due = settlement.due, .position = settlement.position};
  if (queue && staged_delayed_.erase({settlement.queue, place}) == 0)
    queue->ledger.settle_delayed(place, settlement.body_octets);
}

void Ledger::forget(StagedAppend& append) {
  if (std::exchange(append.is_settled, true)) return;
  --staged_contents_[append.content].references;
}

Ledger::StagedAppend* Ledger::staged(Queue& queue, Position position) {
  const auto append = std::ranges::lower_bound(queue.appends, position, {}, &StagedAppend::position);
  return append != queue.appends.end() && append->position == position ? &*append : nullptr;
}

void Ledger::settle(Queue& queue, const Settle& settlement) {
  if (StagedAppend* append = staged(queue, settlement.position)) {
    forget(*append);
  } else {
    queue.ledger.settle(settlement.position, settlement.body_octets);
  }
}

void Ledger::count_returns(Queue& queue, const ReturnCount& counted) {
  if (StagedAppend* append = staged(queue, counted.position)) {
    append->returns = counted.returns;
  } else {
    queue.ledger.set_returns(counted.position, counted.returns);
  }
}

void Ledger::purge(Queue& queue, const Purge& order) {
  for (auto& append : queue.appends) {
    if (append.position >= order.from && append.position < order.before) forget(append);
  }
  queue.ledger.purge(order.from, order.before);
}

void Ledger::drop(QueueId id, rocksdb::WriteBatch& write) {
  Queue* queue = activate(id);
  if (!queue) return;
  for (auto& append : queue->appends) forget(append);
  staged_delayed_.erase(staged_delayed_.lower_bound({id, DelayedPlace{}}),
                        staged_delayed_.lower_bound({QueueId{static_cast<std::uint64_t>(id) + 1}, DelayedPlace{}}));
  queue->ledger.drop(write);
  freed_octets_ += queue->ledger.take_freed_octets();
  loaded_blocks_.changed(queue->loaded_blocks, 0);
  queues_.erase(id);
  dropped_.insert(id);
}

void Ledger::finish(rocksdb::WriteBatch& write) {
  put_shared_bodies(write);
  put_delayed(write);
  for (const QueueId id : active_) {
    const auto found = queues_.find(id);
    if (found == queues_.end()) continue;  // dropped meanwhile
    Queue& queue = found->second;
    queue.is_active = false;
    put_messages(id, queue, write);
    queue.ledger.put_changes(write);
    const std::size_t loaded = queue.ledger.loaded_blocks();
    loaded_blocks_.changed(std::exchange(queue.loaded_blocks, loaded), loaded);
    freed_octets_ += queue.ledger.take_freed_octets();
    // Settlements may come when their queue has been dropped.
    if (!queue.ledger.is_stored()) queues_.erase(found);
  }
  active_.clear();
  dropped_.clear();
  staged_contents_.clear();
  bodies_.put_changes(write);
}

void Ledger::put_shared_bodies(rocksdb::WriteBatch& write) {
  std::uint64_t number = 0;
  const auto end_block = [&] {
    if (block_.is_empty()) return;
    bodies_.add_block(SharedBody{block_.first()}, number - block_.first());
    block_.put(Key{KeyKind::body, block_.first()}, write);
  };
  for (auto& content : staged_contents_) {
    if (content.references < 2) continue;
    if (!block_.has_room(number, content.octets.size())) end_block();
    if (block_.is_empty()) number = static_cast<std::uint64_t>(bodies_.next());
    content.shared_body = SharedBody{number};
    block_.add({.position = number++, .content = content.octets});
  }
  end_block();
}

void Ledger::put_delayed(rocksdb::WriteBatch& write) {
  for (const auto& [where, append] : staged_delayed_) {
    const auto& [id, place] = where;
    const BlockEntry entry{.position = append.position,
                           .redelivered = append.redelivered,
                           .content = staged_contents_[append.content].octets,
                           .body_octets = append.body_octets};
    block_.add(entry);
    block_.put(Key{KeyKind::delayed, id, place}, write);
    queues_.at(id).ledger.add_delayed(entry);
  }
  staged_delayed_.clear();
}

void Ledger::put_messages(QueueId id, Queue& queue, rocksdb::WriteBatch& write) {
  const auto end_block = [&] {
    if (block_.is_empty()) return;
    block_.put(Key{KeyKind::messages, id, block_.first()}, write);
    queue.ledger.add_block(entries_, write);
    entries_.clear();
  };
  for (const auto& append : queue.appends) {
    if (append.is_settled) continue;
    const StagedContent& content = staged_contents_[append.content];
    BlockEntry entry{.position = append.position,
                     .redelivered = append.redelivered,
                     .shared_body = content.shared_body,
                     .body_octets = append.body_octets,
                     .returns = append.returns};
    if (entry.shared_body == SharedBody::none) entry.content = content.octets;
    if (!block_.has_room(append.position, entry.content.size())) end_block();
    block_.add(entry);
    entries_.push_back(entry);
  }
  end_block();
  queue.appends.clear();
}

}  // namespace leveret::storage
