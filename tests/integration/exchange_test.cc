#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

using ExchangeTest = BrokerTest;

TEST_F(ExchangeTest, TheDefaultExchangeKnowsEveryQueueByItsName) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "body");
  const auto message = channel.get("q");
  EXPECT_EQ(message.body, "body");
  EXPECT_EQ(message.exchange, "");
  EXPECT_EQ(message.routing_key, "q");
}

TEST_F(ExchangeTest, DirectComparesKeys) {
  auto channel = connect().open_channel();
  for (const auto queue : {"red", "blue"}) {
    channel.declare_queue(queue);
    channel.bind(queue, "amq.direct", queue);
  }
  channel.publish("amq.direct", "red", "1");
  channel.publish("amq.direct", "green", "2");
  EXPECT_THAT(channel.drain_bodies("red"), ElementsAre("1"));
  EXPECT_THAT(channel.drain_bodies("blue"), IsEmpty());
}

TEST_F(ExchangeTest, FanoutIgnoresKeys) {
  auto channel = connect().open_channel();
  for (const auto queue : {"one", "two"}) {
    channel.declare_queue(queue);
    channel.bind(queue, "amq.fanout", "ignored");
  }
  channel.publish("amq.fanout", "any", "body");
  EXPECT_THAT(channel.drain_bodies("one"), ElementsAre("body"));
  EXPECT_THAT(channel.drain_bodies("two"), ElementsAre("body"));
}

TEST_F(ExchangeTest, TopicMatchesWords) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.bind("q", "amq.topic", "stock.*.nyse");
  channel.bind("q", "amq.topic", "stock.#");
  channel.publish("amq.topic", "stock.usd.nyse", "once, though two bindings match");
  channel.publish("amq.topic", "bond.usd", "no");
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("once, though two bindings match"));
}

TEST_F(ExchangeTest, HeadersCompareHeaders) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  FieldTableBuilder criteria, matching, other;
  criteria.put("x-match", std::string_view{"all"}).put("size", 1).put("colour", std::string_view{"red"});
  matching.put("colour", std::string_view{"red"}).put("size", std::int64_t{1});
  other.put("colour", std::string_view{"red"});
  channel.bind("q", "amq.headers", "", criteria.view());
  channel.publish("amq.headers", "", "yes", {.properties = {.headers = matching.view()}});
  channel.publish("amq.headers", "", "no", {.properties = {.headers = other.view()}});
  channel.publish("amq.headers", "", "no headers");
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("yes"));
}

TEST_F(ExchangeTest, ABindingIsSeenByEveryPublishThatComesAfterIt) {
  auto publisher = connect().open_channel();
  auto binder = connect().open_channel();
  binder.declare_queue("q");
  for (int i = 0; i < 20; ++i) {
    binder.bind("q", "amq.direct", "key");
    publisher.publish("amq.direct", "key", "bound");
    publisher.synchronize();
    EXPECT_EQ(publisher.counts_of("q").messages, 1u);
    EXPECT_EQ(binder.purge("q"), 1u);
    binder.unbind("q", "amq.direct", "key");
    publisher.publish("amq.direct", "key", "unbound");
    publisher.synchronize();
    EXPECT_EQ(publisher.counts_of("q").messages, 0u);
  }
}

TEST_F(ExchangeTest, BindingsDifferByTheirArguments) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  FieldTableBuilder arguments;
  arguments.put("number", 1);
  channel.bind("q", "amq.direct", "key");
  channel.bind("q", "amq.direct", "key", arguments.view());
  channel.unbind("q", "amq.direct", "key");
  channel.publish("amq.direct", "key", "still bound");
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("still bound"));
  channel.unbind("q", "amq.direct", "key", arguments.view());
  channel.publish("amq.direct", "key", "no longer");
  EXPECT_THAT(channel.drain_bodies("q"), IsEmpty());
}

TEST_F(ExchangeTest, UnbindingWhatIsNotBoundSucceeds) {
  auto channel = connect().open_channel();
  channel.unbind("nothing", "amq.direct", "key");
  channel.unbind("nothing", "nowhere", "key");
  channel.unbind_exchange("nothing", "nowhere", "key");
}

TEST_F(ExchangeTest, AnExchangeBoundToAnotherPassesOn) {
  auto channel = connect().open_channel();
  channel.declare_exchange("in", "topic");
  channel.declare_exchange("out", "direct");
  channel.declare_queue("q");
  channel.bind("q", "out", "a.b");
  channel.bind_exchange("out", "in", "a.#");
  channel.publish("in", "a.b", "through");
  channel.publish("in", "a.c", "not bound behind");
  channel.publish("in", "b.b", "not passed on");
  const auto messages = channel.drain("q");
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].body, "through");
  EXPECT_EQ(messages[0].exchange, "in");
  EXPECT_EQ(messages[0].routing_key, "a.b");
  channel.unbind_exchange("out", "in", "a.#");
  channel.publish("in", "a.b", "no longer");
  EXPECT_THAT(channel.drain_bodies("q"), IsEmpty());
}

TEST_F(ExchangeTest, ExchangesBoundInACircleDeliverOnce) {
  auto channel = connect().open_channel();
  for (const auto name : {"one", "two"}) channel.declare_exchange(name, "fanout");
  channel.bind_exchange("one", "two", "");
  channel.bind_exchange("two", "one", "");
  channel.declare_queue("q");
  channel.bind("q", "one", "");
  channel.bind("q", "two", "");
  channel.publish("one", "", "body");
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("body"));
}

TEST_F(ExchangeTest, TheAlternateExchangeGetsWhatIsNotRouted) {
  auto channel = connect().open_channel();
  FieldTableBuilder arguments;
  arguments.put("alternate-exchange", std::string_view{"rest"});
  channel.declare_exchange("rest", "fanout");
  channel.declare_exchange("first", "direct", {.arguments = arguments.view()});
  for (const auto queue : {"routed", "unrouted"}) channel.declare_queue(queue);
  channel.bind("routed", "first", "key");
  channel.bind("unrouted", "rest", "");
  channel.publish("first", "key", "1", {.mandatory = true});
  channel.publish("first", "other", "2", {.mandatory = true});
  EXPECT_THAT(channel.drain_bodies("routed"), ElementsAre("1"));
  EXPECT_THAT(channel.drain_bodies("unrouted"), ElementsAre("2"));
  channel.delete_exchange("rest");
  channel.publish("first", "other", "3", {.mandatory = true});
  EXPECT_EQ(channel.next_return().body, "3");
}

TEST_F(ExchangeTest, AnAutoDeleteExchangeGoesWithItsLastBinding) {
  auto channel = connect().open_channel();
  channel.declare_exchange("passing", "direct", {.auto_delete = true});
  channel.declare_queue("q");
  for (const auto key : {"one", "two"}) channel.bind("q", "passing", key);
  channel.unbind("q", "passing", "one");
  channel.declare_exchange("passing", "direct", {.passive = true});
  channel.unbind("q", "passing", "two");
  channel.send(protocol::exchange::Declare{.exchange = "passing", .passive = true});
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no exchange 'passing' in vhost '/'");
}

TEST_F(ExchangeTest, AnAutoDeleteExchangeGoesWithItsLastQueue) {
  auto channel = connect().open_channel();
  channel.declare_exchange("passing", "fanout", {.auto_delete = true});
  channel.declare_exchange("before", "fanout", {.auto_delete = true});
  channel.bind_exchange("passing", "before", "");
  channel.declare_queue("q");
  channel.bind("q", "passing", "");
  channel.delete_queue("q");
  channel.send(protocol::exchange::Declare{.exchange = "before", .passive = true});
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no exchange 'before' in vhost '/'");
}

TEST_F(ExchangeTest, AnExchangeInUseStaysIfUnusedIsAskedFor) {
  auto channel = connect().open_channel();
  channel.declare_exchange("used", "direct");
  channel.declare_queue("q");
  channel.bind("q", "used", "key");
  channel.send(protocol::exchange::Delete{.exchange = "used", .if_unused = true});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - exchange 'used' in vhost '/' in use");
  auto again = channel.client().open_channel();
  again.unbind("q", "used", "key");
  again.delete_exchange("used", true);
  again.delete_exchange("used");
}

TEST_F(ExchangeTest, DeletingAnExchangeTakesItsBindingsWithIt) {
  auto channel = connect().open_channel();
  channel.declare_exchange("passing", "direct");
  channel.declare_queue("q");
  channel.bind("q", "passing", "key");
  channel.delete_exchange("passing");
  channel.declare_exchange("passing", "direct");
  channel.publish("passing", "key", "body");
  EXPECT_THAT(channel.drain_bodies("q"), IsEmpty());
}

struct RefusedExchangeCase {
  std::string name{};
  protocol::exchange::Declare declare{};
  ReplyCode code{};
  std::string text{};
};

class RefusedExchange : public BrokerTest, public testing::WithParamInterface<RefusedExchangeCase> {};

TEST_P(RefusedExchange, EndsTheChannelWithItsText) {
  const auto& row = GetParam();
  auto channel = connect().open_channel();
  channel.declare_exchange("there", "direct", {.durable = true});
  channel.send(row.declare);
  channel.expect_close(row.code, row.text);
  auto again = channel.client().open_channel(1);
  again.declare_exchange("there", "direct", {.passive = true});
}
INSTANTIATE_TEST_SUITE_P(
    Declarations, RefusedExchange,
    testing::Values(
        RefusedExchangeCase{"another_type",
                            {.exchange = "there", .type = "fanout", .durable = true},
                            ReplyCode::precondition_failed,
                            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'there' in vhost '/': received "
                            "'fanout' but current is 'direct'"},
        RefusedExchangeCase{"not_durable",
                            {.exchange = "there", .type = "direct"},
                            ReplyCode::precondition_failed,
                            "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'there' in vhost '/': "
                            "received 'false' but current is 'true'"},
        RefusedExchangeCase{"auto_delete",
                            {.exchange = "there", .type = "direct", .durable = true, .auto_delete = true},
                            ReplyCode::precondition_failed,
                            "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for exchange 'there' in vhost '/': "
                            "received 'true' but current is 'false'"},
        RefusedExchangeCase{"reserved",
                            {.exchange = "amq.mine", .type = "direct"},
                            ReplyCode::access_refused,
                            "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'"},
        RefusedExchangeCase{"default_exchange",
                            {.exchange = "", .type = "direct"},
                            ReplyCode::access_refused,
                            "ACCESS_REFUSED - operation not permitted on the default exchange"},
        RefusedExchangeCase{"log_that_nobody_has_asked_for",  // as in RabbitMQ without log.exchange
                            {.exchange = "amq.rabbitmq.log", .passive = true},
                            ReplyCode::not_found,
                            "NOT_FOUND - no exchange 'amq.rabbitmq.log' in vhost '/'"},
        RefusedExchangeCase{"absent",
                            {.exchange = "absent", .passive = true},
                            ReplyCode::not_found,
                            "NOT_FOUND - no exchange 'absent' in vhost '/'"}),
    [](const auto& row) { return row.param.name; });

TEST_F(ExchangeTest, AnUnknownTypeEndsTheConnection) {
  auto channel = connect().open_channel();
  channel.send(protocol::exchange::Declare{.exchange = "x", .type = "x"});
  channel.client().expect_close(ReplyCode::command_invalid, "COMMAND_INVALID - unknown exchange type 'x'");
}

TEST_F(ExchangeTest, AnInternalExchangeTakesNothingFromClients) {
  auto channel = connect().open_channel();
  channel.declare_exchange("inner", "fanout", {.internal = true});
  channel.publish("inner", "", "body");
  channel.expect_close(ReplyCode::access_refused,
                       "ACCESS_REFUSED - cannot publish to internal exchange 'inner' in vhost '/'");
}

TEST_F(ExchangeTest, PublishingToNoExchangeEndsTheChannel) {
  auto channel = connect().open_channel();
  channel.publish("absent", "key", "body");
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no exchange 'absent' in vhost '/'");
}

TEST_F(ExchangeTest, CarbonCopiesGoToTheirKeysAndBlindOnesAreTakenOut) {
  auto channel = connect().open_channel();
  for (const auto queue : {"to", "copy", "blind"}) channel.declare_queue(queue);
  FieldArrayBuilder copies, blind_copies;
  copies.add(std::string_view{"copy"}).add(std::string_view{"to"});
  blind_copies.add(std::string_view{"blind"});
  FieldTableBuilder headers;
  headers.put("CC", copies).put("BCC", blind_copies).put("more", 1);
  channel.publish("", "to", "body", {.properties = {.headers = headers.view()}});
  for (const auto queue : {"to", "copy", "blind"}) {
    const auto messages = channel.drain(queue);
    ASSERT_EQ(messages.size(), 1u) << queue;
    const auto seen = messages[0].properties().headers;
    ASSERT_TRUE(seen);
    EXPECT_TRUE(seen->find("CC"));
    EXPECT_TRUE(seen->find("more"));
    EXPECT_FALSE(seen->find("BCC"));
    EXPECT_EQ(messages[0].routing_key, "to");
  }
}

}  // namespace
}  // namespace leveret::test
