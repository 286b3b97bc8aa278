#include "broker/server.h"

#include <thread>

#include <boost/asio/post.hpp>

#include "broker/amqp/client_socket.h"
#include "broker/log.h"

namespace leveret::broker {

using boost::asio::ip::tcp;

namespace {

constexpr auto stop_poll_interval = std::chrono::milliseconds{2};
constexpr std::chrono::milliseconds accept_retry_interval{100};

}  // namespace

Server::Server(boost::asio::io_context& context, Broker& broker, const std::vector<ListenAddress>& addresses,
               const std::vector<ListenAddress>& tls_addresses, TlsContext tls)
    : context_(context), broker_(broker) {
  for (const auto& address : addresses) listeners_.push_back({listen(context_, address, "AMQP")});
  for (const auto& address : tls_addresses) listeners_.push_back({listen(context_, address, "AMQP with TLS"), tls});
}

Server::~Server() {
  // An accept that waits holds a socket of a shard: it has to end before the shards do.
  boost::system::error_code ignored;
  for (auto& listener : listeners_) listener.acceptor.close(ignored);
  context_.restart();
  context_.poll();
}

std::uint16_t Server::port() const {
  return listeners_.empty() ? std::uint16_t{0} : listeners_.front().acceptor.local_endpoint().port();
}

void Server::start() {
  for (auto& listener : listeners_) accept(listener);
}

void Server::accept(Listener& listener) {
  Shard& shard = broker_.least_loaded_shard();
  listener.acceptor.async_accept(
      shard.context(), [this, &listener, &shard](boost::system::error_code error, tcp::socket socket) {
        if (error == boost::asio::error::operation_aborted) return;
        if (error) {
          // Out of file descriptors, most likely: others may close theirs meanwhile.
          log::warn("connection refused: reason=\"{}\"", error.message());
          std::this_thread::sleep_for(accept_retry_interval);
        } else {
          auto client = std::make_shared<tcp::socket>(std::move(socket));
          broker_.connection_expected(shard.index());
          boost::asio::post(shard.context(), [this, &shard, client, tls = listener.tls] {
            std::make_shared<amqp::ClientSocket>(broker_, shard, std::move(*client), tls)->start();
            broker_.connection_arrived(shard.index());
          });
        }
        accept(listener);
      });
}

void Server::stop(std::chrono::milliseconds patience) {
  boost::system::error_code ignored;
  for (auto& listener : listeners_) listener.acceptor.close(ignored);
  for (const auto& shard : broker_.shards())
    shard->run_here([&shard] { shard->force_close_all("broker forced connection closure with reason 'shutdown'"); });
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (broker_.connection_count() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(stop_poll_interval);
}

}  // namespace leveret::broker
