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

#include "broker/listener.h"
#include "broker/tls.h"
#include "management/router.h"

namespace leveret::management {

struct HttpListener {
  broker::ListenAddress address{};
  broker::TlsContext tls{};
};

struct HttpOptions {
  /// Where it is served; with TLS where there is a context for it.
  std::vector<HttpListener> listeners{{.address = {.port = 15672}}};
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

  /// Of each listener, in order.
  const std::vector<std::uint16_t>& ports() const { return ports_; }
  /// Of the first.
  std::uint16_t port() const { return ports_.front(); }
  void start();
  /// Closes all connections and joins the thread; answers under way are waited for, at most for `patience`.
  void stop(std::chrono::milliseconds patience);

 private:
  friend class HttpSession;

  template <class Acceptor>
  boost::asio::awaitable<void> accept(Acceptor& acceptor, broker::TlsContext tls);
  void take(boost::asio::ip::tcp::socket socket, const broker::TlsContext& tls);
  void take(boost::asio::local::stream_protocol::socket socket, const broker::TlsContext& tls);

  boost::asio::io_context& context_;
  const HttpOptions options_;
  const Answer answer_;
  std::vector<boost::asio::ip::tcp::acceptor> acceptors_{};
  std::vector<std::uint16_t> ports_{};
  boost::asio::local::stream_protocol::acceptor local_acceptor_;
  // Shared with the sessions, for one that still waits for its answer may outlive the server.
  const std::shared_ptr<std::unordered_set<class HttpSession*>> sessions_;
  std::promise<void> ended_{};
  std::thread thread_{};
};

}  // namespace leveret::management
