#pragma once

namespace leveret::broker {

/// Why a queue lets a message go that nobody acknowledged.
enum class DeathReason { rejected, expired, maxlen, delivery_limit };

}  // namespace leveret::broker
