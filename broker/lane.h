#pragma once
#include <cstdint>

#include "broker/ids.h"

namespace leveret::broker {

/// A row in which a queue's messages stand, one behind the other.  A queue with priorities has a lane for each of them,
/// any other queue (a stream, what an exchange delays) is one lane.
///
/// The store knows each lane as a queue, so that a lane is one contiguous range there, whatever stands in the others.
/// Which lane it is say the highest bits of a message's position, and of the id that the lane has in the store:
///
///     position : lane, 9 bits | place in the lane, 55 bits       id : lane, 9 bits | the queue's id, 55 bits
enum class Lane : std::uint16_t {
  only = 0,  // of a queue without priorities; of one with them, where stores before format 3 have its messages
};

inline constexpr unsigned lane_shift = 55;
inline constexpr std::uint64_t lane_mask = ~std::uint64_t{0} << lane_shift;

constexpr Lane lane_of_priority(std::uint8_t priority) {
  return static_cast<Lane>(priority + 1);
}

/// Before its first position.
constexpr Position begin_of(Lane lane) {
  return static_cast<Position>(lane) << lane_shift;
}

constexpr Lane lane_of(Position position) {
  return static_cast<Lane>(position >> lane_shift);
}

/// The id that a lane of the queue has in the store.
constexpr QueueId stored_lane(QueueId queue, Lane lane) {
  return QueueId{static_cast<std::uint64_t>(queue) | begin_of(lane)};
}

/// The position of a message in there.
constexpr Position stored_position(Position position) {
  return position & ~lane_mask;
}

/// The queue that something stored is of.
constexpr QueueId queue_of(QueueId stored_lane) {
  return QueueId{static_cast<std::uint64_t>(stored_lane) & ~lane_mask};
}

}  // namespace leveret::broker
