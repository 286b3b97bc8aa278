#pragma once
#include <chrono>
#include <cstdint>

#include "perf/latency_histogram.h"

namespace leveret::perf {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

/// What producers and consumers have counted.
struct Figures {
  std::uint64_t published = 0;
  std::uint64_t confirmed = 0;
  std::uint64_t rejected = 0;  // by basic.nack from the broker
  std::uint64_t received = 0;
  LatencyHistogram delivery{};      // publish to delivery
  LatencyHistogram confirmation{};  // publish to confirm
  TimePoint last_published{};
  TimePoint last_received{};

  void add(const Figures& other);
};

}  // namespace leveret::perf
