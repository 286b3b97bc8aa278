#include <algorithm>

#include <fmt/format.h>
#include <boost/asio/awaitable.hpp>

#include "management/form.h"
#include "management/handlers.h"
#include "management/parameters.h"
#include "management/permissions.h"
#include "management/policies.h"
#include "management/users.h"
#include "management/virtual_hosts.h"

namespace leveret::management {
namespace {

// --- export

enum class Scope { everything, one_virtual_host };  // in the latter, nothing says in which one it is

void put_virtual_host_name(json::object& object, Scope scope, const std::string& name) {
  if (scope == Scope::everything) object["vhost"] = to_json_text(name);
}

json::object exported(const broker::QueueReport& queue, Scope scope) {
  json::object object{{"name", to_json_text(queue.name)}};
  put_virtual_host_name(object, scope, queue.virtual_host);
  object["durable"] = queue.is_durable;
  object["auto_delete"] = queue.is_auto_delete;
  object["arguments"] = table_to_json(queue.arguments);
  return object;
}

json::object exported(const broker::ExchangeReport& exchange, Scope scope) {
  json::object object{{"name", to_json_text(exchange.name)}};
  put_virtual_host_name(object, scope, exchange.virtual_host);
  object["type"] = exchange.type;
  object["durable"] = exchange.is_durable;
  object["auto_delete"] = exchange.is_auto_delete;
  object["internal"] = exchange.is_internal;
  object["arguments"] = table_to_json(exchange.arguments);
  return object;
}

json::object exported(const broker::BindingReport& binding, Scope scope) {
  json::object object{{"source", to_json_text(binding.source)}};
  put_virtual_host_name(object, scope, binding.virtual_host);
  object["destination"] = to_json_text(binding.destination);
  object["destination_type"] = binding.is_to_queue ? "queue" : "exchange";
  object["routing_key"] = to_json_text(binding.routing_key);
  object["arguments"] = table_to_json(binding.arguments);
  return object;
}

json::object exported(const broker::VirtualHostReport& virtual_host) {
  json::object object{{"name", to_json_text(virtual_host.name)},
                      {"description", virtual_host.description},
                      {"tags", json::value_from(virtual_host.tags)},
                      {"metadata", metadata_of(virtual_host)}};
  if (!virtual_host.default_queue_type.empty()) object["default_queue_type"] = virtual_host.default_queue_type;
  return object;
}

bool is_predeclared(const broker::ExchangeReport& exchange) {
  return exchange.name.empty() || exchange.name.starts_with("amq.");
}

/// With the names of their virtual hosts, even where all are of one: RabbitMQ does so.
void export_policies(const Request& request, const std::vector<std::string>& virtual_hosts, json::object& object) {
  json::array parameters;
  json::array policies;
  for (const auto& parameter : all_parameters(request.broker))
    if (std::find(virtual_hosts.begin(), virtual_hosts.end(), parameter.virtual_host) != virtual_hosts.end())
      parameters.push_back(to_json(parameter));
  for (const auto& name : virtual_hosts)
    for (const auto& policy : request.broker.policies(broker::PolicyKind::user, name))
      policies.push_back(to_json(name, policy));
  object["parameters"] = std::move(parameters);
  object["policies"] = std::move(policies);
}

/// Of these virtual hosts: what clients have declared, but for what ends with a connection.
boost::asio::awaitable<void> export_topology(const Request& request, std::vector<std::string> virtual_hosts,
                                             Scope scope, json::object& object) {
  const auto all_queues = co_await request.broker.queues(virtual_hosts);
  json::array queues;
  json::array exchanges;
  json::array bindings;
  for (const auto& queue : all_queues)
    if (!queue.is_exclusive) queues.push_back(exported(queue, scope));
  const auto leads_to_exclusive = [&](const broker::BindingReport& binding) {
    return binding.is_to_queue && std::any_of(all_queues.begin(), all_queues.end(), [&](const auto& queue) {
             return queue.is_exclusive && queue.virtual_host == binding.virtual_host &&
                    queue.name == binding.destination;
           });
  };
  for (const auto& name : virtual_hosts) {
    for (const auto& exchange : request.broker.exchanges(name))
      if (!is_predeclared(exchange)) exchanges.push_back(exported(exchange, scope));
    for (const auto& binding : request.broker.bindings(name))
      if (!binding.source.empty() && !leads_to_exclusive(binding)) bindings.push_back(exported(binding, scope));
  }
  export_policies(request, virtual_hosts, object);
  object["queues"] = std::move(queues);
  object["exchanges"] = std::move(exchanges);
  object["bindings"] = std::move(bindings);
}

Response downloadable(const Request& request, const json::object& object) {
  Response response = answer(object);
  if (const auto name = request.query_value("download"); name && !name->empty()) {
    std::string file{*name};
    std::erase_if(file, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '"'; });
    response.headers.emplace_back("content-disposition", "attachment; filename=" + file);
  }
  return response;
}

// --- import

bool is_upload(const Request& request) {
  return request.header("content-type").starts_with("multipart/form-data");
}

json::object definitions_in(const Request& request) {
  const auto text = is_upload(request) ? form_field(request.body, request.header("content-type"), "file")
                                       : std::optional<std::string_view>{request.body};
  if (!text) throw bad_request("failed_to_parse_json");
  if (text->empty()) return {};
  auto value = parse_json(*text);
  if (!value || !value->is_object()) throw bad_request("failed_to_parse_json");
  return std::move(value->get_object());
}

/// A page that has uploaded a file says where to go on.
Response imported(const Request& request) {
  const auto next = is_upload(request) ? form_field(request.body, request.header("content-type"), "redirect")
                                       : std::optional<std::string_view>{};
  if (!next) return no_content();
  return {.status = 303, .headers = {{"location", std::string{next->substr(0, next->find_first_of("\r\n"))}}}};
}

/// Brings the definitions in one file into the broker; queues, exchanges and bindings that are there already stay as
/// they are.
class Import {
 public:
  /// Into one virtual host when its name is not empty.
  Import(const Request& request, json::object definitions, std::string virtual_host)
      : request_(request), definitions_(std::move(definitions)), virtual_host_(std::move(virtual_host)) {}

  boost::asio::awaitable<void> run() {
    if (virtual_host_.empty()) {
      co_await import_users();
      co_await import_virtual_hosts();
      co_await import_permissions();
    }
    co_await import_exchanges();
    if (virtual_host_.empty()) co_await import_global_parameters();
    co_await import_policies();
    co_await import_parameters();
    co_await import_queues();
    import_bindings();
    co_await request_.broker.stored();
  }

 private:
  /// The objects of one kind.
  std::vector<JsonBody> all_of(std::string_view kind) const {
    std::vector<JsonBody> bodies;
    const json::value* values = definitions_.if_contains(kind);
    if (!values || values->is_null()) return bodies;
    if (!values->is_array()) throw bad_request(json::array{"not_a_list", kind});
    for (const auto& value : values->get_array()) {
      if (!value.is_object()) throw bad_request(json::array{"not_an_object", kind});
      bodies.emplace_back(value.get_object());
    }
    return bodies;
  }

  std::string virtual_host_of(const JsonBody& body) const {
    if (!virtual_host_.empty()) return virtual_host_;
    std::string name = body.text("vhost");
    if (!request_.broker.find_virtual_host(name)) throw bad_request(json::array{"no_such_vhost", name});
    return name;
  }

  /// Brokers before 3.6 kept MD5 and did not say so.
  bool has_unnamed_md5() const {
    const json::value* version = definitions_.if_contains("rabbitmq_version");
    if (!version) version = definitions_.if_contains("rabbit_version");
    const std::string_view text = version && version->is_string() ? std::string_view{version->get_string()} : "";
    return text.starts_with("2.") || (text.starts_with("3.") && text.size() > 3 && text[2] < '6' && text[3] == '.');
  }

  boost::asio::awaitable<void> import_users() {
    const std::vector<JsonBody> users = all_of("users");
    for (const JsonBody& body : users) {
      std::string name = body.require({"name"}).text("name");
      broker::UserReport user = user_from(request_.broker, std::move(name), body);
      if (!body.has("hashing_algorithm") && has_unnamed_md5()) user.hashing_algorithm = "rabbit_password_hashing_md5";
      std::string limited = user.name;
      co_await request_.broker.put_user(std::move(user));
      co_await import_limits(std::move(limited), body);
    }
  }

  boost::asio::awaitable<void> import_limits(std::string user, const JsonBody& body) {
    const json::value* limits = body.find("limits");
    if (!limits || !limits->is_object()) co_return;
    for (const auto& [name, limit] : limits->get_object()) {
      std::string limit_name{name};
      accepted(co_await request_.broker.put_limit(broker::LimitOf::user, user, std::move(limit_name), limit));
    }
  }

  boost::asio::awaitable<void> import_virtual_hosts() {
    const std::vector<JsonBody> virtual_hosts = all_of("vhosts");
    for (const JsonBody& body : virtual_hosts) {
      std::string name = body.require({"name"}).text("name");
      const auto current = request_.broker.find_virtual_host(name);
      broker::VirtualHostReport virtual_host = current.value_or(broker::VirtualHostReport{.name = std::move(name)});
      if (const json::value* metadata = body.find("metadata"); metadata && metadata->is_object())
        change(virtual_host, JsonBody{metadata->get_object()});
      change(virtual_host, body);
      std::string creator = request_.creator();
      accepted(co_await request_.broker.put_virtual_host(std::move(virtual_host), std::move(creator)));
    }
  }

  boost::asio::awaitable<void> import_permissions() {
    const std::vector<JsonBody> permissions = all_of("permissions");
    for (const JsonBody& body : permissions) {
      body.require({"user", "vhost"});
      broker::PermissionReport permission =
          permission_from(request_.broker, body.text("user"), body.text("vhost"), body);
      co_await request_.broker.put_permission(std::move(permission));
    }
    const std::vector<JsonBody> topic_permissions = all_of("topic_permissions");
    for (const JsonBody& body : topic_permissions) {
      body.require({"user", "vhost"});
      broker::TopicPermissionReport permission =
          topic_permission_from(request_.broker, body.text("user"), body.text("vhost"), body);
      co_await request_.broker.put_topic_permission(std::move(permission));
    }
  }

  boost::asio::awaitable<void> import_global_parameters() {
    const std::vector<JsonBody> parameters = all_of("global_parameters");
    for (const JsonBody& body : parameters) {
      body.require({"name", "value"});
      broker::GlobalParameter parameter{.name = body.text("name"), .value = *body.find("value")};
      if (parameter.name == "internal_cluster_id") continue;  // of the broker that it was exported from
      co_await request_.broker.put_global_parameter(std::move(parameter));
    }
  }

  /// RabbitMQ says as well which of them it is.
  static void check(const protocol::Result<void>& put, const std::string& virtual_host, const std::string& name) {
    if (!put) throw bad_request(json::string{fmt::format("{} ({}/{})", put.error().text, virtual_host, name)});
  }

  boost::asio::awaitable<void> import_parameters() {
    const std::vector<JsonBody> parameters = all_of("parameters");
    for (const JsonBody& body : parameters) {
      body.require({"component", "name", "value"});
      broker::Parameter parameter{.virtual_host = virtual_host_of(body),
                                  .component = body.text("component"),
                                  .name = body.text("name"),
                                  .value = *body.find("value")};
      const std::string virtual_host = parameter.virtual_host;
      const std::string name = parameter.name;
      const auto put = co_await put_any_parameter(request_.broker, std::move(parameter));
      check(put, virtual_host, name);
    }
  }

  boost::asio::awaitable<void> import_policies() {
    const std::vector<JsonBody> policies = all_of("policies");
    for (const JsonBody& body : policies) {
      body.require({"name", "pattern", "definition"});
      const std::string virtual_host = virtual_host_of(body);
      const std::string name = body.text("name");
      json::object policy = body.members();
      const auto put =
          co_await request_.broker.put_policy(broker::PolicyKind::user, virtual_host, name, std::move(policy));
      check(put, virtual_host, name);
    }
  }

  /// Names that only the broker gives: RabbitMQ passes over them.
  static bool is_reserved(const JsonBody& body) { return body.text("name").starts_with("amq."); }

  boost::asio::awaitable<void> import_queues() {
    const std::vector<JsonBody> queues = all_of("queues");
    for (const JsonBody& body : queues) {
      std::string virtual_host = virtual_host_of(body);
      if (is_reserved(body)) continue;
      broker::QueueCommand queue{.name = body.require({"name"}).text("name"),
                                 .is_durable = body.flag("durable"),
                                 .is_auto_delete = body.flag("auto_delete"),
                                 .arguments = body.table("arguments")};
      accepted(co_await request_.broker.import_queue(std::move(virtual_host), std::move(queue)));
    }
  }

  boost::asio::awaitable<void> import_exchanges() {
    const std::vector<JsonBody> exchanges = all_of("exchanges");
    for (const JsonBody& body : exchanges) {
      std::string virtual_host = virtual_host_of(body);
      if (is_reserved(body)) continue;
      broker::ExchangeCommand exchange{.name = body.require({"name"}).text("name"),
                                       .type = body.text("type"),
                                       .is_durable = body.flag("durable"),
                                       .is_auto_delete = body.flag("auto_delete"),
                                       .is_internal = body.flag("internal"),
                                       .arguments = body.table("arguments"),
                                       .user = request_.creator()};
      accepted(co_await request_.broker.import_exchange(std::move(virtual_host), std::move(exchange)));
    }
  }

  void import_bindings() {
    for (const JsonBody& body : all_of("bindings")) {
      body.require({"source", "destination", "destination_type"});
      const std::string type = body.text("destination_type");
      if (type != "queue" && type != "exchange") throw bad_request(json::array{"unknown_destination_type", type});
      request_.broker.import_binding(virtual_host_of(body), {.source = body.text("source"),
                                                             .is_to_queue = type == "queue",
                                                             .destination = body.text("destination"),
                                                             .routing_key = body.text("routing_key"),
                                                             .arguments = body.table("arguments")});
    }
  }

  const Request& request_;
  const json::object definitions_;
  const std::string virtual_host_;
};

}  // namespace

Asking export_definitions(const Request& request) {
  std::vector<std::string> names;
  json::array users;
  json::array virtual_hosts;
  json::array permissions;
  json::array topic_permissions;
  for (const auto& user : request.broker.users()) users.push_back(to_json(request.broker, user));
  for (const auto& virtual_host : request.broker.virtual_hosts()) {
    names.push_back(virtual_host.name);
    virtual_hosts.push_back(exported(virtual_host));
  }
  json::array global_parameters;
  for (const auto& parameter : request.broker.global_parameters()) global_parameters.push_back(to_json(parameter));
  for (const auto& permission : request.broker.permissions()) permissions.push_back(to_json(permission));
  for (const auto& permission : request.broker.topic_permissions()) topic_permissions.push_back(to_json(permission));
  const json::string version{request.broker.rabbitmq_version()};
  json::object object{{"rabbit_version", version},
                      {"rabbitmq_version", version},
                      {"product_name", "Leveret"},
                      {"product_version", json::string{request.broker.version()}},
                      {"users", std::move(users)},
                      {"vhosts", std::move(virtual_hosts)},
                      {"permissions", std::move(permissions)},
                      {"topic_permissions", std::move(topic_permissions)},
                      {"global_parameters", std::move(global_parameters)}};
  co_await export_topology(request, std::move(names), Scope::everything, object);
  co_return downloadable(request, object);
}

Asking export_definitions_of_virtual_host(const Request& request) {
  if (!request.broker.find_virtual_host(request.virtual_host())) throw bad_request("vhost_not_found");
  json::object object{{"rabbit_version", json::string{request.broker.rabbitmq_version()}}};
  std::vector<std::string> names{request.virtual_host()};
  co_await export_topology(request, std::move(names), Scope::one_virtual_host, object);
  co_return downloadable(request, object);
}

Asking import_definitions(const Request& request) {
  Import importing{request, definitions_in(request), {}};
  co_await importing.run();
  co_return imported(request);
}

Asking import_definitions_into_virtual_host(const Request& request) {
  if (!request.broker.find_virtual_host(request.virtual_host())) throw Refusal{404, "not_found", "vhost_not_found"};
  Import importing{request, definitions_in(request), request.virtual_host()};
  co_await importing.run();
  co_return imported(request);
}

}  // namespace leveret::management
