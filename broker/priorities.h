#pragma once
#include <cstdint>
#include <vector>

#include "broker/lane.h"
#include "broker/message.h"
#include "broker/queue_record.h"

namespace leveret::broker {

/// How a queue ranks its messages: a quorum queue has 32 priorities, as in RabbitMQ 4.3, a classic one those of
/// x-max-priority.
struct Priorities {
  bool has_lanes = false;     // else all messages are equal
  std::uint8_t max = 0;       // they begin at 0
  std::uint8_t of_plain = 0;  // that of a message which names none

  std::uint8_t of(const Message& message) const;
  Lane lane(std::uint8_t priority) const { return has_lanes ? lane_of_priority(priority) : Lane::only; }
  std::uint8_t at(Position position) const {
    return has_lanes ? static_cast<std::uint8_t>(static_cast<std::uint16_t>(lane_of(position)) - 1) : 0;
  }
};

Priorities priorities_of(const QueueRecord& queue);

/// The ids that the queue's lanes have in the store, by priority.
std::vector<QueueId> stored_lanes(const QueueRecord& queue);

}  // namespace leveret::broker
