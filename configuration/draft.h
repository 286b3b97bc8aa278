#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configuration/options.h"

namespace leveret::configuration {

/// Where HTTP is served, in the making.  Once TLS is named, plain HTTP is there only when it is named as well.
struct HttpDraft {
  HttpListeners& listeners;
  std::uint16_t secure_port = 0;  // unless another is named
  bool names_plain = false;

  broker::ListenAddress& plain();
  broker::ListenAddress& secure();
  broker::TlsOptions& tls();
  /// Errors: std::runtime_error when there is no certificate; `prefix` is that of the keys.
  void finish(std::string_view prefix);
};

/// Options in the making.  A list that a file mentions at all replaces the default one.
struct Draft {
  Options& options;
  HttpDraft http{options.http, 15'671};
  HttpDraft prometheus{options.prometheus, 15'691};
  bool listens_to_nobody = false;
  bool has_no_loopback_users = false;
  std::optional<std::vector<broker::ListenAddress>> amqp{};
  std::optional<std::vector<std::string>> loopback_users{};
  std::optional<std::vector<std::string>> default_user_tags{};
  std::optional<std::vector<std::string>> auth_mechanisms{};

  /// Errors: std::runtime_error when something that is needed has not been named.
  void finish();
};

}  // namespace leveret::configuration
