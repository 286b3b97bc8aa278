#include "broker/held_messages.h"

#include <algorithm>

namespace leveret::broker {
namespace {

constexpr std::uint32_t returns_max = (1u << 30) - 1;

}  // namespace

HeldMessages::Unloaded::Unloaded(const QueuedMessage& message)
    : octets(message.octets),
      returns(std::min(message.returns, returns_max) & returns_max),
      is_redelivered(message.is_redelivered),
      is_transient(message.is_transient) {}

QueuedMessage HeldMessages::Unloaded::queued() const {
  return {.append = AppendNumber::recovered,
          .octets = octets,
          .returns = returns,
          .is_redelivered = is_redelivered != 0,
          .is_transient = is_transient != 0};
}

void HeldMessages::add_unloaded(Position position, const QueuedMessage& message) {
  unloaded_octets_ += message.octets;
  unloaded_.emplace(position, message);
}

std::optional<QueuedMessage> HeldMessages::take_unloaded(Position position) {
  const auto found = unloaded_.find(position);
  if (found == unloaded_.end()) return {};
  std::optional taken{found->second.queued()};
  unloaded_.erase(found);
  if (unloaded_.empty()) unloaded_ = {};  // its room may have been that of millions
  unloaded_octets_ -= taken->octets;
  return taken;
}

void HeldMessages::unload(const IsReadable& is_readable) {
  decltype(loaded_) kept;
  for (auto& [position, message] : std::exchange(loaded_, {})) {
    if (is_readable(message)) {
      loaded_octets_ -= message.octets;
      add_unloaded(position, message);
    } else {
      kept.emplace(position, std::move(message));
    }
  }
  loaded_ = std::move(kept);
}

}  // namespace leveret::broker
