#pragma once
#include <span>
#include <string_view>

#include "broker/broker_query.h"
#include "management/process_facts.h"
#include "management/prometheus/exposition.h"
#include "management/prometheus/objects.h"

namespace leveret::management::prometheus {

/// One number of each object of a kind, under RabbitMQ's name without its prefix.
template <class Object>
struct Metric {
  std::string_view name{};
  Type type = Type::gauge;
  std::string_view help{};
  double (*value)(const Object&) = nullptr;
  bool has_sum = true;  // else RabbitMQ shows no sample where those of all objects are added up
};

/// Those that /metrics/detailed?family=NAME asks for together.
template <class Object>
struct Family {
  std::string_view name{};
  std::span<const Metric<Object>> metrics{};
};

/// What there is once for the whole node.
struct NodeFacts {
  ProcessFacts process{};
  broker::ResourceReport resources{};
  broker::StoreLoad store{};
  broker::ChurnCounters churn{};
  broker::DeathCounters deaths{};
  broker::ChannelCounters channels{};  // of those that are gone as well
  broker::QueueTraffic queue_traffic{};
  std::chrono::milliseconds uptime{};
  std::uint64_t connections = 0;
  std::uint64_t open_channels = 0;
  std::uint64_t publishers = 0;
  std::uint64_t consumers = 0;
  std::uint64_t queues = 0;
};

std::span<const Family<broker::QueueReport>> queue_families();
std::span<const Family<broker::ConnectionReport>> connection_families();
std::span<const Family<ChannelOfConnection>> channel_families();
std::span<const Family<PublishesOfChannel>> publish_families();
std::span<const Family<DeliveriesOfChannel>> delivery_families();
std::span<const Family<QueueOfExchange>> origin_families();
std::span<const Family<QueueOfExchange>> queue_origin_families();
std::span<const Family<broker::ExchangeReport>> exchange_families();
std::span<const Family<broker::LoginReport>> login_families();
std::span<const Family<NodeFacts>> node_families();
/// Counted since the start, whatever has come and gone meanwhile; they have labels of their own.
std::span<const Metric<NodeFacts>> global_metrics();
std::span<const Metric<broker::DeliveryCounters>> global_metrics_by_queue_type();
/// Without the prefix of RabbitMQ's.
std::span<const Metric<broker::ShardLoad>> shard_metrics();
std::span<const Metric<broker::StoreLoad>> store_metrics();

}  // namespace leveret::management::prometheus
