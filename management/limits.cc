#include <algorithm>

#include <boost/asio/awaitable.hpp>

#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"

/// Limits of virtual hosts and of users.
namespace leveret::management {
namespace {

using broker::LimitOf;

/// {"vhost": name, "value": {limit: number}} for each of those that have any and are meant.
Response list_those(const Request& request, LimitOf of, const std::vector<std::string>& names) {
  const std::string_view member = of == LimitOf::user ? "user" : "vhost";
  std::vector<json::object> objects;
  for (const auto& [subject, limits] : request.broker.limits(of)) {
    if (std::find(names.begin(), names.end(), subject) == names.end()) continue;
    json::object values;
    for (const auto& [name, limit] : limits) values[name] = limit;
    objects.push_back({{member, to_json_text(subject)}, {"value", std::move(values)}});
  }
  return list(request, items_of(std::move(objects)));
}

Asking put_limit(const Request& request, LimitOf of, std::string subject) {
  const JsonBody body{request};
  body.require({"value"});
  std::string name = request.parameter("name");
  json::value value = *body.find("value");
  accepted(co_await request.broker.put_limit(of, std::move(subject), std::move(name), std::move(value)));
  co_return no_content();
}

Asking clear_limit(const Request& request, LimitOf of, std::string subject) {
  std::string name = request.parameter("name");
  co_await request.broker.clear_limit(of, std::move(subject), std::move(name));
  co_return no_content();
}

/// RabbitMQ answers an empty 500 where a limit of a user who is not there is cleared.
void check_user(const Request& request) {
  const std::string& name = request.parameter("user");
  if (!request.broker.find_user(name)) throw bad_request(json::array{"no_such_user", name});
}

}  // namespace

Response list_virtual_host_limits(const Request& request) {
  return list_those(request, LimitOf::virtual_host, request.visible_virtual_hosts());
}

Response show_virtual_host_limits(const Request& request) {
  return list_those(request, LimitOf::virtual_host, {request.virtual_host()});
}

Asking put_virtual_host_limit(const Request& request) {
  if (!request.broker.find_virtual_host(request.virtual_host())) throw Refusal{404, "not_found", "vhost_not_found"};
  return put_limit(request, LimitOf::virtual_host, request.virtual_host());
}

Asking clear_virtual_host_limit(const Request& request) {
  if (!request.broker.find_virtual_host(request.virtual_host())) throw not_found();
  return clear_limit(request, LimitOf::virtual_host, request.virtual_host());
}

Response list_user_limits(const Request& request) {
  std::vector<std::string> names;
  for (const auto& user : request.broker.users()) names.push_back(user.name);
  return list_those(request, LimitOf::user, names);
}

Response show_user_limits(const Request& request) {
  const std::string& name = request.parameter("user");
  if (!request.broker.find_user(name)) throw not_found();
  return list_those(request, LimitOf::user, {name});
}

Asking put_user_limit(const Request& request) {
  check_user(request);
  return put_limit(request, LimitOf::user, request.parameter("user"));
}

Asking clear_user_limit(const Request& request) {
  check_user(request);
  return clear_limit(request, LimitOf::user, request.parameter("user"));
}

}  // namespace leveret::management
