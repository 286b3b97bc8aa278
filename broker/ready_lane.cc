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
  while (!fresh_.empty() && !fresh_.front().message.message) fresh_.pop_front();
}

std::optional<QueuedMessage> ReadyLane::take(Position position) {
  if (const auto found = returned_.find(position); found != returned_.end()) {
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
  if (found == run.end() || found->position != position || !found->message.message) return {};
  return std::move(found->message);
}

// --- out of memory

void ReadyLane::page_out(std::size_t kept_octets, const IsReadable& is_readable, Position from) {
  if (paged_out_.messages == 0) split_off_late(kept_octets, is_readable, from);
  while (!late_.empty() && (!late_.front().message.message || is_readable(late_.front().message))) {
    const auto& [position, queued] = late_.front();
    if (queued.message) {
      if (paged_out_.messages == 0) paged_out_.begin = position;
      paged_out_.end = position + 1;
      ++paged_out_.messages;
      paged_out_.octets += queued.message->body().size();
    }
    late_.pop_front();
  }
  if (paged_out_.messages == 0) join_late();
}

void ReadyLane::page_out_returned(std::size_t kept_octets, const IsReadable& is_readable, Position from) {
  if (returned_.empty() || returned_.rbegin()->first < from) return;
  join_returned();
  if (paged_out_.messages == 0) return;
  std::size_t octets = 0;
  for (const Fresh& entry : fresh_)
    if (entry.message.message) octets += queued_overhead_octets + entry.message.message->body().size();
  while (octets > kept_octets && !fresh_.empty()) {
    const auto& [position, queued] = fresh_.back();
    if (queued.message) {
      if (position < from || !is_readable(queued)) return;
      const std::size_t size = queued.message->body().size();
      paged_out_.begin = position;
      ++paged_out_.messages;
      paged_out_.octets += size;
      octets -= queued_overhead_octets + size;
    }
    fresh_.pop_back();
  }
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
    if (!first->message.message) continue;
    if (kept >= kept_octets && first->position >= from && is_readable(first->message)) break;
    kept += queued_overhead_octets + first->message.message->body().size();
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
  paged_out_.octets -= std::min<std::uint64_t>(paged_out_.octets, queued.message->body().size());
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
