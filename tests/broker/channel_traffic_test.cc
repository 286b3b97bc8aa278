#include "broker/amqp/channel_traffic.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace leveret::test {
namespace {

using broker::ExchangeTraffic;
using broker::QueueId;
using broker::ShardIndex;
using broker::amqp::ChannelTraffic;

constexpr ShardIndex here{0};

TEST(ChannelTraffic, TellsExchangesAndQueuesApart) {
  ChannelTraffic traffic{here};
  traffic.published("a", nullptr, 2);
  traffic.published("", nullptr, 0);
  traffic.lost(true);
  traffic.published("a", nullptr, 1);
  ++traffic.from(QueueId{1}).delivered;
  ++traffic.from(QueueId{2}).gotten;
  EXPECT_EQ(traffic.publishes().at("a").published, 2u);
  EXPECT_EQ(traffic.publishes().at("").published, 1u);
  EXPECT_EQ(traffic.publishes().at("").returned, 1u);
  EXPECT_EQ(traffic.all().routed, 3u);
  EXPECT_EQ(traffic.deliveries().at(QueueId{1}).delivered, 1u);
  EXPECT_EQ(traffic.deliveries().at(QueueId{2}).gotten, 1u);
  EXPECT_EQ(traffic.all().publishes.published, 3u);
  EXPECT_EQ(traffic.all().deliveries.all(), 2u);
}

TEST(ChannelTraffic, ConfirmsGoToTheExchangeThatWasPublishedTo) {
  ChannelTraffic traffic{here};
  std::uint64_t sequence = 0;
  for (const auto* exchange : {"a", "a", "b", "a", "b", "b"}) {
    traffic.published(exchange, nullptr, 1);
    traffic.expect_confirm(++sequence);
  }
  const auto confirmed = [&](const char* exchange) { return traffic.publishes().at(exchange).confirmed; };
  traffic.told(1, false);
  EXPECT_EQ(confirmed("a"), 1u);
  traffic.told(3, false);
  EXPECT_EQ(confirmed("a"), 2u);
  EXPECT_EQ(confirmed("b"), 1u);
  traffic.told(4, true);
  EXPECT_EQ(confirmed("a"), 2u) << "it was refused";
  traffic.told(6, false);
  EXPECT_EQ(confirmed("b"), 3u);
  traffic.published("a", nullptr, 1);
  traffic.expect_confirm(++sequence);
  traffic.told(7, false);
  EXPECT_EQ(confirmed("a"), 3u);
}

TEST(ChannelTraffic, ConfirmsCountForTheExchangeThatWasThere) {
  ChannelTraffic traffic{here};
  const auto before = std::make_shared<ExchangeTraffic>(1);
  const auto after = std::make_shared<ExchangeTraffic>(1);
  traffic.published("a", before, 1);
  traffic.expect_confirm(1);
  traffic.published("a", after, 0);  // it was deleted and declared again
  traffic.lost(false);
  traffic.expect_confirm(2);
  traffic.told(2, false);
  EXPECT_EQ(before->counters().in, 1u);
  EXPECT_EQ(before->counters().confirmed, 1u);
  EXPECT_EQ(before->counters().dropped, 0u);
  EXPECT_EQ(after->counters().confirmed, 1u);
  EXPECT_EQ(after->counters().dropped, 1u);
  EXPECT_EQ(traffic.publishes().at("a").confirmed, 2u);
}

TEST(ChannelTraffic, BeginsAnewAfterVeryManyExchanges) {
  ChannelTraffic traffic{here};
  for (std::uint64_t i = 1; i <= 1500; ++i) {
    traffic.published(std::to_string(i), nullptr, 1);
    traffic.expect_confirm(i);
  }
  traffic.told(1500, false);
  EXPECT_EQ(traffic.publishes().size(), 1500u - 1024u);
  EXPECT_EQ(traffic.publishes().at("1500").confirmed, 1u);
  EXPECT_EQ(traffic.all().publishes.published, 1500u);
  EXPECT_EQ(traffic.all().publishes.confirmed, 1500u);
}

TEST(ChannelTraffic, DoesNotTellVeryManyQueuesApart) {
  ChannelTraffic traffic{here};
  for (std::uint64_t i = 1; i <= 2000; ++i) ++traffic.from(QueueId{i}).acknowledged;
  EXPECT_EQ(traffic.deliveries().size(), 1024u);
  EXPECT_EQ(traffic.all().deliveries.acknowledged, 2000u);
}

TEST(ChannelTraffic, MessagesThatWereRolledBackWereReceived) {
  ChannelTraffic traffic{here};
  traffic.published("", nullptr, 1);
  traffic.rolled_back(2);
  EXPECT_EQ(traffic.all().received, 3u);
  EXPECT_EQ(traffic.all().publishes.published, 1u);
}

TEST(ChannelTraffic, AnswersToRequestsDoNotCount) {
  ChannelTraffic traffic{here};
  ++traffic.from(QueueId{}).delivered_no_ack;
  EXPECT_TRUE(traffic.deliveries().empty());
  EXPECT_EQ(traffic.all().deliveries.all(), 0u);
}

}  // namespace
}  // namespace leveret::test
