#pragma once
#include <cstddef>
#include <cstdint>

#include "broker/durable_log.h"
#include "broker/ids.h"
#include "broker/message.h"

namespace leveret::broker {

/// A message that a queue has, ready or held.
struct QueuedMessage {
  MessageRef message{};
  AppendNumber append = AppendNumber::none;
  std::uint32_t octets = message ? static_cast<std::uint32_t>(message->body().size()) : 0;  // of its body
  std::uint32_t returns = 0;  // how often it was delivered and came back
  bool is_redelivered = false;
  bool is_transient = false;  // stored only to be out of memory

  /// Whether it is stored to survive.
  bool is_persistent() const { return append != AppendNumber::none && !is_transient; }
  /// What is not has left its content to the store alone.
  bool is_in_memory() const { return static_cast<bool>(message); }
};

/// What a message in memory occupies beside its body, about.
inline constexpr std::size_t queued_overhead_octets = 256;

}  // namespace leveret::broker
