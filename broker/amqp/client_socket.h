#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <tuple>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/amqp/connection.h"
#include "broker/amqp/input_buffer.h"
#include "broker/amqp/tls_stream.h"

namespace leveret::broker::amqp {

/// A client's socket and the connection it carries.  Lives on the connection's shard, owned by its own coroutine.
class ClientSocket final : public Transport, public std::enable_shared_from_this<ClientSocket> {
 public:
  /// With `tls`, the client has to begin with its handshake.
  ClientSocket(Broker& broker, Shard& shard, boost::asio::ip::tcp::socket socket, const TlsContext& tls);

  /// Begins the conversation.  On the shard's thread.
  void start();

  void write() override;
  void resume() override;
  void close() override;

 private:
  static boost::asio::awaitable<void> run(std::shared_ptr<ClientSocket> self);
  boost::asio::awaitable<void> secure();
  boost::asio::awaitable<void> converse();
  boost::asio::awaitable<void> wait_for_resume();
  boost::asio::awaitable<void> read();
  std::tuple<boost::system::error_code, std::size_t> read_some(std::span<std::uint8_t> space);
  void hand_over();
  boost::asio::awaitable<void> linger();
  ssize_t write_some(std::span<iovec> pieces);
  void wait_until_writable();

  boost::asio::ip::tcp::socket socket_;
  const std::unique_ptr<TlsStream> tls_;
  boost::asio::steady_timer wake_;
  InputBuffer input_;
  bool is_waiting_to_write_ = false;
  bool has_failed_ = false;
  Connection connection_;
};

}  // namespace leveret::broker::amqp
