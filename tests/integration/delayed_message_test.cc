#include <algorithm>
#include <array>
#include <future>

#include "broker/exchanges/delay_store.h"
#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

FieldTableBuilder delayed_type(std::string_view type) {
  return std::move(FieldTableBuilder{}.put("x-delayed-type", type));
}

void declare_delayed(TestChannel& channel, std::string_view exchange, std::string_view type = "direct") {
  const auto arguments = delayed_type(type);
  channel.declare_exchange(exchange, "x-delayed-message", {.durable = true, .arguments = arguments.view()});
}

void publish_delayed(TestChannel& channel, std::string_view exchange, std::string_view key, std::string_view body,
                     std::int32_t delay, std::uint8_t delivery_mode = 1) {
  FieldTableBuilder headers;
  headers.put("x-delay", delay);
  channel.publish(exchange, key, body,
                  {.properties = {.headers = headers.view(), .delivery_mode = delivery_mode}, .mandatory = true});
}

/// How many messages an exchange delays, asked on the shard that keeps them.
std::size_t delayed_by(TestBroker& broker, std::string_view exchange) {
  const auto address = broker.broker().find_virtual_host("/")->delay_store_of(exchange);
  if (!address) throw TestFailure{"no delay store"};
  broker::Shard& shard = *broker.broker().shards()[static_cast<std::size_t>(address->shard)];
  std::promise<std::size_t> answer;
  shard.run_here([&] {
    broker::DelayStore* store = shard.find_delay_store(address->queue);
    answer.set_value(store ? store->message_count() : 0);
  });
  return answer.get_future().get();
}

using DelayedMessageTest = BrokerTest;

TEST_F(DelayedMessageTest, ComesWhenItsDelayHasPassedAndNotBefore) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "e");
  channel.declare_queue("q");
  channel.bind("q", "e", "key");
  publish_delayed(channel, "e", "key", "later", 60'000);
  channel.synchronize();
  EXPECT_EQ(delayed_by(broker_, "e"), 1u);
  EXPECT_EQ(channel.counts_of("q").messages, 0u);
  channel.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(60s);
  const auto message = channel.next_delivery();
  EXPECT_EQ(message.body, "later");
  EXPECT_EQ(message.exchange, "e");
  EXPECT_EQ(message.properties().headers->find("x-delay")->as_integer(), -60'000);
  EXPECT_FALSE(message.is_redelivered);
}

TEST_F(DelayedMessageTest, ComesInOrderOfTheTimesTheyAreDue) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "e", "fanout");
  channel.declare_queue("q");
  channel.bind("q", "e", "");
  publish_delayed(channel, "e", "", "third", 9'000);
  publish_delayed(channel, "e", "", "first", 3'000);
  publish_delayed(channel, "e", "", "second", 6'000);
  publish_delayed(channel, "e", "", "fourth", 9'000);
  channel.synchronize();
  EXPECT_EQ(delayed_by(broker_, "e"), 4u);
  channel.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(10s);
  EXPECT_THAT(channel.next_bodies(4), ElementsAre("first", "second", "third", "fourth"));
}

TEST_F(DelayedMessageTest, WithoutADelayIsRoutedAtOnce) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "e");
  channel.declare_queue("q");
  channel.bind("q", "e", "key");
  channel.publish("e", "key", "absent");
  publish_delayed(channel, "e", "key", "zero", 0);
  publish_delayed(channel, "e", "key", "negative", -60'000);
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("absent", "zero", "negative"));
  publish_delayed(channel, "e", "nowhere", "returned", 0);
  EXPECT_EQ(channel.next_return().body, "returned");
}

TEST_F(DelayedMessageTest, IsRoutedByTheBindingsThereAreWhenItIsDue) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "e", "topic");
  channel.declare_queue("before");
  channel.declare_queue("after");
  channel.bind("before", "e", "a.*");
  publish_delayed(channel, "e", "a.b", "body", 60'000);
  channel.unbind("before", "e", "a.*");
  channel.bind("after", "e", "#");
  channel.consume("after", {.no_ack = NoAck::yes});
  broker_.clock().advance(60s);
  EXPECT_EQ(channel.next_delivery().body, "body");
  EXPECT_EQ(channel.counts_of("before").messages, 0u);
}

TEST_F(DelayedMessageTest, IsDelayedOnceHoweverManyDelayingExchangesItPasses) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "first", "fanout");
  declare_delayed(channel, "second", "fanout");
  channel.bind_exchange("second", "first", "");
  channel.declare_queue("q");
  channel.bind("q", "second", "");
  publish_delayed(channel, "first", "", "body", 60'000);
  channel.consume("q", {.no_ack = NoAck::yes});
  channel.synchronize();
  broker_.clock().advance(60s);
  EXPECT_EQ(channel.next_delivery().body, "body");
}

TEST_F(DelayedMessageTest, ComesWhenVeryManyAreDueAtOnce) {
  constexpr std::size_t count = 3'000;
  auto channel = connect().open_channel();
  declare_delayed(channel, "e", "fanout");
  channel.declare_queue("q");
  channel.bind("q", "e", "");
  for (std::size_t i = 0; i < count; ++i) publish_delayed(channel, "e", "", std::to_string(i), 60'000);
  channel.synchronize();
  channel.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(60s);
  const auto bodies = channel.next_bodies(count);
  EXPECT_EQ(bodies.front(), "0");
  EXPECT_EQ(bodies.back(), "2999");
}

TEST_F(DelayedMessageTest, IsConfirmedWhenItIsDelayed) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "e");
  channel.select_confirms();
  publish_delayed(channel, "e", "", "transient", 60'000);
  publish_delayed(channel, "e", "", "persistent", 60'000, 2);
  channel.wait_for_confirms(2);
  EXPECT_EQ(delayed_by(broker_, "e"), 2u);
}

TEST_F(DelayedMessageTest, GoesWithItsExchange) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "e", "fanout");
  publish_delayed(channel, "e", "", "lost", 1'000);
  channel.delete_exchange("e");
  declare_delayed(channel, "e", "fanout");
  channel.declare_queue("q");
  channel.bind("q", "e", "");
  publish_delayed(channel, "e", "", "kept", 2'000);
  channel.consume("q", {.no_ack = NoAck::yes});
  channel.synchronize();
  broker_.clock().advance(2s);
  EXPECT_EQ(channel.next_delivery().body, "kept");
}

TEST_F(DelayedMessageTest, RefusesAnExchangeWithoutAType) {
  auto channel = connect().open_channel();
  channel.send(protocol::exchange::Declare{.exchange = "e", .type = "x-delayed-message"});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - Invalid argument, 'x-delayed-type' must be an existing exchange type");
}

// --- over restarts

using DurableDelayedMessageTest = DurableBrokerTest;

TEST_F(DurableDelayedMessageTest, SurvivesAKillOnceItIsConfirmed) {
  {
    auto channel = connect().open_channel();
    declare_delayed(channel, "e");
    channel.declare_queue("q", {.durable = true});
    channel.bind("q", "e", "key");
    channel.select_confirms();
    publish_delayed(channel, "e", "key", "second", 60'000, 2);
    publish_delayed(channel, "e", "key", "first", 30'000, 2);
    publish_delayed(channel, "e", "key", "transient", 30'000, 1);
    channel.wait_for_confirms(3);
  }
  restart_after_kill();
  EXPECT_EQ(delayed_by(broker_, "e"), 2u);
  auto channel = connect().open_channel();
  channel.consume("q");
  broker_.clock().advance(30s);
  const auto first = channel.next_delivery();
  EXPECT_EQ(first.body, "first");
  EXPECT_FALSE(channel.has_delivery());
  broker_.clock().advance(30s);
  EXPECT_EQ(channel.next_delivery().body, "second");
}

TEST_F(DurableDelayedMessageTest, IsNotDelayedAgainOnceItHasBeenRouted) {
  {
    auto channel = connect().open_channel();
    declare_delayed(channel, "e");
    channel.declare_queue("q", {.durable = true});
    channel.bind("q", "e", "key");
    publish_delayed(channel, "e", "key", "body", 1'000, 2);
    channel.synchronize();
    broker_.clock().advance(1s);
    channel.consume("q");
    EXPECT_EQ(channel.next_delivery().body, "body");
  }
  restart_cleanly();
  EXPECT_EQ(delayed_by(broker_, "e"), 0u);
  auto channel = connect().open_channel();
  EXPECT_EQ(channel.counts_of("q").messages, 1u);
}

TEST_F(DurableDelayedMessageTest, TakesMoreAfterARestart) {
  for (int round = 0; round < 3; ++round) {
    auto channel = connect().open_channel();
    declare_delayed(channel, "e");
    channel.select_confirms();
    publish_delayed(channel, "e", "key", "body", 60'000, 2);
    channel.wait_for_confirms(1);
    EXPECT_EQ(delayed_by(broker_, "e"), static_cast<std::size_t>(round) + 1);
    restart_after_kill();
  }
}

// --- with two shards

using ShardsDelayedMessageTest = ShardsTest;

TEST_F(ShardsDelayedMessageTest, TravelsBetweenThem) {
  auto here = connect_to_shard(0).open_channel();
  auto there = connect_to_shard(1).open_channel();
  declare_delayed(here, "e");
  there.declare_queue("q");
  there.bind("q", "e", "key");
  there.select_confirms();
  publish_delayed(there, "e", "key", "body", 60'000, 2);
  there.wait_for_confirms(1);
  EXPECT_EQ(delayed_by(broker_, "e"), 1u);
  there.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(60s);
  EXPECT_EQ(there.next_delivery().body, "body");
}

}  // namespace
}  // namespace leveret::test
