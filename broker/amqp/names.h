#pragma once
#include <string>
#include <string_view>

namespace leveret::broker::amqp {

/// RabbitMQ takes carriage returns and line feeds out of the names of queues and exchanges.
std::string without_line_breaks(std::string_view name);

/// "amq.gen-" or "amq.ctag-" with 22 random characters behind it, as RabbitMQ makes them.
std::string make_name(std::string_view prefix);

inline bool is_reserved_name(std::string_view name) {
  return name.starts_with("amq.");
}

}  // namespace leveret::broker::amqp
