#pragma once
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "management/http_server.h"
#include "management/http_stream.h"

namespace leveret::management {

/// One client's connection: requests one after the other, as long as it keeps it open.  Belongs to the server's thread.
class HttpSession {
 public:
  /// Where the client is.
  struct Origin {
    bool is_this_machine = false;
    bool is_administrator = false;
  };

  HttpSession(HttpServer& server, HttpStream::Socket socket, broker::TlsContext tls, Origin origin);
  ~HttpSession();

  /// Serves the client until it or the server leaves.
  static void start(HttpServer& server, HttpStream::Socket socket, broker::TlsContext tls, Origin origin);
  void close();

 private:
  static boost::asio::awaitable<void> run(std::unique_ptr<HttpSession> self);
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Message = boost::beast::http::response<boost::beast::http::string_body>;

  boost::asio::awaitable<void> converse();
  /// False when the connection has to end.
  boost::asio::awaitable<bool> read(Parser& parser);
  boost::asio::awaitable<bool> answer(Parser::value_type request);
  boost::asio::awaitable<void> refuse(boost::system::error_code reason);
  boost::asio::awaitable<bool> write(Message& message, bool is_head);
  Message message_of(const Response& response) const;
  /// What a page of another origin asks, before its request or with it.
  struct Preflight {
    bool is_one = false;
    std::string origin{};
    std::string headers{};  // those it wants to send
  };
  void allow_origin(Message& message, const Preflight& preflight) const;
  static void compress(Message& message);

  HttpServer& server_;
  const std::shared_ptr<std::unordered_set<HttpSession*>> sessions_;
  HttpStream stream_;
  boost::beast::flat_buffer buffer_;
  const Origin origin_;
};

}  // namespace leveret::management
