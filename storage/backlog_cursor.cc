#include "storage/backlog_cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/first_of.h"

namespace leveret::storage {

std::shared_ptr<const LoadedBlock> PartlyReadBlocks::take(const Place& place) {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find(blocks_, place, [](const auto& kept) { return kept.first; });
  if (found == blocks_.end()) return nullptr;
  auto block = std::move(found->second);
  blocks_.erase(found);
  return block;
}

void PartlyReadBlocks::keep(const Place& place, std::shared_ptr<const LoadedBlock> block) {
  const std::lock_guard lock{mutex_};
  blocks_.emplace_back(place, std::move(block));
  if (blocks_.size() > blocks_max) blocks_.pop_front();
}

namespace {

/// The first position a block can begin at that holds `position`.
Position lowest_first(Position position) {
  return position - std::min<Position>(position, block_span_max - 1);
}

}  // namespace

BacklogCursor::BacklogCursor(const Database& database, std::shared_ptr<rocksdb::Cache> cache,
                             PartlyReadBlocks& partly_read, QueueId queue, Position from)
    : database_(database),
      cache_(std::move(cache)),
      partly_read_(partly_read),
      queue_(queue),
      snapshot_(&database.db()),
      states_(database, Key{KeyKind::state, queue, lowest_first(from)}, end_of(KeyKind::state, queue),
              snapshot_.snapshot()) {
  states_.seek_back(Key{KeyKind::state, queue, from});
  states_.check();
  if (!states_.is_valid()) states_.seek(Key{KeyKind::state, queue, from});
  enter_block();
  if (is_valid_ && position() < from) {
    offset_ = static_cast<std::uint32_t>(std::min<Position>(from - first_, state_.span()));
    skip_gone();
  }
}

/// Stands at the first message of the block at `states_`, or of one behind it.
void BacklogCursor::enter_block() {
  block_.reset();
  states_.check();
  is_valid_ = states_.is_valid();
  if (!is_valid_) return;
  first_ = last_number(states_.key());
  offset_ = 0;
  auto state = BlockState::decode(states_.value());
  if (!state) {
    throw database_.damaged(
        fmt::format("what is settled of queue {} cannot be read", static_cast<std::uint64_t>(queue_)));
  }
  state_ = std::move(*state);
  skip_gone();
}

void BacklogCursor::skip_gone() {
  while (offset_ < state_.span() && state_.is_gone(offset_)) ++offset_;
  if (offset_ < state_.span()) return;
  states_.next();
  enter_block();
}

void BacklogCursor::advance() {
  ++offset_;
  skip_gone();
}

void BacklogCursor::leave() {
  if (is_valid_ && block_) partly_read_.keep(place(), std::move(block_));
}

std::shared_ptr<const LoadedBlock> BacklogCursor::load(const Key& key) {
  auto block = std::make_shared<LoadedBlock>();
  block->cache = cache_;
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_.snapshot();
  const auto status =
      database_.db().Get(options, database_.db().DefaultColumnFamily(), rocksdb::Slice{key}, &block->value);
  if (status.IsNotFound()) return nullptr;
  database_.require(status);
  auto entries = decode_block(key, text(block->value));
  if (!entries || entries->empty()) return nullptr;
  block->entries = std::move(*entries);
  return block;
}

std::shared_ptr<const LoadedBlock> BacklogCursor::body_block(SharedBody body) {
  const auto number = static_cast<std::uint64_t>(body);
  KeyRange blocks{database_, Key{KeyKind::references}, end_of(KeyKind::references), snapshot_.snapshot()};
  blocks.seek_back(Key{KeyKind::references, number});
  blocks.check();
  const Position first = blocks.is_valid() ? last_number(blocks.key()) : number;
  auto block = load(Key{KeyKind::body, first});
  if (!block || number - first >= block->entries.size()) {
    throw database_.damaged(fmt::format("shared body {} is not what was written", number));
  }
  return block;
}

BacklogCursor::Found BacklogCursor::message() {
  if (!block_) block_ = partly_read_.take(place());
  if (!block_) block_ = load(Key{KeyKind::messages, queue_, first_});
  const auto damaged = [this] {
    return database_.damaged(
        fmt::format("messages of queue {} are not what was written", static_cast<std::uint64_t>(queue_)));
  };
  if (!block_) throw damaged();
  const auto entry = std::ranges::lower_bound(block_->entries, position(), {}, &BlockEntry::position);
  if (entry == block_->entries.end() || entry->position != position()) throw damaged();

  Found found{.message = {.position = entry->position,
                          .redelivered = entry->redelivered,
                          .is_transient = database_.keeping() == Keeping::transient,
                          .returns = state_.returns(offset_),
                          .shared_body = entry->shared_body,
                          .content = entry->content},
              .buffer = block_};
  if (entry->shared_body == SharedBody::none) return found;
  const auto number = static_cast<std::uint64_t>(entry->shared_body);
  if (!bodies_ || number - bodies_->entries.front().position >= bodies_->entries.size()) {
    bodies_ = body_block(entry->shared_body);
  }
  found.message.content = bodies_->entries[number - bodies_->entries.front().position].content;
  found.buffer = bodies_;
  return found;
}

namespace {

/// Whether a read that has something ends here, if it can, at the end of a block.
bool ends_before(const BacklogCursor& cursor, std::size_t messages, std::size_t octets, const ReadLimits& limits) {
  if (messages == 0) return false;
  if (messages >= limits.messages || octets >= limits.octets) return true;
  return cursor.is_at_new_block() &&
         (messages + cursor.state().live() > limits.messages || octets + cursor.state().body_octets() > limits.octets);
}

}  // namespace

ReadResult read_backlog(const std::vector<BacklogCursor*>& cursors, Position from, const ReadLimits& limits) {
  ReadResult result;
  result.next = from;
  std::size_t octets = 0;
  BacklogCursor* cursor = nullptr;
  try {
    while ((cursor = first_of(cursors, &BacklogCursor::position)) &&
           !ends_before(*cursor, result.messages.size(), octets, limits)) {
      const auto [message, buffer] = cursor->message();
      if (!result.messages.empty() && octets + message.content.size() > limits.octets) break;
      octets += message.content.size();
      result.messages.push_back(message);
      if (result.buffers.empty() || result.buffers.back() != buffer) result.buffers.push_back(buffer);
      result.next = message.position + 1;
      cursor->advance();
    }
    if (cursor) result.next = cursor->position();
    result.is_end = !cursor;
    for (BacklogCursor* each : cursors) each->leave();
  } catch (const StoreError& error) {
    if (!result.messages.empty()) return result;  // the next read will come upon it at once
    result.error = error;
    if (cursor && cursor->is_valid()) result.next = cursor->block_end();
  }
  return result;
}

}  // namespace leveret::storage
