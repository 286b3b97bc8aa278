#include <thread>

#include <boost/json/parse.hpp>

#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

/// Arguments of a queue whose dead messages go to the queue "dead".
FieldTableBuilder to_the_dead(FieldTableBuilder arguments = {}) {
  return arguments.put("x-dead-letter-exchange", "").put("x-dead-letter-routing-key", "dead");
}

std::string reason_of(const ReceivedMessage& message) {
  const auto properties = message.properties();
  return std::string{properties.headers->find("x-last-death-reason")->as_text().value()};
}

class DeadLetterTest : public BrokerTest {
 protected:
  DeadLetterTest() {
    channel_.declare_queue("dead", {.durable = true});
    channel_.consume("dead", {.no_ack = NoAck::yes});
  }
  void declare(const FieldTableBuilder& arguments, bool durable = false) {
    channel_.declare_queue("q", {.durable = durable, .arguments = arguments.view()});
  }

  TestChannel channel_ = connect().open_channel();
};

TEST_F(DeadLetterTest, ARejectedMessageIsPublishedAnew) {
  declare(to_the_dead());
  channel_.publish_to("q", "body");
  channel_.reject(channel_.get("q"), Requeue::no);
  const auto dead = channel_.next_delivery();
  EXPECT_EQ(dead.body, "body");
  EXPECT_EQ(dead.exchange, "");
  EXPECT_EQ(dead.routing_key, "dead");
  EXPECT_FALSE(dead.is_redelivered);
  EXPECT_EQ(reason_of(dead), "rejected");
}

TEST_F(DeadLetterTest, AnExpiredMessageIsPublishedAnewWhereverItStands) {
  declare(to_the_dead());
  channel_.publish_to("q", "stays");
  channel_.publish("", "q", "goes", {.properties = {.expiration = "1000"}});
  channel_.synchronize();
  broker_.clock().advance(1s);
  const auto dead = channel_.next_delivery();
  EXPECT_EQ(dead.body, "goes");
  EXPECT_EQ(reason_of(dead), "expired");
  EXPECT_THAT(channel_.drain_bodies("q"), ElementsAre("stays"));
}

TEST_F(DeadLetterTest, AMessageExpiresByTheQueuesTimeToLive) {
  declare(to_the_dead(FieldTableBuilder{}.put("x-message-ttl", 2000)));
  channel_.publish_to("q", {"1", "2"});
  EXPECT_EQ(channel_.counts_of("q").messages, 2u);
  broker_.clock().advance(2s);
  EXPECT_THAT(channel_.next_bodies(2), ElementsAre("1", "2"));
  EXPECT_EQ(channel_.counts_of("q").messages, 0u);
}

TEST_F(DeadLetterTest, AMessageWithoutTimeToLiveGoesOnlyToAConsumerThatWaits) {
  declare(to_the_dead(FieldTableBuilder{}.put("x-message-ttl", 0)));
  channel_.publish_to("q", "nobody waits");
  EXPECT_EQ(channel_.next_delivery().body, "nobody waits");
  auto consumer = connect().open_channel();
  consumer.consume("q", {.no_ack = NoAck::yes});
  channel_.publish_to("q", "somebody waits");
  EXPECT_EQ(consumer.next_delivery().body, "somebody waits");
}

TEST_F(DeadLetterTest, AnUnacknowledgedMessageExpiresWhenItIsRequeued) {
  declare(to_the_dead());
  channel_.publish("", "q", "late", {.properties = {.expiration = "1000"}});
  const auto held = channel_.get("q");
  broker_.clock().advance(5s);
  EXPECT_FALSE(channel_.has_delivery());
  channel_.reject(held, Requeue::yes);
  EXPECT_EQ(channel_.next_delivery().body, "late");
}

TEST_F(DeadLetterTest, AFullQueueDropsFromItsHead) {
  declare(to_the_dead(FieldTableBuilder{}.put("x-max-length", 2)));
  channel_.publish_to("q", {"1", "2", "3"});
  const auto dead = channel_.next_delivery();
  EXPECT_EQ(dead.body, "1");
  EXPECT_EQ(reason_of(dead), "maxlen");
  EXPECT_THAT(channel_.drain_bodies("q"), ElementsAre("2", "3"));
}

TEST_F(DeadLetterTest, OctetsOfBodiesAreLimitedToo) {
  declare(to_the_dead(FieldTableBuilder{}.put("x-max-length-bytes", 5)));
  channel_.publish_to("q", {"123", "45", "6"});
  EXPECT_EQ(channel_.next_delivery().body, "123");
  EXPECT_THAT(channel_.drain_bodies("q"), ElementsAre("45", "6"));
}

TEST_F(DeadLetterTest, AMessageTheQueueRejectsIsDeadToo) {
  declare(to_the_dead(FieldTableBuilder{}.put("x-max-length", 1).put("x-overflow", "reject-publish-dlx")));
  channel_.publish_to("q", {"kept", "refused"});
  const auto dead = channel_.next_delivery();
  EXPECT_EQ(dead.body, "refused");
  EXPECT_EQ(reason_of(dead), "maxlen");
  EXPECT_THAT(channel_.drain_bodies("q"), ElementsAre("kept"));
}

TEST_F(DeadLetterTest, AConfirmingPublisherHearsOfARefusal) {
  declare(FieldTableBuilder{}.put("x-max-length", 1).put("x-overflow", "reject-publish"));
  auto publisher = connect().open_channel();
  publisher.select_confirms();
  publisher.publish_to("q", "kept");
  EXPECT_EQ(publisher.next_confirm().delivery_tag, DeliveryTag{1});
  publisher.publish_to("q", "refused");
  EXPECT_EQ(publisher.client().expect<protocol::basic::Nack>(publisher.number()).delivery_tag, DeliveryTag{2});
  EXPECT_THAT(channel_.drain_bodies("q"), ElementsAre("kept"));
}

TEST_F(DeadLetterTest, ATransactionOfWhichAMessageIsRefusedEndsTheChannel) {
  declare(FieldTableBuilder{}.put("x-max-length", 1).put("x-overflow", "reject-publish"));
  auto publisher = connect().open_channel();
  publisher.call<protocol::tx::SelectOk>(protocol::tx::Select{});
  publisher.publish_to("q", {"kept", "refused"});
  publisher.send(protocol::tx::Commit{});
  publisher.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - partial tx completion");
  EXPECT_THAT(channel_.drain_bodies("q"), ElementsAre("kept"));
}

TEST_F(DeadLetterTest, AnAutomaticCycleEnds) {
  declare(FieldTableBuilder{}
              .put("x-message-ttl", 1)
              .put("x-dead-letter-exchange", "")
              .put("x-dead-letter-routing-key", "q"));
  channel_.publish_to("q", "round");
  EXPECT_EQ(channel_.counts_of("q").messages, 1u);
  broker_.clock().advance(1s);
  wait_until([&] { return channel_.counts_of("q").messages == 0; }, "the messages have gone");
}

TEST_F(DeadLetterTest, AClientMaySendAMessageRoundAsOftenAsItLikes) {
  declare(FieldTableBuilder{}.put("x-dead-letter-exchange", "").put("x-dead-letter-routing-key", "q"));
  channel_.publish_to("q", "round");
  auto consumer = connect().open_channel();
  consumer.consume("q");
  for (int i = 0; i < 3; ++i) consumer.reject(consumer.next_delivery(), Requeue::no);
  const auto message = consumer.next_delivery();
  const auto deaths = message.properties().headers->find("x-death")->as_array();
  EXPECT_EQ(deaths->begin()->as_table()->find("count")->as_integer(), 3);
}

TEST_F(DeadLetterTest, AMissingExchangeTakesEverything) {
  declare(FieldTableBuilder{}.put("x-dead-letter-exchange", "nowhere").put("x-max-length", 1));
  channel_.publish_to("q", {"1", "2"});
  EXPECT_THAT(channel_.drain_bodies("q"), ElementsAre("2"));
}

using DurableDeadLetterTest = DurableBrokerTest;

TEST_F(DurableDeadLetterTest, ADeadPersistentMessageIsAsDurableAsItWas) {
  {
    auto channel = connect().open_channel();
    channel.declare_queue("dead", {.durable = true});
    channel.declare_queue("q", {.durable = true, .arguments = to_the_dead().view()});
    channel.select_confirms();
    channel.publish_persistent("q", "body");
    channel.next_confirm();
    auto consumer = connect().open_channel();
    consumer.consume("dead");
    channel.reject(channel.get("q"), Requeue::no);
    consumer.next_delivery();
    // What is published later is stored later.
    channel.publish_persistent("q", "later");
    channel.next_confirm();
  }
  restart_after_kill();
  auto channel = connect().open_channel();
  EXPECT_THAT(channel.drain_bodies("dead"), ElementsAre("body"));
  const auto left = channel.drain_bodies("q");
  EXPECT_EQ(left.back(), "later");
  EXPECT_LE(left.size(), 2u) << "at worst it is in both";
}

TEST_F(DurableDeadLetterTest, MessagesGoOnAgeingWhileTheBrokerIsStopped) {
  {
    auto channel = connect().open_channel();
    channel.declare_queue("dead", {.durable = true});
    channel.declare_queue(
        "q", {.durable = true, .arguments = to_the_dead(FieldTableBuilder{}.put("x-message-ttl", 10'000)).view()});
    channel.select_confirms();
    channel.publish_persistent("q", "body");
    channel.next_confirm();
  }
  broker_.stop();
  clients_.clear();
  broker_.clock().advance(10s);
  broker_.start();
  auto channel = connect().open_channel();
  channel.consume("dead");
  EXPECT_EQ(channel.next_delivery().body, "body");
}

// --- at least once

constexpr auto some_attempts = 1500ms;  // one comes four times a second

class AtLeastOnceTest : public BrokerTest {
 protected:
  AtLeastOnceTest() { channel_.select_confirms(); }

  /// A queue that refuses what comes while one message is in it, or is to leave it for `exchange`.
  void declare(std::string_view exchange) {
    FieldTableBuilder arguments = of_one_message();
    arguments.put("x-queue-type", "quorum").put("x-dead-letter-strategy", "at-least-once");
    if (!exchange.empty()) arguments.put("x-dead-letter-exchange", exchange);
    channel_.declare_queue("q", {.durable = true, .arguments = arguments.view()});
  }
  static FieldTableBuilder of_one_message() {
    return FieldTableBuilder{}.put("x-overflow", "reject-publish").put("x-max-length", 1);
  }
  void let_die(std::string_view body) {
    expect_taken("q", body);
    channel_.reject(channel_.get("q"), Requeue::no);
  }
  void expect_taken(std::string_view queue, std::string_view body) {
    channel_.publish_to(queue, body);
    channel_.next_confirm();
  }
  void expect_refused(std::string_view queue, std::string_view body) {
    channel_.publish_to(queue, body);
    channel_.client().expect<protocol::basic::Nack>(channel_.number());
  }
  void put_policy(std::string_view definition) {
    broker_.broker().find_virtual_host("/")->put_policy(
        broker::PolicyKind::user,
        {.name = "p", .pattern = "^q$", .definition = boost::json::parse(definition).as_object()});
  }

  TestChannel channel_ = connect().open_channel();
};

TEST_F(AtLeastOnceTest, AFullQueueIsTriedAgainAlone) {
  channel_.declare_exchange("letters", "fanout");
  channel_.declare_queue("roomy");
  channel_.bind("roomy", "letters", "");
  channel_.declare_queue("full", {.arguments = of_one_message().view()});
  channel_.bind("full", "letters", "");
  expect_taken("full", "first");
  declare("letters");
  let_die("dies");
  std::this_thread::sleep_for(some_attempts);
  EXPECT_EQ(channel_.counts_of("roomy").messages, 1u);
  expect_refused("q", "the dead one counts until all have it");
  EXPECT_EQ(channel_.purge("full"), 1u);
  wait_until([&] { return channel_.counts_of("full").messages == 1; }, "the full queue has got it");
  expect_taken("q", "next");
  EXPECT_EQ(channel_.counts_of("roomy").messages, 1u);
}

TEST_F(AtLeastOnceTest, AnExchangeThatIsNamedLaterGetsWhatWaits) {
  put_policy(R"({"dead-letter-exchange": "nowhere"})");
  declare("");
  let_die("dies");
  expect_refused("q", "next");
  channel_.declare_queue("dead");
  channel_.consume("dead", {.no_ack = NoAck::yes});
  put_policy(R"({"dead-letter-exchange": "", "dead-letter-routing-key": "dead"})");
  EXPECT_EQ(channel_.next_delivery().body, "dies");
}

TEST_F(AtLeastOnceTest, WhatWaitsGoesWhenThereIsNoExchangeAnyMore) {
  put_policy(R"({"dead-letter-exchange": "nowhere"})");
  declare("");
  let_die("dies");
  expect_refused("q", "next");
  broker_.broker().find_virtual_host("/")->remove_policy(broker::PolicyKind::user, "p");
  std::this_thread::sleep_for(some_attempts);
  expect_taken("q", "next");
}

TEST_F(AtLeastOnceTest, WhatWaitsIsPurgedWithItsQueue) {
  declare("letters");
  let_die("dies");
  expect_refused("q", "next");
  EXPECT_EQ(channel_.purge("q"), 0u);
  expect_taken("q", "next");
  channel_.declare_exchange("letters", "fanout");
  channel_.declare_queue("dead");
  channel_.bind("dead", "letters", "");
  std::this_thread::sleep_for(some_attempts);
  EXPECT_EQ(channel_.counts_of("dead").messages, 0u);
}

}  // namespace
}  // namespace leveret::test
