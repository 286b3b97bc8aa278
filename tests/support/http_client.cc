#include "tests/support/http_client.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <boost/beast/core/detail/base64.hpp>

#include "tests/support/waiting.h"

namespace leveret::test {
namespace {

std::string encoded(std::string_view text) {
  namespace base64 = boost::beast::detail::base64;
  std::string octets(base64::encoded_size(text.size()), '\0');
  octets.resize(base64::encode(octets.data(), text.data(), text.size()));
  return octets;
}

}  // namespace

std::string HttpResponse::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](auto& row) { return row.first == name; });
  return found == headers.end() ? "" : found->second;
}

HttpResponse HttpClient::send(const Request& request) {
  std::string octets = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n", request.method, request.path);
  if (!request.user.empty()) octets += fmt::format("Authorization: Basic {}\r\n", encoded(request.user));
  for (const auto& [name, value] : request.headers) octets += fmt::format("{}: {}\r\n", name, value);
  if (!request.body.empty()) octets += fmt::format("Content-Length: {}\r\n", request.body.size());
  socket_.send(octets + "\r\n" + request.body);
  return receive(request.method != "HEAD");
}

HttpResponse HttpClient::send_raw(std::string_view octets) {
  socket_.send(octets);
  return receive(true);
}

HttpResponse HttpClient::receive(bool has_body) {
  const auto receive_more = [this] {
    const std::string more = socket_.receive();
    if (more.empty()) throw TestFailure{"the server has closed the connection"};
    received_ += more;
  };
  while (received_.find("\r\n\r\n") == std::string::npos) receive_more();
  const std::size_t end = received_.find("\r\n\r\n");
  HttpResponse response{.status = static_cast<unsigned>(std::stoul(received_.substr(9, 3)))};
  std::size_t at = received_.find("\r\n") + 2;
  while (at < end + 2) {
    const std::size_t line_end = received_.find("\r\n", at);
    const std::string line = received_.substr(at, line_end - at);
    const std::size_t colon = line.find(':');
    response.headers.emplace_back(boost::algorithm::to_lower_copy(line.substr(0, colon)),
                                  boost::algorithm::trim_copy(line.substr(colon + 1)));
    at = line_end + 2;
  }
  received_.erase(0, end + 4);
  const std::string length = response.header("content-length");
  const std::size_t size = has_body && !length.empty() ? std::stoul(length) : 0;
  while (received_.size() < size) receive_more();
  response.body = received_.substr(0, size);
  received_.erase(0, size);
  return response;
}

}  // namespace leveret::test
