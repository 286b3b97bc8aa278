#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "broker/consumer.h"

namespace leveret::broker {
namespace {

Consumer& add(Consumers& consumers, std::uint64_t id, ConsumerRequest request = {}) {
  request.id = ConsumerId{id};
  return consumers.add(std::make_unique<Consumer>(Consumer{.request = request}));
}

/// Who would be served next, `count` times over; 0 stands for nobody.
std::vector<std::uint64_t> serve(Consumers& consumers, int count) {
  std::vector<std::uint64_t> served;
  for (int i = 0; i < count; ++i) {
    Consumer* consumer = consumers.next();
    served.push_back(consumer ? static_cast<std::uint64_t>(consumer->request.id) : 0);
    if (!consumer) continue;
    ++consumer->unacknowledged;
    consumers.served(*consumer);
  }
  return served;
}

void acknowledge(Consumers& consumers, Consumer& consumer) {
  --consumer.unacknowledged;
  consumers.credit_changed(consumer);
}

/// As one does that has acknowledged everything.
void leave_with_nothing(Consumers& consumers, std::uint64_t id) {
  consumers.find(ConsumerId{id})->unacknowledged = 0;
  consumers.remove(ConsumerId{id});
}

TEST(Consumers, TakeTurns) {
  Consumers consumers;
  for (const std::uint64_t id : {1, 2, 3}) add(consumers, id);
  EXPECT_THAT(serve(consumers, 5), testing::ElementsAre(1, 2, 3, 1, 2));
}

TEST(Consumers, OfHigherPriorityGoFirstWhileTheyHaveCredit) {
  Consumers consumers;
  add(consumers, 1, {.priority = -1});
  add(consumers, 2);
  Consumer& preferred = add(consumers, 3, {.priority = 5, .prefetch = 2});
  EXPECT_THAT(serve(consumers, 4), testing::ElementsAre(3, 3, 2, 2));
  acknowledge(consumers, preferred);
  EXPECT_THAT(serve(consumers, 2), testing::ElementsAre(3, 2));
}

TEST(Consumers, WithoutCreditAreLeftOut) {
  Consumers consumers;
  Consumer& first = add(consumers, 1, {.prefetch = 1});
  add(consumers, 2, {.prefetch = 1});
  EXPECT_THAT(serve(consumers, 3), testing::ElementsAre(1, 2, 0));
  acknowledge(consumers, first);
  EXPECT_THAT(serve(consumers, 2), testing::ElementsAre(1, 0));
}

TEST(Consumers, WithCreditAgainJoinAtTheEndOfTheLine) {
  Consumers consumers;
  Consumer& first = add(consumers, 1, {.prefetch = 1});
  for (const std::uint64_t id : {2, 3}) add(consumers, id);
  EXPECT_THAT(serve(consumers, 1), testing::ElementsAre(1));
  acknowledge(consumers, first);
  EXPECT_THAT(serve(consumers, 3), testing::ElementsAre(2, 3, 1));
}

TEST(Consumers, ThatNeedNotAcknowledgeKnowNoPrefetch) {
  Consumers consumers;
  add(consumers, 1, {.no_ack = true, .prefetch = 1});
  EXPECT_THAT(serve(consumers, 3), testing::ElementsAre(1, 1, 1));
}

TEST(Consumers, ThatAreBlockedWaitUntilTheyAreNot) {
  Consumers consumers;
  Consumer& first = add(consumers, 1);
  add(consumers, 2);
  first.is_blocked = true;
  consumers.credit_changed(first);
  EXPECT_THAT(serve(consumers, 2), testing::ElementsAre(2, 2));
  first.is_blocked = false;
  consumers.credit_changed(first);
  EXPECT_THAT(serve(consumers, 2), testing::ElementsAre(2, 1));
}

TEST(Consumers, LeaveTheLineWhenTheyAreRemoved) {
  Consumers consumers;
  for (const std::uint64_t id : {1, 2, 3}) add(consumers, id);
  EXPECT_NE(consumers.remove(ConsumerId{1}), nullptr);
  EXPECT_EQ(consumers.remove(ConsumerId{1}), nullptr);
  EXPECT_EQ(consumers.find(ConsumerId{1}), nullptr);
  EXPECT_EQ(consumers.size(), 2u);
  EXPECT_THAT(serve(consumers, 3), testing::ElementsAre(2, 3, 2));
}

TEST(ServiceShare, CountsThePastForHalfWithEverySecond) {
  using namespace std::chrono_literals;
  const WallTime start{1'000'000s};
  ServiceShare share;
  share.note(true, start);
  EXPECT_DOUBLE_EQ(share.at(start), 1);
  EXPECT_DOUBLE_EQ(share.at(start + 1s), 0.5);
  share.note(true, start + 1s);
  EXPECT_DOUBLE_EQ(share.at(start + 2s), 0.25);
  share.note(false, start + 2s);
  EXPECT_DOUBLE_EQ(share.at(start + 3s), 0.625);
  EXPECT_NEAR(share.at(start + 1h), 1, 1e-9);
  EXPECT_DOUBLE_EQ(share.at(start), 0.25) << "the clock was set back";
}

TEST(Consumers, OfWhomOneIsActiveAreServedOneAfterTheOther) {
  Consumers consumers;
  consumers.set_single_active(true);
  add(consumers, 1);
  add(consumers, 2, {.priority = -1});
  add(consumers, 3, {.priority = 5});
  add(consumers, 4, {.priority = 5});
  EXPECT_THAT(serve(consumers, 2), testing::ElementsAre(1, 1)) << "a higher priority does not take over";
  leave_with_nothing(consumers, 1);
  EXPECT_THAT(serve(consumers, 2), testing::ElementsAre(3, 3));
  leave_with_nothing(consumers, 4);
  leave_with_nothing(consumers, 3);
  EXPECT_THAT(serve(consumers, 2), testing::ElementsAre(2, 2));
}

TEST(Consumers, ThatAreNotActiveDoNotStepInForOneWithoutCredit) {
  Consumers consumers;
  consumers.set_single_active(true);
  Consumer& active = add(consumers, 1, {.prefetch = 1});
  add(consumers, 2);
  EXPECT_THAT(serve(consumers, 2), testing::ElementsAre(1, 0));
  acknowledge(consumers, active);
  EXPECT_THAT(serve(consumers, 1), testing::ElementsAre(1));
}

}  // namespace
}  // namespace leveret::broker
