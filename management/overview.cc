#include <boost/asio/awaitable.hpp>

#include "management/facts.h"
#include "management/handlers.h"
#include "management/json_body.h"
#include "management/rates.h"
#include "management/statistics_columns.h"

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

/// What is counted in the virtual hosts that the user may see, and where its samples are.
struct Totals {
  broker::TrafficReport::OfVirtualHost traffic{};
  std::vector<const Series*> series{};
};

Totals totals_of(const Request& request, const broker::TrafficReport& report,
                 const std::vector<std::string>& virtual_hosts) {
  Totals totals;
  for (const auto& name : virtual_hosts) {
    totals.series.push_back(request.statistics.virtual_host(name));
    const auto found = report.virtual_hosts.find(name);
    if (found == report.virtual_hosts.end()) continue;
    totals.traffic.queues += found->second.queues;
    totals.traffic.numbers += found->second.numbers;
    totals.traffic.channels += found->second.channels;
    totals.traffic.queue_traffic += found->second.queue_traffic;
  }
  return totals;
}

json::object message_stats(const Totals& totals, const SampleRanges& ranges) {
  using Columns = columns::VirtualHost;
  MessageStats stats{ranges.messages};
  stats.add(totals.traffic.channels.publishes, totals.series, Columns::first_publish);
  stats.add_deliveries(totals.traffic.channels.deliveries, totals.series, Columns::first_delivery);
  stats.add(totals.traffic.queue_traffic.disk, totals.series, Columns::first_disk);
  return stats.members();
}

json::object queue_totals(const Totals& totals, const SampleRanges& ranges) {
  using Columns = columns::VirtualHost;
  json::object lengths;
  if (totals.traffic.queues > 0)
    put_lengths(lengths, totals.traffic.numbers, totals.series,
                {.ready = Columns::ready, .unacknowledged = Columns::unacknowledged}, ranges.lengths);
  return lengths;
}

json::object churn_rates(const Request& request, const broker::ChurnCounters& churn, const SampleRanges& ranges) {
  json::object rates;
  const Series* series = request.statistics.churn();
  put_counters(rates, churn, {&series, 1}, 0, ranges.lengths);
  return rates;
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
    if (listener.protocol != "http" && listener.protocol != "https") continue;
    json::value tls = json::array{};
    if (!listener.certificate.empty())
      tls = json::object{{"certfile", listener.certificate.string()}, {"cacertfile", listener.authorities.string()}};
    all.push_back(json::object{{"ssl_opts", std::move(tls)},
                               {"node", broker.node_name()},
                               {"description", "RabbitMQ Management"},
                               {"path", "/"},
                               {"port", std::to_string(listener.port)}});
  }
  return all;
}

Response whoami(const Request& request) {
  return answer(json::object{{"name", request.user.name}, {"tags", json::value_from(request.user.tags)}});
}

Asking overview(const Request& request) {
  const std::vector<std::string> visible = request.visible_virtual_hosts();
  const auto traffic = co_await request.broker.traffic();
  const SampleRanges ranges{request};
  const Totals totals = totals_of(request, traffic, visible);
  const auto connections = co_await request.broker.connections();
  std::size_t exchanges = 0;
  for (const auto& name : visible) exchanges += request.broker.exchanges(name).size();
  const ObjectCounts counts = count(request, connections);

  json::object members = version_members(request.broker);
  members["message_stats"] = message_stats(totals, ranges);
  members["churn_rates"] = churn_rates(request, traffic.churn, ranges);
  members["queue_totals"] = queue_totals(totals, ranges);
  members["object_totals"] = json::object{{"channels", counts.channels},
                                          {"connections", counts.connections},
                                          {"consumers", counts.consumers},
                                          {"exchanges", exchanges},
                                          {"queues", totals.traffic.queues}};
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
