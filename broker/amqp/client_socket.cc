#include "broker/amqp/client_socket.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace leveret::broker::amqp {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t pieces_per_write = 64;
constexpr auto linger_time = std::chrono::seconds{1};
constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

/// An address of IPv4 as such, when it came in through a socket of IPv6.
boost::asio::ip::address without_mapping(const boost::asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
}

Peer peer_of(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return {};
  const auto local = socket.local_endpoint(error);
  if (error) return {};
  const auto address = without_mapping(endpoint.address());
  return {.address = address.to_string() + ":" + std::to_string(endpoint.port()),
          .is_loopback = address.is_loopback(),
          .host = address.to_string(),
          .port = endpoint.port(),
          .local_host = without_mapping(local.address()).to_string(),
          .local_port = local.port()};
}

}  // namespace

ClientSocket::ClientSocket(Broker& broker, Shard& shard, tcp::socket socket, const TlsContext& tls)
    : socket_(std::move(socket)),
      tls_(tls ? std::make_unique<TlsStream>(tls, socket_) : nullptr),
      wake_(shard.context()),
      input_(shard.input_space()),
      connection_(broker, shard, *this, peer_of(socket_)) {
  boost::system::error_code ignored;
  socket_.set_option(tcp::no_delay{true}, ignored);
  socket_.non_blocking(true, ignored);
}

void ClientSocket::start() {
  boost::asio::co_spawn(wake_.get_executor(), run(shared_from_this()), boost::asio::detached);
}

/// Keeps the socket alive as long as the conversation lasts.
boost::asio::awaitable<void> ClientSocket::run(std::shared_ptr<ClientSocket> self) {
  if (self->tls_) co_await self->secure();
  co_await self->converse();
  co_await self->linger();
}

/// Nothing can be written before that is done.
boost::asio::awaitable<void> ClientSocket::secure() {
  is_waiting_to_write_ = true;
  const auto error = co_await tls_->shake_hands();
  is_waiting_to_write_ = false;
  if (!error) {
    connection_.secured(tls_->report());
    co_return;
  }
  has_failed_ = true;
  if (!connection_.is_finished()) connection_.secure_failed(error.message());
}

boost::asio::awaitable<void> ClientSocket::converse() {
  while (!connection_.is_finished()) {
    if (has_failed_) {
      co_await read();  // whatever has arrived, and then the end
    } else if (!connection_.wants_input()) {
      co_await wait_for_resume();
    } else if (connection_.has_stopped_early()) {
      hand_over();
    } else {
      co_await read();
    }
  }
}

boost::asio::awaitable<void> ClientSocket::wait_for_resume() {
  wake_.expires_at(TimePoint::max());
  co_await wake_.async_wait(as_result);
}

boost::asio::awaitable<void> ClientSocket::read() {
  boost::system::error_code error;
  std::size_t size = 0;
  // Others of the shard have their turn, where it is not known that nothing more has arrived.
  if (tls_ || input_.may_have_more()) {
    co_await boost::asio::post(wake_.get_executor(), boost::asio::use_awaitable);
  } else {
    std::tie(error) = co_await socket_.async_wait(tcp::socket::wait_read, as_result);
  }
  if (tls_) {
    std::tie(error, size) = co_await tls_->read_some(input_);
  } else if (!error) {
    std::tie(error, size) = read_some(input_.space());
  }
  if (error == boost::asio::error::operation_aborted) co_return;
  if (error) {
    while (connection_.is_paused()) co_await wait_for_resume();  // an answer from another shard is still to come
    connection_.disconnected();
    co_return;
  }
  input_.received(size);
  if (size == 0) co_return input_.keep(input_.unread());
  TransferCounters& transfers = connection_.transfers();
  transfers.octets_received += size;
  ++transfers.reads;
  hand_over();
}

/// As recv: nothing, without an error, when nothing has arrived.
std::tuple<boost::system::error_code, std::size_t> ClientSocket::read_some(std::span<std::uint8_t> space) {
  const ssize_t size = ::recv(socket_.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
  if (size > 0) return {boost::system::error_code{}, static_cast<std::size_t>(size)};
  if (size == 0) return {boost::asio::error::eof, 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {};
  return {boost::system::error_code{errno, boost::system::system_category()}, 0};
}

void ClientSocket::hand_over() {
  protocol::Octets unread = input_.unread();
  connection_.receive(unread);
  input_.keep(unread);
}

/// Lets the peer read what was written last: closing while its octets arrive would take that from it.
boost::asio::awaitable<void> ClientSocket::linger() {
  if (has_failed_) co_return;
  boost::system::error_code ignored;
  write();
  if (tls_) tls_->shut_down();
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  wake_.expires_after(linger_time);
  wake_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    boost::system::error_code also_ignored;
    if (!error) self->socket_.close(also_ignored);
  });
  std::array<std::uint8_t, 1024> discarded;
  while (true) {
    const auto [error, size] = co_await socket_.async_read_some(boost::asio::buffer(discarded), as_result);
    if (error) break;
  }
  wake_.cancel();
}

void ClientSocket::write() {
  if (is_waiting_to_write_ || has_failed_) return;
  protocol::OutputBuffer& output = connection_.output();
  while (!output.empty()) {
    std::array<iovec, pieces_per_write> pieces;
    const ssize_t written = write_some({pieces.data(), output.fill(pieces)});
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return wait_until_writable();
    if (written < 0) {
      has_failed_ = true;  // reading will find the same
      boost::system::error_code ignored;
      socket_.shutdown(tcp::socket::shutdown_both, ignored);
      output.clear();
      wake_.cancel();
      return;
    }
    output.consume(static_cast<std::size_t>(written));
    TransferCounters& transfers = connection_.transfers();
    transfers.octets_sent += static_cast<std::size_t>(written);
    ++transfers.writes;
  }
  connection_.output_written();
}

/// As sendmsg.
ssize_t ClientSocket::write_some(std::span<iovec> pieces) {
  if (tls_) return tls_->write(pieces);
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  return ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void ClientSocket::wait_until_writable() {
  is_waiting_to_write_ = true;
  connection_.output_written();
  socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](boost::system::error_code error) {
    self->is_waiting_to_write_ = false;
    if (!error) self->write();
  });
}

void ClientSocket::resume() {
  if (!connection_.is_finished()) wake_.cancel();  // later it measures how long to linger
}

void ClientSocket::close() {
  boost::system::error_code ignored;
  wake_.cancel();
  socket_.cancel(ignored);
}

}  // namespace leveret::broker::amqp
