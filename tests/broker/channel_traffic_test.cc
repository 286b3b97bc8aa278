#include "broker/amqp/channel_traffic.h"

#include <gtest/gtest.h>

#include <string>

namespace leveret::test {
namespace {

using broker::QueueId;
using broker::amqp::ChannelTraffic;

TEST(ChannelTraffic, TellsExchangesAndQueuesApart) {
  ChannelTraffic traffic;
  ++traffic.to("a").published;
  ++traffic.to("").published;
  ++traffic.to("a").published;
  ++traffic.from(QueueId{1}).delivered;
  ++traffic.from(QueueId{2}).gotten;
  EXPECT_EQ(traffic.publishes().at("a").published, 2u);
  EXPECT_EQ(traffic.publishes().at("").published, 1u);
  EXPECT_EQ(traffic.deliveries().at(QueueId{1}).delivered, 1u);
  EXPECT_EQ(traffic.deliveries().at(QueueId{2}).gotten, 1u);
  EXPECT_EQ(traffic.all().publishes.published, 3u);
  EXPECT_EQ(traffic.all().deliveries.all(), 2u);
}

TEST(ChannelTraffic, ConfirmsGoToTheExchangeThatWasPublishedTo) {
  ChannelTraffic traffic;
  std::uint64_t sequence = 0;
  for (const auto* exchange : {"a", "a", "b", "a", "b", "b"}) {
    ++traffic.to(exchange).published;
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
  ++traffic.to("a").published;
  traffic.expect_confirm(++sequence);
  traffic.told(7, false);
  EXPECT_EQ(confirmed("a"), 3u);
}

TEST(ChannelTraffic, CountsThoseOfVeryManyTogether) {
  ChannelTraffic traffic;
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    ++traffic.to(std::to_string(i)).published;
    traffic.expect_confirm(i);
    ++traffic.from(QueueId{i}).acknowledged;
  }
  traffic.told(2000, false);
  EXPECT_EQ(traffic.publishes().size(), 1024u);
  EXPECT_EQ(traffic.deliveries().size(), 1024u);
  EXPECT_EQ(traffic.all().publishes.published, 2000u);
  EXPECT_EQ(traffic.all().publishes.confirmed, 2000u);
  EXPECT_EQ(traffic.all().deliveries.acknowledged, 2000u);
}

TEST(ChannelTraffic, AnAnswerToARequestComesFromNoQueue) {
  ChannelTraffic traffic;
  ++traffic.from(QueueId{}).delivered_no_ack;
  EXPECT_TRUE(traffic.deliveries().empty());
  EXPECT_EQ(traffic.all().deliveries.delivered_no_ack, 1u);
}

}  // namespace
}  // namespace leveret::test
