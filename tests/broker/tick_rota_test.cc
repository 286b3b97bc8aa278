#include "broker/tick_rota.h"

#include <gtest/gtest.h>

#include <list>
#include <memory>

namespace leveret::broker {
namespace {

using namespace std::chrono_literals;

class Member final : public TurnMember {
 public:
  explicit Member(TickRota& rota, bool rests = false) : rota_(rota), rests_(rests) { rota.add(*this); }

  void end_turn() override {}
  void tick(TimePoint) override {
    ++ticks;
    if (rests_) rota_.rest(*this);
    if (victim) victim->reset();
  }
  bool is_of_user(std::string_view) const override { return false; }
  bool is_in(const VirtualHost&) const override { return false; }
  void force_close(std::string_view) override {}
  void alarms_changed() override {}

  int ticks = 0;
  std::unique_ptr<Member>* victim = nullptr;  // ends when this one is told the time

 private:
  TickRota& rota_;
  const bool rests_;
};

class TickRotaTest : public testing::Test {
 protected:
  void tick(int times, std::chrono::milliseconds interval = 250ms) {
    for (int i = 0; i < times; ++i) rota_.tick(now_ += interval);
  }

  TickRota rota_{};
  TimePoint now_{1h};
};

TEST_F(TickRotaTest, TellsTheTimeAtEachTick) {
  Member member{rota_};
  tick(20);
  EXPECT_EQ(member.ticks, 20);
}

TEST_F(TickRotaTest, TellsItMoreRarelyToThoseWhoRest) {
  Member member{rota_, /*rests=*/true};
  tick(1);
  EXPECT_EQ(member.ticks, 1);
  tick(7);
  EXPECT_EQ(member.ticks, 1);
  tick(1);
  EXPECT_EQ(member.ticks, 2);
  tick(80);
  EXPECT_EQ(member.ticks, 12);
}

TEST_F(TickRotaTest, SpreadsThoseWhoRest) {
  std::list<Member> members;
  for (int i = 0; i < 16; ++i) {
    members.emplace_back(rota_, /*rests=*/true);
    tick(1);
  }
  const auto told = [&] {
    int sum = 0;
    for (const Member& member : members) sum += member.ticks;
    return sum;
  };
  for (int before = told(), i = 0; i < 8; ++i, before += 2) {
    EXPECT_EQ(told(), before);
    tick(1);
  }
}

TEST_F(TickRotaTest, TellsItAtTheNextTickToWhoIsWoken) {
  Member member{rota_, /*rests=*/true};
  tick(2);
  rota_.wake(member);
  rota_.wake(member);
  tick(1);
  EXPECT_EQ(member.ticks, 2);
  tick(1);
  EXPECT_EQ(member.ticks, 2) << "it rests again";
}

TEST_F(TickRotaTest, TellsAllWhenTheClockIsPutForward) {
  std::list<Member> members;
  for (int i = 0; i < 4; ++i) {
    members.emplace_back(rota_, /*rests=*/true);
    tick(1);
  }
  tick(1, 1min);
  for (const Member& member : members) EXPECT_EQ(member.ticks, 2);
}

TEST_F(TickRotaTest, ForgetsWhoEnds) {
  auto awake = std::make_unique<Member>(rota_);
  auto resting = std::make_unique<Member>(rota_, /*rests=*/true);
  tick(1);
  resting.reset();
  awake.reset();
  tick(10);
}

TEST_F(TickRotaTest, MayBeLeftDuringATick) {
  Member first{rota_};
  auto second = std::make_unique<Member>(rota_);
  Member third{rota_};
  first.victim = &second;
  tick(2);
  EXPECT_FALSE(second);
  EXPECT_EQ(third.ticks, 2);
}

}  // namespace
}  // namespace leveret::broker
