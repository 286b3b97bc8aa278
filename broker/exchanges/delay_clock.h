#pragma once
#include <algorithm>
#include <chrono>

#include "broker/clock.h"
#include "broker/ids.h"

namespace leveret::broker {

/// The time that delays are counted in: the machine's when the broker started, and from then on what has passed since.
///
/// So a delay takes as long as it says, whoever sets the machine's clock meanwhile.  Over a restart there is nothing
/// but that clock.  Put ahead, it makes messages due early; put back, it is found out by the first message that came,
/// by its own place, later than now.
class DelayClock {
 public:
  explicit DelayClock(const Clock& clock)
      : clock_(clock),
        ahead_(microseconds{clock.wall_now().time_since_epoch()} - since_start_of_machine(clock.now())) {}

  DueTime now() const { return due_time(since_start_of_machine(clock_.now()) + ahead_); }
  DueTime after(std::chrono::milliseconds delay) const { return later(now(), delay); }

  /// When it is that time.
  TimePoint time_of(DueTime due) const {
    const microseconds left = std::min(since_1970(due) - since_1970(now()), longest_wait);
    return clock_.now() + left;
  }

  /// A message that is due at `due` was delayed by so much: when that began, has passed.
  void note_delay(DueTime due, std::chrono::milliseconds delay) {
    ahead_ += std::max(since_1970(due) - delay - since_1970(now()), microseconds{0});
  }

  static DueTime later(DueTime time, std::chrono::milliseconds by) { return due_time(since_1970(time) + by); }
  static DueTime of(WallTime time) { return due_time(time.time_since_epoch()); }

 private:
  using microseconds = std::chrono::microseconds;
  static constexpr microseconds longest_wait = std::chrono::hours{24} * 36'525;

  static microseconds since_start_of_machine(TimePoint time) {
    return std::chrono::floor<microseconds>(time.time_since_epoch());
  }
  static microseconds since_1970(DueTime time) { return microseconds{static_cast<microseconds::rep>(time)}; }
  static DueTime due_time(microseconds since_1970) {
    return DueTime{static_cast<std::uint64_t>(std::max<microseconds::rep>(since_1970.count(), 1))};
  }

  const Clock& clock_;
  microseconds ahead_;  // of the steady clock
};

}  // namespace leveret::broker
