#include <boost/asio/awaitable.hpp>

#include "management/facts.h"
#include "management/handlers.h"
#include "management/json_body.h"

namespace leveret::management {
namespace {

struct ExchangeTypeText {
  std::string_view name{};
  std::string_view description{};
};

constexpr ExchangeTypeText exchange_type_texts[]{
    {"direct", "AMQP direct exchange, as per the AMQP specification"},
    {"fanout", "AMQP fanout exchange, as per the AMQP specification"},
    {"headers", "AMQP headers exchange, as per the AMQP specification"},
    {"topic", "AMQP topic exchange, as per the AMQP specification"},
};

std::string_view wildcard_address = "::";

/// Messages of all queues the user may see.
json::object queue_totals(const std::vector<broker::QueueReport>& queues) {
  json::object totals;
  if (queues.empty()) return totals;
  std::uint64_t ready = 0;
  std::uint64_t unacknowledged = 0;
  for (const auto& queue : queues) {
    ready += queue.numbers.ready;
    unacknowledged += queue.numbers.unacknowledged;
  }
  return {{"messages", ready + unacknowledged},
          {"messages_details", no_rate()},
          {"messages_ready", ready},
          {"messages_ready_details", no_rate()},
          {"messages_unacknowledged", unacknowledged},
          {"messages_unacknowledged_details", no_rate()}};
}

struct ObjectCounts {
  std::size_t connections = 0;
  std::size_t channels = 0;
  std::size_t consumers = 0;
};

ObjectCounts count(const Request& request, const std::vector<broker::ConnectionReport>& connections) {
  ObjectCounts counts;
  for (const auto& connection : connections) {
    if (!request.is_monitor() && connection.user != request.user.name) continue;
    ++counts.connections;
    counts.channels += connection.channels.size();
    for (const auto& channel : connection.channels) counts.consumers += channel.consumers.size();
  }
  return counts;
}

json::object version_members(const broker::BrokerQuery& broker) {
  const json::string version{broker.rabbitmq_version()};
  return {{"management_version", version},
          {"rates_mode", "basic"},
          {"sample_retention_policies", json::object{{"global", json::array{600, 3600, 28800, 86400}},
                                                     {"basic", json::array{600, 3600}},
                                                     {"detailed", json::array{600}}}},
          {"exchange_types", exchange_types()},
          {"product_version", json::string{broker.version()}},
          {"product_name", "Leveret"},
          {"rabbitmq_version", version},
          {"cluster_name", broker.cluster_name()},
          // What RabbitMQ's tools show beside its version; there is no Erlang here.
          {"erlang_version", "none"},
          {"erlang_full_version", "none"},
          {"release_series_support_status", "supported"},
          {"disable_stats", false},
          {"enable_queue_totals", false},
          {"is_op_policy_updating_enabled", true},
          {"default_queue_type", "classic"}};
}

}  // namespace

json::array exchange_types() {
  json::array types;
  for (const auto& [name, description] : exchange_type_texts)
    types.push_back(json::object{{"name", name}, {"description", description}, {"enabled", true}});
  return types;
}

json::array listeners(const broker::BrokerQuery& broker) {
  json::array all;
  for (const auto& listener : broker.listeners())
    all.push_back(json::object{{"node", broker.node_name()},
                               {"protocol", listener.protocol},
                               {"ip_address", wildcard_address},
                               {"port", listener.port},
                               {"socket_opts", json::object{{"backlog", 128}, {"nodelay", true}}}});
  return all;
}

json::array contexts(const broker::BrokerQuery& broker) {
  json::array all;
  for (const auto& listener : broker.listeners()) {
    if (listener.protocol != "http") continue;
    all.push_back(json::object{{"ssl_opts", json::array{}},
                               {"node", broker.node_name()},
                               {"description", "RabbitMQ Management"},
                               {"path", "/"},
                               {"port", std::to_string(listener.port)}});
  }
  return all;
}

json::object no_rate() {
  return {{"rate", 0.0}};
}

Response whoami(const Request& request) {
  return answer(json::object{{"name", request.user.name}, {"tags", json::value_from(request.user.tags)}});
}

Asking overview(const Request& request) {
  const std::vector<std::string> visible = request.visible_virtual_hosts();
  const auto queues = co_await request.broker.queues(visible);
  const auto connections = co_await request.broker.connections();
  std::size_t exchanges = 0;
  for (const auto& name : visible) exchanges += request.broker.exchanges(name).size();
  const ObjectCounts counts = count(request, connections);

  json::object members = version_members(request.broker);
  members["message_stats"] = json::object{};
  members["queue_totals"] = queue_totals(queues);
  members["object_totals"] = json::object{{"channels", counts.channels},
                                          {"connections", counts.connections},
                                          {"consumers", counts.consumers},
                                          {"exchanges", exchanges},
                                          {"queues", queues.size()}};
  members["statistics_db_event_queue"] = 0;
  if (request.is_monitor()) {
    members["node"] = request.broker.node_name();
    members["listeners"] = listeners(request.broker);
    members["contexts"] = contexts(request.broker);
  }
  co_return answer(members);
}

Response cluster_name(const Request& request) {
  return answer(json::object{{"name", request.broker.cluster_name()}});
}

Asking put_cluster_name(const Request& request) {
  const JsonBody body{request};
  std::string name = body.require({"name"}).text("name");
  co_await request.broker.set_cluster_name(std::move(name));
  co_return no_content();
}

}  // namespace leveret::management
