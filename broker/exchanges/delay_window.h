#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/durable_log.h"
#include "broker/ids.h"
#include "broker/message.h"

namespace leveret::broker {

/// A delayed message in memory.
struct Delayed {
  MessageRef message{};
  AppendNumber append = AppendNumber::none;  // none: it is here and nowhere else
  bool is_transient = false;                 // stored to be out of memory, and forgotten by the next start
};

/// The delayed messages of one exchange: those that are due next are here, of the others there is a count.
///
///     released | near: in memory, in order | far: in the store, from `far().begin` on
///
/// A far message that is on its way to the store would not be found by a read.  So it is kept beside the near ones
/// until it has been written.
class DelayWindow {
 public:
  using Row = std::pair<DelayedPlace, Delayed>;

  /// Of near messages, and their memory.
  struct Limits {
    std::size_t messages = 2'048;
    std::size_t octets = 1 << 20;
  };
  /// Octets are those of bodies.
  struct Far {
    DelayedPlace begin{};
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
  };

  std::uint64_t messages() const { return near_.size() + far_.messages; }
  std::uint64_t octets() const { return near_body_octets_ + far_.octets; }
  const Far& far() const { return far_; }
  std::size_t near_messages() const { return near_.size(); }
  std::size_t unwritten_messages() const { return unwritten_.size(); }

  bool is_far(const DelayedPlace& place) const { return far_.messages > 0 && place >= far_.begin; }
  /// One that is not far.
  void add_near(const DelayedPlace& place, Delayed delayed);
  /// One that is far, or behind all near ones; it has been appended.
  void add_far(const DelayedPlace& place, Delayed delayed);

  /// When the first one is due, if it is known.
  std::optional<DueTime> next_due() const;
  Row take_first();

  bool is_larger_than(const Limits& limits) const {
    return near_.size() > limits.messages || near_octets_ > limits.octets;
  }
  /// The last near one, which is to be added to the far ones.
  Row take_last();
  /// Whether far ones are to be read: there is room below `limits`, also for the first of them where it is known.
  bool wants_more(const Limits& limits) const;

  /// What a read from `far().begin` on has found: all there was in the store before `next`, or all there was.
  void take_back(std::vector<Row> found, const DelayedPlace& next, bool is_end);
  /// One at the front of the far ones cannot be read.
  void skip_until(const DelayedPlace& next);
  /// Lets those of the far ones go that `is_written`, and so would be found.  Not while a read is under way.
  void forget_written(const std::function<bool(AppendNumber)>& is_written);

  /// After a restart all are far.
  void restore(const Far& far) { far_ = far; }
  /// Calls `visit` for each that is in memory, and forgets all.
  void clear(const std::function<void(const Delayed&)>& visit);

 private:
  using Messages = std::map<DelayedPlace, Delayed>;

  Row take(Messages::iterator row);
  void come_near(const DelayedPlace& place, Delayed delayed);

  Messages near_{};
  std::size_t near_octets_ = 0;  // of memory
  std::uint64_t near_body_octets_ = 0;
  Far far_{};
  std::size_t first_far_octets_ = 0;  // of memory; 0 when it is not known
  Messages unwritten_{};              // of the far ones
};

}  // namespace leveret::broker
