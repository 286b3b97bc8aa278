#pragma once
#include <string_view>

namespace leveret::broker {

inline constexpr std::string_view leveret_version = "0.1.0";

/// The RabbitMQ whose behaviour clients may count on.
inline constexpr std::string_view rabbitmq_version = "4.1.0";

}  // namespace leveret::broker
