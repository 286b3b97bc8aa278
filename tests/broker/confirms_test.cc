#include "broker/confirms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace leveret::broker {
namespace {

using Told = std::pair<std::uint64_t, bool>;

std::vector<Told> tell(Confirms& confirms) {
  std::vector<Told> told;
  confirms.tell([&](std::uint64_t sequence, bool is_multiple, bool) { told.emplace_back(sequence, is_multiple); });
  return told;
}

/// "ack 2 nack 3": what would be sent; a multiple one is a "to".
std::string answers(Confirms& confirms) {
  std::string told;
  confirms.tell([&](std::uint64_t sequence, bool is_multiple, bool is_refused) {
    told += std::string{is_refused ? "nack " : "ack "} + (is_multiple ? "to " : "") + std::to_string(sequence) + " ";
  });
  return told;
}

TEST(Confirms, CountPublishesFromOne) {
  Confirms confirms;
  EXPECT_EQ(confirms.expect(1), 1u);
  EXPECT_EQ(confirms.expect(0), 2u);
  EXPECT_EQ(confirms.expect(2), 3u);
}

TEST(Confirms, TellNothingOfAPublishThatIsNotSafe) {
  Confirms confirms;
  confirms.expect(1);
  EXPECT_THAT(tell(confirms), testing::IsEmpty());
}

TEST(Confirms, TellOnceOfAPublishWithoutQueues) {
  Confirms confirms;
  confirms.expect(0);
  EXPECT_THAT(tell(confirms), testing::ElementsAre(Told{1, false}));
  EXPECT_THAT(tell(confirms), testing::IsEmpty());
}

TEST(Confirms, WaitForEveryQueueOfAPublish) {
  Confirms confirms;
  const auto sequence = confirms.expect(2);
  confirms.complete(sequence);
  EXPECT_THAT(tell(confirms), testing::IsEmpty());
  confirms.complete(sequence);
  EXPECT_THAT(tell(confirms), testing::ElementsAre(Told{1, false}));
}

TEST(Confirms, TellOfSeveralInOneWord) {
  Confirms confirms;
  for (int i = 0; i < 3; ++i) confirms.expect(1);
  for (const std::uint64_t sequence : {2, 1, 3}) confirms.complete(sequence);
  EXPECT_THAT(tell(confirms), testing::ElementsAre(Told{3, true}));
}

TEST(Confirms, TellInOrder) {
  Confirms confirms;
  for (int i = 0; i < 5; ++i) confirms.expect(1);
  for (const std::uint64_t sequence : {1, 3, 4}) confirms.complete(sequence);
  EXPECT_THAT(tell(confirms), testing::ElementsAre(Told{1, false})) << "3 and 4 wait for 2";
  confirms.complete(2);
  EXPECT_THAT(tell(confirms), testing::ElementsAre(Told{4, true}));
  confirms.complete(5);
  EXPECT_THAT(tell(confirms), testing::ElementsAre(Told{5, false}));
}

TEST(Confirms, TellOfRefusalsAmongTheOthersInOrder) {
  Confirms confirms;
  for (int i = 0; i < 6; ++i) confirms.expect(1);
  for (const std::uint64_t sequence : {1, 2, 5}) confirms.complete(sequence);
  for (const std::uint64_t sequence : {3, 4, 6}) confirms.refuse(sequence);
  EXPECT_EQ(answers(confirms), "ack to 2 nack to 4 ack 5 nack 6 ");
}

TEST(Confirms, RefuseAPublishThatOneOfItsQueuesHasRefused) {
  Confirms confirms;
  const auto sequence = confirms.expect(3);
  confirms.complete(sequence);
  confirms.refuse(sequence);
  EXPECT_EQ(answers(confirms), "") << "the third has not answered";
  confirms.complete(sequence);
  EXPECT_EQ(answers(confirms), "nack 1 ");
}

}  // namespace
}  // namespace leveret::broker
