#include "storage/queue_ledger.h"

#include <rocksdb/write_batch.h>

#include <iterator>
#include <utility>

namespace leveret::storage {
namespace {

/// From this many blocks on, one range tombstone costs less than one tombstone each.
constexpr std::size_t range_delete_blocks_min = 32;

constexpr std::size_t words(std::size_t span) {
  return (span + 63) / 64;
}

}  // namespace

void QueueLedger::Block::set_gone(std::uint32_t offset) {
  if (!gone) gone = std::make_unique<std::uint64_t[]>(words(span));
  gone[offset / 64] |= std::uint64_t{1} << (offset % 64);
}

std::string QueueLedger::Block::record() const {
  std::string result;
  for (std::uint32_t octet = 0; octet * 8 < span; ++octet) {
    result.push_back(static_cast<char>(gone[octet / 8] >> (octet % 8 * 8)));
  }
  result.resize(result.find_last_not_of('\0') + 1);
  return result;
}

bool QueueLedger::add_block(const std::vector<BlockEntry>& entries, std::string_view settled_record,
                            SharedBodies& bodies) {
  if (entries.empty()) return false;
  const Position first = entries.front().position;
  const Position span = entries.back().position - first + 1;
  if (span > block_span_max || settled_record.size() > (span + 7) / 8) return false;

  Block block{.first = first, .span = static_cast<std::uint16_t>(span), .has_record = !settled_record.empty()};
  for (std::uint32_t i = 0; i < settled_record.size() * 8 && i < span; ++i) {
    if (is_settled(settled_record, i)) block.set_gone(i);
  }
  std::uint32_t expected = 0;
  for (const auto& entry : entries) {
    const auto offset = static_cast<std::uint32_t>(entry.position - first);
    for (; expected < offset; ++expected) block.set_gone(expected);
    ++expected;
    if (block.is_gone(offset)) continue;
    ++block.live;
    if (entry.shared_body == SharedBody::none) continue;
    if (!block.shared) block.shared = std::make_unique<std::vector<SharedReference>>();
    block.shared->push_back({.offset = offset, .body = entry.shared_body});
    bodies.acquire(entry.shared_body);
  }
  blocks_.push_back(std::move(block));
  if (blocks_.back().live == 0) {
    ++dead_blocks_;
    touch(blocks_.back());
  }
  use(entries.back().position);
  return true;
}

const QueueLedger::Block* QueueLedger::find(Position position) const {
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), position,
                                      [](Position wanted, const Block& block) { return wanted < block.first; });
  if (after == blocks_.begin()) return nullptr;
  const Block& block = *std::prev(after);
  return position - block.first < block.span ? &block : nullptr;
}

QueueLedger::Block* QueueLedger::find(Position position) {
  return const_cast<Block*>(std::as_const(*this).find(position));
}

bool QueueLedger::is_unsettled(Position position) const {
  const Block* block = find(position);
  return block && !block->is_gone(static_cast<std::uint32_t>(position - block->first));
}

void QueueLedger::touch(Block& block) {
  if (std::exchange(block.is_touched, true)) return;
  touched_.push_back(block.first);
}

void QueueLedger::release_shared(const Block& block, std::uint32_t offset, SharedBodies& bodies) {
  if (!block.shared) return;
  const auto reference = std::ranges::lower_bound(*block.shared, offset, {}, &SharedReference::offset);
  if (reference != block.shared->end() && reference->offset == offset) bodies.release(reference->body);
}

void QueueLedger::settle(Position position, SharedBodies& bodies) {
  Block* block = find(position);
  if (!block) return;
  const auto offset = static_cast<std::uint32_t>(position - block->first);
  if (block->is_gone(offset)) return;
  release_shared(*block, offset, bodies);
  block->set_gone(offset);
  if (--block->live == 0) ++dead_blocks_;
  touch(*block);
}

void QueueLedger::purge(Position before, SharedBodies& bodies) {
  const auto whole_end = std::partition_point(
      blocks_.begin(), blocks_.end(), [before](const Block& block) { return block.first + block.span <= before; });
  if (whole_end != blocks_.end()) {
    for (Position position = whole_end->first; position < before; ++position) settle(position, bodies);
  }
  if (static_cast<std::size_t>(whole_end - blocks_.begin()) < range_delete_blocks_min) {
    for (auto block = blocks_.begin(); block != whole_end; ++block) {
      for (Position position = block->first; block->live > 0; ++position) settle(position, bodies);
    }
    return;
  }
  deleted_.push_back({.first = blocks_.front().first, .end = std::prev(whole_end)->first + 1});
  for (auto block = blocks_.begin(); block != whole_end; ++block) {
    if (block->live == 0) --dead_blocks_;
    for (std::uint32_t offset = 0; block->shared && offset < block->span; ++offset) {
      if (!block->is_gone(offset)) release_shared(*block, offset, bodies);
    }
  }
  blocks_.erase(blocks_.begin(), whole_end);
}

Position QueueLedger::head() const {
  const auto live = std::ranges::find_if(blocks_, [](const Block& block) { return block.live > 0; });
  return live == blocks_.end() ? next_ : live->first;
}

std::optional<Position> QueueLedger::restore(std::string_view record) {
  if (record.empty()) return 0;
  const auto head = take_varint(record);
  if (!head) return std::nullopt;
  const auto delivered_before = take_varint(record);
  if (!delivered_before || !record.empty()) return std::nullopt;
  stored_head_ = *head;
  stored_delivered_before_ = delivered_before_ = *delivered_before;
  is_stored_ = true;
  next_ = std::max(*head, *delivered_before);
  return *head;
}

void QueueLedger::put_changes(QueueId queue, rocksdb::WriteBatch& write) {
  for (const auto& range : deleted_) {
    for (const auto kind : {KeyKind::messages, KeyKind::settled}) {
      write.DeleteRange(Key{kind, queue, range.first}, Key{kind, queue, range.end});
    }
  }
  deleted_.clear();

  for (const Position first : touched_) {
    Block* block = find(first);
    if (!block) continue;  // purged with many others
    block->is_touched = false;
    const Key record_key{KeyKind::settled, queue, first};
    if (block->live > 0) {
      write.Put(record_key, block->record());
      block->has_record = true;
    } else {
      write.Delete(Key{KeyKind::messages, queue, first});
      if (block->has_record) write.Delete(record_key);
    }
  }
  touched_.clear();
  forget_dead_blocks();

  const Position now_head = head();
  if (is_stored_ && stored_head_ == now_head && stored_delivered_before_ == delivered_before_) return;
  std::string record;
  append_varint(record, now_head);
  append_varint(record, delivered_before_);
  write.Put(Key{KeyKind::queue, queue}, record);
  stored_head_ = now_head;
  stored_delivered_before_ = delivered_before_;
  is_stored_ = true;
}

void QueueLedger::forget_dead_blocks() {
  for (; !blocks_.empty() && blocks_.front().live == 0; --dead_blocks_) blocks_.pop_front();
  if (dead_blocks_ <= blocks_.size() / 2) return;
  std::erase_if(blocks_, [](const Block& block) { return block.live == 0; });
  dead_blocks_ = 0;
}

void QueueLedger::drop(QueueId queue, SharedBodies& bodies, rocksdb::WriteBatch& write) {
  purge(next_, bodies);
  put_changes(queue, write);
  write.Delete(Key{KeyKind::queue, queue});
  *this = {};
}

}  // namespace leveret::storage
