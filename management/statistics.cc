#include "management/statistics.h"

#include <algorithm>
#include <vector>

#include "management/statistics_columns.h"

namespace leveret::management {
namespace {

/// Of all objects together; a sample of a queue takes about 100 octets.
constexpr std::size_t samples_max = 400'000;

template <class Counters>
void append(std::vector<std::uint64_t>& numbers, const Counters& counters) {
  for (const auto& field : Counters::fields) numbers.push_back(counters.*field.member);
}

std::vector<std::uint64_t> numbers_of(const broker::TrafficReport::OfVirtualHost& virtual_host) {
  std::vector<std::uint64_t> numbers{virtual_host.numbers.ready, virtual_host.numbers.unacknowledged};
  append(numbers, virtual_host.channels.publishes);
  append(numbers, virtual_host.channels.deliveries);
  append(numbers, virtual_host.transfers);
  append(numbers, virtual_host.queue_traffic.disk);
  return numbers;
}

std::vector<std::uint64_t> numbers_of(const ProcessFacts& facts, const broker::ResourceReport& resources) {
  return {facts.resident_octets,           facts.open_files,       resources.connections, facts.threads,
          resources.disk_free.value_or(0), facts.context_switches, facts.octets_read,     facts.octets_written,
          resources.store.writes,          resources.store.appends};
}

}  // namespace

template <class Map, class Key>
void Statistics::add(Map& map, const Key& key, std::span<const Retention> retention, Numbers numbers) {
  auto found = map.find(key);
  if (found == map.end()) found = map.emplace(key, Kept{.series = Series{numbers.size(), retention}}).first;
  Kept& kept = found->second;
  kept.series.add(now_, numbers, samples_each_);
  kept.last_round = round_;
}

template <class Map>
void Statistics::forget_gone(Map& map) const {
  std::erase_if(map, [this](const auto& row) { return row.second.last_round != round_; });
}

void Statistics::bound_samples(const broker::TrafficReport& report) {
  const std::size_t objects =
      report.queues.size() + report.exchanges.size() + report.channels.size() + report.connections.size();
  samples_each_ = samples_max / std::max<std::size_t>(1, objects);
}

void Statistics::take(SampleTime time, const broker::TrafficReport& report, const ProcessFacts& facts,
                      const broker::ResourceReport& resources) {
  now_ = time;
  ++round_;
  bound_samples(report);
  std::vector<std::uint64_t> numbers;
  for (const auto& [id, counts, counters] : report.queues) {
    numbers.assign({counts.ready, counts.unacknowledged, counters.published});
    append(numbers, counters.deliveries);
    append(numbers, counters.disk);
    add(queues_, id, retention_of_objects(), numbers);
  }
  for (const auto& [virtual_host, name, counters] : report.exchanges) {
    numbers.clear();
    append(numbers, counters);
    add(exchanges_, std::pair{virtual_host, name}, retention_of_objects(), numbers);
  }
  for (const auto& [id, counters] : report.channels) {
    numbers.clear();
    append(numbers, counters.publishes);
    append(numbers, counters.deliveries);
    add(channels_, id, retention_of_objects(), numbers);
  }
  for (const auto& [id, transfers] : report.connections) {
    numbers.clear();
    append(numbers, transfers);
    add(connections_, id, retention_of_objects(), numbers);
  }
  for (const auto& [name, virtual_host] : report.virtual_hosts)
    add(virtual_hosts_, name, retention_of_totals(), numbers_of(virtual_host));
  numbers.clear();
  append(numbers, report.churn);
  add(totals_, Total::churn, retention_of_totals(), numbers);
  add(totals_, Total::node, retention_of_totals(), numbers_of(facts, resources));
  forget_gone(queues_);
  forget_gone(exchanges_);
  forget_gone(channels_);
  forget_gone(connections_);
  forget_gone(virtual_hosts_);
}

void Statistics::clear() {
  queues_.clear();
  exchanges_.clear();
  channels_.clear();
  connections_.clear();
  virtual_hosts_.clear();
  totals_.clear();
}

const Series* Statistics::exchange(const std::string& virtual_host, const std::string& name) const {
  return find(exchanges_, std::pair{virtual_host, name});
}

}  // namespace leveret::management
