#include "management/http_session.h"

#include <algorithm>

#include <fmt/chrono.h>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>

#include "management/gzip.h"

namespace leveret::management {

namespace http = boost::beast::http;

namespace {

constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::size_t read_size_max = 64 * 1024;
constexpr std::string_view security_policy = "script-src 'self' 'unsafe-eval' 'unsafe-inline'; object-src 'self'";
/// Smaller bodies gain nothing.
constexpr std::size_t compressed_min = 300;

/// What is answered to octets that are no acceptable request.
Response refusal_of(const boost::system::error_code& error) {
  if (error == http::error::body_limit)
    return Refusal{400, "bad_request", "Exceeded HTTP request body size limit"}.response();
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return Refusal{431, "bad_request", "Exceeded HTTP request header size limit"}.response();
  return Refusal{400, "bad_request", "Malformed HTTP request"}.response();
}

/// RFC 9110, section 5.6.7.
std::string http_date(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

bool is_refusable(const boost::system::error_code& error) {
  static const boost::system::error_category& category = make_error_code(http::error::bad_method).category();
  return error.category() == category && error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

HttpSession::HttpSession(HttpServer& server, HttpStream::Socket socket, broker::TlsContext tls, Origin origin)
    : server_(server),
      sessions_(server.sessions_),
      stream_(std::move(socket), std::move(tls)),
      buffer_(std::max<std::size_t>(read_size_max, server.options_.header_size_max)),
      origin_(origin) {
  sessions_->insert(this);
}

HttpSession::~HttpSession() {
  sessions_->erase(this);
}

void HttpSession::close() {
  stream_.close();
}

void HttpSession::start(HttpServer& server, HttpStream::Socket socket, broker::TlsContext tls, Origin origin) {
  auto session = std::make_unique<HttpSession>(server, std::move(socket), std::move(tls), origin);
  boost::asio::co_spawn(server.context_, run(std::move(session)), boost::asio::detached);
}

boost::asio::awaitable<void> HttpSession::run(std::unique_ptr<HttpSession> self) {
  self->stream_.expires_after(self->server_.options_.request_timeout);
  const auto error = co_await self->stream_.shake_hands();
  if (error) co_return;
  co_await self->converse();
  co_await self->stream_.shut_down();
}

boost::asio::awaitable<void> HttpSession::converse() {
  while (true) {
    Parser parser;
    parser.header_limit(server_.options_.header_size_max);
    parser.body_limit(server_.options_.body_size_max);
    const bool is_whole = co_await read(parser);
    if (!is_whole) co_return;
    const bool goes_on = co_await answer(parser.release());
    if (!goes_on) co_return;
  }
}

boost::asio::awaitable<bool> HttpSession::read(Parser& parser) {
  stream_.expires_after(buffer_.size() == 0 ? server_.options_.idle_timeout : server_.options_.request_timeout);
  auto [header_error, header_size] = co_await http::async_read_header(stream_, buffer_, parser, as_result);
  if (header_error) {
    co_await refuse(header_error);
    co_return false;
  }
  stream_.expires_after(server_.options_.request_timeout);
  if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on{http::status::continue_, 11};
    auto [write_error, written] = co_await http::async_write(stream_, go_on, as_result);
    if (write_error) co_return false;
  }
  auto [body_error, body_size] = co_await http::async_read(stream_, buffer_, parser, as_result);
  if (!body_error) co_return true;
  co_await refuse(body_error);
  co_return false;
}

boost::asio::awaitable<void> HttpSession::refuse(boost::system::error_code reason) {
  if (!is_refusable(reason)) co_return;
  Message message = message_of(refusal_of(reason));
  message.keep_alive(false);
  const bool is_written = co_await write(message, false);
  if (!is_written) co_return;
  // What the client is still sending is taken, up to a limit: closing now could take the answer from it.
  stream_.end_output();
  std::string discarded(read_size_max, '\0');
  for (std::uint64_t left = 2 * server_.options_.body_size_max; left > 0;) {
    auto [error, size] = co_await stream_.async_read_some(boost::asio::buffer(discarded), as_result);
    if (error) co_return;
    left -= std::min<std::uint64_t>(left, size);
  }
}

boost::asio::awaitable<bool> HttpSession::answer(Parser::value_type request) {
  const bool is_head = request.method() == http::verb::head;
  const bool is_preflight = request.method() == http::verb::options;
  const bool keeps_alive = request.keep_alive();
  const unsigned version = request.version();
  RawRequest raw{.method = std::string{request.method_string()},
                 .target = std::string{request.target()},
                 .is_from_this_machine = origin_.is_this_machine,
                 .is_from_administrator = origin_.is_administrator};
  for (const auto& field : request)
    raw.headers.emplace_back(boost::algorithm::to_lower_copy(std::string{field.name_string()}),
                             std::string{field.value()});
  raw.body = std::move(request.body());
  const Preflight preflight{.is_one = is_preflight,
                            .origin = std::string{request[http::field::origin]},
                            .headers = std::string{request[http::field::access_control_request_headers]}};
  const bool may_compress = !is_head && accepts_gzip(request[http::field::accept_encoding]);

  stream_.expires_never();
  const Response response = co_await server_.answer_(std::move(raw));
  Message message = message_of(response);
  message.version(version);
  message.keep_alive(keeps_alive);
  allow_origin(message, preflight);
  if (may_compress) compress(message);
  stream_.expires_after(server_.options_.request_timeout);
  const bool is_written = co_await write(message, is_head);
  co_return is_written&& keeps_alive;
}

HttpSession::Message HttpSession::message_of(const Response& response) const {
  Message message{static_cast<http::status>(response.status), 11};
  message.set(http::field::server, "Leveret");
  message.set(http::field::date, http_date(std::chrono::system_clock::now()));
  message.set("content-security-policy", security_policy);
  message.set(http::field::vary, "accept, accept-encoding, origin");
  message.set(http::field::cache_control, "no-cache");
  if (!response.body.empty()) message.set(http::field::content_type, response.content_type);
  for (const auto& [name, value] : response.headers) message.insert(name, value);
  message.body() = response.body;
  message.prepare_payload();
  if (message.result() == http::status::no_content) message.erase(http::field::content_length);
  return message;
}

/// What RabbitMQ compresses: JSON, and metrics.
void HttpSession::compress(Message& message) {
  const auto type = message[http::field::content_type];
  if (message.body().size() <= compressed_min || !(type == "application/json" || type.starts_with("text/plain")))
    return;
  message.body() = gzip(message.body());
  message.set(http::field::content_encoding, "gzip");
  message.prepare_payload();
}

void HttpSession::allow_origin(Message& message, const Preflight& preflight) const {
  const std::string& origin = preflight.origin;
  const auto& allowed = server_.options_.cors_origins;
  const bool is_allowed =
      std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) { return one == "*" || one == origin; });
  if (origin.empty() || !is_allowed) return;
  message.set(http::field::access_control_allow_origin, origin);
  message.set(http::field::access_control_allow_credentials, "true");
  if (!preflight.is_one) return;
  message.set(http::field::access_control_allow_methods, message[http::field::allow]);
  if (!preflight.headers.empty()) message.set(http::field::access_control_allow_headers, preflight.headers);
  message.set(http::field::access_control_max_age, std::to_string(server_.options_.cors_max_age.count()));
}

/// With no more than the header for HEAD, whose length is still that of the body.
boost::asio::awaitable<bool> HttpSession::write(Message& message, bool is_head) {
  http::response_serializer<http::string_body> serializer{message};
  serializer.split(is_head);
  if (is_head) {
    auto [error, size] = co_await http::async_write_header(stream_, serializer, as_result);
    co_return !error;
  }
  auto [error, size] = co_await http::async_write(stream_, serializer, as_result);
  co_return !error;
}

}  // namespace leveret::management
