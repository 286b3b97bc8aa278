#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

using QueueTest = BrokerTest;
using protocol::queue::Declare;
using protocol::queue::Delete;

TEST_F(QueueTest, MessagesLeaveInOrderOfArrival) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3"});
  const auto first = channel.get("q");
  EXPECT_EQ(first.body, "1");
  EXPECT_FALSE(first.is_redelivered);
  EXPECT_EQ(first.messages_left, 2u);
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("2", "3"));
  EXPECT_FALSE(channel.try_get("q"));
}

TEST_F(QueueTest, RejectedMessageWithRequeueReturnsToItsPlace) {
  auto channel = connect().open_channel();
  channel.declare_queue("orders");
  channel.publish_to("orders", {"first", "second"});
  channel.reject(channel.get("orders"), Requeue::yes);
  const auto again = channel.get("orders");
  EXPECT_EQ(again.body, "first");
  EXPECT_TRUE(again.is_redelivered);
}

TEST_F(QueueTest, RequeuedMessagesKeepTheirOrderHoweverTheyReturn) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3", "4", "5"});
  std::vector<ReceivedMessage> held;
  for (int i = 0; i < 4; ++i) held.push_back(channel.get("q"));
  for (const std::size_t i : {2u, 0u, 3u, 1u}) channel.reject(held[i], Requeue::yes);
  const auto messages = channel.drain("q");
  ASSERT_EQ(messages.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(messages[i].body, std::to_string(i + 1));
    EXPECT_EQ(messages[i].is_redelivered, i < 4);
  }
}

TEST_F(QueueTest, RejectedMessageWithoutRequeueIsGone) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3", "4"});
  channel.reject(channel.get("q"), Requeue::no);
  channel.get("q");
  channel.nack(channel.get("q"), Multiple::yes, Requeue::no);
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("4"));
}

TEST_F(QueueTest, WhatAChannelHeldReturnsWhenItCloses) {
  auto& client = connect();
  auto channel = client.open_channel();
  auto other = client.open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3"});
  channel.get("q");
  channel.acknowledge(channel.get("q"));
  channel.close();
  const auto messages = other.drain("q");
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].body, "1");
  EXPECT_TRUE(messages[0].is_redelivered);
  EXPECT_EQ(messages[1].body, "3");
  EXPECT_FALSE(messages[1].is_redelivered);
}

TEST_F(QueueTest, WhatAClientHeldReturnsWhenItVanishes) {
  auto channel = connect().open_channel();
  auto& lost = connect();
  auto lost_channel = lost.open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2"});
  channel.synchronize();
  lost_channel.consume("q");
  EXPECT_THAT(lost_channel.next_bodies(2), ElementsAre("1", "2"));
  lost.vanish();
  wait_until([&] { return channel.counts_of("q").messages == 2; }, "what was held is ready again");
  EXPECT_EQ(channel.counts_of("q").consumers, 0u);
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("1", "2"));
}

TEST_F(QueueTest, RecoverGivesBackWhatAChannelHolds) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2"});
  channel.consume("q");
  EXPECT_THAT(channel.next_bodies(2), ElementsAre("1", "2"));
  channel.call<protocol::basic::RecoverOk>(protocol::basic::Recover{.requeue = true});
  for (const auto body : {"1", "2"}) {
    const auto again = channel.next_delivery();
    EXPECT_EQ(again.body, body);
    EXPECT_TRUE(again.is_redelivered);
  }
}

TEST_F(QueueTest, RecoverWithoutRequeueIsNotImplemented) {
  auto channel = connect().open_channel();
  channel.send(protocol::basic::Recover{.requeue = false});
  channel.client().expect_close(ReplyCode::not_implemented, "NOT_IMPLEMENTED - requeue=false");
}

TEST_F(QueueTest, AnUnknownDeliveryTagEndsTheChannel) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "1");
  channel.acknowledge(channel.get("q"));
  channel.acknowledge({.delivery_tag = DeliveryTag{0}}, Multiple::yes);  // all of none: fine
  channel.acknowledge({.delivery_tag = DeliveryTag{1}});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - unknown delivery tag 1");
}

TEST_F(QueueTest, AcknowledgingMultipleSettlesAllUpToTheTag) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3"});
  channel.get("q");
  channel.acknowledge(channel.get("q"), Multiple::yes);
  channel.get("q");
  channel.close();
  EXPECT_THAT(client.open_channel().drain_bodies("q"), ElementsAre("3"));
}

TEST_F(QueueTest, PurgeAndDeleteTellHowManyMessagesWereReady) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3"});
  channel.get("q");
  EXPECT_EQ(channel.purge("q"), 2u);
  EXPECT_EQ(channel.purge("q"), 0u);
  channel.publish_to("q", {"4", "5"});
  EXPECT_EQ(channel.delete_queue("q"), 2u);
  EXPECT_EQ(channel.delete_queue("q"), 0u) << "deleting nothing succeeds";
}

TEST_F(QueueTest, DeletingMindsUseAndMessagesWhenAsked) {
  auto& client = connect();
  auto channel = client.open_channel();
  auto consumer = client.open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "1");
  channel.send(Delete{.queue = "q", .if_empty = true});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty");
  channel = client.open_channel();
  consumer.consume("q");
  channel.send(Delete{.queue = "q", .if_unused = true});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use");
  consumer.acknowledge(consumer.next_delivery());
  consumer.close();
  channel = client.open_channel();
  EXPECT_EQ(channel.delete_queue("q", {.if_unused = true, .if_empty = true}), 0u);
}

TEST_F(QueueTest, DeclareOkTellsReadyMessagesAndConsumers) {
  auto channel = connect().open_channel();
  EXPECT_EQ(channel.declare_queue("q").messages, 0u);
  channel.publish_to("q", {"1", "2"});
  EXPECT_EQ(channel.declare_queue("q").messages, 2u);
  channel.limit_prefetch(1);
  channel.consume("q");
  const auto counts = channel.counts_of("q");
  EXPECT_EQ(counts.messages, 1u) << "one is unacknowledged";
  EXPECT_EQ(counts.consumers, 1u);
}

TEST_F(QueueTest, TheServerNamesAQueueThatHasNoName) {
  auto channel = connect().open_channel();
  const auto first = channel.declare_queue("").name;
  EXPECT_TRUE(first.starts_with("amq.gen-")) << first;
  channel.publish_to(first, "1");
  EXPECT_EQ(channel.get("").body, "1") << "an empty name stands for the queue declared last";
  EXPECT_NE(channel.declare_queue("").name, first);
}

TEST_F(QueueTest, AnEmptyNameWithoutADeclaredQueueEndsTheChannel) {
  auto channel = connect().open_channel();
  channel.send(protocol::basic::Get{});
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no previously declared queue");
}

TEST_F(QueueTest, AnAutoDeleteQueueGoesWithItsLastConsumer) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.auto_delete = true});
  EXPECT_EQ(channel.counts_of("q").consumers, 0u) << "without a consumer yet it stays";
  const auto first = channel.consume("q");
  const auto second = channel.consume("q");
  channel.cancel(first);
  EXPECT_EQ(channel.counts_of("q").consumers, 1u);
  channel.cancel(second);
  channel.send(Declare{.queue = "q", .passive = true});
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'q' in vhost '/'");
}

TEST_F(QueueTest, AnExclusiveQueueIsItsConnectionsAlone) {
  auto& owner = connect();
  auto channel = owner.open_channel();
  auto other = connect().open_channel();
  channel.declare_queue("mine", {.exclusive = true});
  channel.publish_to("mine", "1");
  const std::string locked =
      "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally "
      "declared on another connection or the exclusive property value does not match that of the original declaration.";
  const auto expect_locked = [&] {
    other.expect_close(ReplyCode::resource_locked, locked);
    other = other.client().open_channel();
  };
  other.send(Declare{.queue = "mine", .passive = true});
  expect_locked();
  other.send(Declare{.queue = "mine", .exclusive = true});
  expect_locked();
  other.send(protocol::basic::Get{.queue = "mine"});
  expect_locked();
  other.send(protocol::basic::Consume{.queue = "mine"});
  expect_locked();
  other.send(protocol::queue::Purge{.queue = "mine"});
  expect_locked();
  other.send(Delete{.queue = "mine"});
  expect_locked();
  other.send(protocol::queue::Bind{.queue = "mine", .exchange = "amq.direct", .routing_key = "k"});
  expect_locked();
  other.publish_to("mine", "2");  // anybody may publish
  other.synchronize();
  wait_until([&] { return channel.counts_of("mine").messages == 2; }, "both are there");
  owner.close();
  wait_until([&] { return broker_.broker().find_virtual_host("/")->queues().empty(); }, "the queue has gone");
  other.send(Declare{.queue = "mine", .passive = true});
  other.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'mine' in vhost '/'");
}

TEST_F(QueueTest, ADeclarationMustRepeatWhatTheQueueIs) {
  auto& client = connect();
  auto channel = client.open_channel();
  FieldTableBuilder arguments;
  arguments.put("x-max-length", 10);
  channel.declare_queue("q", {.durable = true, .arguments = arguments.view()});
  channel.declare_queue("q", {.durable = true, .arguments = arguments.view()});
  channel.send(Declare{.queue = "q", .arguments = arguments.view()});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' "
                       "but current is 'true'");
  channel = client.open_channel();
  channel.send(Declare{.queue = "q", .durable = true});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received "
                       "none but current is the value '10' of type 'signedint'");
}

TEST_F(QueueTest, ReservedNamesAreRefused) {
  auto channel = connect().open_channel();
  channel.send(Declare{.queue = "amq.mine"});
  channel.expect_close(ReplyCode::access_refused,
                       "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'");
}

TEST_F(QueueTest, LineBreaksAreTakenOutOfNames) {
  auto channel = connect().open_channel();
  EXPECT_EQ(channel.declare_queue("a\r\nb").name, "ab");
}

TEST_F(QueueTest, NoWaitGetsNoAnswer) {
  auto channel = connect().open_channel();
  channel.send(Declare{.queue = "q", .nowait = true});
  channel.send(protocol::queue::Bind{.queue = "q", .exchange = "amq.fanout", .nowait = true});
  channel.send(protocol::basic::Consume{.queue = "q", .consumer_tag = "tag", .no_ack = true, .nowait = true});
  channel.publish("amq.fanout", "", "1");
  EXPECT_EQ(channel.next_delivery().body, "1");
  channel.send(protocol::basic::Cancel{.consumer_tag = "tag", .nowait = true});
  channel.send(protocol::queue::Purge{.queue = "q", .nowait = true});
  channel.send(Delete{.queue = "q", .nowait = true});
  channel.send(Declare{.queue = "q", .passive = true});
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'q' in vhost '/'");
}

TEST_F(QueueTest, PropertiesAndBodyComeBackAsTheyWent) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  FieldTableBuilder headers;
  headers.put("number", 7).put("nothing", nullptr).put("nested", FieldTableBuilder{}.put("a", 1.5));
  const BasicProperties properties{.content_type = "text/plain",
                                   .content_encoding = "utf-8",
                                   .headers = headers.view(),
                                   .delivery_mode = std::uint8_t{2},
                                   .priority = std::uint8_t{3},
                                   .correlation_id = "id",
                                   .reply_to = "back",
                                   .expiration = "600000",
                                   .message_id = "message",
                                   .timestamp = std::uint64_t{1'700'000'000},
                                   .type = "kind",
                                   .user_id = "guest",
                                   .app_id = "test",
                                   .cluster_id = "cluster"};
  for (const std::size_t size : {0u, 1u, 131'064u, 131'065u, 1'000'000u}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i % 251);
    channel.publish("", "q", body, {.properties = properties});
    const auto message = channel.get("q", NoAck::yes);
    EXPECT_EQ(message.encoded_properties, protocol::encode_properties(properties));
    EXPECT_TRUE(message.body == body) << size;
  }
}

}  // namespace
}  // namespace leveret::test
