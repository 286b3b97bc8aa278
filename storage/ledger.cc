#include "storage/ledger.h"

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <stdexcept>

namespace leveret::storage {

Ledger::Queue& Ledger::activate(QueueId id) {
  Queue& queue = queues_[id];
  if (!std::exchange(queue.is_active, true)) active_.push_back(id);
  return queue;
}

void Ledger::stage(const Batch& batch) {
  const auto first_content = static_cast<std::uint32_t>(staged_contents_.size());
  for (const auto& content : batch.contents) staged_contents_.push_back({.octets = content.octets()});

  for (const auto& append : batch.appends) {
    Queue& queue = activate(append.queue);
    if (append.position < queue.ledger.next()) {
      throw std::logic_error(
          fmt::format("queue {} uses position {} twice", static_cast<std::uint64_t>(append.queue), append.position));
    }
    const std::uint32_t content = first_content + static_cast<std::uint32_t>(append.content);
    queue.appends.push_back({.position = append.position, .content = content, .redelivered = append.redelivered});
    queue.ledger.use(append.position);
    ++staged_contents_[content].references;
  }
  for (const auto& mark : batch.delivered) activate(mark.queue).ledger.mark_delivered(mark.before);
  for (const auto& settlement : batch.settlements) settle(activate(settlement.queue), settlement.position);
  for (const auto& order : batch.purges) purge(activate(order.queue), order.before);
}

void Ledger::forget(StagedAppend& append) {
  if (std::exchange(append.is_settled, true)) return;
  --staged_contents_[append.content].references;
}

void Ledger::settle(Queue& queue, Position position) {
  const auto append = std::ranges::lower_bound(queue.appends, position, {}, &StagedAppend::position);
  if (append != queue.appends.end() && append->position == position) {
    forget(*append);
  } else {
    queue.ledger.settle(position, bodies_);
  }
}

void Ledger::purge(Queue& queue, Position before) {
  for (auto& append : queue.appends) {
    if (append.position >= before) break;
    forget(append);
  }
  queue.ledger.purge(before, bodies_);
}

void Ledger::drop(QueueId id, rocksdb::WriteBatch& write) {
  const auto found = queues_.find(id);
  if (found == queues_.end()) return;
  for (auto& append : found->second.appends) forget(append);
  found->second.ledger.drop(id, bodies_, write);
  queues_.erase(found);
}

void Ledger::finish(rocksdb::WriteBatch& write) {
  put_shared_bodies(write);
  for (const QueueId id : active_) {
    const auto queue = queues_.find(id);
    if (queue == queues_.end() || !std::exchange(queue->second.is_active, false)) continue;  // dropped meanwhile
    put_messages(id, queue->second, write);
    queue->second.ledger.put_changes(id, write);
  }
  active_.clear();
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

void Ledger::put_messages(QueueId id, Queue& queue, rocksdb::WriteBatch& write) {
  const auto end_block = [&] {
    if (block_.is_empty()) return;
    queue.ledger.add_block(entries_, {}, bodies_);
    block_.put(Key{KeyKind::messages, id, block_.first()}, write);
    entries_.clear();
  };
  for (const auto& append : queue.appends) {
    if (append.is_settled) continue;
    const StagedContent& content = staged_contents_[append.content];
    BlockEntry entry{
        .position = append.position, .redelivered = append.redelivered, .shared_body = content.shared_body};
    if (entry.shared_body == SharedBody::none) entry.content = content.octets;
    if (!block_.has_room(append.position, entry.content.size())) end_block();
    block_.add(entry);
    entries_.push_back(entry);
  }
  end_block();
  queue.appends.clear();
}

}  // namespace leveret::storage
