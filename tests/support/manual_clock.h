#pragma once
#include <atomic>
#include <chrono>

#include "broker/clock.h"

namespace leveret::test {

/// A clock that stands still until the test moves it.  Takes calls from any thread.
class ManualClock final : public broker::Clock {
 public:
  broker::TimePoint now() const override { return broker::TimePoint{broker::TimePoint::duration{ticks_.load()}}; }
  broker::WallTime wall_now() const override {
    return broker::WallTime{std::chrono::floor<std::chrono::milliseconds>(now().time_since_epoch())};
  }
  void advance(std::chrono::nanoseconds by) {
    ticks_ += std::chrono::duration_cast<broker::TimePoint::duration>(by).count();
  }

 private:
  // Some way from zero, so that what lies before the start can be expressed.
  std::atomic<broker::TimePoint::rep> ticks_{broker::TimePoint::duration{std::chrono::hours{24}}.count()};
};

}  // namespace leveret::test
