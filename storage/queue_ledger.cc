#include "storage/queue_ledger.h"

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace leveret::storage {
namespace {

/// What a block takes on disk beside the bodies, near enough.
constexpr std::uint64_t block_overhead_octets = 100;

}  // namespace

QueueLedger::QueueLedger(QueueId queue, const Database& database, SharedBodies& bodies, const LoadedBlocks& loaded)
    : queue_(queue), database_(database), bodies_(bodies), loaded_(loaded) {
  database_.patiently([this] {
    const auto stored = database_.get(Key{KeyKind::queue, queue_});
    if (!stored) return;
    stored_ = decode_queue_record(*stored);
    if (!stored_) {
      throw database_.damaged(fmt::format("the record of queue {} cannot be read", static_cast<std::uint64_t>(queue_)));
    }
    record_ = *stored_;
    if (record_.messages > 0) front_end_ = record_.head;
  });
}

// ---------------------------------------------------------------------------------------------------------- loading

/// The loaded block that holds `position`, or none.
QueueLedger::Blocks::iterator QueueLedger::find(Position position) {
  auto block = blocks_.upper_bound(position);
  if (block == blocks_.begin()) return blocks_.end();
  --block;
  return position - block->first < block->second.state.span() ? block : blocks_.end();
}

QueueLedger::Blocks::iterator QueueLedger::find_or_load(Position position) {
  const auto block = find(position);
  if (block != blocks_.end() || position < front_end_) return block;
  if (blocks_.empty() || blocks_.begin()->first >= front_end_) load_front();
  if (find(position) == blocks_.end() && position >= front_end_) {
    if (const auto first = block_before(position)) load(*first, loaded_.of_queue_max() / 8);
  }
  return find(position);
}

void QueueLedger::load_front() {
  front_end_ = load(front_end_, loaded_.of_queue_max() / 2);
}

/// Loads the next states from `from` on.  Where the first one begins that was not; `everything` when there is none.
Position QueueLedger::load(Position from, std::size_t count) {
  return database_.patiently([&] {
    KeyRange states{database_, Key{KeyKind::state, queue_, from}, end_of(KeyKind::state, queue_)};
    states.seek_first();
    for (std::size_t loaded = 0; states.is_valid(); states.next()) {
      const Position first = last_number(states.key());
      if (is_deleted(first)) continue;
      if (loaded++ == count) return first;
      if (blocks_.contains(first)) continue;
      auto state = BlockState::decode(states.value());
      if (!state) {
        throw database_.damaged(
            fmt::format("what is settled of queue {} cannot be read", static_cast<std::uint64_t>(queue_)));
      }
      blocks_.emplace(first, Block{.state = std::move(*state)});
    }
    states.check();
    return everything;
  });
}

/// The first position of the last block on disk that begins at `position` or before, and could hold it.
std::optional<Position> QueueLedger::block_before(Position position) const {
  return database_.patiently([&]() -> std::optional<Position> {
    const Position lowest = position - std::min<Position>(position, block_span_max - 1);
    KeyRange states{database_, Key{KeyKind::state, queue_, lowest}, end_of(KeyKind::state, queue_)};
    states.seek_back(Key{KeyKind::state, queue_, position});
    states.check();
    if (!states.is_valid()) return std::nullopt;
    return last_number(states.key());
  });
}

bool QueueLedger::is_deleted(Position first) const {
  return std::ranges::any_of(deleted_,
                             [first](const Range& range) { return range.first <= first && first < range.end; });
}

std::vector<BlockEntry> QueueLedger::read_entries(Position first) const {
  return database_.patiently([&] {
    const Key key{KeyKind::messages, queue_, first};
    const std::string value = database_.get(key).value_or("");
    auto entries = decode_block(key, value);
    if (!entries) {
      throw database_.damaged(
          fmt::format("messages of queue {} are not what was written", static_cast<std::uint64_t>(queue_)));
    }
    for (auto& entry : *entries) entry.content = {};  // they go with `value`
    return std::move(*entries);
  });
}

// ---------------------------------------------------------------------------------------------------------- changes

void QueueLedger::add_block(const std::vector<BlockEntry>& entries, rocksdb::WriteBatch& write) {
  const Position first = entries.front().position;
  BlockState state{entries};
  write.Put(Key{KeyKind::state, queue_, first}, state.encode());
  record_.messages += state.live();
  record_.body_octets += state.body_octets();
  for (const auto& entry : entries) {
    if (entry.shared_body == SharedBody::none) continue;
    bodies_.acquire(entry.shared_body);
    ++record_.shared;
  }
  use(entries.back().position);
  blocks_.emplace(first, Block{.state = std::move(state)});
}

void QueueLedger::settle(Position position, std::uint32_t body_octets) {
  if (record_.messages == 0) return;
  const auto block = find_or_load(position);
  if (block == blocks_.end()) return;
  const auto offset = static_cast<std::uint32_t>(position - block->first);
  if (!block->second.state.is_gone(offset)) settle(block, offset, body_octets);
}

void QueueLedger::set_returns(Position position, std::uint32_t returns) {
  if (record_.messages == 0) return;
  const auto block = find_or_load(position);
  if (block == blocks_.end()) return;
  const auto offset = static_cast<std::uint32_t>(position - block->first);
  if (block->second.state.is_gone(offset)) return;
  block->second.state.set_returns(offset, returns);
  touch(block);
}

void QueueLedger::touch(Blocks::iterator block) {
  if (!std::exchange(block->second.is_touched, true)) touched_.push_back(block->first);
}

void QueueLedger::settle(Blocks::iterator block, std::uint32_t offset, std::uint32_t body_octets) {
  if (block->second.state.has_shared()) release_shared(block, offset);
  block->second.state.settle(offset, body_octets);
  touch(block);
  --record_.messages;
  record_.body_octets -= std::min<std::uint64_t>(body_octets, record_.body_octets);
  if (record_.messages == 0) record_.body_octets = 0;
  freed_octets_ += body_octets;
}

void QueueLedger::release_shared(Blocks::iterator block, std::uint32_t offset) {
  auto& shared = block->second.shared;
  if (!shared) {
    shared = std::make_unique<std::vector<SharedReference>>();
    for (const auto& entry : read_entries(block->first)) {
      if (entry.shared_body == SharedBody::none) continue;
      shared->push_back(
          {.offset = static_cast<std::uint32_t>(entry.position - block->first), .body = entry.shared_body});
    }
  }
  const auto reference = std::ranges::lower_bound(*shared, offset, {}, &SharedReference::offset);
  if (reference == shared->end() || reference->offset != offset) return;
  bodies_.release(reference->body);
  --record_.shared;
}

// ----------------------------------------------------------------------------------------------------------- delayed

void QueueLedger::add_delayed(const BlockEntry& entry) {
  ++record_.delayed;
  record_.delayed_body_octets += entry.body_octets;
  use(entry.position);
}

void QueueLedger::settle_delayed(const DelayedPlace& place, std::uint32_t body_octets) {
  if (record_.delayed == 0) return;
  settled_delayed_.push_back(place);
  --record_.delayed;
  record_.delayed_body_octets -= std::min<std::uint64_t>(body_octets, record_.delayed_body_octets);
  freed_octets_ += body_octets + block_overhead_octets;
}

// ----------------------------------------------------------------------------------------------------------- purging

void QueueLedger::purge(Position from, Position before) {
  before = std::min(before, record_.next);
  if (record_.messages == 0 || from >= before) return;
  from = std::max(from, record_.head);
  // The blocks at both ends lose a part, unless the purge takes them whole.
  const auto first_block = find_or_load(from);
  if (first_block != blocks_.end() && first_block->first < from) {
    const Position end = first_block->first + first_block->second.state.span();
    settle_part(from, std::min(before, end));
    from = std::min(before, end);
  }
  if (from >= before) return;
  const auto last_block = find_or_load(before - 1);
  if (last_block != blocks_.end() && last_block->first + last_block->second.state.span() > before) {
    const Position first = last_block->first;
    settle_part(first, before);
    before = first;
  }
  if (from < before && record_.messages > 0) purge_blocks(from, before);
}

/// Settles what is left between two positions of a block.
void QueueLedger::settle_part(Position from, Position before) {
  const auto block = find(from);
  for (const auto& entry : read_entries(block->first)) {
    if (entry.position < from || entry.position >= before) continue;
    const auto offset = static_cast<std::uint32_t>(entry.position - block->first);
    if (!block->second.state.is_gone(offset)) settle(block, offset, entry.body_octets);
  }
}

/// Deletes whole blocks.  What is left of the queue is counted where there is least to count.
void QueueLedger::purge_blocks(Position from, Position before) {
  if (record_.shared > 0) release_all_shared(from, before);
  const std::uint64_t body_octets_before = record_.body_octets;
  if (before == record_.next) {
    set_sums(from <= record_.head ? Sums{} : sums(record_.head, from));
  } else {
    const Sums purged = sums(from, before);
    set_sums({.messages = record_.messages - purged.messages,
              .body_octets = record_.body_octets - std::min(purged.body_octets, record_.body_octets),
              .shared = record_.shared - purged.shared});
  }
  freed_octets_ += body_octets_before - record_.body_octets;
  blocks_.erase(blocks_.lower_bound(from), blocks_.lower_bound(before));
  deleted_.push_back({.first = from, .end = before});
}

/// Calls `visit` with the first position and the state of every block that begins in the range and is not settled.
template <class Visitor>
void QueueLedger::for_each_block(Position from, Position before, Visitor visit) const {
  if (front_end_ >= before) {
    for (auto block = blocks_.lower_bound(from); block != blocks_.lower_bound(before); ++block) {
      visit(block->first, block->second.state);
    }
    return;
  }
  KeyRange states{database_, Key{KeyKind::state, queue_, from}, Key{KeyKind::state, queue_, before}};
  for (states.seek_first(); states.is_valid(); states.next()) {
    const Position first = last_number(states.key());
    if (is_deleted(first)) continue;
    if (const auto block = blocks_.find(first); block != blocks_.end()) {
      visit(first, block->second.state);
      continue;
    }
    const auto state = BlockState::decode(states.value());
    if (!state) {
      throw database_.damaged(
          fmt::format("what is settled of queue {} cannot be read", static_cast<std::uint64_t>(queue_)));
    }
    visit(first, *state);
  }
  states.check();
}

QueueLedger::Sums QueueLedger::sums(Position from, Position before) const {
  return database_.patiently([&] {
    Sums result;
    for_each_block(from, before, [&](Position first, const BlockState& state) {
      result.messages += state.live();
      result.body_octets += state.body_octets();
      if (!state.has_shared() || state.live() == 0) return;
      for (const auto& entry : read_entries(first)) {
        const auto offset = static_cast<std::uint32_t>(entry.position - first);
        if (entry.shared_body != SharedBody::none && !state.is_gone(offset)) ++result.shared;
      }
    });
    return result;
  });
}

void QueueLedger::release_all_shared(Position from, Position before) {
  const auto released = database_.patiently([&] {
    std::vector<SharedBody> found;
    for_each_block(from, before, [&](Position first, const BlockState& state) {
      if (!state.has_shared() || state.live() == 0) return;
      for (const auto& entry : read_entries(first)) {
        const auto offset = static_cast<std::uint32_t>(entry.position - first);
        if (entry.shared_body != SharedBody::none && !state.is_gone(offset)) found.push_back(entry.shared_body);
      }
    });
    return found;
  });
  for (const auto body : released) bodies_.release(body);
}

void QueueLedger::set_sums(const Sums& sums) {
  record_.messages = sums.messages;
  record_.body_octets = sums.body_octets;
  record_.shared = sums.shared;
}

// ----------------------------------------------------------------------------------------------------------- writing

void QueueLedger::put_changes(rocksdb::WriteBatch& write) {
  const bool may_have_new_head = !touched_.empty() || !deleted_.empty();
  for (const auto& range : deleted_) {
    for (const auto kind : {KeyKind::messages, KeyKind::state}) {
      write.DeleteRange(Key{kind, queue_, range.first}, Key{kind, queue_, range.end});
    }
  }
  for (const auto& place : settled_delayed_) write.Delete(Key{KeyKind::delayed, queue_, place});
  settled_delayed_.clear();
  put_states(write);
  if (may_have_new_head) update_head();
  for (const Position first : touched_) {
    const auto block = blocks_.find(first);
    if (block != blocks_.end() && block->second.state.live() == 0) blocks_.erase(block);
  }
  touched_.clear();
  deleted_.clear();
  forget();

  const bool is_new_and_empty = !stored_ && record_ == QueueRecord{};
  if (is_new_and_empty || stored_ == record_) return;
  write.Put(Key{KeyKind::queue, queue_}, encode_queue_record(record_));
  stored_ = record_;
}

void QueueLedger::put_states(rocksdb::WriteBatch& write) {
  for (const Position first : touched_) {
    const auto block = blocks_.find(first);
    if (block == blocks_.end()) continue;  // purged with many others
    block->second.is_touched = false;
    const Key state_key{KeyKind::state, queue_, first};
    if (block->second.state.live() > 0) {
      write.Put(state_key, block->second.state.encode());
    } else {
      write.Delete(Key{KeyKind::messages, queue_, first});
      write.Delete(state_key);
      freed_octets_ += block_overhead_octets;
    }
  }
}

void QueueLedger::update_head() {
  for (;;) {
    const auto live = std::ranges::find_if(blocks_, [](const auto& block) { return block.second.state.live() > 0; });
    if (live != blocks_.end() && live->first < front_end_) {
      record_.head = live->first;
      return;
    }
    if (front_end_ == everything || record_.messages == 0) break;
    load_front();
  }
  front_end_ = everything;
  record_.head = record_.next;
}

/// Forgets all states behind the first ones, when there are too many.
void QueueLedger::forget() {
  const std::size_t loaded_max = loaded_.of_queue_max();
  if (blocks_.size() <= loaded_max) return;
  const auto kept_end = std::next(blocks_.begin(), static_cast<std::ptrdiff_t>(loaded_max / 2));
  front_end_ = std::min(front_end_, kept_end->first);
  blocks_.erase(kept_end, blocks_.end());
}

void QueueLedger::drop(rocksdb::WriteBatch& write) {
  purge(0, record_.next);
  freed_octets_ += record_.delayed_body_octets + record_.delayed * block_overhead_octets;
  if (std::exchange(record_.delayed, 0) > 0)
    write.DeleteRange(Key{KeyKind::delayed, queue_}, end_of(KeyKind::delayed, queue_));
  put_changes(write);
  write.Delete(Key{KeyKind::queue, queue_});
}

}  // namespace leveret::storage
