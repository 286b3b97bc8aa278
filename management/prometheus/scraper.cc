#include "management/prometheus/scraper.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <type_traits>

#include <fmt/format.h>

#include "management/log.h"
#include "management/prometheus/metrics.h"
#include "management/target.h"

namespace leveret::management::prometheus {
namespace {

/// What a request wants to see.
struct Wish {
  bool is_detailed = false;
  bool is_per_object = false;
  std::set<std::string, std::less<>> families{};
  std::set<std::string, std::less<>> virtual_hosts{};

  std::string_view prefix() const { return is_detailed ? "rabbitmq_detailed_" : "rabbitmq_"; }
  /// By which pages are told apart.
  std::string_view endpoint() const { return is_detailed ? "detailed" : is_per_object ? "per-object" : "aggregated"; }
  bool includes(std::string_view family) const { return !is_detailed || families.contains(family); }
  /// Queues and exchanges of other virtual hosts can be left out of details; connections cannot.
  bool sees(std::string_view virtual_host) const {
    return !is_detailed || virtual_hosts.empty() || virtual_hosts.contains(virtual_host);
  }
};

/// What there is at this moment.
struct Facts {
  std::vector<broker::QueueReport> queues{};
  std::vector<broker::ExchangeReport> exchanges{};  // that messages were published to
  std::vector<broker::ConnectionReport> connections{};
  std::vector<broker::LoginReport> logins{};
  NodeFacts node{};
  broker::LoadReport load{};
  broker::BrokerQuery::TimesOfQueues times{};
};

Labels labels_of(const broker::QueueReport& queue) {
  return {{"vhost", queue.virtual_host}, {"queue", queue.name}};
}

Labels labels_of(const broker::ConnectionReport& connection) {
  return {{"connection", connection.name()}};
}

Labels labels_of(const ChannelOfConnection& of) {
  return {{"channel", of.connection.name() + " (" + std::to_string(of.channel.number) + ")"}};
}

Labels labels_of(const PublishesOfChannel& publishes) {
  Labels labels = labels_of(publishes.of);
  labels.push_back({"vhost", publishes.of.connection.virtual_host});
  if (publishes.exchange) labels.push_back({"exchange", std::string{*publishes.exchange}});
  return labels;
}

Labels labels_of(const DeliveriesOfChannel& deliveries) {
  Labels labels = labels_of(deliveries.of);
  labels.push_back({"vhost", deliveries.of.connection.virtual_host});
  if (deliveries.queue) labels.push_back({"queue", deliveries.queue->name});
  return labels;
}

Labels labels_of(const broker::ExchangeReport& exchange) {
  return {{"vhost", exchange.virtual_host}, {"exchange", exchange.name}};
}

Labels labels_of(const QueueOfExchange& origin) {
  return {
      {"vhost", origin.queue.virtual_host}, {"exchange", std::string{origin.exchange}}, {"queue", origin.queue.name}};
}

/// RabbitMQ's has the channel as well.
Labels long_labels_of(const QueueOfExchange& origin) {
  return {{"queue_vhost", origin.queue.virtual_host},
          {"queue", origin.queue.name},
          {"exchange_vhost", origin.queue.virtual_host},
          {"exchange", std::string{origin.exchange}}};
}

Labels labels_of(const broker::LoginReport& logins) {
  return {{"protocol", std::string{logins.protocol}}};
}

/// Each metric of the families that are wanted: its sum, or a sample of each object.
template <class Object>
void write(Exposition& page, const Wish& wish, bool is_per_object, std::span<const Family<Object>> families,
           std::type_identity_t<std::span<const Object>> objects, Labels (*labels)(const Object&) = labels_of) {
  std::set<std::string_view> written;  // for two families may have a metric in common
  for (const auto& family : families) {
    if (!wish.includes(family.name)) continue;
    for (const auto& metric : family.metrics) {
      if (!written.insert(metric.name).second) continue;
      page.begin(std::string{wish.prefix()}.append(metric.name), metric.type, metric.help);
      double sum = 0;
      for (const Object& object : objects) {
        if (is_per_object) page.add(metric.value(object), labels(object));
        sum += metric.value(object);
      }
      if (!is_per_object && metric.has_sum) page.add(sum);
    }
  }
}

void write_node(Exposition& page, const Wish& wish, const NodeFacts& node) {
  for (const auto& family : node_families()) {
    if (!wish.includes(family.name)) continue;
    for (const auto& metric : family.metrics) {
      page.begin(std::string{wish.prefix()}.append(metric.name), metric.type, metric.help);
      page.add(metric.value(node));
    }
  }
}

constexpr std::array<std::pair<broker::QueueType, std::string_view>, broker::QueueTraffic::types> queue_types{
    {{broker::QueueType::classic, "rabbit_classic_queue"},
     {broker::QueueType::quorum, "rabbit_quorum_queue"},
     {broker::QueueType::stream, "rabbit_stream_queue"}}};

void write_global(Exposition& page, const NodeFacts& node) {
  for (const auto& metric : global_metrics()) {
    page.begin(std::string{"rabbitmq_"}.append(metric.name), metric.type, metric.help);
    page.add(metric.value(node), {{"protocol", "amqp091"}});
  }
  for (const auto& metric : global_metrics_by_queue_type()) {
    page.begin(std::string{"rabbitmq_"}.append(metric.name), metric.type, metric.help);
    for (const auto& [type, name] : queue_types)
      page.add(metric.value(node.queue_traffic.deliveries_of(type)),
               {{"protocol", "amqp091"}, {"queue_type", std::string{name}}});
  }
}

/// What a queue is, for joins with its numbers.
void write_queue_infos(Exposition& page, const Wish& wish, Queues queues) {
  page.begin(std::string{wish.prefix()}.append("queue_info"), Type::gauge,
             "A metric with a constant '1' value and labels that provide some queue details");
  for (const auto& queue : queues) {
    Labels labels = labels_of(queue);
    labels.push_back({"queue_type", std::string{queue_types[static_cast<std::size_t>(queue.type)].second}});
    labels.push_back({"membership", "leader"});
    page.add(1, labels);
  }
}

/// What RabbitMQ counts of the messages that have died: which types of queue and strategies it knows for a reason.
struct DeathMetric {
  std::string_view name{};
  std::string_view help{};
  broker::DeathReason reason{};
  bool is_of_classic_queues = true;
  bool is_at_least_once = true;
};

constexpr std::array death_metrics{
    DeathMetric{"expired", "message TTL exceeded", broker::DeathReason::expired},
    DeathMetric{"rejected", "basic.reject or basic.nack", broker::DeathReason::rejected},
    DeathMetric{"maxlen", "overflow drop-head or reject-publish-dlx", broker::DeathReason::maxlen, true, false},
    DeathMetric{"delivery_limit", "delivery-limit exceeded", broker::DeathReason::delivery_limit, false}};

void write_deaths(Exposition& page, const broker::DeathCounters& deaths) {
  using Counters = broker::DeathCounters;
  constexpr std::array<std::string_view, 3> strategies{"disabled", "at_most_once", "at_least_once"};
  for (const DeathMetric& metric : death_metrics) {
    page.begin(fmt::format("rabbitmq_global_messages_dead_lettered_{}_total", metric.name), Type::counter,
               fmt::format("Total number of messages dead-lettered due to {}", metric.help));
    for (const bool is_quorum : {false, true}) {
      if (!is_quorum && !metric.is_of_classic_queues) continue;
      for (const auto strategy : {Counters::disabled, Counters::at_most_once, Counters::at_least_once}) {
        if (strategy == Counters::at_least_once && !(is_quorum && metric.is_at_least_once)) continue;
        page.add(static_cast<double>(deaths.of(is_quorum, strategy, metric.reason)),
                 {{"queue_type", is_quorum ? "rabbit_quorum_queue" : "rabbit_classic_queue"},
                  {"dead_letter_strategy", std::string{strategies[strategy]}}});
      }
    }
  }
  page.begin("rabbitmq_global_messages_dead_lettered_confirmed_total", Type::counter,
             "Total number of messages dead-lettered and confirmed by target queues");
  page.add(static_cast<double>(deaths.confirmed),
           {{"queue_type", "rabbit_quorum_queue"}, {"dead_letter_strategy", "at_least_once"}});
}

void write_load(Exposition& page, const broker::LoadReport& load) {
  for (const auto& metric : shard_metrics()) {
    page.begin(std::string{"leveret_"}.append(metric.name), metric.type, metric.help);
    for (std::size_t shard = 0; shard < load.shards.size(); ++shard)
      page.add(metric.value(load.shards[shard]), {{"shard", std::to_string(shard)}});
  }
  for (const auto& metric : store_metrics()) {
    page.begin(std::string{"leveret_"}.append(metric.name), metric.type, metric.help);
    page.add(metric.value(load.store));
  }
}

void write_times(Exposition& page, const Wish& wish, const Facts& facts, std::string_view name, std::string_view help,
                 broker::TimeHistogram broker::MessageTimesReport::*kind) {
  page.begin(std::string{name}, Type::histogram, help);
  broker::TimeHistogram sum;
  for (const auto& queue : facts.queues) {
    const auto found = facts.times.find(queue.id);
    if (found == facts.times.end()) continue;
    if (wish.is_per_object) page.add(found->second.*kind, labels_of(queue));
    sum += found->second.*kind;
  }
  if (!wish.is_per_object) page.add(sum);
}

void write_times(Exposition& page, const Wish& wish, const Facts& facts) {
  write_times(page, wish, facts, "leveret_queue_message_wait_seconds",
              "How long messages waited for their first delivery, one of 32 looked at",
              &broker::MessageTimesReport::wait);
  write_times(page, wish, facts, "leveret_queue_message_work_seconds",
              "How long deliveries waited for their acknowledgement, one of 32 looked at",
              &broker::MessageTimesReport::work);
}

void write_identity(Exposition& page, const Wish& wish, const broker::BrokerQuery& broker) {
  page.begin("rabbitmq_build_info", Type::untyped, "RabbitMQ & Erlang/OTP version info");
  page.add(1, {{"rabbitmq_version", std::string{broker.rabbitmq_version()}},
               {"prometheus_plugin_version", std::string{broker.rabbitmq_version()}},
               {"product_name", "Leveret"},
               {"product_version", std::string{broker.version()}}});
  page.begin("rabbitmq_identity_info", Type::untyped, "RabbitMQ node & cluster identity info");
  page.add(1, {{"rabbitmq_node", broker.node_name()},
               {"rabbitmq_cluster", broker.cluster_name()},
               {"rabbitmq_cluster_permanent_id", broker.cluster_id()},
               {"rabbitmq_endpoint", std::string{wish.endpoint()}}});
}

/// How many each exchange has as their source; the default exchange and internal ones are left out.
void write_bindings(Exposition& page, const broker::BrokerQuery& broker, const std::string& virtual_host) {
  std::map<std::string, std::size_t> counts;
  for (const auto& binding : broker.bindings(virtual_host)) ++counts[binding.source];
  for (const auto& exchange : broker.exchanges(virtual_host))
    if (!exchange.name.empty() && !exchange.is_internal)
      page.add(static_cast<double>(counts[exchange.name]),
               {{"vhost", virtual_host}, {"exchange", exchange.name}, {"type", exchange.type}});
}

void write_start(Exposition& page, const NodeFacts& node) {
  page.begin("process_start_time_seconds", Type::gauge, "Start time of the process since unix epoch in seconds.");
  const auto started_at = std::chrono::system_clock::now() - node.uptime;
  page.add(static_cast<double>(std::chrono::system_clock::to_time_t(started_at)));
}

/// Of the virtual hosts themselves, and their exchanges.
void write_cluster(Exposition& page, const Wish& wish, const broker::BrokerQuery& broker) {
  if (wish.families.contains("vhost_status")) {
    page.begin("rabbitmq_cluster_vhost_status", Type::gauge, "Whether a given vhost is running");
    for (const auto& virtual_host : broker.virtual_hosts())
      if (wish.sees(virtual_host.name)) page.add(1, {{"vhost", virtual_host.name}});
  }
  if (wish.families.contains("exchange_names")) {
    page.begin("rabbitmq_cluster_exchange_name", Type::gauge,
               "Enumerates exchanges without any additional info. This value is cluster-wide. A cheaper alternative to "
               "`exchange_bindings`");
    for (const auto& virtual_host : broker.virtual_hosts())
      for (const auto& exchange : broker.exchanges(virtual_host.name))
        if (wish.sees(virtual_host.name) && !exchange.name.empty() && !exchange.is_internal)
          page.add(1, {{"vhost", virtual_host.name}, {"exchange", exchange.name}, {"type", exchange.type}});
  }
  if (wish.families.contains("exchange_bindings")) {
    page.begin("rabbitmq_cluster_exchange_bindings", Type::gauge,
               "Number of bindings for an exchange. This value is cluster-wide.");
    for (const auto& virtual_host : broker.virtual_hosts())
      if (wish.sees(virtual_host.name)) write_bindings(page, broker, virtual_host.name);
  }
}

boost::asio::awaitable<Facts> facts(broker::BrokerQuery& broker) {
  std::vector<std::string> virtual_hosts;
  for (auto& virtual_host : broker.virtual_hosts()) virtual_hosts.push_back(std::move(virtual_host.name));
  Facts facts;
  for (const auto& name : virtual_hosts)
    for (auto& exchange : broker.exchanges(name))
      if (exchange.counters.in > 0) facts.exchanges.push_back(std::move(exchange));
  facts.queues = co_await broker.queues(std::move(virtual_hosts));
  facts.connections = co_await broker.connections();
  const broker::TrafficReport traffic = co_await broker.traffic();
  facts.load = co_await broker.load();
  facts.times = co_await broker.message_times();
  NodeFacts& node = facts.node;
  node.process = process_facts();
  node.resources = broker.resources();
  node.churn = traffic.churn;
  node.store = facts.load.store;
  facts.logins = co_await broker.logins();
  for (const auto& shard : facts.load.shards) node.deaths += shard.deaths;
  node.uptime = broker.uptime();
  node.connections = facts.connections.size();
  node.queues = facts.queues.size();
  for (const auto& [name, virtual_host] : traffic.virtual_hosts) {
    node.channels += virtual_host.channels;
    node.queue_traffic += virtual_host.queue_traffic;
  }
  for (const auto& queue : facts.queues) node.consumers += queue.numbers.consumers;
  for (const auto& connection : facts.connections) {
    node.open_channels += connection.channels.size();
    node.publishers += static_cast<std::uint64_t>(
        std::count_if(connection.channels.begin(), connection.channels.end(),
                      [](const auto& channel) { return channel.counters.publishes.published > 0; }));
  }
  co_return facts;
}

/// Those of virtual hosts that are wanted come first.
template <class Report>
std::span<const Report> seen_of(std::vector<Report>& reports, const Wish& wish) {
  const auto end = std::stable_partition(reports.begin(), reports.end(),
                                         [&](const Report& report) { return wish.sees(report.virtual_host); });
  return {reports.begin(), end};
}

/// Of which RabbitMQ tells what a queue is, too.
bool has_queue_families(const Wish& wish) {
  return wish.includes("queue_coarse_metrics") || wish.includes("queue_consumer_count") ||
         wish.includes("queue_metrics");
}

void write_objects(Exposition& page, const Wish& wish, Facts& facts) {
  const Queues queues = seen_of(facts.queues, wish);
  const Exchanges exchanges = seen_of(facts.exchanges, wish);
  const auto channels = channels_of(facts.connections);
  const auto origins = origins_of(queues);
  const bool is_per_object = wish.is_per_object;
  write(page, wish, true, login_families(), facts.logins);
  write(page, wish, is_per_object, queue_families(), queues);
  write(page, wish, is_per_object, origin_families(), origins, long_labels_of);
  write(page, wish, is_per_object, queue_origin_families(), origins);
  write(page, wish, is_per_object, exchange_families(), exchanges);
  write(page, wish, is_per_object, channel_families(), channels);
  write(page, wish, is_per_object, publish_families(), publishes_of(channels, facts.exchanges));
  write(page, wish, is_per_object, delivery_families(), deliveries_of(channels, facts.queues));
  write(page, wish, is_per_object, connection_families(), facts.connections);
  if (is_per_object && has_queue_families(wish)) write_queue_infos(page, wish, queues);
}

std::string page_of(const broker::BrokerQuery& broker, const Wish& wish, Facts facts) {
  Exposition page;
  write_node(page, wish, facts.node);
  write_objects(page, wish, facts);
  write_identity(page, wish, broker);
  if (wish.is_detailed) {
    write_cluster(page, wish, broker);
  } else {
    write_global(page, facts.node);
    write_deaths(page, facts.node.deaths);
    write_load(page, facts.load);
    write_times(page, wish, facts);
    write_start(page, facts.node);
  }
  return page.take();
}

/// Nothing for another path than ours.
std::optional<Wish> wish_of(const Target& target) {
  const auto& path = target.segments;
  if (path.empty() || path.size() > 2 || path[0] != "metrics") return {};
  const std::string kind = path.size() == 2 && path[1] != "default" ? path[1] : "";  // the registry's name
  if (!kind.empty() && kind != "per-object" && kind != "detailed") return {};
  Wish wish{.is_detailed = kind == "detailed", .is_per_object = !kind.empty()};
  for (const auto& [name, value] : target.query) {
    if (name == "family") wish.families.insert(value);
    if (name == "vhost") wish.virtual_hosts.insert(value);
  }
  return wish;
}

}  // namespace

boost::asio::awaitable<Response> scrape(broker::BrokerQuery& broker, RawRequest request) {
  const auto target = parse_target(request.target);
  const auto wish = target ? wish_of(*target) : std::nullopt;
  if (!wish) co_return not_found().response();
  if (request.method != "GET" && request.method != "HEAD")
    co_return Response{.status = request.method == "OPTIONS" ? 200u : 405u,
                       .headers = {{"allow", "GET, HEAD, OPTIONS"}}};
  Facts now = co_await facts(broker);
  co_return Response{.body = page_of(broker, *wish, std::move(now)), .content_type = "text/plain; version=0.0.4"};
}

}  // namespace leveret::management::prometheus
