#include "management/http_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace leveret::management {

namespace ssl = boost::asio::ssl;

namespace {

constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::chrono::seconds farewell_time{1};

}  // namespace

HttpStream::HttpStream(Socket socket, broker::TlsContext tls)
    : plain_(std::move(socket)),
      tls_(std::move(tls)),
      secure_(tls_ ? std::make_unique<ssl::stream<Plain&>>(plain_, *tls_) : nullptr) {}

boost::asio::awaitable<boost::system::error_code> HttpStream::shake_hands() {
  if (!secure_) co_return boost::system::error_code{};
  co_return std::get<0>(co_await secure_->async_handshake(ssl::stream_base::server, as_result));
}

void HttpStream::end_output() {
  boost::system::error_code ignored;
  if (!secure_) plain_.socket().shutdown(Socket::shutdown_send, ignored);
}

/// TLS has a farewell, which is answered by most clients.
boost::asio::awaitable<void> HttpStream::shut_down() {
  plain_.expires_after(farewell_time);
  if (secure_) co_await secure_->async_shutdown(as_result);
  boost::system::error_code ignored;
  plain_.socket().shutdown(Socket::shutdown_send, ignored);
}

}  // namespace leveret::management
