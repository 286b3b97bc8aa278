#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "management/router.h"

namespace leveret::management {

struct HttpOptions {
  std::string host{};          // a numeric address; empty: all, IPv6 and IPv4
  std::uint16_t port = 15672;  // 0: any free one
  /// A socket in the file system, whose owner needs no password; none when the path is empty.
  std::filesystem::path local_socket{};
  /// Pages of other origins that browsers may let talk to the API; "*" for all.
  std::vector<std::string> cors_origins{};
  std::chrono::seconds cors_max_age{1800};

  std::size_t connections_max = 1024;
  std::uint32_t header_size_max = 16 * 1024;          // octets
  std::uint64_t body_size_max = 10 * 1024 * 1024;     // octets
  std::chrono::milliseconds request_timeout{30'000};  // for a request to arrive, or an answer to be taken
  std::chrono::milliseconds idle_timeout{60'000};     // between two requests
};

/// Serves HTTP on a thread of its own; every answer comes from `answer`.
///
/// Errors: std::runtime_error with one line when the port or the local socket cannot be had.
class HttpServer {
 public:
  using Answer = std::function<boost::asio::awaitable<Response>(RawRequest)>;

  /// `context` outlives the broker that answers, for an answer may still be on its way when the server stops.
  HttpServer(boost::asio::io_context& context, HttpOptions options, Answer answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }
  void start();
  /// Closes all connections and joins the thread; answers under way are waited for, at most for `patience`.
  void stop(std::chrono::milliseconds patience);

 private:
  friend class HttpSession;

  template <class Acceptor>
  boost::asio::awaitable<void> accept(Acceptor& acceptor);
  void take(boost::asio::ip::tcp::socket socket);
  void take(boost::asio::local::stream_protocol::socket socket);

  boost::asio::io_context& context_;
  const HttpOptions options_;
  const Answer answer_;
  boost::asio::ip::tcp::acceptor acceptor_;
  const std::uint16_t port_;
  boost::asio::local::stream_protocol::acceptor local_acceptor_;
  // Shared with the sessions, for one that still waits for its answer may outlive the server.
  const std::shared_ptr<std::unordered_set<class HttpSession*>> sessions_;
  std::promise<void> ended_{};
  std::thread thread_{};
};

}  // namespace leveret::management
