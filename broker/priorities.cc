#include "broker/priorities.h"

#include <algorithm>

#include "broker/queue_settings.h"

namespace leveret::broker {
namespace {

/// What a message in a quorum queue has that says nothing; those above it go first (RabbitMQ 4).
constexpr std::uint8_t quorum_priority_default = 4;

}  // namespace

std::uint8_t Priorities::of(const Message& message) const {
  if (turns == Turns::weighted) return message.priority().value_or(quorum_priority_default) > quorum_priority_default;
  return std::min(message.priority().value_or(0), max);
}

Priorities priorities_of(const QueueRecord& queue) {
  if (queue.type == QueueType::quorum) return {.has_lanes = true, .max = 1, .turns = Priorities::Turns::weighted};
  if (queue.type != QueueType::classic) return {};
  const auto settings =
      make_queue_settings(protocol::FieldTable{protocol::as_octets(queue.arguments)}, nullptr, nullptr);
  return {.has_lanes = settings.max_priority > 0, .max = settings.max_priority};
}

std::vector<QueueId> stored_lanes(const QueueRecord& queue) {
  std::vector<QueueId> lanes;
  const Priorities priorities = priorities_of(queue);
  for (unsigned priority = 0; priority <= priorities.max; ++priority)
    lanes.push_back(stored_lane(queue.address.queue, priorities.lane(static_cast<std::uint8_t>(priority))));
  return lanes;
}

}  // namespace leveret::broker
