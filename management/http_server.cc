#include "management/http_server.h"

#include <stdexcept>

#include <sys/stat.h>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "broker/listener.h"
#include "management/http_session.h"
#include "management/log.h"

namespace leveret::management {

using boost::asio::ip::tcp;
using local = boost::asio::local::stream_protocol;

namespace {

constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::chrono::milliseconds accept_retry_interval{100};

/// Only the owner may connect.  What stands there has been left by a broker that was killed.
void listen(local::acceptor& acceptor, const std::filesystem::path& path) {
  if (path.string().size() >= sizeof(sockaddr_un::sun_path)) {
    log::warn("no local socket: path={} reason=\"too long\" rabbitmqctl cannot reach this broker", path.string());
    return;
  }
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  acceptor.open();
  // On Linux the file gets the mode that the socket has when it is bound.
  fchmod(acceptor.native_handle(), S_IRUSR | S_IWUSR);
  boost::system::error_code error;
  acceptor.bind(local::endpoint{path.string()}, error);
  if (!error) acceptor.listen(local::acceptor::max_listen_connections, error);
  if (error) throw std::runtime_error{fmt::format("cannot listen on {}: {}", path.string(), error.message())};
}

/// Of this machine's own addresses.
bool is_from_this_machine(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto address = socket.remote_endpoint(error).address();
  if (error) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_loopback();
  return address.is_loopback();
}

}  // namespace

HttpServer::HttpServer(boost::asio::io_context& context, HttpOptions options, Answer answer)
    : context_(context),
      options_(std::move(options)),
      answer_(std::move(answer)),
      local_acceptor_(context),
      sessions_(std::make_shared<std::unordered_set<HttpSession*>>()) {
  for (const auto& listener : options_.listeners) {
    acceptors_.push_back(broker::listen(context, listener.address, listener.tls ? "HTTP with TLS" : "HTTP"));
    ports_.push_back(acceptors_.back().local_endpoint().port());
  }
  if (!options_.local_socket.empty()) listen(local_acceptor_, options_.local_socket);
}

HttpServer::~HttpServer() {
  stop({});
}

void HttpServer::start() {
  for (std::size_t i = 0; i < acceptors_.size(); ++i)
    boost::asio::co_spawn(context_, accept(acceptors_[i], options_.listeners[i].tls), boost::asio::detached);
  if (local_acceptor_.is_open()) boost::asio::co_spawn(context_, accept(local_acceptor_, {}), boost::asio::detached);
  thread_ = std::thread{[this] {
    context_.run();
    ended_.set_value();
  }};
}

template <class Acceptor>
boost::asio::awaitable<void> HttpServer::accept(Acceptor& acceptor, broker::TlsContext tls) {
  boost::asio::steady_timer pause{context_};
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(as_result);
    if (error == boost::asio::error::operation_aborted) co_return;
    if (error) {
      log::warn("HTTP connection refused: reason=\"{}\"", error.message());
      pause.expires_after(accept_retry_interval);
      co_await pause.async_wait(as_result);
      continue;
    }
    if (sessions_->size() >= options_.connections_max) {
      log::warn("HTTP connection refused: reason=\"too many\" connections={}", sessions_->size());
      continue;
    }
    take(std::move(socket), tls);
  }
}

void HttpServer::take(tcp::socket socket, const broker::TlsContext& tls) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay{true}, ignored);
  const HttpSession::Origin origin{.is_this_machine = is_from_this_machine(socket)};
  HttpSession::start(*this, std::move(socket), tls, origin);
}

void HttpServer::take(local::socket socket, const broker::TlsContext&) {
  HttpSession::start(*this, std::move(socket), {}, {.is_this_machine = true, .is_administrator = true});
}

void HttpServer::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  boost::asio::post(context_, [this] {
    boost::system::error_code ignored;
    for (auto& acceptor : acceptors_) acceptor.close(ignored);
    local_acceptor_.close(ignored);
    for (HttpSession* session : *sessions_) session->close();
  });
  // The loop ends by itself when nothing is left to be done.
  if (ended_.get_future().wait_for(patience) == std::future_status::timeout) context_.stop();
  thread_.join();
  std::error_code is_gone_already;
  if (!options_.local_socket.empty()) std::filesystem::remove(options_.local_socket, is_gone_already);
}

}  // namespace leveret::management
