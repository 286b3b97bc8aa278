#include "broker/ready_messages.h"

#include <algorithm>

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
  const auto found = std::lower_bound(fresh.begin(), fresh.end(), position,
                                      [](const Fresh& entry, Position wanted) { return entry.position < wanted; });
  if (found == fresh.end() || found->position != position || !found->message.message) return {};
  QueuedMessage taken = std::move(found->message);
  drop_holes();
  return taken;
}

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
  levels_[priority].fresh.push_back({position, std::move(message)});
}

void ReadyMessages::put_back(Position position, std::uint8_t priority, QueuedMessage message) {
  added(priority, *message.message);
  levels_[priority].returned.emplace(position, std::move(message));
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
}

}  // namespace leveret::broker
