#include "broker/amqp/tls_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace leveret::broker::amqp {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t record_octets_max = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

error_code last_error() {
  const auto error = ERR_get_error();
  if (error == 0) return boost::asio::error::connection_reset;
  return {static_cast<int>(error), boost::asio::error::get_ssl_category()};
}

/// The first pieces together, as far as they fit into one record.
std::span<const char> gather(std::span<const iovec> pieces) {
  thread_local std::array<char, record_octets_max> record;
  const iovec& first = pieces.front();
  if (first.iov_len >= record.size()) return {static_cast<const char*>(first.iov_base), record.size()};
  std::size_t size = 0;
  for (const iovec& piece : pieces) {
    const std::size_t taken = std::min(piece.iov_len, record.size() - size);
    std::memcpy(record.data() + size, piece.iov_base, taken);
    size += taken;
    if (size == record.size()) break;
  }
  return {record.data(), size};
}

std::string key_exchange_of(const SSL_CIPHER* cipher) {
  const auto authentication = [&]() -> std::string_view {
    switch (SSL_CIPHER_get_auth_nid(cipher)) {
      case NID_auth_rsa:
        return "_rsa";
      case NID_auth_ecdsa:
        return "_ecdsa";
      default:
        return "";
    }
  };
  switch (SSL_CIPHER_get_kx_nid(cipher)) {
    case NID_kx_ecdhe:
      return fmt::format("ecdhe{}", authentication());
    case NID_kx_dhe:
      return fmt::format("dhe{}", authentication());
    case NID_kx_rsa:
      return "rsa";
    default:
      return "any";
  }
}

/// "aes-256-gcm" as Erlang writes it.
std::string cipher_name(const SSL_CIPHER* cipher) {
  std::string name = OBJ_nid2ln(SSL_CIPHER_get_cipher_nid(cipher));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string hash_of(const SSL_CIPHER* cipher) {
  if (SSL_CIPHER_is_aead(cipher)) return "aead";
  const std::string name = OBJ_nid2ln(SSL_CIPHER_get_digest_nid(cipher));
  return name == "sha1" ? "sha" : name;
}

std::string text_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> output{BIO_new(BIO_s_mem()), BIO_free};
  X509_NAME_print_ex(output.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* text = nullptr;
  const auto size = BIO_get_mem_data(output.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", parts);
}

}  // namespace

void TlsStream::Free::operator()(ssl_st* state) const {
  SSL_free(state);
}

TlsStream::TlsStream(TlsContext context, tcp::socket& socket)
    : context_(std::move(context)), socket_(socket), state_(SSL_new(context_->native_handle())) {
  SSL_set_fd(state_.get(), socket_.native_handle());
  SSL_set_accept_state(state_.get());
}

/// Until the socket is ready for what the last call could not do; an error when that can never be.
boost::asio::awaitable<error_code> TlsStream::wait(int result) {
  switch (SSL_get_error(state_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      co_return std::get<0>(co_await socket_.async_wait(tcp::socket::wait_read, as_result));
    case SSL_ERROR_WANT_WRITE:
      co_return std::get<0>(co_await socket_.async_wait(tcp::socket::wait_write, as_result));
    case SSL_ERROR_ZERO_RETURN:
      co_return boost::asio::error::eof;
    default:
      co_return last_error();
  }
}

boost::asio::awaitable<error_code> TlsStream::shake_hands() {
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(state_.get());
    if (result == 1) co_return error_code{};
    const auto error = co_await wait(result);
    if (error) co_return error;
  }
}

boost::asio::awaitable<std::tuple<error_code, std::size_t>> TlsStream::read_some(InputBuffer& input) {
  while (true) {
    const auto space = input.space();
    ERR_clear_error();
    std::size_t size = 0;
    int result = 1;
    while (size < space.size()) {
      std::size_t part = 0;
      result = SSL_read_ex(state_.get(), space.data() + size, space.size() - size, &part);
      if (result != 1) break;
      size += part;
    }
    if (size > 0) co_return std::tuple{error_code{}, size};
    const auto error = co_await wait(result);
    if (error) co_return std::tuple{error, std::size_t{0}};
  }
}

ssize_t TlsStream::write(std::span<const iovec> pieces) {
  ERR_clear_error();
  const auto record = gather(pieces);
  std::size_t written = 0;
  const int result = SSL_write_ex(state_.get(), record.data(), record.size(), &written);
  if (result == 1) return static_cast<ssize_t>(written);
  errno = SSL_get_error(state_.get(), result) == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

void TlsStream::shut_down() {
  ERR_clear_error();
  SSL_shutdown(state_.get());
}

TlsReport TlsStream::report() const {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(state_.get());
  TlsReport report{.protocol = SSL_version(state_.get()) == TLS1_3_VERSION ? "tlsv1.3" : "tlsv1.2",
                   .key_exchange = key_exchange_of(cipher),
                   .cipher = cipher_name(cipher),
                   .hash = hash_of(cipher)};
  if (const X509* const certificate = SSL_get0_peer_certificate(state_.get())) {
    report.peer_subject = text_of(X509_get_subject_name(certificate));
    report.peer_issuer = text_of(X509_get_issuer_name(certificate));
    report.peer_validity =
        fmt::format("{} - {}", text_of(X509_get0_notBefore(certificate)), text_of(X509_get0_notAfter(certificate)));
  }
  return report;
}

}  // namespace leveret::broker::amqp
