#pragma once
#include <array>
#include <chrono>
#include <cstdint>

#include <boost/unordered/unordered_flat_map.hpp>

#include "broker/clock.h"
#include "broker/ids.h"

namespace leveret::broker {

/// How many times were how long.
struct TimeHistogram {
  static constexpr std::array<double, 12> bounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5,
                                                 1,     5,     10,   60,   300, 3600};  // seconds

  std::array<std::uint64_t, bounds.size() + 1>
      counts{};    // up to each bound and above the one before; above all of them
  double sum = 0;  // seconds

  void add(std::chrono::duration<double> time);
  TimeHistogram& operator+=(const TimeHistogram& more);
};

struct MessageTimesReport {
  TimeHistogram wait{};  // from coming to the broker to the first delivery
  TimeHistogram work{};  // from a delivery to its acknowledgement
};

/// How long the messages of a queue wait, and are worked on.  Looks at some of them, which the queue picks by
/// `is_sampled`: looking at each would cost more than passing it on.
class MessageTimes {
 public:
  static bool is_sampled(Position position) { return static_cast<std::uint64_t>(position) % 32 == 0; }

  void waited(std::chrono::milliseconds time) { report_.wait.add(time); }
  void begin_work(Position position, TimePoint now);
  /// It is acknowledged.
  void end_work(Position position, TimePoint now);
  /// It has come back, or is gone for another reason.
  void forget_work(Position position) { begun_.erase(position); }

  const MessageTimesReport& report() const { return report_; }

 private:
  MessageTimesReport report_{};
  boost::unordered_flat_map<Position, TimePoint> begun_{};
};

}  // namespace leveret::broker
