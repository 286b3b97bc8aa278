#pragma once
#include <optional>
#include <string_view>

#include "broker/exchange.h"
#include "protocol/reply_code.h"

namespace leveret::broker {

/// Checks what an exchange of that type is to be made with; 406 in RabbitMQ's words.
protocol::Result<void> check_exchange_arguments(ExchangeType type, protocol::FieldTable arguments);

/// Checks a new binding of an exchange that routes by that type; 406 in RabbitMQ's words.
protocol::Result<void> check_binding(ExchangeType routing_type, std::string_view key, protocol::FieldTable arguments);

/// The type in `x-delayed-type`, by which an exchange of type delayed routes; nothing when it is no other type's name.
std::optional<ExchangeType> delayed_type(protocol::FieldTable arguments);

/// The weight in the key of a consistent-hash binding; nothing when it is no integer.
std::optional<double> binding_weight(std::string_view key);

}  // namespace leveret::broker
