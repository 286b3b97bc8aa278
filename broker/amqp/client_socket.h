#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/amqp/connection.h"
#include "broker/amqp/tls_stream.h"

namespace leveret::broker::amqp {

/// Octets that have arrived and are not yet handled.  Small while a connection is quiet, larger while it is busy.
class InputBuffer {
 public:
  /// Room for what arrives next; never empty.
  std::span<std::uint8_t> space();
  void received(std::size_t size) { end_ += size; }
  protocol::Octets unread() const { return {octets_.data() + begin_, end_ - begin_}; }
  /// What is left of it once the connection has handled what it could.
  void keep(protocol::Octets unread);

 private:
  std::vector<std::uint8_t> octets_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool was_filled_ = false;
};

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
  void hand_over();
  boost::asio::awaitable<void> linger();
  ssize_t write_some(std::span<iovec> pieces);
  void wait_until_writable();

  boost::asio::ip::tcp::socket socket_;
  const std::unique_ptr<TlsStream> tls_;
  boost::asio::steady_timer wake_;
  InputBuffer input_{};
  bool is_waiting_to_write_ = false;
  bool has_failed_ = false;
  Connection connection_;
};

}  // namespace leveret::broker::amqp
