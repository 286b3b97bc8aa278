#pragma once
#include <memory>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/basic_stream.hpp>

#include "broker/tls.h"

namespace leveret::management {

/// A client's octets, for Beast: from a socket, or out of TLS over one.  Each operation has a time limit.
class HttpStream {
 public:
  using Protocol = boost::asio::generic::stream_protocol;  // TCP, or a socket in the file system
  using Socket = Protocol::socket;
  using executor_type = boost::beast::basic_stream<Protocol>::executor_type;

  /// Without `tls`, plain.
  HttpStream(Socket socket, broker::TlsContext tls);

  executor_type get_executor() { return plain_.get_executor(); }
  void expires_after(std::chrono::nanoseconds time) { plain_.expires_after(time); }
  void expires_never() { plain_.expires_never(); }

  /// Nothing to be done where there is no TLS.
  boost::asio::awaitable<boost::system::error_code> shake_hands();
  /// Tells the client that nothing follows, as far as it can be told while more of it may come.
  void end_output();
  /// Tells it in any case; nothing is read afterwards.
  boost::asio::awaitable<void> shut_down();
  void close() { plain_.close(); }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& into) {
          if (secure_)
            secure_->async_read_some(into, std::move(handler));
          else
            plain_.async_read_some(into, std::move(handler));
        },
        token, buffers);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          if (secure_)
            secure_->async_write_some(from, std::move(handler));
          else
            plain_.async_write_some(from, std::move(handler));
        },
        token, buffers);
  }

 private:
  using Plain = boost::beast::basic_stream<Protocol>;

  Plain plain_;
  const broker::TlsContext tls_;
  const std::unique_ptr<boost::asio::ssl::stream<Plain&>> secure_;
};

}  // namespace leveret::management
