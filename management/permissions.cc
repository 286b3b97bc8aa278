#include <algorithm>

#include <boost/asio/awaitable.hpp>
#include <boost/regex.hpp>

#include "management/handlers.h"
#include "management/listing.h"
#include "management/permissions.h"

namespace leveret::management {
namespace {

/// A pattern that the broker can use.
std::string pattern_in(const JsonBody& body, std::string_view name) {
  std::string pattern = body.text(name);
  const boost::regex regex{pattern, boost::regex::perl | boost::regex::no_except};
  if (!pattern.empty() && regex.status() != 0) throw bad_request(json::array{"invalid_regexp", pattern});
  return pattern;
}

void check_both_exist(const broker::BrokerQuery& broker, const std::string& user, const std::string& virtual_host) {
  if (!broker.find_user(user) || !broker.find_virtual_host(virtual_host)) throw bad_request("vhost_or_user_not_found");
}

template <class Reports, class IsMeant>
Response list_those(const Request& request, const Reports& reports, IsMeant is_meant) {
  std::vector<json::object> objects;
  for (const auto& report : reports)
    if (is_meant(report)) objects.push_back(to_json(report));
  return list(request, items_of(std::move(objects)));
}

void check_user(const Request& request) {
  if (!request.broker.find_user(request.parameter("user"))) throw not_found();
}

void check_virtual_host(const Request& request) {
  if (!request.broker.find_virtual_host(request.virtual_host())) throw not_found();
}

/// Of the user and virtual host in the path.
template <class Reports>
Reports of_path(const Request& request, Reports reports) {
  std::erase_if(reports, [&](const auto& report) {
    return report.user != request.parameter("user") || report.virtual_host != request.virtual_host();
  });
  return reports;
}

}  // namespace

json::object to_json(const broker::PermissionReport& permission) {
  return {{"user", permission.user},
          {"vhost", to_json_text(permission.virtual_host)},
          {"configure", permission.configure},
          {"write", permission.write},
          {"read", permission.read}};
}

json::object to_json(const broker::TopicPermissionReport& permission) {
  return {{"user", permission.user},
          {"vhost", to_json_text(permission.virtual_host)},
          {"exchange", to_json_text(permission.exchange)},
          {"write", permission.write},
          {"read", permission.read}};
}

broker::PermissionReport permission_from(const broker::BrokerQuery& broker, std::string user, std::string virtual_host,
                                         const JsonBody& body) {
  body.require({"configure", "write", "read"});
  broker::PermissionReport permission{.user = std::move(user),
                                      .virtual_host = std::move(virtual_host),
                                      .configure = pattern_in(body, "configure"),
                                      .write = pattern_in(body, "write"),
                                      .read = pattern_in(body, "read")};
  check_both_exist(broker, permission.user, permission.virtual_host);
  return permission;
}

broker::TopicPermissionReport topic_permission_from(const broker::BrokerQuery& broker, std::string user,
                                                    std::string virtual_host, const JsonBody& body) {
  body.require({"exchange", "write", "read"});
  broker::TopicPermissionReport permission{.user = std::move(user),
                                           .virtual_host = std::move(virtual_host),
                                           .exchange = body.text("exchange"),
                                           .write = pattern_in(body, "write"),
                                           .read = pattern_in(body, "read")};
  check_both_exist(broker, permission.user, permission.virtual_host);
  return permission;
}

Response list_permissions(const Request& request) {
  return list_those(request, request.broker.permissions(), [](auto&) { return true; });
}

Response list_permissions_of_user(const Request& request) {
  check_user(request);
  return list_those(request, request.broker.permissions(),
                    [&](auto& report) { return report.user == request.parameter("user"); });
}

Response list_permissions_in_virtual_host(const Request& request) {
  check_virtual_host(request);
  return list_those(request, request.broker.permissions(),
                    [&](auto& report) { return report.virtual_host == request.virtual_host(); });
}

Response show_permission(const Request& request) {
  const auto found = of_path(request, request.broker.permissions());
  if (found.empty()) throw not_found();
  return show(request, to_json(found.front()));
}

Asking put_permission(const Request& request) {
  const JsonBody body{request};
  broker::PermissionReport permission =
      permission_from(request.broker, request.parameter("user"), request.virtual_host(), body);
  const bool is_new = of_path(request, request.broker.permissions()).empty();
  co_await request.broker.put_permission(std::move(permission));
  co_return is_new ? created() : no_content();
}

Asking delete_permission(const Request& request) {
  if (of_path(request, request.broker.permissions()).empty()) throw not_found();
  co_await request.broker.remove_permission(request.parameter("user"), request.virtual_host());
  co_return no_content();
}

Response list_topic_permissions(const Request& request) {
  return list_those(request, request.broker.topic_permissions(), [](auto&) { return true; });
}

Response list_topic_permissions_of_user(const Request& request) {
  check_user(request);
  return list_those(request, request.broker.topic_permissions(),
                    [&](auto& report) { return report.user == request.parameter("user"); });
}

Response list_topic_permissions_in_virtual_host(const Request& request) {
  check_virtual_host(request);
  return list_those(request, request.broker.topic_permissions(),
                    [&](auto& report) { return report.virtual_host == request.virtual_host(); });
}

Response show_topic_permissions(const Request& request) {
  const auto found = of_path(request, request.broker.topic_permissions());
  if (found.empty()) throw not_found();
  return list_those(request, found, [](auto&) { return true; });
}

Asking put_topic_permission(const Request& request) {
  const JsonBody body{request};
  broker::TopicPermissionReport permission =
      topic_permission_from(request.broker, request.parameter("user"), request.virtual_host(), body);
  const bool is_new = of_path(request, request.broker.topic_permissions()).empty();
  co_await request.broker.put_topic_permission(std::move(permission));
  co_return is_new ? created() : no_content();
}

Asking delete_topic_permissions(const Request& request) {
  if (of_path(request, request.broker.topic_permissions()).empty()) throw not_found();
  co_await request.broker.remove_topic_permissions(request.parameter("user"), request.virtual_host(), {});
  co_return no_content();
}

Asking delete_topic_permission(const Request& request) {
  const std::string& exchange = request.parameter("exchange");
  const auto permissions = of_path(request, request.broker.topic_permissions());
  if (std::none_of(permissions.begin(), permissions.end(), [&](auto& one) { return one.exchange == exchange; }))
    throw not_found();
  co_await request.broker.remove_topic_permissions(request.parameter("user"), request.virtual_host(), exchange);
  co_return no_content();
}

}  // namespace leveret::management
