#include "broker/amqp/unacknowledged.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace leveret::broker::amqp {
namespace {

using Tags = std::vector<std::uint64_t>;

Tags tags_of(const Unacknowledged::Deliveries& deliveries) {
  Tags tags;
  for (const auto& delivered : deliveries) tags.push_back(static_cast<std::uint64_t>(delivered.tag));
  return tags;
}

Unacknowledged with_tags(const Tags& tags, ConsumerId consumer = ConsumerId{1}) {
  Unacknowledged unacknowledged;
  for (const auto tag : tags) unacknowledged.add({.tag = DeliveryTag{tag}, .consumer = consumer});
  return unacknowledged;
}

Tags take(Unacknowledged& unacknowledged, std::uint64_t tag, bool multiple) {
  return tags_of(unacknowledged.take(DeliveryTag{tag}, multiple).value());
}

TEST(Unacknowledged, GivesOneDeliveryOnce) {
  auto unacknowledged = with_tags({1, 2, 3});
  EXPECT_EQ(take(unacknowledged, 2, false), Tags{2});
  EXPECT_EQ(unacknowledged.size(), 2u);
  EXPECT_FALSE(unacknowledged.take(DeliveryTag{2}, false)) << "it has been taken";
  EXPECT_FALSE(unacknowledged.take(DeliveryTag{2}, true)) << "it has been taken";
}

TEST(Unacknowledged, GivesAllUpToATag) {
  auto unacknowledged = with_tags({1, 2, 3, 4});
  take(unacknowledged, 2, false);
  EXPECT_EQ(take(unacknowledged, 3, true), (Tags{1, 3}));
  EXPECT_EQ(unacknowledged.size(), 1u);
}

TEST(Unacknowledged, RefusesATagItDoesNotHold) {
  auto unacknowledged = with_tags({1});
  for (const std::uint64_t tag : {0, 2, 99}) EXPECT_FALSE(unacknowledged.take(DeliveryTag{tag}, false)) << tag;
  for (const std::uint64_t tag : {2, 99}) EXPECT_FALSE(unacknowledged.take(DeliveryTag{tag}, true)) << tag;
  EXPECT_EQ(unacknowledged.size(), 1u);
}

TEST(Unacknowledged, GivesAllForTagZeroWithMultiple) {
  Unacknowledged empty;
  EXPECT_EQ(take(empty, 0, true), Tags{});
  auto unacknowledged = with_tags({4, 5, 9});
  EXPECT_EQ(take(unacknowledged, 0, true), (Tags{4, 5, 9}));
  EXPECT_EQ(unacknowledged.size(), 0u);
}

TEST(Unacknowledged, PutsBackInOrderOfTags) {
  auto unacknowledged = with_tags({1, 2, 3, 4});
  const auto second = unacknowledged.take(DeliveryTag{2}, false).value();
  auto first = unacknowledged.take(DeliveryTag{1}, false).value();
  first.push_back(second.front());
  std::swap(first.front(), first.back());
  unacknowledged.put_back(first);
  EXPECT_EQ(tags_of(unacknowledged.take_all()), (Tags{1, 2, 3, 4}));
}

TEST(Unacknowledged, CountsWhatIsHeldAgainstThePrefetch) {
  auto unacknowledged = with_tags({1, 2});
  unacknowledged.add({.tag = DeliveryTag{3}, .is_counted = false});
  EXPECT_EQ(unacknowledged.size(), 3u);
  EXPECT_EQ(unacknowledged.counted(), 2u);
  unacknowledged.take(DeliveryTag{3}, false);
  EXPECT_EQ(unacknowledged.counted(), 2u);
  unacknowledged.take(DeliveryTag{2}, true);
  EXPECT_EQ(unacknowledged.counted(), 0u);
}

}  // namespace
}  // namespace leveret::broker::amqp
