#pragma once
#include <chrono>

namespace leveret::broker {

using TimePoint = std::chrono::steady_clock::time_point;

/// Where the broker takes the time from: the machine's clock, or a test's.  Takes calls from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace leveret::broker
