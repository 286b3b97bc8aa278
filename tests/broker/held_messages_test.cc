#include "broker/held_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leveret::broker {
namespace {

using testing::UnorderedElementsAre;

QueuedMessage message(std::string_view body, AppendNumber append = AppendNumber::recovered) {
  const std::string no_properties(2, '\0');
  MessageBuilder builder;
  builder.begin({"", "q"}, protocol::as_octets(no_properties), body.size());
  builder.append(protocol::as_octets(body));
  return {.message = builder.finish(), .append = append};
}

bool is_stored(const QueuedMessage& queued) {
  return queued.append != AppendNumber::none;
}

TEST(HeldMessages, AreTakenOnce) {
  HeldMessages held;
  held.add(3, message("three"));
  EXPECT_EQ(held.size(), 1u);
  EXPECT_EQ(held.octets(), 5u);
  EXPECT_FALSE(held.take(4));
  EXPECT_EQ(held.take(3)->message->body().size(), 5u);
  EXPECT_FALSE(held.take(3));
  EXPECT_EQ(held.size(), 0u);
  EXPECT_EQ(held.octets(), 0u);
  EXPECT_EQ(held.memory(), 0u);
}

TEST(HeldMessages, LeaveMemoryWhereTheyAreStored) {
  HeldMessages held;
  held.add(1, message("stored"));
  held.add(2, message("not", AppendNumber::none));
  held.unload(is_stored);
  EXPECT_EQ(held.size(), 2u);
  EXPECT_EQ(held.octets(), 9u);
  EXPECT_EQ(held.unloaded_count(), 1u);
  EXPECT_EQ(held.unloaded_octets(), 6u);
  EXPECT_EQ(held.memory(), queued_overhead_octets + 3);
  const auto taken = held.take(1);
  EXPECT_FALSE(taken->is_in_memory());
  EXPECT_EQ(taken->octets, 6u) << "which it is counted with";
  EXPECT_EQ(held.octets(), 3u);
  EXPECT_EQ(held.unloaded_octets(), 0u);
  EXPECT_TRUE(held.take(2)->is_in_memory());
}

TEST(HeldMessages, CanComeWithoutTheirContent) {
  HeldMessages held;
  QueuedMessage unloaded = message("12345");
  unloaded.message.reset();
  held.add(7, std::move(unloaded));
  EXPECT_EQ(held.unloaded_count(), 1u);
  EXPECT_EQ(held.octets(), 5u);
  EXPECT_EQ(held.memory(), 0u);
}

TEST(HeldMessages, AreAllVisited) {
  HeldMessages held;
  for (const Position position : {1, 2, 3}) held.add(position, message("x"));
  held.unload([](const QueuedMessage&) { return true; });
  held.add(4, message("x"));
  std::vector<Position> positions;
  held.for_each([&](Position position, const QueuedMessage&) { positions.push_back(position); });
  EXPECT_THAT(positions, UnorderedElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace leveret::broker
