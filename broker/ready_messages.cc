#include "broker/ready_messages.h"

#include <algorithm>

namespace leveret::broker {

ReadyMessages::ReadyMessages(const Priorities& priorities) : lanes_(priorities.max + 1u) {
  lanes_.front() = std::make_unique<ReadyLane>();
}

ReadyLane& ReadyMessages::lane(std::uint8_t priority) {
  auto& lane = lanes_[priority];
  if (!lane) lane = std::make_unique<ReadyLane>();
  return *lane;
}

std::uint8_t ReadyMessages::highest() {
  while (highest_ > 0 && is_empty(highest_)) --highest_;
  return highest_;
}

void ReadyMessages::added(std::uint8_t priority, std::uint64_t messages, std::uint64_t octets) {
  highest_ = std::max(highest_, priority);
  count_ += messages;
  octets_ += octets;
}

void ReadyMessages::removed(std::uint64_t messages, std::uint64_t octets) {
  count_ -= messages;
  octets_ -= octets;
}

void ReadyMessages::append(Position position, std::uint8_t priority, QueuedMessage message) {
  added(priority, 1, message.octets);
  lane(priority).append(position, std::move(message));
}

void ReadyMessages::put_back(Position position, std::uint8_t priority, QueuedMessage message) {
  added(priority, 1, message.octets);
  unloaded_count_ += !message.is_in_memory();
  lane(priority).put_back(position, std::move(message));
}

void ReadyMessages::pop_front(std::size_t octets) {
  next_lane().pop_front();
  removed(1, octets);
}

std::optional<QueuedMessage> ReadyMessages::take(Position position, std::uint8_t priority) {
  if (!lanes_[priority]) return {};
  auto taken = lanes_[priority]->take(position);
  if (taken) removed(1, taken->octets);
  return taken;
}

std::optional<ReadyMessages::Front> ReadyMessages::oldest(std::uint8_t priority) {
  const auto& lane = lanes_[priority];
  return lane && lane->has_front() ? std::optional{lane->front()} : std::nullopt;
}

void ReadyMessages::clear() {
  for (auto& lane : lanes_) lane.reset();
  lanes_.front() = std::make_unique<ReadyLane>();
  highest_ = 0;
  count_ = 0;
  octets_ = 0;
  paged_out_count_ = 0;
  unloaded_count_ = 0;
}

// --- out of memory

void ReadyMessages::restore(std::uint8_t priority, const PagedOut& paged_out) {
  if (paged_out.messages == 0) return;
  added(priority, paged_out.messages, paged_out.octets);
  paged_out_count_ += paged_out.messages;
  lane(priority).restore(paged_out);
}

std::uint64_t ReadyMessages::out_of_memory_octets() const {
  std::uint64_t octets = 0;
  for (const auto& lane : lanes_)
    if (lane) octets += lane->paged_out().octets + lane->unloaded().octets;
  return octets;
}

std::size_t ReadyMessages::memory() const {
  return (count_ - out_of_memory_count()) * queued_overhead_octets + (octets_ - out_of_memory_octets());
}

ReadyMessages::PagedOut ReadyMessages::paged_out(std::uint8_t priority) const {
  return lanes_[priority] ? lanes_[priority]->paged_out() : PagedOut{};
}

bool ReadyMessages::has_fewer_than(std::size_t count, std::size_t octets, std::uint8_t priority) const {
  return lanes_[priority] && lanes_[priority]->has_fewer_than(count, octets);
}

void ReadyMessages::page_out(std::size_t kept_octets, const ReadyLane::IsReadable& is_readable,
                             const PageOutFrom& from) {
  const std::size_t kept_each = kept_octets / lanes_in_use();
  for (std::size_t priority = 0; priority < lanes_.size(); ++priority)
    if (!is_empty(priority))
      lanes_[priority]->page_out(kept_each, is_readable, from(static_cast<std::uint8_t>(priority)));
  recount_out_of_memory();
}

void ReadyMessages::recount_out_of_memory() {
  paged_out_count_ = 0;
  unloaded_count_ = 0;
  for (const auto& lane : lanes_) {
    if (!lane) continue;
    paged_out_count_ += lane->paged_out().messages;
    unloaded_count_ += lane->unloaded().messages;
  }
}

void ReadyMessages::page_out_returned(std::size_t kept_octets, const ReadyLane::IsReadable& is_readable,
                                      const PageOutFrom& from) {
  const std::size_t kept_each = kept_octets / lanes_in_use();
  for (std::size_t priority = 0; priority < lanes_.size(); ++priority)
    if (!is_empty(priority))
      lanes_[priority]->page_out_returned(kept_each, is_readable, from(static_cast<std::uint8_t>(priority)));
  page_out(kept_octets, is_readable, from);
}

std::size_t ReadyMessages::lanes_in_use() const {
  const auto in_use = std::ranges::count_if(lanes_, [](const auto& lane) { return lane && !lane->empty(); });
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, in_use));
}

std::size_t ReadyMessages::returned_count() const {
  std::size_t count = 0;
  for (const auto& lane : lanes_)
    if (lane) count += lane->returned_count();
  return count;
}

void ReadyMessages::page_in(Position position, std::uint8_t priority, QueuedMessage message) {
  if (lane(priority).page_in(position, std::move(message))) --paged_out_count_;
}

void ReadyMessages::paged_in(Position next, std::uint8_t priority) {
  const PagedOut lost = lane(priority).paged_in(next);
  removed(lost.messages, lost.octets);
  paged_out_count_ -= lost.messages;
}

std::optional<Position> ReadyMessages::unloaded_front(std::uint8_t priority) const {
  return is_empty(priority) ? std::nullopt : lanes_[priority]->unloaded_front();
}

bool ReadyMessages::load(Position position, std::uint8_t priority, MessageRef message) {
  const bool is_loaded = lanes_[priority] && lanes_[priority]->load(position, std::move(message));
  unloaded_count_ -= is_loaded;
  return is_loaded;
}

QueuedMessage ReadyMessages::drop_unloaded_front(std::uint8_t priority) {
  QueuedMessage lost = lane(priority).drop_unloaded_front();
  --unloaded_count_;
  removed(1, lost.octets);
  return lost;
}

}  // namespace leveret::broker
