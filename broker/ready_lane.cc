#include "broker/ready_lane.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace leveret::broker {

void ReadyLane::append(Position position, QueuedMessage message) {
  Run& run = paged_out_.messages > 0 ? late_ : fresh_;
  run.push_back({position, std::move(message)});
}

void ReadyLane::put_back(Position position, QueuedMessage message) {
  if (!message.is_in_memory()) unload(message);
  returned_.emplace(position, std::move(message));
}

const QueuedMessage& ReadyLane::first() const {
  return is_returned_next() ? returned_.begin()->second : fresh_.front().message;
}

bool ReadyLane::is_returned_next() const {
  return !returned_.empty() && (fresh_.empty() || returned_.begin()->first < fresh_.front().position);
}

ReadyLane::Front ReadyLane::front() {
  if (is_returned_next()) return {returned_.begin()->first, &returned_.begin()->second};
  return {fresh_.front().position, &fresh_.front().message};
}

void ReadyLane::pop_front() {
  if (is_returned_next()) {
    returned_.erase(returned_.begin());
    return;
  }
  fresh_.pop_front();
  drop_holes();
}

void ReadyLane::drop_holes() {
  while (!fresh_.empty() && fresh_.front().is_hole()) fresh_.pop_front();
}

std::optional<QueuedMessage> ReadyLane::take(Position position) {
  if (const auto found = returned_.find(position); found != returned_.end()) {
    if (!found->second.is_in_memory()) return {};
    QueuedMessage taken = std::move(found->second);
    returned_.erase(found);
    return taken;
  }
  auto taken = take_from(fresh_, position);
  drop_holes();
  return taken ? std::move(taken) : take_from(late_, position);
}

ReadyLane::Run::iterator ReadyLane::lower_bound(Run& run, Position position) {
  return std::lower_bound(run.begin(), run.end(), position,
                          [](const Fresh& entry, Position wanted) { return entry.position < wanted; });
}

std::optional<QueuedMessage> ReadyLane::take_from(Run& run, Position position) {
  const auto found = lower_bound(run, position);
  if (found == run.end() || found->position != position || !found->message.is_in_memory()) return {};
  return std::exchange(found->message, {});
}

// --- out of memory

void ReadyLane::page_out(std::size_t kept_octets, const IsReadable& is_readable, Position from) {
  if (paged_out_.messages == 0) split_off_late(kept_octets, is_readable, from);
  while (!late_.empty() && (late_.front().is_hole() || is_readable(late_.front().message))) {
    const Fresh& entry = late_.front();
    if (!entry.is_hole()) {
      if (paged_out_.messages == 0) paged_out_.begin = entry.position;
      paged_out_.end = entry.position + 1;
      ++paged_out_.messages;
      paged_out_.octets += entry.message.octets;
      forget_unloaded(entry.message);
    }
    late_.pop_front();
  }
  if (paged_out_.messages == 0) join_late();
}

void ReadyLane::page_out_returned(std::size_t kept_octets, const IsReadable& is_readable, Position from) {
  if (returned_.empty()) return;
  if (returned_.rbegin()->first < from) return unload_returned(kept_octets, is_readable);
  join_returned();
  if (paged_out_.messages == 0) return;
  std::size_t octets = 0;
  for (const Fresh& entry : fresh_)
    if (!entry.is_hole()) octets += queued_overhead_octets + entry.message.octets;
  while (octets > kept_octets && !fresh_.empty()) {
    const Fresh& entry = fresh_.back();
    if (!entry.is_hole()) {
      if (entry.position < from || !is_readable(entry.message)) return;
      paged_out_.begin = entry.position;
      ++paged_out_.messages;
      paged_out_.octets += entry.message.octets;
      octets -= queued_overhead_octets + entry.message.octets;
      forget_unloaded(entry.message);
    }
    fresh_.pop_back();
  }
}

/// Where they stand, as others may come back between them.
void ReadyLane::unload_returned(std::size_t kept_octets, const IsReadable& is_readable) {
  std::size_t kept = 0;
  for (auto& [position, queued] : returned_) {
    if (!queued.is_in_memory()) continue;
    if (kept >= kept_octets && is_readable(queued)) unload(queued);
    kept += queued_overhead_octets + queued.octets;
  }
}

void ReadyLane::unload(QueuedMessage& queued) {
  queued.message.reset();
  ++unloaded_.messages;
  unloaded_.octets += queued.octets;
}

void ReadyLane::forget_unloaded(const QueuedMessage& queued) {
  if (queued.is_in_memory()) return;
  --unloaded_.messages;
  unloaded_.octets -= queued.octets;
}

std::optional<Position> ReadyLane::unloaded_front() const {
  if (unloaded_.messages == 0 || first().is_in_memory()) return {};
  return is_returned_next() ? returned_.begin()->first : fresh_.front().position;
}

bool ReadyLane::load(Position position, MessageRef message) {
  const auto load_into = [&](QueuedMessage& queued) {
    if (queued.is_in_memory()) return false;
    forget_unloaded(queued);
    queued.message = std::move(message);
    return true;
  };
  if (const auto found = returned_.find(position); found != returned_.end()) return load_into(found->second);
  const auto found = lower_bound(fresh_, position);
  return found != fresh_.end() && found->position == position && !found->is_hole() && load_into(found->message);
}

QueuedMessage ReadyLane::drop_unloaded_front() {
  QueuedMessage lost = std::move(*front().message);
  forget_unloaded(lost);
  pop_front();
  return lost;
}

void ReadyLane::join_returned() {
  Run joined;
  const auto take_returned = [&](Position before) {
    while (!returned_.empty() && returned_.begin()->first < before) {
      joined.push_back({returned_.begin()->first, std::move(returned_.begin()->second)});
      returned_.erase(returned_.begin());
    }
  };
  for (Fresh& entry : fresh_) {
    take_returned(entry.position);
    joined.push_back(std::move(entry));
  }
  take_returned(std::numeric_limits<Position>::max());
  fresh_ = std::move(joined);
}

/// Leaves the first of the fresh messages where they are.
void ReadyLane::split_off_late(std::size_t kept_octets, const IsReadable& is_readable, Position from) {
  auto first = fresh_.begin();
  for (std::size_t kept = 0; first != fresh_.end(); ++first) {
    if (first->is_hole()) continue;
    if (kept >= kept_octets && first->position >= from && is_readable(first->message)) break;
    kept += queued_overhead_octets + first->message.octets;
  }
  late_.assign(std::make_move_iterator(first), std::make_move_iterator(fresh_.end()));
  fresh_.erase(first, fresh_.end());
}

void ReadyLane::join_late() {
  fresh_.insert(fresh_.end(), std::make_move_iterator(late_.begin()), std::make_move_iterator(late_.end()));
  late_.clear();
  drop_holes();
}

bool ReadyLane::page_in(Position position, QueuedMessage queued) {
  if (position >= paged_out_.end || paged_out_.messages == 0) return false;
  --paged_out_.messages;
  paged_out_.octets -= std::min<std::uint64_t>(paged_out_.octets, queued.octets);
  fresh_.push_back({position, std::move(queued)});
  return true;
}

ReadyLane::PagedOut ReadyLane::paged_in(Position next) {
  paged_out_.begin = std::max(paged_out_.begin, next);
  if (paged_out_.messages > 0 && paged_out_.begin < paged_out_.end) return {};
  join_late();
  return std::exchange(paged_out_, {});
}

}  // namespace leveret::broker
