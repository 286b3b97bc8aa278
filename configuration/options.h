#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/listener.h"
#include "broker/tls.h"

namespace leveret::configuration {

/// Where HTTP is served: plain, with TLS, or both.
struct HttpListeners {
  broker::ListenAddress plain{};
  bool has_plain = true;
  std::optional<broker::ListenAddress> secure{};
  broker::TlsOptions tls{};  // of `secure`
};

/// What `leveret server` is told, by files and by its command line.
struct Options {
  std::filesystem::path data_directory = "data";
  bool is_ephemeral = false;
  std::string log_level = "info";

  std::vector<broker::ListenAddress> amqp{{.port = 5672}};
  std::vector<broker::ListenAddress> amqp_tls{};
  broker::TlsOptions tls{};  // of `amqp_tls`
  HttpListeners http{.plain = {.port = 15672}};
  HttpListeners prometheus{.plain = {.port = 15692}};

  std::vector<std::string> http_cors_origins{};
  std::chrono::seconds http_cors_max_age{1800};
  std::uint64_t http_body_size_max = 10 * 1024 * 1024;  // octets
  std::chrono::milliseconds http_request_timeout{30'000};
  std::chrono::milliseconds http_idle_timeout{60'000};

  /// Files with definitions, or folders of such files, imported before the first client is let in.
  std::vector<std::filesystem::path> definitions{};

  broker::BrokerOptions broker{};
  /// What a configuration file says that changes nothing here, for the log.
  std::vector<std::string> without_effect{};
};

}  // namespace leveret::configuration
