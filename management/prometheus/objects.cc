#include "management/prometheus/objects.h"

#include <set>
#include <unordered_map>
#include <utility>

namespace leveret::management::prometheus {
namespace {

/// What is left of a channel's counters when those of its parts are taken away.
template <class Counters>
Counters rest_of(Counters all, const Counters& told) {
  for (const auto& field : Counters::fields) all.*field.member -= told.*field.member;
  return all;
}

template <class Counters>
bool is_any(const Counters& counters) {
  for (const auto& field : Counters::fields)
    if (counters.*field.member > 0) return true;
  return false;
}

}  // namespace

std::vector<ChannelOfConnection> channels_of(Connections connections) {
  std::vector<ChannelOfConnection> channels;
  for (const auto& connection : connections)
    for (const auto& channel : connection.channels) channels.push_back({connection, channel});
  return channels;
}

std::vector<PublishesOfChannel> publishes_of(std::span<const ChannelOfConnection> channels, Exchanges exchanges) {
  std::set<std::pair<std::string_view, std::string_view>> known;
  for (const auto& exchange : exchanges) known.emplace(exchange.virtual_host, exchange.name);
  std::vector<PublishesOfChannel> publishes;
  for (const auto& of : channels) {
    broker::PublishCounters told;
    for (const auto& [exchange, counters] : of.channel.publishes) {
      if (!known.contains({of.connection.virtual_host, exchange})) continue;
      publishes.push_back({of, exchange, counters});
      add(told, counters);
    }
    const auto rest = rest_of(of.channel.counters.publishes, told);
    if (is_any(rest)) publishes.push_back({of, {}, rest});
  }
  return publishes;
}

std::vector<DeliveriesOfChannel> deliveries_of(std::span<const ChannelOfConnection> channels, Queues queues) {
  std::unordered_map<broker::QueueId, const broker::QueueReport*> by_id;
  for (const auto& queue : queues) by_id.emplace(queue.id, &queue);
  std::vector<DeliveriesOfChannel> deliveries;
  for (const auto& of : channels) {
    broker::DeliveryCounters told;
    for (const auto& [queue, counters] : of.channel.deliveries) {
      const auto found = by_id.find(queue);
      if (found == by_id.end()) continue;
      deliveries.push_back({of, found->second, counters});
      add(told, counters);
    }
    const auto rest = rest_of(of.channel.counters.deliveries, told);
    if (is_any(rest)) deliveries.push_back({of, nullptr, rest});
  }
  return deliveries;
}

std::vector<QueueOfExchange> origins_of(Queues queues) {
  std::vector<QueueOfExchange> origins;
  for (const auto& queue : queues)
    for (const auto& [exchange, messages] : queue.published_by) origins.push_back({queue, exchange, messages});
  return origins;
}

}  // namespace leveret::management::prometheus
