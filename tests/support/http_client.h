#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "tests/support/test_socket.h"

namespace leveret::test {

/// What an HTTP server has answered.
struct HttpResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case
  std::string body{};

  /// Empty when there is none of that name.
  std::string header(std::string_view name) const;
  boost::json::value json() const { return boost::json::parse(body); }
};

/// A client of HTTP over a socket of its own, which it keeps open from request to request.
class HttpClient {
 public:
  struct Request {
    std::string method = "GET";
    std::string path = "/";
    std::string body{};
    std::string user = "guest:guest";  // empty: no credentials
    std::vector<std::pair<std::string, std::string>> headers{};
  };

  explicit HttpClient(std::uint16_t port) : socket_(port) {}

  HttpResponse send(const Request& request);
  /// Octets as they are, and the answer to them.
  HttpResponse send_raw(std::string_view octets);
  TestSocket& socket() { return socket_; }

 private:
  HttpResponse receive(bool has_body);

  TestSocket socket_;
  std::string received_{};
};

}  // namespace leveret::test
