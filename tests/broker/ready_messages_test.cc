#include "broker/ready_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leveret::broker {
namespace {

using testing::ElementsAre;

QueuedMessage message(std::string_view body = "x") {
  const std::string no_properties(2, '\0');
  MessageBuilder builder;
  builder.begin({"", "q"}, protocol::as_octets(no_properties), body.size());
  builder.append(protocol::as_octets(body));
  return {.message = builder.finish()};
}

/// The positions in the order of delivery.
std::vector<Position> drain(ReadyMessages& ready) {
  std::vector<Position> positions;
  while (!ready.empty()) {
    const auto [position, queued] = ready.front();
    positions.push_back(position);
    ready.pop_front(queued->octets);
  }
  return positions;
}

TEST(ReadyMessages, LeaveInOrderOfArrival) {
  ReadyMessages ready;
  for (const Position position : {1, 2, 5}) ready.append(position, 0, message());
  EXPECT_EQ(ready.size(), 3u);
  EXPECT_THAT(drain(ready), ElementsAre(1, 2, 5));
}

TEST(ReadyMessages, PutBackStandAtTheirOldPlace) {
  ReadyMessages ready;
  ready.append(4, 0, message());
  for (const Position position : {3, 1, 2}) ready.put_back(position, 0, message());
  EXPECT_THAT(drain(ready), ElementsAre(1, 2, 3, 4));
}

TEST(ReadyMessages, OfHigherPriorityGoFirst) {
  ReadyMessages ready{{.has_lanes = true, .max = 9}};
  ready.append(1, 0, message());
  ready.append(2, 9, message());
  ready.append(3, 5, message());
  ready.append(4, 9, message());
  ready.put_back(0, 5, message());
  EXPECT_THAT(drain(ready), ElementsAre(2, 4, 0, 3, 1));
}

TEST(ReadyMessages, CanBeTakenOutOfTheMiddle) {
  ReadyMessages ready;
  for (const Position position : {1, 2, 3, 4}) ready.append(position, 0, message());
  EXPECT_TRUE(ready.take(3, 0));
  EXPECT_FALSE(ready.take(3, 0)) << "it has gone";
  EXPECT_TRUE(ready.take(1, 0));
  EXPECT_TRUE(ready.take(2, 0));
  EXPECT_FALSE(ready.take(7, 0)) << "there never was one";
  EXPECT_EQ(ready.size(), 1u);
  EXPECT_THAT(drain(ready), ElementsAre(4));
}

TEST(ReadyMessages, TakenOutAfterTheyWerePutBack) {
  ReadyMessages ready;
  ready.append(5, 0, message());
  ready.put_back(2, 0, message());
  EXPECT_TRUE(ready.take(2, 0));
  EXPECT_EQ(ready.oldest(0)->position, 5u);
  EXPECT_TRUE(ready.take(5, 0));
  EXPECT_TRUE(ready.empty());
  EXPECT_FALSE(ready.oldest(0));
}

TEST(ReadyMessages, CountTheOctetsOfTheirBodies) {
  ReadyMessages ready;
  ready.append(1, 0, message("12345"));
  ready.append(2, 0, message("123"));
  EXPECT_EQ(ready.octets(), 8u);
  ready.pop_front(5);
  EXPECT_EQ(ready.octets(), 3u);
  EXPECT_TRUE(ready.take(2, 0));
  EXPECT_EQ(ready.octets(), 0u);
}

// --- out of memory

const auto all_are_readable = [](const QueuedMessage&) { return true; };
const auto from_the_first = [](std::uint8_t) { return Position{0}; };

/// Reads back what is out of memory, up to a position.
void read_back(ReadyMessages& ready, std::uint8_t priority, Position end) {
  for (Position position = ready.paged_out(priority).begin; position < end; ++position)
    ready.page_in(position, priority, message());
  ready.paged_in(end, priority);
}

TEST(ReadyMessages, LeaveMemoryBehindTheFirstOfTheirPriority) {
  ReadyMessages ready{{.has_lanes = true, .max = 9}};
  for (const Position position : {10, 11, 12}) ready.append(position, 1, message());
  for (const Position position : {70, 71}) ready.append(position, 7, message());
  ready.page_out(2, all_are_readable, from_the_first);
  EXPECT_EQ(ready.size(), 5u);
  EXPECT_EQ(ready.octets(), 5u);
  EXPECT_EQ(ready.paged_out(1).messages, 2u);
  EXPECT_EQ(ready.paged_out(1).begin, 11u);
  EXPECT_EQ(ready.paged_out(7).messages, 1u);
  EXPECT_EQ(ready.paged_out(3).messages, 0u);
  EXPECT_TRUE(ready.has_fewer_than(2, 1000, 1));
  EXPECT_FALSE(ready.has_fewer_than(2, 1, 1)) << "they are large enough";
  EXPECT_FALSE(ready.has_fewer_than(2, 1000, 3));
  EXPECT_EQ(ready.oldest(1)->position, 10u);
}

TEST(ReadyMessages, OfLowerPriorityWaitForWhatIsReadBack) {
  ReadyMessages ready{{.has_lanes = true, .max = 9}};
  ready.append(10, 1, message());
  for (const Position position : {70, 71}) ready.append(position, 7, message());
  ready.page_out(0, all_are_readable, from_the_first);
  EXPECT_FALSE(ready.has_front());
  read_back(ready, 1, 11);
  EXPECT_FALSE(ready.has_front()) << "there is one of a higher priority, though not in memory";
  EXPECT_EQ(ready.highest(), 7);
  read_back(ready, 7, 72);
  EXPECT_THAT(drain(ready), ElementsAre(70, 71, 10));
}

TEST(ReadyMessages, ThatComeLaterStandBehindThoseOutOfMemory) {
  ReadyMessages ready{{.has_lanes = true, .max = 9}};
  for (const Position position : {70, 71}) ready.append(position, 7, message());
  ready.page_out(0, all_are_readable, from_the_first);
  ready.append(72, 7, message());
  EXPECT_FALSE(ready.has_front());
  read_back(ready, 7, 72);
  EXPECT_TRUE(ready.is_all_in_memory());
  EXPECT_THAT(drain(ready), ElementsAre(70, 71, 72));
}

TEST(ReadyMessages, ThatWereNotReadBackAreLost) {
  ReadyMessages ready;
  for (const Position position : {1, 2, 3}) ready.append(position, 0, message());
  ready.page_out(0, all_are_readable, from_the_first);
  ready.page_in(1, 0, message());
  ready.paged_in(4, 0);
  EXPECT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready.octets(), 1u);
  EXPECT_THAT(drain(ready), ElementsAre(1));
}

TEST(ReadyMessages, ThatWerePutBackLeaveMemoryToo) {
  ReadyMessages ready;
  for (const Position position : {7, 8, 9}) ready.append(position, 0, message());
  ready.page_out(0, all_are_readable, from_the_first);
  ready.append(10, 0, message());
  for (const Position position : {2, 4, 5, 6}) ready.put_back(position, 0, message());
  ready.page_out_returned(0, all_are_readable, [](std::uint8_t) { return Position{5}; });
  EXPECT_EQ(ready.paged_out(0).begin, 5u) << "before it one is held";
  EXPECT_EQ(ready.paged_out(0).end, 11u);
  EXPECT_EQ(ready.paged_out(0).messages, 6u);
  EXPECT_EQ(ready.size(), 8u);
  EXPECT_EQ(ready.octets(), 8u);
  ready.put_back(3, 0, message());
  read_back(ready, 0, 11);
  EXPECT_THAT(drain(ready), ElementsAre(2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(ReadyMessages, ThatWerePutBackLeaveMemoryWhereNothingElseHas) {
  ReadyMessages ready;
  for (const Position position : {5, 6}) ready.append(position, 0, message());
  for (const Position position : {1, 2, 3}) ready.put_back(position, 0, message());
  ready.page_out_returned(0, all_are_readable, from_the_first);
  EXPECT_EQ(ready.memory(), 0u);
  EXPECT_EQ(ready.out_of_memory_count(), 5u);
  EXPECT_EQ(ready.paged_out(0).begin, 1u);
}

TEST(ReadyMessages, OfARestartAreAllOutOfMemory) {
  ReadyMessages ready{{.has_lanes = true, .max = 9}};
  ready.restore(5, {.begin = 3, .end = 9, .messages = 2, .octets = 2});
  EXPECT_EQ(ready.size(), 2u);
  EXPECT_EQ(ready.memory(), 0u);
  EXPECT_EQ(ready.highest(), 5);
  for (const Position position : {3, 8}) ready.page_in(position, 5, message());
  ready.paged_in(9, 5);
  EXPECT_THAT(drain(ready), ElementsAre(3, 8));
}

// --- unloaded: at their places, without their contents

QueuedMessage unloaded(std::string_view body = "x") {
  QueuedMessage queued = message(body);
  queued.append = AppendNumber::recovered;
  queued.message.reset();
  return queued;
}

TEST(ReadyMessages, ThatArePutBackUnloadedAreDeliveredWhenTheyHaveBeenRead) {
  ReadyMessages ready;
  ready.append(5, 0, message());
  ready.put_back(2, 0, unloaded("12"));
  EXPECT_EQ(ready.size(), 2u);
  EXPECT_EQ(ready.octets(), 3u);
  EXPECT_EQ(ready.out_of_memory_count(), 1u);
  EXPECT_EQ(ready.out_of_memory_octets(), 2u);
  EXPECT_EQ(ready.memory(), queued_overhead_octets + 1);
  EXPECT_FALSE(ready.has_front()) << "none overtakes it";
  EXPECT_EQ(ready.unloaded_front(0), 2u);
  EXPECT_FALSE(ready.take(2, 0));
  EXPECT_FALSE(ready.load(3, 0, message().message));
  EXPECT_FALSE(ready.load(5, 0, message().message)) << "it is in memory";
  EXPECT_TRUE(ready.load(2, 0, message("12").message));
  EXPECT_FALSE(ready.load(2, 0, message("12").message));
  EXPECT_TRUE(ready.is_all_in_memory());
  EXPECT_FALSE(ready.unloaded_front(0));
  EXPECT_THAT(drain(ready), ElementsAre(2, 5));
}

TEST(ReadyMessages, ThatAreUnloadedLetOthersGoFirstThatStandBeforeThem) {
  ReadyMessages ready{{.has_lanes = true, .max = 9}};
  ready.put_back(10, 1, unloaded());
  ready.put_back(11, 1, message());
  ready.append(70, 7, message());
  EXPECT_EQ(ready.front().position, 70u);
  ready.pop_front(1);
  EXPECT_FALSE(ready.has_front());
  ready.put_back(9, 1, message());
  EXPECT_EQ(ready.front().position, 9u);
}

TEST(ReadyMessages, ThatAreUnloadedAndCannotBeReadAreDropped) {
  ReadyMessages ready;
  ready.put_back(1, 0, unloaded("123"));
  ready.append(2, 0, message());
  EXPECT_EQ(ready.drop_unloaded_front(0).octets, 3u);
  EXPECT_TRUE(ready.is_all_in_memory());
  EXPECT_EQ(ready.octets(), 1u);
  EXPECT_THAT(drain(ready), ElementsAre(2));
}

TEST(ReadyMessages, ThatWerePutBackAreUnloadedBeforeWhatIsHeld) {
  ReadyMessages ready;
  for (const Position position : {1, 2, 4}) ready.put_back(position, 0, message());
  for (const Position position : {9, 10}) ready.append(position, 0, message());
  ready.page_out_returned(1, all_are_readable, [](std::uint8_t) { return Position{6}; });
  EXPECT_EQ(ready.paged_out(0).begin, 10u);
  EXPECT_EQ(ready.paged_out(0).messages, 1u);
  EXPECT_EQ(ready.out_of_memory_count(), 3u);
  EXPECT_EQ(ready.memory(), 2 * (queued_overhead_octets + 1)) << "the first of both kinds are kept at hand";
  EXPECT_EQ(ready.front().position, 1u);
  ready.pop_front(1);
  EXPECT_EQ(ready.unloaded_front(0), 2u);
}

TEST(ReadyMessages, ThatAreUnloadedArePagedOutOnceNothingIsHeldBehindThem) {
  ReadyMessages ready;
  for (const Position position : {1, 2, 4}) ready.put_back(position, 0, unloaded());
  ready.append(9, 0, message());
  ready.page_out_returned(0, all_are_readable, from_the_first);
  EXPECT_EQ(ready.paged_out(0).begin, 1u);
  EXPECT_EQ(ready.paged_out(0).messages, 4u);
  EXPECT_EQ(ready.out_of_memory_count(), 4u);
  EXPECT_EQ(ready.out_of_memory_octets(), 4u);
  EXPECT_EQ(ready.memory(), 0u);
  for (const Position position : {1, 2, 4, 9}) ready.page_in(position, 0, message());
  ready.paged_in(10, 0);
  EXPECT_TRUE(ready.is_all_in_memory());
  EXPECT_THAT(drain(ready), ElementsAre(1, 2, 4, 9));
}

TEST(ReadyMessages, ThatAreUnloadedAreForgottenWithTheOthers) {
  ReadyMessages ready;
  ready.put_back(1, 0, unloaded());
  ready.clear();
  EXPECT_TRUE(ready.empty());
  EXPECT_TRUE(ready.is_all_in_memory());
  EXPECT_EQ(ready.octets(), 0u);
}

}  // namespace
}  // namespace leveret::broker
