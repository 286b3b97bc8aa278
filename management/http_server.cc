#include "management/http_server.h"

#include <stdexcept>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "management/http_session.h"
#include "management/log.h"

namespace leveret::management {

using boost::asio::ip::tcp;

namespace {

constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::chrono::milliseconds accept_retry_interval{100};

/// All addresses of IPv6 and IPv4 together; of IPv4 alone where there is no IPv6.
void listen(tcp::acceptor& acceptor, std::uint16_t port) {
  boost::system::error_code error;
  acceptor.open(tcp::v6(), error);
  const bool is_v6 = !error;
  if (!is_v6) acceptor.open(tcp::v4());
  acceptor.set_option(tcp::acceptor::reuse_address{true});
  if (is_v6) acceptor.set_option(boost::asio::ip::v6_only{false});
  acceptor.bind({is_v6 ? tcp::v6() : tcp::v4(), port}, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) throw std::runtime_error{fmt::format("cannot listen on port {} (HTTP): {}", port, error.message())};
}

}  // namespace

HttpServer::HttpServer(boost::asio::io_context& context, HttpOptions options, Answer answer)
    : context_(context),
      options_(std::move(options)),
      answer_(std::move(answer)),
      acceptor_(context),
      sessions_(std::make_shared<std::unordered_set<HttpSession*>>()) {
  listen(acceptor_, options_.port);
  port_ = acceptor_.local_endpoint().port();
}

HttpServer::~HttpServer() {
  stop({});
}

void HttpServer::start() {
  boost::asio::co_spawn(context_, accept(), boost::asio::detached);
  thread_ = std::thread{[this] {
    context_.run();
    ended_.set_value();
  }};
}

boost::asio::awaitable<void> HttpServer::accept() {
  boost::asio::steady_timer pause{context_};
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(as_result);
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
    auto session = std::make_unique<HttpSession>(*this, std::move(socket));
    boost::asio::co_spawn(context_, HttpSession::run(std::move(session)), boost::asio::detached);
  }
}

void HttpServer::stop(std::chrono::milliseconds patience) {
  if (!thread_.joinable()) return;
  boost::asio::post(context_, [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (HttpSession* session : *sessions_) session->close();
  });
  // The loop ends by itself when nothing is left to be done.
  if (ended_.get_future().wait_for(patience) == std::future_status::timeout) context_.stop();
  thread_.join();
}

}  // namespace leveret::management
