#pragma once
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/clock.h"
#include "broker/ids.h"

namespace leveret::broker {

/// When which queue wants to be woken: one time each.  Belongs to its shard.
class AlarmClock {
 public:
  /// In place of the time that queue had asked for before.
  void set(QueueId queue, TimePoint at) {
    clear(queue);
    times_.emplace(queue, at);
    order_.emplace(at, queue);
  }

  void clear(QueueId queue) {
    const auto found = times_.find(queue);
    if (found == times_.end()) return;
    order_.erase({found->second, queue});
    times_.erase(found);
  }

  bool empty() const { return order_.empty(); }
  TimePoint next() const { return order_.begin()->first; }

  /// Takes out those whose time has come.
  std::vector<QueueId> take_due(TimePoint now) {
    std::vector<QueueId> due;
    while (!empty() && next() <= now) {
      due.push_back(order_.begin()->second);
      times_.erase(due.back());
      order_.erase(order_.begin());
    }
    return due;
  }

 private:
  std::unordered_map<QueueId, TimePoint> times_{};
  std::set<std::pair<TimePoint, QueueId>> order_{};
};

}  // namespace leveret::broker
