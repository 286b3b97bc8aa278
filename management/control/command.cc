#include "management/control/command.h"

#include <iostream>

#include <fmt/format.h>
#include <boost/algorithm/string/replace.hpp>
#include <boost/json/serialize.hpp>

#include "management/target.h"

namespace leveret::management::control {

namespace json = boost::json;

std::string Session::encoded(std::size_t index) const {
  return percent_encoded(argument(index));
}

std::string Session::virtual_host() const {
  return percent_encoded(invocation.virtual_host());
}

Api::Answer Session::ask(const Api::Request& request) const {
  Api::Answer answer = api.ask(request);
  if (answer.is_success()) return answer;
  std::string reason = answer.reason();
  // Users are looked for before.
  if (reason == "vhost_not_found" || reason == "vhost_or_user_not_found" ||
      (reason == "Not Found" && request.target.find("/vhosts/") != std::string::npos))
    reason = fmt::format("Virtual host {} does not exist", invocation.virtual_host());
  throw Failure{Exit::unavailable,
                fmt::format("Error:\n{}", reason.empty() ? fmt::format("HTTP status {}", answer.status) : reason)};
}

void Session::put(std::string target, const json::value& body) const {
  ask({.method = "PUT", .target = std::move(target), .body = json::serialize(body)});
}

void Session::remove(std::string target) const {
  ask({.method = "DELETE", .target = std::move(target)});
}

void Session::post(std::string target, const json::value& body) const {
  ask({.method = "POST", .target = std::move(target), .body = json::serialize(body)});
}

std::string expanded(std::string_view text, const Invocation& invocation) {
  std::string result{text};
  boost::algorithm::replace_all(result, "{node}", invocation.node());
  boost::algorithm::replace_all(result, "{vhost}", invocation.virtual_host());
  for (std::size_t i = 0; i < invocation.arguments.size(); ++i)
    boost::algorithm::replace_all(result, fmt::format("{{{}}}", i), invocation.arguments[i]);
  return result;
}

std::string line_from_standard_input(std::string_view question) {
  std::cerr << question << ' ' << std::flush;
  std::string line;
  std::getline(std::cin, line);
  return line;
}

}  // namespace leveret::management::control
