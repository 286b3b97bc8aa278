#include "management/control/api.h"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace leveret::management::control {

namespace http = boost::beast::http;
using local = boost::asio::local::stream_protocol;

namespace {

/// One question and its answer, the steps one after the other.
class Exchange {
 public:
  explicit Exchange(const Api::Request& request) : stream_(context_) {
    request_.method_string(request.method);
    request_.target(request.target);
    request_.set(http::field::host, "localhost");
    request_.set(http::field::content_type, "application/json");
    if (!request.authorization.empty()) request_.set(http::field::authorization, request.authorization);
    request_.body() = request.body;
    request_.prepare_payload();
    request_.keep_alive(false);
    parser_.body_limit(boost::none);
  }

  http::response<http::string_body> run(const std::filesystem::path& socket, std::chrono::milliseconds timeout) {
    stream_.expires_after(timeout);
    stream_.async_connect(local::endpoint{socket.string()}, [this](auto error) { next(error, &Exchange::write); });
    context_.run();
    if (error_) throw Unavailable{error_.message()};
    return parser_.release();
  }

 private:
  void next(const boost::system::error_code& error, void (Exchange::*step)()) {
    error_ = error;
    if (!error) (this->*step)();
  }
  void write() {
    http::async_write(stream_, request_, [this](auto error, std::size_t) { next(error, &Exchange::read); });
  }
  void read() {
    http::async_read(stream_, buffer_, parser_, [this](auto error, std::size_t) { error_ = error; });
  }

  boost::asio::io_context context_{1};
  boost::beast::basic_stream<local> stream_;
  http::request<http::string_body> request_{};
  http::response_parser<http::string_body> parser_{};
  boost::beast::flat_buffer buffer_{};
  boost::system::error_code error_{};
};

}  // namespace

std::string Api::Answer::reason() const {
  const auto* object = body.if_object();
  const auto* reason = object ? object->if_contains("reason") : nullptr;
  if (!reason) return {};
  return reason->is_string() ? std::string{reason->get_string()} : boost::json::serialize(*reason);
}

Api::Answer Api::ask(const Request& request) const {
  if (socket_.string().size() >= sizeof(sockaddr_un::sun_path)) throw Unavailable{"the socket's path is too long"};
  const auto response = Exchange{request}.run(socket_, timeout_);
  Answer answer{.status = response.result_int()};
  boost::system::error_code error;
  if (!response.body().empty()) answer.body = boost::json::parse(response.body(), error);
  return answer;
}

}  // namespace leveret::management::control
