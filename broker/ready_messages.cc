#include "broker/ready_messages.h"

#include <algorithm>
#include <iterator>

namespace leveret::broker {
namespace {

constexpr unsigned higher_in_a_row_max = 2;

}  // namespace

void ReadyMessages::set_priorities(std::uint8_t priority_max, Turns turns) {
  levels_ = std::vector<Level>(priority_max + 1u);
  turns_ = turns;
  highest_ = 0;
}

ReadyMessages::Front ReadyMessages::Level::front() {
  if (!returned.empty()) return {returned.begin()->first, &returned.begin()->second};
  return {fresh.front().position, &fresh.front().message};
}

void ReadyMessages::Level::pop_front() {
  if (!returned.empty()) {
    returned.erase(returned.begin());
    return;
  }
  fresh.pop_front();
  drop_holes();
}

void ReadyMessages::Level::drop_holes() {
  while (!fresh.empty() && !fresh.front().message.message) fresh.pop_front();
}

std::optional<QueuedMessage> ReadyMessages::Level::take(Position position) {
  if (const auto found = returned.find(position); found != returned.end()) {
    QueuedMessage taken = std::move(found->second);
    returned.erase(found);
    return taken;
  }
  auto taken = take_from(fresh, position);
  drop_holes();
  return taken;
}

std::optional<QueuedMessage> ReadyMessages::take_from(Run& run, Position position) {
  const auto found = std::lower_bound(run.begin(), run.end(), position,
                                      [](const Fresh& entry, Position wanted) { return entry.position < wanted; });
  if (found == run.end() || found->position != position || !found->message.message) return {};
  return std::move(found->message);
}

// --- out of memory

void ReadyMessages::restore(const PagedOut& paged_out) {
  paged_out_ = paged_out;
  count_ = paged_out.messages;
  octets_ = paged_out.octets;
}

std::size_t ReadyMessages::memory() const {
  return (count_ - paged_out_.messages) * overhead_octets + (octets_ - paged_out_.octets);
}

void ReadyMessages::page_out(std::size_t kept_octets, const IsReadable& is_readable) {
  if (levels_.size() > 1) return;
  if (paged_out_.messages == 0) split_off_late(kept_octets, is_readable);
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

/// Leaves the first of the fresh messages where they are.
void ReadyMessages::split_off_late(std::size_t kept_octets, const IsReadable& is_readable) {
  Run& fresh = levels_[0].fresh;
  auto first = fresh.begin();
  for (std::size_t kept = 0; first != fresh.end(); ++first) {
    if (!first->message.message) continue;
    if (kept >= kept_octets && is_readable(first->message)) break;
    kept += overhead_octets + first->message.message->body().size();
  }
  late_.assign(std::make_move_iterator(first), std::make_move_iterator(fresh.end()));
  fresh.erase(first, fresh.end());
}

void ReadyMessages::join_late() {
  Run& fresh = levels_[0].fresh;
  fresh.insert(fresh.end(), std::make_move_iterator(late_.begin()), std::make_move_iterator(late_.end()));
  late_.clear();
  levels_[0].drop_holes();
}

void ReadyMessages::page_in(Position position, QueuedMessage queued) {
  if (position >= paged_out_.end || paged_out_.messages == 0) return;
  --paged_out_.messages;
  paged_out_.octets -= std::min<std::uint64_t>(paged_out_.octets, queued.message->body().size());
  levels_[0].fresh.push_back({position, std::move(queued)});
}

void ReadyMessages::paged_in(Position next, bool is_end) {
  paged_out_.begin = next;
  if (!is_end && next < paged_out_.end) return;
  // What the store has not given back is lost to it, and has been complained of.
  count_ -= paged_out_.messages;
  octets_ -= paged_out_.octets;
  paged_out_ = {};
  join_late();
}

// --- all of them

ReadyMessages::Level& ReadyMessages::next_level() {
  while (highest_ > 0 && levels_[highest_].empty()) --highest_;
  if (turns_ == Turns::weighted && served_of_higher_ >= higher_in_a_row_max && highest_ > 0 && !levels_[0].empty())
    return levels_[0];
  return levels_[highest_];
}

void ReadyMessages::added(std::uint8_t priority, const Message& message) {
  highest_ = std::max<std::size_t>(highest_, priority);
  ++count_;
  octets_ += message.body().size();
}

void ReadyMessages::removed(std::size_t octets) {
  --count_;
  octets_ -= octets;
}

void ReadyMessages::append(Position position, std::uint8_t priority, QueuedMessage message) {
  added(priority, *message.message);
  Run& run = paged_out_.messages > 0 ? late_ : levels_[priority].fresh;
  run.push_back({position, std::move(message)});
}

void ReadyMessages::put_back(Position position, std::uint8_t priority, QueuedMessage message) {
  added(priority, *message.message);
  levels_[priority].returned.emplace(position, std::move(message));
}

bool ReadyMessages::has_higher() const {
  return std::any_of(levels_.begin() + 1, levels_.end(), [](const Level& level) { return !level.empty(); });
}

ReadyMessages::Front ReadyMessages::front() {
  return next_level().front();
}

void ReadyMessages::pop_front(std::size_t octets) {
  Level& level = next_level();
  const bool is_higher = &level != &levels_[0];
  served_of_higher_ = is_higher ? served_of_higher_ + 1 : 0;
  level.pop_front();
  removed(octets);
}

std::optional<QueuedMessage> ReadyMessages::take(Position position, std::uint8_t priority) {
  auto taken = levels_[priority].take(position);
  if (!taken) taken = take_from(late_, position);
  if (taken) removed(taken->message->body().size());
  return taken;
}

std::optional<ReadyMessages::Front> ReadyMessages::oldest(std::uint8_t priority) {
  Level& level = levels_[priority];
  return level.empty() ? std::nullopt : std::optional{level.front()};
}

void ReadyMessages::clear() {
  for (Level& level : levels_) level = {};
  highest_ = 0;
  count_ = 0;
  octets_ = 0;
  paged_out_ = {};
  late_.clear();
}

}  // namespace leveret::broker
