#include <map>

#include "tests/support/broker_test.h"

/// The queue on one shard, its client on another, for everything a client can do to a queue.
namespace leveret::test {
namespace {

class FarQueueTest : public ShardsTest {
 protected:
  /// The queue "q" lives where `home_` is; `far_` is elsewhere.
  FarQueueTest() : home_(connect_to_shard(0).open_channel()), far_(connect_to_shard(1).open_channel()) {
    home_.declare_queue("q");
  }
  TestChannel open_far_channel() { return far_.client().open_channel(); }

  TestChannel home_;
  TestChannel far_;
};

TEST_F(FarQueueTest, DeclaringAgainAndPassivelyTellsItsCounts) {
  home_.publish_to("q", {"1", "2"});
  home_.consume(home_.declare_queue("").name);
  home_.synchronize();
  EXPECT_EQ(far_.declare_queue("q").messages, 2u);
  EXPECT_EQ(far_.counts_of("q").messages, 2u);
  far_.send(protocol::queue::Declare{.queue = "q", .durable = true});
  far_.expect_close(ReplyCode::precondition_failed,
                    "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but "
                    "current is 'false'");
}

TEST_F(FarQueueTest, PublishesArriveInOrder) {
  for (int i = 0; i < 500; ++i) far_.publish_to("q", std::to_string(i));
  EXPECT_EQ(far_.counts_of("q").messages, 500u) << "what one channel does arrives in that order, answers included";
  for (int i = 0; i < 500; ++i) EXPECT_EQ(home_.get("q", NoAck::yes).body, std::to_string(i));
}

TEST_F(FarQueueTest, PublishesAreConfirmed) {
  far_.select_confirms();
  for (int i = 0; i < 100; ++i) far_.publish_to("q", "body");
  far_.wait_for_confirms(100);
  EXPECT_EQ(home_.counts_of("q").messages, 100u);
}

TEST_F(FarQueueTest, OneMessageReachesQueuesOfBothShards) {
  far_.declare_queue("near-to-far");
  for (const auto queue : {"q", "near-to-far"}) far_.bind(queue, "amq.fanout", "");
  far_.select_confirms();
  const std::string large(300'000, 'x');
  far_.publish("amq.fanout", "", large);
  far_.publish("amq.fanout", "", "small");
  far_.wait_for_confirms(2);
  for (auto* channel : {&home_, &far_}) {
    EXPECT_EQ(channel->get("q").body, channel == &home_ ? large : "small");
    EXPECT_EQ(channel->get("near-to-far").body, channel == &home_ ? large : "small");
  }
}

TEST_F(FarQueueTest, FannedOutMessagesComeToEachFarConsumer) {
  const std::vector<std::string> queues{"q", "q2", "q3", "q4"};
  for (const auto& queue : queues) home_.declare_queue(queue);
  for (const auto& queue : queues) home_.bind(queue, "amq.fanout", "");
  home_.bind("q", "amq.direct", "");
  auto other = open_far_channel();
  for (const auto& queue : queues)
    (queue == "q2" ? other : far_).consume(queue, {.tag = queue, .no_ack = queue == "q3" ? NoAck::yes : NoAck::no});
  constexpr std::uint32_t rounds = 200;
  for (std::uint32_t i = 0; i < rounds; ++i) {
    home_.publish("amq.fanout", "", std::to_string(i) + std::string(i % 50 * 100, '.'));
    home_.publish("amq.direct", "", "to one alone");
  }
  std::map<std::string, std::uint32_t> fanned_out;
  std::uint32_t alone = 0;
  const auto take = [&](TestChannel& channel) {
    const auto message = channel.next_delivery();
    if (message.consumer_tag != "q3") channel.acknowledge(message);
    if (message.exchange == "amq.direct") {
      ASSERT_EQ(message.consumer_tag, "q");
      ASSERT_EQ(message.body, "to one alone");
      ++alone;
    } else {
      const std::uint32_t i = fanned_out[message.consumer_tag]++;
      ASSERT_EQ(message.body, std::to_string(i) + std::string(i % 50 * 100, '.')) << message.consumer_tag;
    }
  };
  for (std::uint32_t i = 0; i < rounds; ++i) take(other);
  for (std::uint32_t i = 0; i < 4 * rounds; ++i) take(far_);
  EXPECT_EQ(alone, rounds);
  for (const auto& queue : queues) {
    EXPECT_EQ(fanned_out[queue], rounds) << queue;
    EXPECT_EQ(home_.counts_of(queue).messages, 0u) << queue;
  }
}

TEST_F(FarQueueTest, GetTakesTheFirstOrNothing) {
  home_.publish_to("q", {"1", "2"});
  home_.synchronize();
  const auto first = far_.get("q");
  EXPECT_EQ(first.body, "1");
  EXPECT_EQ(first.messages_left, 1u);
  EXPECT_EQ(far_.get("q", NoAck::yes).body, "2");
  EXPECT_FALSE(far_.try_get("q"));
  far_.reject(first, Requeue::yes);
  const auto again = far_.get("q");
  EXPECT_EQ(again.body, "1");
  EXPECT_TRUE(again.is_redelivered);
}

TEST_F(FarQueueTest, PipelinedGetsAreAnsweredInOrder) {
  for (int i = 0; i < 50; ++i) far_.publish_to("q", std::to_string(i));
  std::string gets;
  for (int i = 0; i < 51; ++i) gets += frame_of(far_.number(), protocol::basic::Get{.queue = "q", .no_ack = true});
  far_.client().send_octets(gets);
  for (int i = 0; i < 50; ++i) {
    far_.expect<protocol::basic::GetOk>();
    far_.client().receive(far_.number());
    EXPECT_EQ(far_.client().receive(far_.number()).payload, std::to_string(i));
  }
  far_.expect<protocol::basic::GetEmpty>();
}

TEST_F(FarQueueTest, ConsumersGetEverythingInOrder) {
  for (int i = 0; i < 100; ++i) home_.publish_to("q", std::to_string(i));
  home_.synchronize();
  far_.consume("q");
  for (int i = 100; i < 200; ++i) home_.publish_to("q", std::to_string(i));
  for (int i = 0; i < 200; ++i) {
    const auto message = far_.next_delivery();
    EXPECT_EQ(message.body, std::to_string(i));
    EXPECT_EQ(message.delivery_tag, DeliveryTag{static_cast<std::uint64_t>(i) + 1});
    far_.acknowledge(message);
  }
  EXPECT_EQ(far_.counts_of("q").consumers, 1u);
}

TEST_F(FarQueueTest, ConsumeOkComesBeforeTheFirstDelivery) {
  home_.publish_to("q", "1");
  home_.synchronize();
  far_.send(protocol::basic::Consume{.queue = "q", .consumer_tag = "me"});
  EXPECT_EQ(far_.client().receive(far_.number()).method(), protocol::basic::ConsumeOk::id);
  EXPECT_EQ(far_.client().receive(far_.number()).method(), protocol::basic::Deliver::id);
}

TEST_F(FarQueueTest, PrefetchIsKept) {
  home_.publish_to("q", {"1", "2", "3", "4"});
  home_.synchronize();
  far_.limit_prefetch(2);
  far_.consume("q");
  const auto first = far_.next_delivery();
  EXPECT_EQ(far_.next_delivery().body, "2");
  EXPECT_EQ(far_.counts_of("q").messages, 2u);
  far_.acknowledge(first);
  EXPECT_EQ(far_.next_delivery().body, "3");
}

TEST_F(FarQueueTest, OrderIsKeptUnderAGlobalPrefetch) {
  for (int i = 0; i < 100; ++i) home_.publish_to("q", std::to_string(i));
  home_.synchronize();
  far_.limit_prefetch(1, true);
  far_.consume("q");
  for (int i = 0; i < 100; ++i) {
    const auto message = far_.next_delivery();
    EXPECT_EQ(message.body, std::to_string(i));
    EXPECT_FALSE(message.is_redelivered);
    far_.acknowledge(message);
  }
}

TEST_F(FarQueueTest, AGlobalPrefetchIsSharedByQueuesOfBothShards) {
  far_.declare_queue("near-to-far");
  for (int i = 0; i < 20; ++i)
    for (const auto queue : {"q", "near-to-far"}) far_.publish_to(queue, std::to_string(i));
  far_.limit_prefetch(3, true);
  const auto far_tag = far_.consume("q");
  far_.consume("near-to-far");
  int next_far = 0, next_near = 0;
  for (int i = 0; i < 40; ++i) {
    const auto message = far_.next_delivery();
    EXPECT_EQ(message.body, std::to_string(message.consumer_tag == far_tag ? next_far++ : next_near++));
    far_.acknowledge(message);
  }
}

TEST_F(FarQueueTest, RequeuedMessagesReturnToTheirPlace) {
  home_.publish_to("q", {"1", "2", "3"});
  home_.synchronize();
  std::vector<ReceivedMessage> held;
  for (int i = 0; i < 3; ++i) held.push_back(far_.get("q"));
  for (const std::size_t i : {2u, 0u, 1u}) far_.reject(held[i], Requeue::yes);
  EXPECT_EQ(far_.counts_of("q").messages, 3u);
  EXPECT_THAT(home_.drain_bodies("q"), ElementsAre("1", "2", "3"));
}

TEST_F(FarQueueTest, NackAndRecoverReachIt) {
  home_.publish_to("q", {"1", "2", "3"});
  home_.synchronize();
  far_.get("q");
  far_.nack(far_.get("q"), Multiple::yes, Requeue::no);
  far_.get("q");
  EXPECT_EQ(far_.counts_of("q").messages, 0u);
  far_.call<protocol::basic::RecoverOk>(protocol::basic::Recover{.requeue = true});
  EXPECT_EQ(far_.counts_of("q").messages, 1u);
  EXPECT_THAT(far_.drain_bodies("q"), ElementsAre("3"));
}

TEST_F(FarQueueTest, WhatAClosedChannelHeldReturns) {
  home_.publish_to("q", {"1", "2", "3"});
  home_.synchronize();
  far_.consume("q");
  far_.next_bodies(3);
  far_.close();
  auto again = open_far_channel();
  EXPECT_EQ(again.counts_of("q").messages, 3u);
  EXPECT_EQ(again.counts_of("q").consumers, 0u);
  const auto messages = again.drain("q");
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].body, "1");
  EXPECT_TRUE(messages[2].is_redelivered);
}

TEST_F(FarQueueTest, WhatAVanishedClientHeldReturns) {
  for (int i = 0; i < 50; ++i) home_.publish_to("q", std::to_string(i));
  home_.synchronize();
  far_.consume("q");
  far_.next_bodies(20);
  far_.client().vanish();
  wait_until([&] { return home_.counts_of("q").messages == 50; }, "all have returned");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(home_.get("q", NoAck::yes).body, std::to_string(i));
}

TEST_F(FarQueueTest, CancelEndsDeliveriesForGood) {
  for (int i = 0; i < 100; ++i) home_.publish_to("q", "body");
  home_.synchronize();
  const auto tag = far_.consume("q", {.no_ack = NoAck::yes});
  far_.cancel(tag);
  std::uint32_t delivered = 0;
  for (; far_.has_delivery(); ++delivered) far_.next_delivery();
  const auto left = far_.counts_of("q").messages;
  EXPECT_EQ(delivered + left, 100u) << "none is lost on its way";
  EXPECT_FALSE(far_.has_delivery());
  far_.publish_to("q", "one more");
  EXPECT_EQ(far_.counts_of("q").messages, left + 1);
}

TEST_F(FarQueueTest, AnAutoDeleteQueueGoesWithItsFarConsumer) {
  home_.declare_queue("passing", {.auto_delete = true});
  far_.cancel(far_.consume("passing"));
  far_.send(protocol::queue::Declare{.queue = "passing", .passive = true});
  far_.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'passing' in vhost '/'");
}

TEST_F(FarQueueTest, PurgeAndDeleteCountItsMessages) {
  home_.publish_to("q", {"1", "2", "3"});
  home_.synchronize();
  EXPECT_EQ(far_.purge("q"), 3u);
  far_.publish_to("q", {"4", "5"});
  EXPECT_EQ(far_.delete_queue("q"), 2u);
  home_.send(protocol::queue::Declare{.queue = "q", .passive = true});
  home_.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'q' in vhost '/'");
}

TEST_F(FarQueueTest, DeletingMindsUseAndMessages) {
  home_.publish_to("q", "1");
  home_.synchronize();
  far_.send(protocol::queue::Delete{.queue = "q", .if_empty = true});
  far_.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty");
  home_.consume("q");
  far_ = open_far_channel();
  far_.send(protocol::queue::Delete{.queue = "q", .if_unused = true});
  far_.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use");
}

TEST_F(FarQueueTest, ItsConsumersAreToldWhenItGoes) {
  far_.consume("q", {.tag = "me"});
  home_.delete_queue("q");
  EXPECT_EQ(far_.next_cancellation(), "me");
  far_.synchronize();
}

TEST_F(FarQueueTest, ExclusiveConsumersAreAloneOverAllShards) {
  const std::string in_use = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use";
  const auto tag = far_.consume("q", {.exclusive = true});
  home_.send(protocol::basic::Consume{.queue = "q"});
  home_.expect_close(ReplyCode::access_refused, in_use);
  far_.cancel(tag);
  home_ = home_.client().open_channel();
  home_.consume("q");
  far_.send(protocol::basic::Consume{.queue = "q", .exclusive = true});
  far_.expect_close(ReplyCode::access_refused, in_use);
}

TEST_F(FarQueueTest, ExclusiveQueuesAreLockedOverAllShards) {
  home_.declare_queue("mine", {.exclusive = true});
  far_.send(protocol::basic::Get{.queue = "mine"});
  EXPECT_EQ(far_.expect<protocol::channel::Close>().reply_code, 405);
}

TEST_F(FarQueueTest, TransactionsReachIt) {
  far_.declare_queue("near-to-far");
  home_.publish_to("q", {"1", "2"});
  home_.synchronize();
  far_.call<protocol::tx::SelectOk>(protocol::tx::Select{});
  const auto first = far_.get("q");
  far_.publish_to("q", "3");
  far_.publish_to("near-to-far", "4");
  far_.acknowledge(first);
  far_.call<protocol::tx::CommitOk>(protocol::tx::Commit{});
  EXPECT_EQ(home_.counts_of("q").messages, 2u);
  EXPECT_EQ(home_.counts_of("near-to-far").messages, 1u);
  far_.publish_to("q", "never");
  far_.call<protocol::tx::RollbackOk>(protocol::tx::Rollback{});
  far_.close();
  EXPECT_THAT(home_.drain_bodies("q"), ElementsAre("2", "3"));
}

TEST_F(FarQueueTest, ThoseOfSeveralShardsTakeTurns) {
  far_.consume("q");
  home_.consume("q");
  auto publisher = home_.client().open_channel();
  publisher.publish_to("q", {"1", "2", "3", "4"});
  EXPECT_THAT(far_.next_bodies(2), ElementsAre("1", "3"));
  EXPECT_THAT(home_.next_bodies(2), ElementsAre("2", "4"));
}

TEST_F(FarQueueTest, AnswersOfDirectReplyToCrossOver) {
  constexpr std::string_view reply_queue = "amq.rabbitmq.reply-to";
  far_.consume(reply_queue, {.no_ack = NoAck::yes});
  far_.publish("", "q", "question", {.properties = {.reply_to = reply_queue}});
  EXPECT_EQ(far_.counts_of("q").messages, 1u);
  const auto request = home_.get("q");
  home_.publish_to(*request.properties().reply_to, "answer");
  EXPECT_EQ(far_.next_delivery().body, "answer");
}

TEST_F(FarQueueTest, AClientThatDoesNotReadStopsItsDeliveriesAlone) {
  TestClient& slow_client = clients_.emplace_back(broker_.port(), TestClient::Options{.receive_buffer_octets = 4096});
  auto slow = slow_client.open_channel();
  const std::string body(100'000, 'x');
  constexpr std::uint32_t count = 600;
  for (std::uint32_t i = 0; i < count; ++i) home_.publish_to("q", body);
  slow.send(protocol::basic::Consume{.queue = "q", .consumer_tag = "slow"});
  wait_until([&] { return home_.counts_of("q").consumers == 1; }, "it consumes");
  EXPECT_GT(home_.counts_of("q").messages, count / 2) << "far from all has been sent to it";
  far_.publish_to("q", "last");
  slow.expect<protocol::basic::ConsumeOk>();
  for (std::uint32_t i = 0; i < count; ++i) EXPECT_EQ(slow.next_delivery().body.size(), body.size());
  EXPECT_EQ(slow.next_delivery().body, "last");
}

TEST_F(FarQueueTest, DeliveryTagsRiseWithTheFramesOverQueuesOfBothShards) {
  auto publisher = home_.client().open_channel();
  far_.declare_queue("near-to-far");
  for (const auto queue : {"q", "near-to-far"}) far_.consume(queue);
  for (int i = 0; i < 200; ++i) publisher.publish_to(i % 2 ? "q" : "near-to-far", "body");
  for (std::uint64_t tag = 1; tag <= 200; ++tag) EXPECT_EQ(far_.next_delivery().delivery_tag, DeliveryTag{tag});
}

TEST_F(FarQueueTest, QueuesThatComeAndGoUnderTrafficLoseNobodysConfirms) {
  far_.select_confirms();
  constexpr std::uint64_t rounds = 30, each = 10;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    home_.declare_queue("passing");
    for (std::uint64_t i = 0; i < each / 2; ++i) far_.publish_to("passing", "body");
    home_.delete_queue("passing");
    for (std::uint64_t i = 0; i < each / 2; ++i) far_.publish_to("passing", "body");
  }
  far_.wait_for_confirms(rounds * each);
}

}  // namespace
}  // namespace leveret::test
