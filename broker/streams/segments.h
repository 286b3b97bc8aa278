#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "broker/clock.h"
#include "broker/ids.h"

namespace leveret::broker {

/// A run of a stream's messages that leaves it as a whole: [begin, end).
struct StreamSegment {
  Position begin = 0;
  Position end = 0;
  std::uint64_t octets = 0;  // of messages, as they are stored
  WallTime last_arrival{};   // of its last message

  friend bool operator==(const StreamSegment&, const StreamSegment&) = default;
};

/// How much of a stream is kept; nothing stands for no limit.
struct StreamRetention {
  std::optional<std::uint64_t> octets_max{};
  std::optional<std::chrono::seconds> age_max{};
};

/// A stream cut into segments: closed ones, oldest first, and the one that is being written.
///
/// Retention takes closed segments away from the front, so a stream that has had messages keeps some: RabbitMQ does
/// the same.
class StreamSegments {
 public:
  /// While it is empty: `all` that is stored, as if it were one segment, and what was written down of closed ones.
  /// Those of them that do not fit, because a crash came between them and their messages, are ignored.
  void restore(const StreamSegment& all, const std::vector<StreamSegment>& closed);

  /// Where the oldest message is, and where the next one will be.
  Position begin() const { return closed_.empty() ? active_.begin : closed_.front().begin; }
  Position end() const { return active_.end; }
  const std::deque<StreamSegment>& closed() const { return closed_; }
  const StreamSegment& active() const { return active_; }

  /// Of the messages in all of them, as they are stored.
  std::uint64_t octets() const { return octets_; }

  /// The next message.
  void append(std::uint64_t octets, WallTime arrival);
  /// Closes the segment that is being written, and begins another.
  const StreamSegment& close_active();
  /// Takes away the oldest closed segments, as the limits demand: those that go.
  std::vector<StreamSegment> retain(const StreamRetention& retention, WallTime now);

  /// Where the first message can be that came at `time` or later: [first, second) of positions.
  std::pair<Position, Position> find(WallTime time) const;

 private:
  std::deque<StreamSegment> closed_{};
  StreamSegment active_{};
  std::uint64_t octets_ = 0;  // of all segments
};

}  // namespace leveret::broker
