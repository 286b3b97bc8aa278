#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace leveret::broker {

/// What a listener with TLS needs: the keys under `ssl_options` of RabbitMQ's configuration.
struct TlsOptions {
  std::filesystem::path certificate{};  // PEM: the broker's own first, then those that lead to a known authority
  std::filesystem::path key{};          // PEM
  std::string key_password{};
  std::filesystem::path authorities{};  // PEM: whose certificates clients may show
  bool verifies_peer = false;           // clients are asked for a certificate, and one that is shown has to hold
  bool requires_certificate = false;    // clients have to show one
  int depth = 1;                        // certificates between a client's and its authority's
  std::vector<std::string> versions{};  // "tlsv1.2", "tlsv1.3"; both when there are none
  std::vector<std::string> ciphers{};   // OpenSSL's names; its own choice when there are none
  bool prefers_own_ciphers = true;      // before the client's order
};

/// What both ends agreed on, in RabbitMQ's words, and whom the client's certificate names.
struct TlsReport {
  std::string protocol{};      // "tlsv1.3"
  std::string key_exchange{};  // "any", "ecdhe_rsa"
  std::string cipher{};        // "aes_256_gcm"
  std::string hash{};          // "aead", "sha256"
  std::string peer_subject{};  // empty without a certificate; else as RFC 4514 writes it
  std::string peer_issuer{};
  std::string peer_validity{};  // "2026-01-01T00:00:00Z - 2027-01-01T00:00:00Z"
};

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

/// For all connections of a listener.  Errors: std::runtime_error with one line that names the file at fault.
TlsContext make_tls_context(const TlsOptions& options);

/// When the certificates in a file end, in its order.  Errors: std::runtime_error when it cannot be read.
std::vector<std::chrono::system_clock::time_point> certificate_ends(const std::filesystem::path& file);

}  // namespace leveret::broker
