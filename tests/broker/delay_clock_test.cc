#include "broker/exchanges/delay_clock.h"

#include <gtest/gtest.h>

namespace leveret::broker {
namespace {

using namespace std::chrono_literals;

/// One that a test sets as an operator does: the steady time does not follow.
class SettableClock final : public Clock {
 public:
  TimePoint now() const override { return steady; }
  WallTime wall_now() const override { return wall; }
  void pass(std::chrono::milliseconds time) {
    steady += time;
    wall += time;
  }

  TimePoint steady{std::chrono::hours{5}};
  WallTime wall{std::chrono::hours{500'000}};
};

class DelayClockTest : public testing::Test {
 protected:
  SettableClock machine_{};
  DelayClock clock_{machine_};
};

TEST_F(DelayClockTest, BeginsWithTheTimeOfTheMachine) {
  EXPECT_EQ(clock_.now(), DelayClock::of(machine_.wall));
  machine_.pass(3s);
  EXPECT_EQ(clock_.now(), DelayClock::of(machine_.wall));
}

TEST_F(DelayClockTest, WaitsAsLongAsTheDelaySays) {
  const DueTime due = clock_.after(10s);
  EXPECT_EQ(clock_.time_of(due) - machine_.now(), 10s);
  machine_.pass(4s);
  EXPECT_EQ(clock_.time_of(due) - machine_.now(), 6s);
  machine_.pass(6s);
  EXPECT_EQ(clock_.now(), due);
}

TEST_F(DelayClockTest, DoesNotMindThatTheMachinesClockIsSet) {
  const DueTime due = clock_.after(10s);
  machine_.wall += 24h;
  EXPECT_LT(clock_.now(), due);
  EXPECT_EQ(clock_.time_of(due) - machine_.now(), 10s);
  machine_.wall -= 48h;
  EXPECT_EQ(clock_.time_of(due) - machine_.now(), 10s);
  EXPECT_EQ(clock_.time_of(clock_.after(1s)) - machine_.now(), 1s);
}

TEST_F(DelayClockTest, GoesOnOverARestart) {
  const DueTime due = clock_.after(10s);
  machine_.pass(4s);
  machine_.steady = TimePoint{1h};  // of another machine
  const DelayClock next{machine_};
  EXPECT_EQ(next.time_of(due) - machine_.now(), 6s);
}

TEST_F(DelayClockTest, FindsOutThatItWasPutBackOverARestart) {
  const DueTime due = clock_.after(10s);
  machine_.wall -= 24h;
  DelayClock next{machine_};
  EXPECT_GT(next.time_of(due) - machine_.now(), 24h);
  next.note_delay(due, 10s);
  EXPECT_EQ(next.time_of(due) - machine_.now(), 10s);
  next.note_delay(due, 15s);  // which began earlier: nothing new
  EXPECT_EQ(next.time_of(due) - machine_.now(), 10s);
}

TEST_F(DelayClockTest, HasNoTimeTooFarAway) {
  EXPECT_GT(clock_.time_of(clock_.after(std::chrono::hours{24} * 36'525)), machine_.now());
  EXPECT_GT(clock_.time_of(DueTime{std::numeric_limits<std::uint64_t>::max() / 2}), machine_.now());
  EXPECT_LT(clock_.time_of(DueTime{1}), machine_.now());
}

}  // namespace
}  // namespace leveret::broker
