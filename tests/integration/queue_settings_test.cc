#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

using PriorityQueueTest = BrokerTest;

TEST_F(PriorityQueueTest, HigherPrioritiesLeaveFirst) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-max-priority", 5).view()});
  for (const int priority : {0, 9, 3, 5, 3})
    channel.publish("", "q", std::to_string(priority),
                    {.properties = {.priority = static_cast<std::uint8_t>(priority)}});
  channel.publish_to("q", "none");
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("9", "5", "3", "3", "0", "none")) << "9 counts as 5";
}

TEST_F(PriorityQueueTest, ARequeuedMessageReturnsToItsPlaceAmongItsEquals) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-max-priority", 5).view()});
  for (const auto body : {"low", "low too"}) channel.publish("", "q", body, {.properties = {.priority = 1}});
  const auto low = channel.get("q");
  channel.publish("", "q", "high", {.properties = {.priority = 2}});
  channel.reject(low, Requeue::yes);
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("high", "low", "low too"));
}

using IdleQueueTest = BrokerTest;

TEST_F(IdleQueueTest, AQueueNobodyUsesIsDeleted) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-expires", 20'000).view()});
  const auto exists = [&] { return broker_.broker().find_virtual_host("/")->has_queue("q"); };
  broker_.clock().advance(15s);
  EXPECT_FALSE(channel.try_get("q"));
  broker_.clock().advance(15s);
  channel.counts_of("q");
  broker_.clock().advance(20s);
  wait_until([&] { return !exists(); }, "it is deleted");
}

TEST_F(IdleQueueTest, AConsumerKeepsAQueueAlive) {
  auto channel = connect().open_channel();
  channel.declare_queue("used", {.arguments = FieldTableBuilder{}.put("x-expires", 20'000).view()});
  const auto tag = channel.consume("used");
  channel.declare_queue("idle", {.arguments = FieldTableBuilder{}.put("x-expires", 40'000).view()});
  const auto exists = [&](std::string_view name) { return broker_.broker().find_virtual_host("/")->has_queue(name); };
  broker_.clock().advance(40s);
  wait_until([&] { return !exists("idle"); }, "the idle one is deleted");
  EXPECT_TRUE(exists("used"));
  channel.cancel(tag);
  broker_.clock().advance(20s);
  wait_until([&] { return !exists("used"); }, "it is deleted");
}

using ReturnsTest = BrokerTest;

TEST_F(ReturnsTest, ComeBackByPriorityBeforeAnyIsDelivered) {
  auto first = connect().open_channel();
  first.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-max-priority", 3).view()});
  first.consume("q");
  for (std::uint8_t priority = 0; priority < 3; ++priority) {
    first.publish("", "q", std::to_string(priority), {.properties = {.priority = priority}});
    EXPECT_EQ(first.next_delivery().body, std::to_string(priority));
  }
  auto second = connect().open_channel();
  second.consume("q");
  first.close();
  EXPECT_THAT(second.next_bodies(3), ElementsAre("2", "1", "0"));
}

TEST_F(ReturnsTest, AreSubjectToTheLimitBeforeAnyIsDelivered) {
  auto channel = connect().open_channel();
  channel.declare_queue("dead");
  const auto arguments = FieldTableBuilder{}
                             .put("x-max-length", 2)
                             .put("x-dead-letter-exchange", "")
                             .put("x-dead-letter-routing-key", "dead");
  channel.declare_queue("q", {.arguments = arguments.view()});
  channel.limit_prefetch(1);
  channel.consume("q");
  channel.publish_to("q", {"1", "2", "3"});
  channel.reject(channel.next_delivery(), Requeue::yes);
  EXPECT_EQ(channel.next_delivery().body, "2");
  EXPECT_EQ(channel.counts_of("q").messages, 1u);
  wait_until([&] { return channel.counts_of("dead").messages == 1; }, "the first is dead");
  EXPECT_EQ(channel.get("dead").body, "1");
}

using SingleActiveConsumerTest = BrokerTest;

TEST_F(SingleActiveConsumerTest, TheNextTakesOverWithWhatTheFirstHeld) {
  auto& leaver = connect();
  auto first = leaver.open_channel();
  first.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-single-active-consumer", true).view()});
  first.consume("q");
  auto second = connect().open_channel();
  second.consume("q");
  second.publish_to("q", {"1", "2"});
  EXPECT_THAT(first.next_bodies(2), ElementsAre("1", "2"));
  leaver.close();
  EXPECT_THAT(second.next_bodies(2), ElementsAre("1", "2"));
}

TEST_F(SingleActiveConsumerTest, WhatTheFirstHeldComesBeforeWhatFollows) {
  auto first = connect().open_channel();
  first.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-single-active-consumer", true).view()});
  first.publish_to("q", {"1", "2", "3", "4", "5"});
  first.limit_prefetch(3);
  first.consume("q");
  EXPECT_THAT(first.next_bodies(3), ElementsAre("1", "2", "3"));
  auto second = connect().open_channel();
  second.consume("q");
  first.close();
  EXPECT_THAT(second.next_bodies(5), ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(SingleActiveConsumerTest, TheNextIsServedWhileAChannelKeepsWhatItsConsumerHeld) {
  auto first = connect().open_channel();
  first.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-single-active-consumer", true).view()});
  first.publish_to("q", {"1", "2", "3"});
  first.limit_prefetch(2);
  const auto tag = first.consume("q");
  const auto done = first.next_delivery();
  const auto not_done = first.next_delivery();
  auto second = connect().open_channel();
  second.consume("q");
  first.cancel(tag);
  EXPECT_THAT(second.next_bodies(1), ElementsAre("3"));
  first.acknowledge(done);
  first.reject(not_done, Requeue::yes);
  EXPECT_THAT(second.next_bodies(1), ElementsAre("2"));
}

TEST_F(SingleActiveConsumerTest, RefusesAnExclusiveConsumer) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-single-active-consumer", true).view()});
  channel.send(protocol::basic::Consume{.queue = "q", .exclusive = true});
  channel.expect_close(ReplyCode::access_refused, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use");
}

using ConsumerTimeoutTest = BrokerTest;

TEST_F(ConsumerTimeoutTest, AChannelThatDoesNotAcknowledgeIsClosed) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "kept");
  channel.consume("q");
  channel.next_delivery();
  broker_.clock().advance(30min);
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: "
                       "1800000 ms. This timeout value can be configured, see consumers doc guide to learn more");
  auto other = client.open_channel();
  EXPECT_TRUE(other.get("q").is_redelivered);
}

TEST_F(ConsumerTimeoutTest, AQueueMayAllowMoreTime) {
  auto& client = connect();
  auto patient = client.open_channel();
  patient.declare_queue("slow", {.arguments = FieldTableBuilder{}.put("x-consumer-timeout", 3'600'000).view()});
  patient.publish_to("slow", "kept");
  patient.consume("slow");
  const auto kept = patient.next_delivery();
  auto impatient = client.open_channel();
  impatient.declare_queue("q");
  impatient.publish_to("q", "kept as long");
  impatient.consume("q");
  EXPECT_EQ(impatient.next_delivery().body, "kept as long");
  broker_.clock().advance(30min);
  EXPECT_THROW(impatient.next_delivery(), TestFailure) << "it is closed";
  patient.acknowledge(kept);
  EXPECT_EQ(patient.counts_of("slow").messages, 0u);
}

TEST_F(ConsumerTimeoutTest, AConsumerMayNameItsOwn) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-consumer-timeout", 3'600'000).view()});
  channel.publish_to("q", "kept");
  channel.consume("q", {.arguments = FieldTableBuilder{}.put("x-consumer-timeout", 60'000).view()});
  channel.next_delivery();
  broker_.clock().advance(1min);
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: "
                       "60000 ms. This timeout value can be configured, see consumers doc guide to learn more");
  auto other = client.open_channel();
  other.send(
      protocol::basic::Consume{.queue = "q", .arguments = FieldTableBuilder{}.put("x-consumer-timeout", -1).view()});
  other.expect_close(ReplyCode::precondition_failed,
                     "PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' for queue 'q' in vhost '/': "
                     "{value_negative,-1}");
}

TEST_F(ConsumerTimeoutTest, AQueueGivesThoseWhoGetItsTime) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.arguments = FieldTableBuilder{}.put("x-consumer-timeout", 60'000).view()});
  channel.publish_to("q", "kept");
  channel.get("q");
  broker_.clock().advance(1min);
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: "
                       "60000 ms. This timeout value can be configured, see consumers doc guide to learn more");
}

}  // namespace
}  // namespace leveret::test
