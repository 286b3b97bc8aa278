#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "broker/broker_query.h"

namespace leveret::management {

namespace json = boost::json;

class Statistics;

enum class Method { get, put, post, remove };

/// What a handler needs to know of a request whose sender has been let in.
struct Request {
  Method method = Method::get;
  std::vector<std::pair<std::string_view, std::string>> parameters{};  // of the path, by the names in its pattern
  std::vector<std::pair<std::string, std::string>> query{};
  std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case
  std::string body{};
  broker::UserReport user{};
  std::string password{};
  bool is_local_administrator = false;  // no user of the broker, but of this machine
  broker::BrokerQuery& broker;
  Statistics& statistics;

  /// Of a name that the route's pattern has; empty for any other.
  const std::string& parameter(std::string_view name) const;
  std::optional<std::string_view> query_value(std::string_view name) const;
  bool has_query_flag(std::string_view name) const { return query_value(name) == "true"; }
  std::string_view header(std::string_view name) const;

  const std::string& virtual_host() const { return parameter("vhost"); }
  broker::Asker asker() const { return {user.name, virtual_host(), is_local_administrator}; }
  /// Who gets all rights in a virtual host that is made; nobody for the administrator of this machine.
  std::string creator() const { return is_local_administrator ? std::string{} : user.name; }
  bool has_tag(std::string_view tag) const;
  bool is_administrator() const { return has_tag("administrator"); }
  bool is_monitor() const { return is_administrator() || has_tag("monitoring"); }

  /// Those the user knows of: a monitoring user of all, others where they have permissions.
  std::vector<std::string> visible_virtual_hosts() const { return virtual_hosts_with(is_monitor()); }
  /// Those whose objects the user may list: an administrator all, others where they have permissions.
  std::vector<std::string> listed_virtual_hosts() const { return virtual_hosts_with(is_administrator()); }

 private:
  std::vector<std::string> virtual_hosts_with(bool all) const;
};

/// What is answered.  `body` is complete; without one the answer has no content type.
struct Response {
  unsigned status = 200;
  std::string body{};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};
};

Response answer(const json::value& value);
Response created();
Response no_content();

/// Thrown by a handler to refuse: caught in one place (Router::answer), for refusals come from deep inside of what
/// reads bodies, and every handler answers them alike.
class Refusal {
 public:
  Refusal(unsigned status, std::string_view error, json::value reason)
      : status_(status), error_(error), reason_(std::move(reason)) {}

  Response response() const;

 private:
  unsigned status_;
  std::string error_;
  json::value reason_;
};

Refusal bad_request(json::value reason);
Refusal not_found();
/// The password was fine, but not the rights.
Refusal not_authorised(std::string_view reason);
/// What the model has refused, in the words of RabbitMQ's HTTP API.
Refusal refused_by_broker(const protocol::AmqpError& error);

/// Throws when the model has refused.
template <class T>
T accepted(protocol::Result<T> result) {
  if (!result) throw refused_by_broker(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace leveret::management
