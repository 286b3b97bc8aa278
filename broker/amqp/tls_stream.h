#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>

#include <sys/uio.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "broker/amqp/input_buffer.h"
#include "broker/tls.h"

struct ssl_st;

namespace leveret::broker::amqp {

/// TLS over a client's socket, which does not block; for one reader and one writer, on the socket's shard.
class TlsStream {
 public:
  /// `socket` outlives it.
  TlsStream(TlsContext context, boost::asio::ip::tcp::socket& socket);

  boost::asio::awaitable<boost::system::error_code> shake_hands();
  /// All that has arrived, as far as the input has room; waits until there is something.
  boost::asio::awaitable<std::tuple<boost::system::error_code, std::size_t>> read_some(InputBuffer& input);
  /// As sendmsg: the octets taken, perhaps not all; or -1, and errno is EAGAIN when the socket takes none now.  What
  /// was not taken comes first the next time.
  ssize_t write(std::span<const iovec> pieces);
  /// Tells the peer that nothing follows.
  void shut_down();

  TlsReport report() const;

 private:
  struct Free {
    void operator()(ssl_st* state) const;
  };

  boost::asio::awaitable<boost::system::error_code> wait(int result);

  const TlsContext context_;
  boost::asio::ip::tcp::socket& socket_;
  const std::unique_ptr<ssl_st, Free> state_;
};

}  // namespace leveret::broker::amqp
