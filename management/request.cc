#include "management/request.h"

#include <algorithm>

#include <boost/algorithm/string/predicate.hpp>

namespace leveret::management {

const std::string& Request::parameter(std::string_view name) const {
  static const std::string none;
  const auto found = std::find_if(parameters.begin(), parameters.end(), [&](auto& row) { return row.first == name; });
  return found == parameters.end() ? none : found->second;
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  const auto found = std::find_if(query.begin(), query.end(), [&](auto& row) { return row.first == name; });
  return found == query.end() ? std::nullopt : std::optional<std::string_view>{found->second};
}

std::string_view Request::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](auto& row) { return row.first == name; });
  return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

bool Request::has_tag(std::string_view tag) const {
  return std::find(user.tags.begin(), user.tags.end(), tag) != user.tags.end();
}

std::vector<std::string> Request::virtual_hosts_with(bool all) const {
  const std::string_view chosen = header("x-vhost");  // in the web UI; empty: all of them
  std::vector<std::string> names;
  for (const auto& virtual_host : broker.virtual_hosts()) {
    if (!chosen.empty() && chosen != virtual_host.name) continue;
    if (all || broker.may_enter(user.name, virtual_host.name)) names.push_back(virtual_host.name);
  }
  return names;
}

Response answer(const json::value& value) {
  return {.body = json::serialize(value)};
}

Response created() {
  return {.status = 201};
}

Response no_content() {
  return {.status = 204};
}

Response Refusal::response() const {
  return {.status = status_, .body = json::serialize(json::object{{"error", error_}, {"reason", reason_}})};
}

Refusal bad_request(json::value reason) {
  return {400, "bad_request", std::move(reason)};
}

Refusal not_found() {
  return {404, "Object Not Found", "Not Found"};
}

Refusal not_authorised(std::string_view reason) {
  return {401, "not_authorised", json::string{reason}};
}

Refusal refused_by_broker(const protocol::AmqpError& error) {
  switch (error.code) {
    case protocol::ReplyCode::not_found:
      return {404, "not_found", json::string{error.text}};
    case protocol::ReplyCode::access_refused:
      return not_authorised("Access refused.");
    case protocol::ReplyCode::resource_error:
      return {503, "service_unavailable", json::string{error.text}};
    default:
      return bad_request(json::string{error.text});
  }
}

}  // namespace leveret::management
