#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "broker/clock.h"
#include "broker/ids.h"
#include "broker/queued_message.h"

namespace leveret::broker {

/// What has come back to a quorum queue and is to rest before it is delivered again (delayed retry).  Belongs to its
/// queue.
class DelayedReturns {
 public:
  struct Returned {
    Position position{};
    QueuedMessage message{};
  };

  void add(TimePoint due, Position position, QueuedMessage message) {
    octets_ += message.octets;
    if (message.is_in_memory()) memory_ += queued_overhead_octets + message.octets;
    by_time_.emplace(due, Returned{position, std::move(message)});
  }

  bool empty() const { return by_time_.empty(); }
  std::size_t size() const { return by_time_.size(); }
  /// Of their bodies.
  std::uint64_t octets() const { return octets_; }
  /// What those in memory occupy, near enough for limits.
  std::size_t memory() const { return memory_; }
  TimePoint next_due() const { return by_time_.empty() ? TimePoint::max() : by_time_.begin()->first; }

  /// The next whose time has come by then.
  std::optional<Returned> take_due(TimePoint now) {
    if (by_time_.empty() || by_time_.begin()->first > now) return {};
    Returned returned = std::move(by_time_.extract(by_time_.begin()).mapped());
    octets_ -= returned.message.octets;
    if (returned.message.is_in_memory()) memory_ -= queued_overhead_octets + returned.message.octets;
    return returned;
  }

  template <class Function>
  void for_each(Function function) {
    for (auto& [due, returned] : by_time_) function(returned.position, returned.message);
  }
  template <class Function>
  void for_each(Function function) const {
    for (const auto& [due, returned] : by_time_) function(returned.position, returned.message);
  }
  void clear() {
    by_time_.clear();
    octets_ = 0;
    memory_ = 0;
  }

 private:
  std::multimap<TimePoint, Returned> by_time_{};
  std::uint64_t octets_ = 0;
  std::size_t memory_ = 0;
};

}  // namespace leveret::broker
