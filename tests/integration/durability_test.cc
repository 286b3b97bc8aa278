#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

/// How a broker comes to its end.
enum class End { clean, killed };

class DurabilityTest : public DurableBrokerTest, public testing::WithParamInterface<End> {
 protected:
  void restart() { GetParam() == End::clean ? restart_cleanly() : restart_after_kill(); }
};

INSTANTIATE_TEST_SUITE_P(After, DurabilityTest, testing::Values(End::clean, End::killed),
                         [](const auto& row) { return row.param == End::clean ? "clean" : "killed"; });

constexpr std::string_view queue = "q";

void publish_confirmed(TestChannel& channel, std::initializer_list<std::string_view> bodies) {
  channel.select_confirms();
  for (const auto body : bodies) channel.publish_persistent(queue, body);
  channel.wait_for_confirms(bodies.size());
}

TEST_P(DurabilityTest, ConfirmedMessagesComeBackInOrder) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  publish_confirmed(channel, {"1", "2", "3"});
  restart();
  const auto messages = connect().open_channel().drain(queue);
  ASSERT_EQ(messages.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(messages[i].body, std::to_string(i + 1));
    EXPECT_FALSE(messages[i].is_redelivered);
    EXPECT_EQ(messages[i].routing_key, queue);
    EXPECT_EQ(messages[i].properties().delivery_mode, std::uint8_t{2});
  }
}

TEST_P(DurabilityTest, WhatIsNotPersistentOrNotDurableDoesNot) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  channel.declare_queue("passing");
  channel.declare_queue("exclusive", {.durable = true, .exclusive = true});
  channel.declare_exchange("passing", "direct");
  channel.select_confirms();
  channel.publish_to(queue, "transient");
  channel.publish_persistent("passing", "in a queue that is not durable");
  channel.publish_persistent("exclusive", "in an exclusive queue");
  channel.publish_persistent(queue, "kept");
  channel.wait_for_confirms(4);
  restart();
  auto& client = connect();
  EXPECT_THAT(client.open_channel().drain_bodies(queue), ElementsAre("kept"));
  for (const auto gone : {"passing", "exclusive"}) {
    auto asking = client.open_channel();
    asking.send(protocol::queue::Declare{.queue = gone, .passive = true});
    asking.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue '" + std::string{gone} + "' in vhost '/'");
  }
}

TEST_P(DurabilityTest, AcknowledgedMessagesDoNotComeBackAfterTheirSettlementIsStored) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  publish_confirmed(channel, {"1", "2", "3", "4"});
  channel.acknowledge(channel.get(queue));
  const auto second = channel.get(queue);
  channel.acknowledge(channel.get(queue));
  channel.publish_persistent(queue, "5");  // its confirm follows the settlements before it to the disk
  EXPECT_EQ(channel.next_confirm().delivery_tag, DeliveryTag{5});
  EXPECT_EQ(second.body, "2");
  restart();
  EXPECT_THAT(connect().open_channel().drain_bodies(queue), ElementsAre("2", "4", "5"));
}

TEST_P(DurabilityTest, WhatWasDeliveredCountsAsRedelivered) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  publish_confirmed(channel, {"1", "2", "3"});
  channel.get(queue);
  channel.get(queue);
  restart();
  const auto messages = connect().open_channel().drain(queue);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_TRUE(messages[0].is_redelivered);
  EXPECT_TRUE(messages[1].is_redelivered);
  if (GetParam() == End::clean) {
    EXPECT_FALSE(messages[2].is_redelivered) << "it has never been delivered";
  }
}

TEST_P(DurabilityTest, RequeuedMessagesKeepTheirPlace) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  publish_confirmed(channel, {"1", "2", "3"});
  const auto first = channel.get(queue);
  channel.acknowledge(channel.get(queue));
  channel.reject(first, Requeue::yes);
  channel.publish_persistent(queue, "4");
  channel.next_confirm();
  restart();
  EXPECT_THAT(connect().open_channel().drain_bodies(queue), ElementsAre("1", "3", "4"));
}

TEST_P(DurabilityTest, TopologyComesBack) {
  auto channel = connect().open_channel();
  FieldTableBuilder with_alternate, arguments, criteria;
  with_alternate.put("alternate-exchange", std::string_view{"rest"});
  arguments.put("x-max-length", 100);
  criteria.put("x-match", std::string_view{"any"}).put("colour", std::string_view{"red"});
  channel.declare_exchange("rest", "fanout", {.durable = true});
  channel.declare_exchange("topics", "topic", {.durable = true, .arguments = with_alternate.view()});
  channel.declare_exchange("heads", "headers", {.durable = true});
  channel.declare_exchange("gone", "direct", {.durable = true});
  channel.declare_queue("q", {.durable = true, .arguments = arguments.view()});
  channel.declare_queue("unrouted", {.durable = true});
  channel.bind("q", "topics", "a.*");
  channel.bind("q", "topics", "b.*");
  channel.bind("q", "heads", "", criteria.view());
  channel.bind("unrouted", "rest", "");
  channel.bind_exchange("topics", "amq.direct", "a.b");
  channel.unbind("q", "topics", "b.*");
  channel.delete_exchange("gone");
  restart();

  auto& client = connect();
  auto again = client.open_channel();
  again.declare_exchange("topics", "topic", {.durable = true, .arguments = with_alternate.view()});
  again.declare_queue("q", {.durable = true, .arguments = arguments.view()});
  again.publish("amq.direct", "a.b", "1");
  again.publish("topics", "b.b", "2");
  FieldTableBuilder headers;
  headers.put("colour", std::string_view{"red"});
  again.publish("heads", "", "3", {.properties = {.headers = headers.view()}});
  again.synchronize();
  EXPECT_EQ(again.counts_of("unrouted").messages, 1u);
  EXPECT_THAT(again.drain_bodies("q"), ElementsAre("1", "3"));
  EXPECT_THAT(again.drain_bodies("unrouted"), ElementsAre("2"));
  again.send(protocol::exchange::Declare{.exchange = "gone", .passive = true});
  again.expect_close(ReplyCode::not_found, "NOT_FOUND - no exchange 'gone' in vhost '/'");
}

TEST_P(DurabilityTest, ADeletedQueueStaysDeletedAndItsNameIsFree) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  publish_confirmed(channel, {"1", "2"});
  EXPECT_EQ(channel.delete_queue(queue), 2u);
  restart();
  auto again = connect().open_channel();
  EXPECT_EQ(again.declare_queue(queue, {.durable = true}).messages, 0u);
  publish_confirmed(again, {"3"});
  restart();
  EXPECT_THAT(connect().open_channel().drain_bodies(queue), ElementsAre("3"));
}

TEST_P(DurabilityTest, APurgedQueueStaysEmpty) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  publish_confirmed(channel, {"1", "2"});
  EXPECT_EQ(channel.purge(queue), 2u);
  channel.publish_persistent(queue, "3");
  channel.next_confirm();
  restart();
  EXPECT_THAT(connect().open_channel().drain_bodies(queue), ElementsAre("3"));
}

TEST_P(DurabilityTest, AMessageOfSeveralQueuesIsInEachOfThem) {
  auto channel = connect().open_channel();
  for (const auto name : {"one", "two", "three"}) {
    channel.declare_queue(name, {.durable = true});
    channel.bind(name, "amq.fanout", "");
  }
  channel.select_confirms();
  const std::string body(100'000, 'x');
  channel.publish("amq.fanout", "", body, {.properties = {.delivery_mode = std::uint8_t{2}}});
  channel.wait_for_confirms(1);
  channel.acknowledge(channel.get("two"));
  channel.publish_persistent("two", "next");
  channel.next_confirm();
  restart();
  auto again = connect().open_channel();
  EXPECT_THAT(again.drain_bodies("one"), ElementsAre(body));
  EXPECT_THAT(again.drain_bodies("two"), ElementsAre("next"));
  EXPECT_THAT(again.drain_bodies("three"), ElementsAre(body));
}

TEST_P(DurabilityTest, ACommittedTransactionComesBack) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  channel.call<protocol::tx::SelectOk>(protocol::tx::Select{});
  channel.publish_persistent(queue, "1");
  channel.publish_persistent(queue, "2");
  channel.call<protocol::tx::CommitOk>(protocol::tx::Commit{});
  channel.publish_persistent(queue, "never committed");
  channel.synchronize();
  restart();
  EXPECT_THAT(connect().open_channel().drain_bodies(queue), ElementsAre("1", "2"));
}

TEST_P(DurabilityTest, ManyMessagesSurviveManyRestarts) {
  std::vector<std::string> expected;
  for (int round = 0; round < 4; ++round) {
    auto channel = connect().open_channel();
    channel.declare_queue(queue, {.durable = true});
    channel.select_confirms();
    for (int i = 0; i < 500; ++i) {
      expected.push_back(std::to_string(round) + "/" + std::to_string(i));
      channel.publish_persistent(queue, expected.back());
    }
    channel.wait_for_confirms(500);
    const std::vector<std::string> taken(expected.begin(), expected.begin() + 300);
    for (const auto& body : taken) {
      const auto message = channel.get(queue);
      EXPECT_EQ(message.body, body);
      channel.acknowledge(message);
    }
    expected.erase(expected.begin(), expected.begin() + 300);
    channel.publish_persistent(queue, "last of a round");
    channel.next_confirm();
    expected.push_back("last of a round");
    restart();
  }
  EXPECT_THAT(connect().open_channel().drain_bodies(queue), ElementsAreArray(expected));
}

TEST_P(DurabilityTest, UsersAndVirtualHostsComeBack) {
  broker_.broker().add_virtual_host("orders");
  broker_.broker().access_control().put_permission("guest", "orders", {.configure = ".*", .write = ".*", .read = ".*"});
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});  // its answer follows all that to the disk
  restart();
  EXPECT_TRUE(broker_.broker().find_virtual_host("orders"));
  EXPECT_TRUE(broker_.broker().access_control().may_enter("guest", "orders"));
}

using CleanStopTest = DurableBrokerTest;

TEST_F(CleanStopTest, LosesNoPersistentMessageThatItHasTaken) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  for (int i = 0; i < 100; ++i) channel.publish_persistent(queue, std::to_string(i));
  channel.synchronize();
  restart_cleanly();
  const auto bodies = connect().open_channel().drain_bodies(queue);
  ASSERT_EQ(bodies.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(bodies[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(CleanStopTest, KeepsEverySettlementThatItHasTaken) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  publish_confirmed(channel, {"1", "2", "3"});
  channel.acknowledge(channel.get(queue));
  channel.acknowledge(channel.get(queue));
  channel.synchronize();
  restart_cleanly();
  EXPECT_THAT(connect().open_channel().drain_bodies(queue), ElementsAre("3"));
}

TEST_F(CleanStopTest, TellsExactlyWhichMessagesHaveBeenDelivered) {
  auto channel = connect().open_channel();
  channel.declare_queue(queue, {.durable = true});
  channel.select_confirms();
  for (int i = 0; i < 200; ++i) channel.publish_persistent(queue, std::to_string(i));
  channel.wait_for_confirms(200);
  channel.limit_prefetch(70);
  channel.consume(queue);
  channel.next_bodies(70);
  restart_cleanly();
  const auto messages = connect().open_channel().drain(queue);
  ASSERT_EQ(messages.size(), 200u);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(messages[i].is_redelivered, i < 70) << i;
}

}  // namespace
}  // namespace leveret::test
