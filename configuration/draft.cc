#include "configuration/draft.h"

#include <stdexcept>

#include <fmt/format.h>

namespace leveret::configuration {
namespace {

void require_certificate(std::string_view prefix, const broker::TlsOptions& tls) {
  if (tls.certificate.empty() || tls.key.empty())
    throw std::runtime_error{fmt::format("TLS needs a certificate and its key: {0}.certfile and {0}.keyfile", prefix)};
}

}  // namespace

broker::ListenAddress& HttpDraft::plain() {
  names_plain = true;
  return listeners.plain;
}

broker::ListenAddress& HttpDraft::secure() {
  if (!listeners.secure) listeners.secure = {.port = secure_port};
  return *listeners.secure;
}

broker::TlsOptions& HttpDraft::tls() {
  secure();
  return listeners.tls;
}

void HttpDraft::finish(std::string_view prefix) {
  if (listeners.secure) require_certificate(prefix, listeners.tls);
  listeners.has_plain = names_plain || !listeners.secure;
}

void Draft::finish() {
  if (!options.amqp_tls.empty()) require_certificate("ssl_options", options.tls);
  http.finish("management.ssl");
  prometheus.finish("prometheus.ssl");
  if (amqp) options.amqp = *std::move(amqp);
  if (listens_to_nobody) options.amqp.clear();
  if (loopback_users) options.broker.loopback_users = *std::move(loopback_users);
  if (has_no_loopback_users) options.broker.loopback_users.clear();
  if (default_user_tags) options.broker.default_user_tags = *std::move(default_user_tags);
  if (auth_mechanisms) options.broker.auth_mechanisms = *std::move(auth_mechanisms);
}

}  // namespace leveret::configuration
