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
    ready.pop_front(queued->message->body().size());
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
  ReadyMessages ready;
  ready.set_priorities(9, ReadyMessages::Turns::strict);
  ready.append(1, 0, message());
  ready.append(2, 9, message());
  ready.append(3, 5, message());
  ready.append(4, 9, message());
  ready.put_back(0, 5, message());
  EXPECT_THAT(drain(ready), ElementsAre(2, 4, 0, 3, 1));
}

TEST(ReadyMessages, OfAQuorumQueueGoTwoToOne) {
  ReadyMessages ready;
  ready.set_priorities(1, ReadyMessages::Turns::weighted);
  for (const Position position : {1, 2, 3}) ready.append(position, 0, message());
  for (const Position position : {11, 12, 13, 14, 15}) ready.append(position, 1, message());
  EXPECT_THAT(drain(ready), ElementsAre(11, 12, 1, 13, 14, 2, 15, 3));
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

}  // namespace
}  // namespace leveret::broker
