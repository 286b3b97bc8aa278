#include "broker/server.h"

#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "broker/amqp/client_socket.h"
#include "broker/log.h"

namespace leveret::broker {

using boost::asio::ip::tcp;

namespace {

constexpr auto stop_poll_interval = std::chrono::milliseconds{2};
constexpr std::chrono::milliseconds accept_retry_interval{100};

/// All addresses of IPv6 and IPv4 together; of IPv4 alone where there is no IPv6.
tcp::endpoint open_for_all(tcp::acceptor& acceptor, std::uint16_t port) {
  boost::system::error_code error;
  acceptor.open(tcp::v6(), error);
  if (!error) {
    acceptor.set_option(boost::asio::ip::v6_only{false});
    return {tcp::v6(), port};
  }
  acceptor.open(tcp::v4());
  return {tcp::v4(), port};
}

tcp::endpoint open_for_one(tcp::acceptor& acceptor, const ListenAddress& address) {
  const tcp::endpoint endpoint{boost::asio::ip::make_address(address.host), address.port};
  acceptor.open(endpoint.protocol());
  // 0.0.0.0 and :: may each have a listener of their own.
  if (endpoint.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only{true});
  return endpoint;
}

tcp::acceptor listen(boost::asio::io_context& context, const ListenAddress& address) {
  tcp::acceptor acceptor{context};
  const tcp::endpoint endpoint =
      address.host.empty() ? open_for_all(acceptor, address.port) : open_for_one(acceptor, address);
  acceptor.set_option(tcp::acceptor::reuse_address{true});
  boost::system::error_code error;
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error)
    throw std::runtime_error{fmt::format("cannot listen on port {}{}: {}", address.port,
                                         address.host.empty() ? "" : " of " + address.host, error.message())};
  return acceptor;
}

}  // namespace

Server::Server(boost::asio::io_context& context, Broker& broker, const std::vector<ListenAddress>& addresses)
    : context_(context), broker_(broker) {
  for (const ListenAddress& address : addresses) acceptors_.push_back(listen(context_, address));
}

Server::~Server() {
  // An accept that waits holds a socket of a shard: it has to end before the shards do.
  boost::system::error_code ignored;
  for (auto& acceptor : acceptors_) acceptor.close(ignored);
  context_.restart();
  context_.poll();
}

std::uint16_t Server::port() const {
  return acceptors_.empty() ? std::uint16_t{0} : acceptors_.front().local_endpoint().port();
}

std::vector<tcp::endpoint> Server::endpoints() const {
  std::vector<tcp::endpoint> all;
  for (const auto& acceptor : acceptors_) all.push_back(acceptor.local_endpoint());
  return all;
}

void Server::start() {
  for (auto& acceptor : acceptors_) accept(acceptor);
}

void Server::accept(tcp::acceptor& acceptor) {
  Shard& shard = broker_.least_loaded_shard();
  acceptor.async_accept(shard.context(),
                        [this, &acceptor, &shard](boost::system::error_code error, tcp::socket socket) {
                          if (error == boost::asio::error::operation_aborted) return;
                          if (error) {
                            // Out of file descriptors, most likely: others may close theirs meanwhile.
                            log::warn("connection refused: reason=\"{}\"", error.message());
                            std::this_thread::sleep_for(accept_retry_interval);
                          } else {
                            auto client = std::make_shared<tcp::socket>(std::move(socket));
                            boost::asio::post(shard.context(), [this, &shard, client] {
                              std::make_shared<amqp::ClientSocket>(broker_, shard, std::move(*client))->start();
                            });
                          }
                          accept(acceptor);
                        });
}

void Server::stop(std::chrono::milliseconds patience) {
  boost::system::error_code ignored;
  for (auto& acceptor : acceptors_) acceptor.close(ignored);
  for (const auto& shard : broker_.shards())
    shard->run_here([&shard] { shard->force_close_all("broker forced connection closure with reason 'shutdown'"); });
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (broker_.connection_count() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(stop_poll_interval);
}

}  // namespace leveret::broker
