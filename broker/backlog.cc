#include "broker/backlog.h"

#include <utility>

namespace leveret::broker {

void Backlog::mail_sent(std::size_t octets) {
  if (octets > 0) octets_ += octets;
}

void Backlog::dealt_with(std::size_t mail_octets, std::size_t unwritten_octets) {
  const std::size_t before = mail_octets + std::exchange(unwritten_octets_, unwritten_octets);
  if (before != unwritten_octets) octets_ += unwritten_octets - before;  // unsigned: may well go down
  if (!has_waiting_ || octets_ > drained_octets) return;
  std::unique_lock lock{mutex_};
  has_waiting_ = false;
  const auto waiting = std::exchange(waiting_, {});
  lock.unlock();
  for (const auto& drained : waiting) drained();
}

bool Backlog::wait(std::function<void()> drained) {
  const std::lock_guard lock{mutex_};
  has_waiting_ = true;  // before it is looked at: the owner looks at the two in the other order
  if (!is_full()) {
    has_waiting_ = !waiting_.empty();
    return false;
  }
  waiting_.push_back(std::move(drained));
  return true;
}

}  // namespace leveret::broker
