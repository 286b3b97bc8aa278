#pragma once
#include <cstdint>

#include "broker/durable_log.h"
#include "broker/ids.h"
#include "broker/message.h"

namespace leveret::broker {

/// A message that a queue holds.
struct QueuedMessage {
  MessageRef message{};
  AppendNumber append = AppendNumber::none;
  ConsumerId consumer = ConsumerId::none;  // who has it, while it is unacknowledged
  std::uint32_t returns = 0;               // how often it was delivered and came back
  bool is_redelivered = false;
  bool is_transient = false;  // stored only to be out of memory

  /// Whether it is stored to survive.
  bool is_persistent() const { return append != AppendNumber::none && !is_transient; }
};

}  // namespace leveret::broker
