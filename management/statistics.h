#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "management/process_facts.h"
#include "management/samples.h"

namespace leveret::management {

/// What the broker has been doing: samples of its counters, taken every few seconds, for rates and graphs.  Belongs to
/// the HTTP server's thread.
///
/// Its memory is bounded: the more objects there are, the fewer samples each of them keeps.
class Statistics {
 public:
  void take(SampleTime time, const broker::TrafficReport& report, const ProcessFacts& facts,
            const broker::ResourceReport& resources);
  void clear();

  /// Nothing for what has not been sampled yet.
  const Series* queue(broker::QueueId id) const { return find(queues_, id); }
  const Series* exchange(const std::string& virtual_host, const std::string& name) const;
  const Series* channel(broker::SessionId id) const { return find(channels_, id); }
  const Series* connection(broker::ConnectionId id) const { return find(connections_, id); }
  const Series* virtual_host(const std::string& name) const { return find(virtual_hosts_, name); }
  const Series* churn() const { return find(totals_, Total::churn); }
  const Series* node() const { return find(totals_, Total::node); }

 private:
  enum class Total { churn, node };
  struct Kept {
    Series series;
    std::uint64_t last_round = 0;  // in which it was there
  };
  using Numbers = std::span<const std::uint64_t>;

  template <class Map, class Key>
  static const Series* find(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second.series;
  }
  template <class Map, class Key>
  void add(Map& map, const Key& key, std::span<const Retention> retention, Numbers numbers);
  template <class Map>
  void forget_gone(Map& map) const;
  void bound_samples(const broker::TrafficReport& report);

  SampleTime now_{};
  std::uint64_t round_ = 0;
  std::size_t samples_each_ = SIZE_MAX;
  std::unordered_map<broker::QueueId, Kept> queues_{};
  std::map<std::pair<std::string, std::string>, Kept> exchanges_{};
  std::unordered_map<broker::SessionId, Kept> channels_{};
  std::unordered_map<broker::ConnectionId, Kept> connections_{};
  std::map<std::string, Kept> virtual_hosts_{};
  std::map<Total, Kept> totals_{};
};

}  // namespace leveret::management
