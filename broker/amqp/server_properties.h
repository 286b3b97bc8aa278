#pragma once
#include <string>
#include <string_view>

namespace leveret::broker::amqp {

/// connection.start's server-properties, as an encoded field table.
///
/// `version` is that of the RabbitMQ whose behaviour this is: clients parse it and switch features on by it.  Ours
/// stands in `leveret_version`.  A client of 0-8 is told no capabilities, as RabbitMQ does it.
std::string server_properties(std::string_view cluster_name, bool has_capabilities);

}  // namespace leveret::broker::amqp
