#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace leveret::perf {

/// Where a broker is, and as whom to log in.
struct Address {
  std::string host = "localhost";
  std::uint16_t port = 5672;
  std::string user = "guest";
  std::string password = "guest";
  std::string virtual_host = "/";
};

/// `amqp://user:password@host:port/virtual-host` as RabbitMQ's URI specification has it; what is left out has its
/// default. Errors: std::invalid_argument for any other scheme, and for what is no URI.
Address parse_address(std::string_view uri);

}  // namespace leveret::perf
