#include "broker/lane.h"

#include <gtest/gtest.h>

#include "broker/priorities.h"

namespace leveret::broker {
namespace {

TEST(Lane, IsWrittenInPositionsAndIds) {
  const QueueId queue{77};
  for (unsigned priority = 0; priority <= 255; ++priority) {
    const Lane lane = lane_of_priority(static_cast<std::uint8_t>(priority));
    const Position position = begin_of(lane) + 12'345;
    EXPECT_EQ(lane_of(position), lane);
    EXPECT_EQ(stored_position(position), 12'345u);
    EXPECT_NE(stored_lane(queue, lane), queue);
    EXPECT_EQ(queue_of(stored_lane(queue, lane)), queue);
  }
}

TEST(Lane, OfAQueueWithoutPrioritiesChangesNothing) {
  EXPECT_EQ(stored_lane(QueueId{77}, Lane::only), QueueId{77});
  EXPECT_EQ(lane_of(5), Lane::only);
  EXPECT_EQ(stored_position(5), 5u);
}

TEST(Priorities, AreFoundInPositions) {
  const Priorities none{};
  EXPECT_EQ(none.at(12), 0u);
  EXPECT_EQ(none.lane(0), Lane::only);
  const Priorities ten{.has_lanes = true, .max = 9};
  for (unsigned priority = 0; priority <= 9; ++priority)
    EXPECT_EQ(ten.at(begin_of(ten.lane(static_cast<std::uint8_t>(priority))) + 1), priority);
}

}  // namespace
}  // namespace leveret::broker
