#include "broker/consumer.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace leveret::broker {

double ServiceShare::at(WallTime now) const {
  constexpr std::chrono::duration<double> half_life{1};
  const double past = std::exp2(-std::max(0.0, (now - since_) / half_life));
  return past * share_ + (1 - past) * (is_waited_for_ ? 0 : 1);
}

void Consumers::set_single_active(bool is_single_active) {
  is_single_active_ = is_single_active;
  choose_active();
}

/// Ids rise from consumer to consumer.
void Consumers::choose_active() {
  active_ = nullptr;
  if (!is_single_active_) return;
  for (const auto& [id, consumer] : consumers_) {
    const auto rank = [](const Consumer& c) { return std::pair{-std::int64_t{c.request.priority}, c.request.id}; };
    if (!active_ || rank(*consumer) < rank(*active_)) active_ = consumer.get();
  }
}

Consumer& Consumers::add(std::unique_ptr<Consumer> consumer) {
  Consumer& added = *consumers_.emplace(consumer->request.id, std::move(consumer)).first->second;
  if (is_single_active_ && !active_) active_ = &added;
  credit_changed(added);
  return added;
}

std::unique_ptr<Consumer> Consumers::remove(ConsumerId id) {
  const auto found = consumers_.find(id);
  if (found == consumers_.end()) return {};
  std::unique_ptr<Consumer> removed = std::move(found->second);
  consumers_.erase(found);
  if (removed->is_waiting) leave_line(*removed);
  if (active_ == removed.get()) choose_active();
  return removed;
}

Consumer* Consumers::find(ConsumerId id) {
  const auto found = consumers_.find(id);
  return found == consumers_.end() ? nullptr : found->second.get();
}

Consumer* Consumers::next() {
  if (is_single_active_) return active_ && active_->is_waiting ? active_ : nullptr;
  return line_.empty() ? nullptr : line_.begin()->second.front();
}

void Consumers::served(Consumer& consumer) {
  if (!consumer.has_credit()) return leave_line(consumer);
  auto& line = line_.find(consumer.request.priority)->second;
  line.splice(line.end(), line, consumer.place);
}

void Consumers::credit_changed(Consumer& consumer) {
  if (consumer.has_credit() == consumer.is_waiting) return;
  if (consumer.is_waiting) return leave_line(consumer);
  auto& line = line_[consumer.request.priority];
  consumer.place = line.insert(line.end(), &consumer);
  consumer.is_waiting = true;
}

void Consumers::leave_line(Consumer& consumer) {
  const auto line = line_.find(consumer.request.priority);
  line->second.erase(consumer.place);
  if (line->second.empty()) line_.erase(line);
  consumer.is_waiting = false;
}

}  // namespace leveret::broker
