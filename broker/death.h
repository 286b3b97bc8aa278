#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/clock.h"
#include "broker/death_reason.h"
#include "broker/message.h"
#include "protocol/field_table.h"

namespace leveret::broker {

/// The word in x-death: "rejected", "expired", "maxlen", "delivery_limit".
std::string_view name_of(DeathReason reason);

/// A message's death in a queue, and where it goes from there.
struct Death {
  DeathReason reason{};
  std::string_view queue{};
  std::string_view exchange{};                    // where it is published anew
  std::optional<std::string_view> routing_key{};  // in place of its own and those in CC
  WallTime time{};
};

/// The message as it is published anew, with its history as RabbitMQ writes it:
///
/// - x-death: an array of tables, the latest first, one for each queue and reason, with count, reason, queue, time (of
///   the first), exchange, routing-keys, original-expiration;
/// - x-first-death-* and x-last-death-*: reason, queue and exchange of those two.
///
/// Its expiration is taken off, and CC when the routing key is replaced.
MessageRef dead_lettered(const Message& message, const Death& death);

/// Whether a dead-lettered message has been in that queue before and no client's rejection brought it round again:
/// then it would go round for ever.
bool is_automatic_cycle(protocol::FieldTable headers, std::string_view queue);

}  // namespace leveret::broker
