#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "broker/broker.h"
#include "broker/listener.h"
#include "broker/tls.h"

namespace leveret::broker {

/// Accepts AMQP connections and gives each to the shard with the fewest.  Belongs to the thread of `context`.
///
/// Errors: std::runtime_error with one line when the port cannot be had.
class Server {
 public:
  /// `context` outlives the server, and the server goes before the broker.
  Server(boost::asio::io_context& context, Broker& broker, const std::vector<ListenAddress>& addresses,
         const std::vector<ListenAddress>& tls_addresses = {}, TlsContext tls = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  struct Listener {
    boost::asio::ip::tcp::acceptor acceptor;
    TlsContext tls{};
  };

  /// Those without TLS come first.
  const std::vector<Listener>& listeners() const { return listeners_; }
  /// Of the first; 0 when there is none.
  std::uint16_t port() const;
  void start();
  /// Accepts no more, asks every connection to close (320 CONNECTION_FORCED) and waits until they have, or for
  /// `patience`.  Blocks.
  void stop(std::chrono::milliseconds patience);

 private:
  void accept(Listener& listener);

  boost::asio::io_context& context_;
  Broker& broker_;
  std::vector<Listener> listeners_{};
};

}  // namespace leveret::broker
