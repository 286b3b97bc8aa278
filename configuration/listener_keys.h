#pragma once
#include <functional>
#include <string>
#include <vector>

#include "configuration/keys.h"

namespace leveret::configuration {

using TlsOf = std::function<broker::TlsOptions&(Draft&)>;
using HttpOf = std::function<HttpDraft&(Draft&)>;

/// Those of certificates and what is agreed on with clients, for whatever is served with TLS.
std::vector<Key> tls_keys(const std::string& prefix, TlsOf tls);

/// Those of where HTTP is served, and of its TLS; `what` is served there.
std::vector<Key> http_keys(const std::string& prefix, const std::string& what, HttpOf http);

}  // namespace leveret::configuration
