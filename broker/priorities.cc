#include "broker/priorities.h"

#include <algorithm>

#include "broker/queue_settings.h"

namespace leveret::broker {
namespace {

constexpr Priorities quorum_priorities{.has_lanes = true, .max = 31, .of_plain = 4};

}  // namespace

std::uint8_t Priorities::of(const Message& message) const {
  return std::min(message.priority().value_or(of_plain), max);
}

Priorities priorities_of(const QueueRecord& queue) {
  if (queue.type == QueueType::quorum) return quorum_priorities;
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
