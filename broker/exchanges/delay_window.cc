#include "broker/exchanges/delay_window.h"

#include <algorithm>

namespace leveret::broker {
namespace {

/// What a message takes beside its own memory.
constexpr std::size_t row_octets = sizeof(std::pair<DelayedPlace, Delayed>) + 48;

std::size_t memory_of(const Delayed& delayed) {
  return delayed.message->footprint() + row_octets;
}

}  // namespace

void DelayWindow::add_near(const DelayedPlace& place, Delayed delayed) {
  near_octets_ += memory_of(delayed);
  near_body_octets_ += delayed.message->body().size();
  near_.emplace(place, std::move(delayed));
}

void DelayWindow::add_far(const DelayedPlace& place, Delayed delayed) {
  far_.begin = far_.messages == 0 ? place : std::min(far_.begin, place);
  ++far_.messages;
  far_.octets += delayed.message->body().size();
  unwritten_.emplace(place, std::move(delayed));
}

std::optional<DueTime> DelayWindow::next_due() const {
  return near_.empty() ? std::nullopt : std::optional{near_.begin()->first.due};
}

DelayWindow::Row DelayWindow::take_first() {
  return take(near_.begin());
}

DelayWindow::Row DelayWindow::take_last() {
  const auto last = std::prev(near_.end());
  first_far_octets_ = memory_of(last->second);
  return take(last);
}

/// One that has just been put among the far ones, for its size, is not read again at once.
bool DelayWindow::wants_more(const Limits& limits) const {
  if (far_.messages == 0 || near_.empty()) return far_.messages > 0;
  return near_.size() < limits.messages && near_octets_ + first_far_octets_ < limits.octets;
}

DelayWindow::Row DelayWindow::take(Messages::iterator row) {
  Row taken{row->first, std::move(row->second)};
  near_.erase(row);
  near_octets_ -= memory_of(taken.second);
  near_body_octets_ -= taken.second.message->body().size();
  return taken;
}

void DelayWindow::take_back(std::vector<Row> found, const DelayedPlace& next, bool is_end) {
  for (auto& [place, delayed] : found) come_near(place, std::move(delayed));
  const auto end = is_end ? unwritten_.end() : unwritten_.lower_bound(next);
  for (auto row = unwritten_.begin(); row != end; row = unwritten_.erase(row))
    come_near(row->first, std::move(row->second));
  first_far_octets_ = 0;
  if (is_end)
    far_ = {};
  else
    far_ = {.begin = next, .messages = std::max<std::uint64_t>(far_.messages, 1), .octets = far_.octets};
}

/// A message that has been written since it was appended may be found, and be here as well.
void DelayWindow::come_near(const DelayedPlace& place, Delayed delayed) {
  if (near_.contains(place)) return;
  far_.messages -= std::min<std::uint64_t>(1, far_.messages);
  far_.octets -= std::min<std::uint64_t>(delayed.message->body().size(), far_.octets);
  add_near(place, std::move(delayed));
}

void DelayWindow::skip_until(const DelayedPlace& next) {
  first_far_octets_ = 0;
  far_.begin = next;
  far_.messages -= std::min<std::uint64_t>(1, far_.messages);
}

void DelayWindow::forget_written(const std::function<bool(AppendNumber)>& is_written) {
  std::erase_if(unwritten_, [&](const auto& row) { return is_written(row.second.append); });
}

void DelayWindow::clear(const std::function<void(const Delayed&)>& visit) {
  for (const auto* messages : {&near_, &unwritten_})
    for (const auto& [place, delayed] : *messages) visit(delayed);
  *this = {};
}

}  // namespace leveret::broker
