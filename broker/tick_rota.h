#pragma once
#include <array>
#include <chrono>
#include <cstddef>

#include "broker/turn_member.h"

namespace leveret::broker {

/// Whom a shard tells the time at its next tick: thousands of clients that do nothing are told it more rarely, a part
/// of them at each tick.
class TickRota {
 public:
  void add(TurnMember& member) { awake_.push_back(member); }

  /// Until it is woken it need not know the time to the tick.
  void rest(TurnMember& member) {
    member.unlink();
    member.is_resting_ = true;
    slots_[(ticks_ + slots_.size() - 1) % slots_.size()].members.push_back(member);  // a whole round from now
  }
  void wake(TurnMember& member) {
    if (!member.is_resting_) return;
    member.unlink();
    member.is_resting_ = false;
    awake_.push_back(member);
  }

  /// Members may end meanwhile, themselves or each other.
  void tick(TimePoint now) {
    Members due;
    due.splice(due.end(), awake_);
    Slot& next = slots_[ticks_++ % slots_.size()];
    for (Slot& slot : slots_) {
      if (&slot != &next && now - slot.last_tick < rest_max) continue;
      slot.last_tick = now;
      due.splice(due.end(), slot.members);
    }
    while (!due.empty()) {
      TurnMember& member = due.front();
      due.pop_front();
      member.is_resting_ = false;
      awake_.push_back(member);
      member.tick(now);
    }
  }

 private:
  using Members = boost::intrusive::list<TurnMember, boost::intrusive::constant_time_size<false>>;
  struct Slot {
    TimePoint last_tick{};
    Members members{};
  };
  /// Should the clock have been put forward.
  static constexpr std::chrono::seconds rest_max{2};

  Members awake_{};
  std::array<Slot, 8> slots_{};
  std::size_t ticks_ = 0;
};

}  // namespace leveret::broker
