#pragma once
#include <chrono>

namespace leveret::broker {

using TimePoint = std::chrono::steady_clock::time_point;

/// What a message's age is counted by: it goes on while the broker is stopped.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Where the broker takes the time from: the machine's clock, or a test's.  Takes calls from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  virtual WallTime wall_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall_now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace leveret::broker
