#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

using PublishTest = BrokerTest;

TEST_F(PublishTest, ConfirmsComeForEveryPublishOnce) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.select_confirms();
  for (int i = 0; i < 100; ++i) channel.publish_to(i % 3 == 0 ? "nowhere" : "q", "body");
  channel.wait_for_confirms(100);
  channel.synchronize();
  EXPECT_FALSE(channel.client().has_frame(channel.number()));
}

TEST_F(PublishTest, ConfirmsCountFromTheSelect) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "before");
  channel.select_confirms();
  channel.select_confirms();
  channel.publish_to("q", "after");
  EXPECT_EQ(channel.next_confirm(), (Confirm{.delivery_tag = DeliveryTag{1}}));
}

TEST_F(PublishTest, AMandatoryMessageWithoutAQueueIsReturnedBeforeItsConfirm) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.select_confirms();
  channel.publish("amq.direct", "nowhere", "body", {.properties = {.message_id = "7"}, .mandatory = true});
  const auto frame = client.receive(channel.number());
  EXPECT_EQ(frame.method(), protocol::basic::Return::id);
  const auto returned = method_in<protocol::basic::Return>(frame);
  EXPECT_EQ(returned.reply_code, 312);
  EXPECT_EQ(returned.reply_text, "NO_ROUTE");
  EXPECT_EQ(returned.exchange, "amq.direct");
  EXPECT_EQ(returned.routing_key, "nowhere");
  EXPECT_EQ(client.receive(channel.number()).type, protocol::FrameType::header);
  EXPECT_EQ(client.receive(channel.number()).payload, "body");
  EXPECT_EQ(client.receive(channel.number()).method(), protocol::basic::Ack::id);
}

TEST_F(PublishTest, ARoutedMandatoryMessageIsNotReturned) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish("", "q", "body", {.mandatory = true});
  EXPECT_EQ(channel.get("q").body, "body");
  EXPECT_FALSE(channel.client().has_frame(channel.number()));
}

TEST_F(PublishTest, ImmediateIsNotImplemented) {
  auto channel = connect().open_channel();
  channel.send(protocol::basic::Publish{.routing_key = "q", .immediate = true});
  channel.client().expect_close(ReplyCode::not_implemented, "NOT_IMPLEMENTED - immediate=true");
}

struct RefusedPublishCase {
  std::string name{};
  BasicProperties properties{};
  std::string text{};
};

class RefusedPublish : public BrokerTest, public testing::WithParamInterface<RefusedPublishCase> {};

TEST_P(RefusedPublish, EndsTheChannelWithItsText) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish("", "q", "body", {.properties = GetParam().properties});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - " + GetParam().text);
  EXPECT_EQ(channel.client().open_channel().counts_of("q").messages, 0u);
}
INSTANTIATE_TEST_SUITE_P(
    Properties, RefusedPublish,
    testing::Values(RefusedPublishCase{"expiration", {.expiration = "abc"}, "invalid expiration 'abc': no_integer"},
                    RefusedPublishCase{"user_id",
                                       {.user_id = "somebody"},
                                       "user_id property set to 'somebody' but authenticated user was 'guest'"},
                    RefusedPublishCase{"delivery_mode",
                                       {.delivery_mode = std::uint8_t{3}},
                                       "invalid message: {delivery_mode_unknown,3}"}),
    [](const auto& row) { return row.param.name; });

class SmallMessagesTest : public BrokerTest {
 protected:
  SmallMessagesTest() : BrokerTest({.broker = {.shards = shards_under_test(), .message_size_max = 1000}}) {}
};

TEST_F(SmallMessagesTest, AMessageLargerThanAllowedEndsTheChannel) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", std::string(1000, 'x'));
  channel.publish_to("q", std::string(1001, 'x'));
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000");
  EXPECT_EQ(channel.client().open_channel().counts_of("q").messages, 1u);
}

// --- transactions

using TransactionTest = BrokerTest;
using protocol::tx::Commit;
using protocol::tx::CommitOk;
using protocol::tx::Rollback;
using protocol::tx::RollbackOk;
using protocol::tx::Select;
using protocol::tx::SelectOk;

TEST_F(TransactionTest, PublishesHappenAtTheCommit) {
  auto channel = connect().open_channel();
  auto observer = connect().open_channel();
  channel.declare_queue("q");
  channel.call<SelectOk>(Select{});
  channel.publish_to("q", {"1", "2"});
  channel.synchronize();
  EXPECT_EQ(observer.counts_of("q").messages, 0u);
  channel.call<CommitOk>(Commit{});
  EXPECT_THAT(observer.drain_bodies("q"), ElementsAre("1", "2"));
}

TEST_F(TransactionTest, RolledBackPublishesNeverHappen) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.call<SelectOk>(Select{});
  channel.publish_to("q", "1");
  channel.call<RollbackOk>(Rollback{});
  channel.publish_to("q", "2");
  channel.call<CommitOk>(Commit{});
  channel.call<CommitOk>(Commit{});
  EXPECT_THAT(channel.drain_bodies("q"), ElementsAre("2"));
}

TEST_F(TransactionTest, AcknowledgementsHappenAtTheCommit) {
  auto& client = connect();
  auto setup = client.open_channel();
  setup.declare_queue("q");
  setup.publish_to("q", {"1", "2", "3"});
  auto channel = client.open_channel();
  channel.call<SelectOk>(Select{});
  const auto first = channel.get("q");
  const auto second = channel.get("q");
  channel.acknowledge(first);
  channel.call<CommitOk>(Commit{});
  channel.acknowledge(second);
  channel.close();
  EXPECT_THAT(setup.drain_bodies("q"), ElementsAre("2", "3"));
}

TEST_F(TransactionTest, ARollbackTakesAcknowledgementsBack) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2"});
  channel.call<SelectOk>(Select{});
  const auto first = channel.get("q");
  channel.acknowledge(first);
  channel.call<RollbackOk>(Rollback{});
  channel.acknowledge(first);
  channel.call<CommitOk>(Commit{});
  channel.acknowledge(first);
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - unknown delivery tag 1");
}

TEST_F(TransactionTest, ReturnsComeAtTheCommit) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.call<SelectOk>(Select{});
  channel.publish("", "nowhere", "body", {.mandatory = true});
  channel.synchronize();
  EXPECT_FALSE(client.has_frame(channel.number()));
  channel.send(Commit{});
  EXPECT_EQ(channel.next_return().body, "body");
  channel.expect<CommitOk>();
}

TEST_F(TransactionTest, DoNotGoTogetherWithConfirms) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.select_confirms();
  channel.send(Select{});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - cannot switch from confirm to tx mode");
  channel = client.open_channel();
  channel.call<SelectOk>(Select{});
  channel.send(protocol::confirm::Select{});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - cannot switch from tx to confirm mode");
}

TEST_F(TransactionTest, MustHaveBegunToEnd) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.send(Commit{});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - channel is not transactional");
  channel = client.open_channel();
  channel.send(Rollback{});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - channel is not transactional");
}

// --- direct reply-to

using ReplyTest = BrokerTest;
constexpr std::string_view reply_queue = "amq.rabbitmq.reply-to";

TEST_F(ReplyTest, AnAnswerReachesWhoHasAsked) {
  auto asking = connect().open_channel();
  auto answering = connect().open_channel();
  answering.declare_queue("requests");
  answering.consume("requests", {.no_ack = NoAck::yes});
  asking.consume(reply_queue, {.tag = "answers", .no_ack = NoAck::yes});
  asking.publish("", "requests", "question", {.properties = {.correlation_id = "1", .reply_to = reply_queue}});
  const auto request = answering.next_delivery();
  const std::string address{*request.properties().reply_to};
  EXPECT_TRUE(address.starts_with("amq.rabbitmq.reply-to.")) << address;
  EXPECT_EQ(answering.declare_queue(address, {.passive = true}).consumers, 1u);
  answering.publish("", address, "answer", {.properties = {.correlation_id = "1"}, .mandatory = true});
  const auto answer = asking.next_delivery();
  EXPECT_EQ(answer.body, "answer");
  EXPECT_EQ(answer.consumer_tag, "answers");
  EXPECT_EQ(answer.properties().correlation_id, "1");
  answering.synchronize();
  EXPECT_FALSE(answering.client().has_frame(answering.number())) << "it has been delivered, so it is not returned";
}

TEST_F(ReplyTest, AnAnswerForNobodyIsReturned) {
  auto& asking_client = connect();
  auto asking = asking_client.open_channel();
  auto answering = connect().open_channel();
  answering.declare_queue("requests");
  asking.consume(reply_queue, {.no_ack = NoAck::yes});
  asking.publish("", "requests", "question", {.properties = {.reply_to = reply_queue}});
  asking.synchronize();
  wait_until([&] { return answering.counts_of("requests").messages == 1; }, "the request is there");
  const std::string address{*answering.get("requests").properties().reply_to};
  asking.close();
  answering.publish("", address, "answer", {.mandatory = true});
  EXPECT_EQ(answering.next_return().body, "answer");
}

TEST_F(ReplyTest, ADeadLetterMayBeTheAnswer) {
  auto asking = connect().open_channel();
  auto channel = connect().open_channel();
  channel.declare_queue("requests");
  asking.consume(reply_queue, {.tag = "answers", .no_ack = NoAck::yes});
  asking.publish("", "requests", "question", {.properties = {.reply_to = reply_queue}});
  asking.synchronize();
  wait_until([&] { return channel.counts_of("requests").messages == 1; }, "the request is there");
  const std::string address{*channel.get("requests").properties().reply_to};
  channel.declare_queue(
      "late",
      {.arguments =
           FieldTableBuilder{}.put("x-dead-letter-exchange", "").put("x-dead-letter-routing-key", address).view()});
  channel.publish("", "late", "no answer in time", {.properties = {.correlation_id = "1", .expiration = "0"}});
  const auto answer = asking.next_delivery();
  EXPECT_EQ(answer.body, "no answer in time");
  EXPECT_EQ(answer.consumer_tag, "answers");
  EXPECT_EQ(answer.properties().correlation_id, "1");
}

TEST_F(ReplyTest, ItsQueueIsTheOneDeclaredLast) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.declare_queue(reply_queue);
  channel.send(protocol::queue::Purge{});
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'amq.rabbitmq.reply-to' in vhost '/'");
}

TEST_F(ReplyTest, NeedsAConsumerWithoutAcknowledgements) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.send(protocol::basic::Consume{.queue = reply_queue});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - reply consumer cannot acknowledge");
  channel = client.open_channel();
  channel.publish("", "q", "question", {.properties = {.reply_to = reply_queue}});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - fast reply consumer does not exist");
  channel = client.open_channel();
  channel.consume(reply_queue, {.no_ack = NoAck::yes});
  channel.send(protocol::basic::Consume{.queue = reply_queue, .no_ack = true});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - reply consumer already set");
}

}  // namespace
}  // namespace leveret::test
