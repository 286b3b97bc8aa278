#pragma once
#include <chrono>
#include <optional>

#include "broker/clock.h"
#include "broker/message.h"
#include "protocol/field_table.h"
#include "protocol/properties.h"

namespace leveret::broker {

/// How long a message's `x-delay` header asks an exchange of type `x-delayed-message` to keep it; nothing when there is
/// none, or none above zero: then it is routed at once.
std::optional<std::chrono::milliseconds> delay_of(protocol::FieldTable headers);

/// The message as it is routed at `now`, when its delay has passed: `x-delay` is negative, so no other exchange delays
/// it again, and its age counts from now.  `BCC`, which was kept to route by, is gone.  `properties` are the message's.
MessageRef after_delay(const Message& message, const protocol::BasicProperties& properties, WallTime now);

}  // namespace leveret::broker
