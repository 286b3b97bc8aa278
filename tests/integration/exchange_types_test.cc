#include <array>

#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

using ExchangeTypesTest = BrokerTest;
using DurableExchangeTypesTest = DurableBrokerTest;

constexpr std::array<std::string_view, 5> plugin_types{"x-consistent-hash", "x-modulus-hash", "x-random",
                                                       "x-local-random", "x-recent-history"};

TEST_F(ExchangeTypesTest, AnyOfThemReachesItsOnlyQueue) {
  auto channel = connect().open_channel();
  for (const auto type : plugin_types) {
    channel.declare_exchange(type, type);
    channel.declare_queue(type);
    channel.bind(type, type, "1");
    channel.publish(type, "any key", "body", {.mandatory = true});
    EXPECT_THAT(channel.drain_bodies(type), ElementsAre("body")) << type;
  }
}

TEST_F(ExchangeTypesTest, AnyOfThemReturnsOrPassesOnWhatItCannotRoute) {
  auto channel = connect().open_channel();
  channel.declare_queue("others");
  channel.bind("others", "amq.fanout", "");
  FieldTableBuilder alternate;
  alternate.put("alternate-exchange", std::string_view{"amq.fanout"});
  for (const auto type : plugin_types) {
    channel.declare_exchange(type, type);
    channel.publish(type, "key", "body", {.mandatory = true});
    EXPECT_EQ(channel.next_return().reply_text, "NO_ROUTE") << type;
    const std::string with_alternate = std::string{type} + " with alternate";
    channel.declare_exchange(with_alternate, type, {.arguments = alternate.view()});
    channel.publish(with_alternate, "key", "body", {.mandatory = true});
    EXPECT_THAT(channel.drain_bodies("others"), ElementsAre("body")) << type;
  }
}

TEST_F(ExchangeTypesTest, AnyOfThemPassesOnToAnExchange) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.bind("q", "amq.direct", "key");
  for (const auto type : plugin_types) {
    channel.declare_exchange(type, type);
    channel.bind_exchange("amq.direct", type, "1");
    channel.publish(type, "key", "body");
    EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("body")) << type;
  }
}

TEST_F(ExchangeTypesTest, ACarbonCopyDoesNotMakeThemChooseTwice) {
  auto channel = connect().open_channel();
  FieldTableBuilder headers;
  headers.put("CC", FieldArrayBuilder{}.add(std::string_view{"a"}).add(std::string_view{"b"}));
  for (const std::string_view type : {"x-consistent-hash", "x-modulus-hash", "x-random"}) {
    channel.declare_exchange(type, type);
    std::size_t received = 0;
    for (const std::string_view queue : {"one", "two", "three"}) {
      channel.declare_queue(queue);
      channel.bind(queue, type, "1");
    }
    for (int i = 0; i < 20; ++i)
      channel.publish(type, std::to_string(i), "body", {.properties = {.headers = headers.view()}});
    for (const std::string_view queue : {"one", "two", "three"}) received += channel.drain(queue).size();
    EXPECT_EQ(received, 20u) << type;
  }
}

TEST_F(ExchangeTypesTest, ConsistentHashKeepsAKeyInItsQueue) {
  auto channel = connect().open_channel();
  channel.declare_exchange("e", "x-consistent-hash");
  for (const auto queue : {"one", "two"}) {
    channel.declare_queue(queue);
    channel.bind(queue, "e", "10");
  }
  for (int i = 0; i < 40; ++i) channel.publish("e", std::to_string(i % 8), std::to_string(i % 8));
  const auto one = channel.drain_bodies("one");
  const auto two = channel.drain_bodies("two");
  EXPECT_EQ(one.size() + two.size(), 40u);
  for (const auto& body : one) EXPECT_EQ(std::count(two.begin(), two.end(), body), 0);
  EXPECT_FALSE(one.empty() || two.empty());
}

TEST_F(ExchangeTypesTest, ConsistentHashRefusesWhatIsNoWeight) {
  auto channel = connect().open_channel();
  channel.declare_exchange("e", "x-consistent-hash");
  channel.declare_queue("q");
  channel.send(protocol::queue::Bind{.queue = "q", .exchange = "e", .routing_key = "abc"});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - The binding key must be an integer: <<\"abc\">>");
}

TEST_F(ExchangeTypesTest, RecentHistoryGoesToANewBinding) {
  auto channel = connect().open_channel();
  FieldTableBuilder length, no_store;
  length.put("x-recent-history-length", 2);
  no_store.put("x-recent-history-no-store", true);
  channel.declare_exchange("e", "x-recent-history", {.arguments = length.view()});
  for (const std::string_view body : {"1", "2", "3"}) channel.publish("e", "key " + std::string{body}, body);
  channel.publish("e", "key", "not kept", {.properties = {.headers = no_store.view()}});
  channel.declare_queue("q");
  channel.bind("q", "e", "");
  const auto messages = channel.drain("q");
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].body, "2");
  EXPECT_EQ(messages[0].routing_key, "key 2");
  EXPECT_EQ(messages[0].exchange, "e");
  EXPECT_FALSE(messages[0].is_redelivered);
  EXPECT_EQ(messages[1].body, "3");

  channel.bind("q", "e", "");
  EXPECT_THAT(channel.drain("q"), IsEmpty()) << "the binding is not new";
  channel.publish("e", "key", "4");
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("4"));
}

TEST_F(ExchangeTypesTest, RecentHistoryPassesThroughABoundExchange) {
  auto channel = connect().open_channel();
  channel.declare_exchange("e", "x-recent-history");
  channel.declare_queue("red");
  channel.bind("red", "amq.direct", "red");
  channel.publish("e", "red", "1");
  channel.publish("e", "blue", "2");
  channel.bind_exchange("amq.direct", "e", "");
  EXPECT_THAT(channel.drain_bodies("red"), ElementsAre("1"));
}

TEST_F(DurableExchangeTypesTest, AreThereAfterARestart) {
  {
    auto channel = connect().open_channel();
    for (const auto type : plugin_types) {
      channel.declare_exchange(type, type, {.durable = true});
      for (const auto queue : {"one", "two"}) {
        channel.declare_queue(queue, {.durable = true});
        channel.bind(queue, type, "1");
      }
    }
  }
  restart_after_kill();
  auto channel = connect().open_channel();
  for (const auto type : plugin_types) {
    channel.declare_exchange(type, type, {.durable = true});
    for (int i = 0; i < 10; ++i) channel.publish(type, std::to_string(i), "body");
    const std::size_t received = channel.drain("one").size() + channel.drain("two").size();
    EXPECT_EQ(received, type == "x-recent-history" ? 20u : 10u) << type;
  }
}

}  // namespace
}  // namespace leveret::test
