#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/management/http_test.h"

/// What channels, queues, exchanges, connections and virtual hosts count, as RabbitMQ counts it.
namespace leveret::test {
namespace {

using broker::TrafficReport;

class CountersTest : public HttpTest {
 protected:
  TrafficReport traffic() { return boost::asio::co_spawn(context_, query_.traffic(), boost::asio::use_future).get(); }

  TrafficReport::OfVirtualHost all() { return traffic().virtual_hosts["/"]; }
  broker::QueueCounters only_queue() {
    const auto queues = traffic().queues;
    return queues.empty() ? broker::QueueCounters{} : queues.front().counters;
  }
  broker::ExchangeCounters exchange(std::string_view name) {
    for (const auto& exchange : traffic().exchanges)
      if (exchange.name == name) return exchange.counters;
    return {};
  }
};

TEST_F(CountersTest, CountPublishesWhereverTheyPass) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.bind("q", "amq.fanout", "");
  channel.select_confirms();
  for (int i = 0; i < 3; ++i) channel.publish("amq.fanout", "", "message");
  channel.publish_to("q", "message");
  channel.wait_for_confirms(4);
  const auto publishes = all().channels.publishes;
  EXPECT_EQ(publishes.published, 4u);
  EXPECT_EQ(publishes.confirmed, 4u);
  EXPECT_EQ(only_queue().published, 4u);
  EXPECT_EQ(exchange("amq.fanout").in, 3u);
  EXPECT_EQ(exchange("amq.fanout").out, 3u);
  EXPECT_EQ(exchange("").in, 1u);
  EXPECT_EQ(traffic().channels.front().counters.publishes.published, 4u);
}

TEST_F(CountersTest, CountOnceForEachQueueThatAnExchangeReaches) {
  auto channel = connect().open_channel();
  for (const std::string name : {"a", "b", "c"}) {
    channel.declare_queue(name);
    channel.bind(name, "amq.fanout", "");
  }
  channel.publish("amq.fanout", "", "message");
  channel.synchronize();
  EXPECT_EQ(exchange("amq.fanout").in, 1u);
  EXPECT_EQ(exchange("amq.fanout").out, 3u);
}

TEST_F(CountersTest, CountMessagesThatNothingTakes) {
  auto channel = connect().open_channel();
  channel.publish("amq.direct", "nowhere", "message");
  channel.publish("amq.direct", "nowhere", "message");
  channel.publish("amq.direct", "nowhere", "message", {.mandatory = true});
  EXPECT_EQ(channel.next_return().reply_code, 312);
  EXPECT_EQ(all().channels.publishes.dropped, 2u);
  EXPECT_EQ(all().channels.publishes.returned, 1u);
  EXPECT_EQ(exchange("amq.direct").in, 3u);
  EXPECT_EQ(exchange("amq.direct").out, 0u);
}

TEST_F(CountersTest, CountDeliveriesAndAcknowledgements) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3", "4"});
  channel.consume("q");
  const auto first = channel.next_delivery();
  const auto second = channel.next_delivery();
  channel.next_bodies(2);
  channel.acknowledge(first);
  channel.reject(second, Requeue::yes);
  EXPECT_TRUE(channel.next_delivery().is_redelivered);
  for (const auto& counted : {only_queue().deliveries, all().channels.deliveries}) {
    EXPECT_EQ(counted.delivered, 5u);
    EXPECT_EQ(counted.delivered_no_ack, 0u);
    EXPECT_EQ(counted.acknowledged, 1u);
    EXPECT_EQ(counted.redelivered, 1u);
    EXPECT_EQ(counted.all(), 5u);
  }
}

TEST_F(CountersTest, CountWhatIsGotten) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"first", "second"});
  channel.get("q");
  channel.get("q", NoAck::yes);
  EXPECT_FALSE(channel.try_get("q"));
  for (const auto& counted : {only_queue().deliveries, all().channels.deliveries}) {
    EXPECT_EQ(counted.gotten, 1u);
    EXPECT_EQ(counted.gotten_no_ack, 1u);
    EXPECT_EQ(counted.gotten_nothing, 1u);
    EXPECT_EQ(counted.all(), 2u);
  }
}

TEST_F(CountersTest, KnowTheOctetsThatWaitAndThoseThatAreOut) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"12345", "123"});
  const auto message = channel.get("q");
  const auto numbers = [this] { return traffic().queues.front().numbers; };
  EXPECT_EQ(numbers().octets_ready, 3u);
  EXPECT_EQ(numbers().octets_unacknowledged, 5u);
  channel.acknowledge(message);
  channel.counts_of("q");
  EXPECT_EQ(numbers().octets_unacknowledged, 0u);
}

TEST_F(CountersTest, RefusedPublishesAreNotConfirmed) {
  auto channel = connect().open_channel();
  protocol::FieldTableBuilder arguments;
  arguments.put("x-max-length", std::int64_t{1});
  arguments.put("x-overflow", "reject-publish");
  channel.declare_queue("q", {.arguments = arguments.view()});
  channel.select_confirms();
  channel.publish_to("q", "taken");
  channel.wait_for_confirms(1);
  channel.publish_to("q", "refused");
  channel.client().expect<protocol::basic::Nack>(channel.number());
  EXPECT_EQ(all().channels.publishes.published, 2u);
  EXPECT_EQ(all().channels.publishes.confirmed, 1u);
}

TEST_F(CountersTest, ATransactionCountsWhenItIsCommitted) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.call<protocol::tx::SelectOk>(protocol::tx::Select{});
  channel.publish_to("q", "message");
  channel.synchronize();
  EXPECT_EQ(all().channels.publishes.published, 0u);
  channel.call<protocol::tx::CommitOk>(protocol::tx::Commit{});
  EXPECT_EQ(all().channels.publishes.published, 1u);
  EXPECT_EQ(exchange("").out, 1u);
}

TEST_F(CountersTest, AVirtualHostRemembersChannelsAndConnectionsThatAreGone) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "message");
  channel.synchronize();
  client.close();
  wait_until([this] { return traffic().connections.empty(); }, "the connection is gone");
  EXPECT_EQ(all().channels.publishes.published, 1u);
  EXPECT_GT(all().transfers.octets_received, 0u);
  EXPECT_GT(all().transfers.octets_sent, 0u);
}

TEST_F(CountersTest, AConnectionCountsItsOctets) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("q");
  const auto before = traffic().connections.front().transfers;
  channel.publish_to("q", std::string(1000, 'x'));
  channel.get("q");
  const auto after = traffic().connections.front().transfers;
  EXPECT_GT(after.octets_received, before.octets_received + 1000);
  EXPECT_GT(after.octets_sent, before.octets_sent + 1000);
  EXPECT_GT(after.reads, before.reads);
  EXPECT_GT(after.writes, before.writes);
}

TEST_F(CountersTest, CountWhatComesAndGoes) {
  auto& client = connect();
  auto channel = client.open_channel();
  for (int i = 0; i < 3; ++i) channel.declare_queue("q");
  channel.delete_queue("q");
  channel.close();
  const auto before = traffic().churn;
  EXPECT_EQ(before.connections_created, 1u);
  EXPECT_EQ(before.connections_closed, 0u);
  EXPECT_EQ(before.channels_created, 1u);
  EXPECT_EQ(before.channels_closed, 1u);
  EXPECT_EQ(before.queues_declared, 3u);
  EXPECT_EQ(before.queues_created, 1u);
  EXPECT_EQ(before.queues_deleted, 1u);
  client.close();
  wait_until([this] { return traffic().churn.connections_closed == 1; }, "the connection is gone");
}

TEST_F(CountersTest, AnExchangeThatIsDeclaredAnewBeginsAnew) {
  auto channel = connect().open_channel();
  channel.declare_exchange("e", "fanout");
  channel.publish("e", "", "message");
  channel.synchronize();
  EXPECT_EQ(exchange("e").in, 1u);
  channel.delete_exchange("e");
  channel.declare_exchange("e", "fanout");
  EXPECT_EQ(exchange("e").in, 0u);
  channel.publish("e", "", "message");
  channel.synchronize();
  EXPECT_EQ(exchange("e").in, 1u);
}

TEST_F(CountersTest, RoutesThatAreNotKeptAreCountedAsWell) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.bind("q", "amq.headers", "");
  for (int i = 0; i < 3; ++i) channel.publish("amq.headers", "", "message");
  channel.synchronize();
  EXPECT_EQ(exchange("amq.headers").in, 3u);
  EXPECT_EQ(exchange("amq.headers").out, 3u);
}

}  // namespace
}  // namespace leveret::test
