#include "storage/delayed_cursor.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "storage/block.h"
#include "storage/first_of.h"

namespace leveret::storage {

DelayedCursor::DelayedCursor(const Database& database, QueueId queue, const DelayedPlace& from)
    : database_(database),
      queue_(queue),
      keys_(database, Key{KeyKind::delayed, queue, from}, end_of(KeyKind::delayed, queue)) {
  keys_.seek_first();
  keys_.check();
}

void DelayedCursor::advance() {
  keys_.next();
  keys_.check();
}

std::size_t DelayedCursor::add_to(ReadResult& result) const {
  const auto value = std::make_shared<const std::string>(keys_.value());
  const auto entries = decode_block(keys_.key(), *value);
  if (!entries || entries->size() != 1) {
    throw database_.damaged(
        fmt::format("a delayed message of queue {} is not what was written", static_cast<std::uint64_t>(queue_)));
  }
  const BlockEntry& entry = entries->front();
  result.messages.push_back({.position = entry.position,
                             .redelivered = entry.redelivered,
                             .is_transient = database_.keeping() == Keeping::transient,
                             .content = entry.content,
                             .due = place().due});
  result.buffers.push_back(value);
  return entry.content.size();
}

namespace {

void read_on_at(ReadResult& result, const DelayedPlace& place) {
  result.next = place.position;
  result.next_due = place.due;
}

DelayedPlace behind(const DelayedPlace& place) {
  return {.due = place.due, .position = place.position + 1};
}

bool is_enough(const ReadResult& result, std::size_t octets, const ReadLimits& limits) {
  return !result.messages.empty() && (result.messages.size() >= limits.messages || octets > limits.octets);
}

}  // namespace

ReadResult read_delayed(const std::vector<DelayedCursor*>& cursors, const DelayedPlace& from,
                        const ReadLimits& limits) {
  ReadResult result;
  read_on_at(result, from);
  std::size_t octets = 0;
  DelayedCursor* cursor = nullptr;
  try {
    while ((cursor = first_of(cursors, &DelayedCursor::place)) &&
           !is_enough(result, octets + cursor->octets(), limits)) {
      const DelayedPlace place = cursor->place();
      octets += cursor->add_to(result);
      read_on_at(result, behind(place));
      cursor->advance();
    }
    if (cursor) read_on_at(result, cursor->place());
    result.is_end = !cursor;
  } catch (const StoreError& error) {
    if (!result.messages.empty()) return result;  // the next read will come upon it at once
    result.error = error;
    if (cursor && cursor->is_valid()) read_on_at(result, behind(cursor->place()));
  }
  return result;
}

}  // namespace leveret::storage
