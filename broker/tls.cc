#include "broker/tls.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <boost/asio/ssl/context.hpp>

namespace leveret::broker {

namespace ssl = boost::asio::ssl;

namespace {

constexpr std::string_view session_id_context = "leveret";

std::runtime_error unusable(std::string_view what, const std::filesystem::path& file, std::string_view reason) {
  return std::runtime_error{fmt::format("cannot use the {} {} for TLS: {}", what, file.string(), reason)};
}

void require(std::string_view what, const std::filesystem::path& file, const boost::system::error_code& error) {
  if (error) throw unusable(what, file, error.message());
}

void require_file(std::string_view what, const std::filesystem::path& file) {
  std::FILE* const opened = std::fopen(file.c_str(), "r");
  if (!opened) throw unusable(what, file, std::generic_category().message(errno));
  std::fclose(opened);
}

void load_certificate(ssl::context& context, const TlsOptions& options) {
  require_file("certificate", options.certificate);
  require_file("key", options.key);
  boost::system::error_code error;
  context.set_password_callback(
      [password = options.key_password](std::size_t, ssl::context::password_purpose) { return password; }, error);
  context.use_certificate_chain_file(options.certificate.string(), error);
  require("certificate", options.certificate, error);
  context.use_private_key_file(options.key.string(), ssl::context::pem, error);
  require("key", options.key, error);
}

void set_verification(ssl::context& context, const TlsOptions& options) {
  boost::system::error_code error;
  if (!options.authorities.empty()) {
    require_file("certificates of authorities", options.authorities);
    context.load_verify_file(options.authorities.string(), error);
    require("certificates of authorities", options.authorities, error);
    SSL_CTX_set_client_CA_list(context.native_handle(), SSL_load_client_CA_file(options.authorities.c_str()));
  }
  const auto required = options.requires_certificate ? ssl::verify_fail_if_no_peer_cert : 0;
  context.set_verify_mode(options.verifies_peer ? ssl::verify_peer | required : ssl::verify_none, error);
  context.set_verify_depth(options.depth, error);
}

/// All from the lowest to the highest of those named; OpenSSL knows no gaps, and there are none between two.
void set_versions(SSL_CTX* context, const std::vector<std::string>& versions) {
  int lowest = versions.empty() ? TLS1_2_VERSION : TLS1_3_VERSION;
  int highest = versions.empty() ? TLS1_3_VERSION : TLS1_2_VERSION;
  for (const auto& version : versions) {
    const int number = version == "tlsv1.3" ? TLS1_3_VERSION : TLS1_2_VERSION;
    lowest = std::min(lowest, number);
    highest = std::max(highest, number);
  }
  SSL_CTX_set_min_proto_version(context, lowest);
  SSL_CTX_set_max_proto_version(context, highest);
}

/// Those of TLS 1.3 are set apart from the others, and are known by their names.
void set_ciphers(SSL_CTX* context, const std::vector<std::string>& ciphers) {
  std::vector<std::string_view> suites;
  std::vector<std::string_view> others;
  for (const auto& cipher : ciphers) (cipher.starts_with("TLS_") ? suites : others).push_back(cipher);
  const auto set = [&](auto setter, const std::vector<std::string_view>& names) {
    if (!names.empty() && setter(context, fmt::format("{}", fmt::join(names, ":")).c_str()) != 1)
      throw std::runtime_error{fmt::format("cannot use TLS: none of the ciphers {} is known", fmt::join(names, ", "))};
  };
  set(SSL_CTX_set_ciphersuites, suites);
  set(SSL_CTX_set_cipher_list, others);
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace

TlsContext make_tls_context(const TlsOptions& options) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const handle = context->native_handle();
  load_certificate(*context, options);
  set_verification(*context, options);
  set_versions(handle, options.versions);
  set_ciphers(handle, options.ciphers);
  SSL_CTX_set_options(handle, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  (options.prefers_own_ciphers ? SSL_OP_CIPHER_SERVER_PREFERENCE : 0));
  // Idle connections keep no buffers; busy ones read many records at once.
  SSL_CTX_set_mode(handle,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(handle, 1);
  SSL_CTX_set_session_id_context(handle, reinterpret_cast<const unsigned char*>(session_id_context.data()),
                                 session_id_context.size());
  return context;
}

std::vector<std::chrono::system_clock::time_point> certificate_ends(const std::filesystem::path& file) {
  require_file("certificate", file);
  const std::unique_ptr<BIO, decltype(&BIO_free)> input{BIO_new_file(file.c_str(), "r"), BIO_free};
  std::vector<std::chrono::system_clock::time_point> ends;
  while (X509* const certificate = input ? PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr) : nullptr) {
    ends.push_back(time_of(X509_get0_notAfter(certificate)));
    X509_free(certificate);
  }
  ERR_clear_error();  // the end of the file is one
  return ends;
}

}  // namespace leveret::broker
