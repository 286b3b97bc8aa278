#include <map>
#include <set>

#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

using ConsumerTest = BrokerTest;
using protocol::basic::Consume;

TEST_F(ConsumerTest, GetsWhatIsThereAndWhatComes) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2"});
  const auto tag = channel.consume("q", {.tag = "me"});
  EXPECT_EQ(tag, "me");
  channel.publish_to("q", "3");
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const auto message = channel.next_delivery();
    EXPECT_EQ(message.body, std::to_string(i));
    EXPECT_EQ(message.delivery_tag, DeliveryTag{i});
    EXPECT_EQ(message.consumer_tag, "me");
    EXPECT_FALSE(message.is_redelivered);
  }
}

TEST_F(ConsumerTest, IsNamedByTheServerWhenItHasNoTag) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  const auto tag = channel.consume("q");
  EXPECT_TRUE(tag.starts_with("amq.ctag-")) << tag;
  EXPECT_NE(channel.consume("q"), tag);
}

TEST_F(ConsumerTest, ATagUsedTwiceEndsTheConnection) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.consume("q", {.tag = "me"});
  channel.send(Consume{.queue = "q", .consumer_tag = "me"});
  channel.client().expect_close(ReplyCode::not_allowed, "NOT_ALLOWED - attempt to reuse consumer tag 'me'");
}

TEST_F(ConsumerTest, HoldsNoMoreThanItsPrefetch) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3", "4", "5"});
  channel.limit_prefetch(2);
  channel.consume("q");
  const auto first = channel.next_delivery();
  channel.next_delivery();
  EXPECT_EQ(channel.counts_of("q").messages, 3u);
  EXPECT_FALSE(channel.has_delivery());
  channel.acknowledge(first);
  EXPECT_EQ(channel.next_delivery().body, "3");
  EXPECT_EQ(channel.counts_of("q").messages, 2u);
}

TEST_F(ConsumerTest, EachHasItsOwnPrefetch) {
  auto channel = connect().open_channel();
  for (const auto queue : {"one", "two"}) {
    channel.declare_queue(queue);
    channel.publish_to(queue, {"1", "2", "3"});
  }
  channel.limit_prefetch(1);
  channel.consume("one");
  channel.limit_prefetch(2);
  channel.consume("two");
  EXPECT_EQ(channel.counts_of("one").messages, 2u);
  EXPECT_EQ(channel.counts_of("two").messages, 1u);
}

TEST_F(ConsumerTest, AllOfAChannelShareTheGlobalPrefetch) {
  auto channel = connect().open_channel();
  for (const auto queue : {"one", "two"}) {
    channel.declare_queue(queue);
    channel.publish_to(queue, {"1", "2", "3"});
  }
  channel.limit_prefetch(4, true);
  channel.consume("one");
  channel.consume("two");
  EXPECT_EQ(channel.counts_of("one").messages + channel.counts_of("two").messages, 2u);
  for (int i = 0; i < 6; ++i) channel.acknowledge(channel.next_delivery());
  EXPECT_EQ(channel.counts_of("one").messages + channel.counts_of("two").messages, 0u);
}

TEST_F(ConsumerTest, ThoseOfAQueueTakeTurnsUnderAGlobalPrefetch) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3", "4", "5", "6"});
  channel.limit_prefetch(1, true);
  for (const auto tag : {"a", "b", "c"}) channel.consume("q", {.tag = tag});
  std::map<std::string, unsigned> served;
  for (int i = 0; i < 6; ++i) {
    const auto message = channel.next_delivery();
    ++served[message.consumer_tag];
    channel.acknowledge(message);
  }
  EXPECT_EQ(served.size(), 3u) << "nobody starves";
}

TEST_F(ConsumerTest, ThoseOfSeveralQueuesTakeTurnsUnderAGlobalPrefetch) {
  auto channel = connect().open_channel();
  channel.limit_prefetch(1, true);
  for (const auto queue : {"a", "b", "c"}) {
    channel.declare_queue(queue);
    channel.publish_to(queue, {"1", "2", "3"});
    channel.consume(queue, {.tag = queue});
  }
  std::set<std::string> served;
  for (int i = 0; i < 4; ++i) {
    const auto message = channel.next_delivery();
    served.insert(message.consumer_tag);
    channel.acknowledge(message);
  }
  EXPECT_EQ(served.size(), 3u);
}

TEST_F(ConsumerTest, ThoseOfHigherPriorityGoFirstUnderAGlobalPrefetch) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.limit_prefetch(1, true);
  channel.consume("q", {.tag = "lower"});
  channel.consume("q", {.tag = "higher", .arguments = FieldTableBuilder{}.put("x-priority", 1).view()});
  channel.publish_to("q", {"1", "2", "3"});
  for (int i = 0; i < 3; ++i) {
    const auto message = channel.next_delivery();
    EXPECT_EQ(message.consumer_tag, "higher");
    channel.acknowledge(message);
  }
}

TEST_F(ConsumerTest, OneWithoutAcknowledgementsWaitsForTheGlobalPrefetchAsWell) {
  auto channel = connect().open_channel();
  channel.declare_queue("held");
  channel.declare_queue("free");
  channel.limit_prefetch(1, true);
  channel.consume("held");
  channel.consume("free", {.no_ack = NoAck::yes});
  channel.publish_to("held", {"1"});
  const auto held = channel.next_delivery();
  channel.publish_to("free", {"2", "3"});
  if (shards_under_test() == 1) {
    EXPECT_EQ(channel.counts_of("free").messages, 2u);
  }
  channel.acknowledge(held);
  EXPECT_THAT(channel.next_bodies(2), ElementsAre("2", "3"));
}

TEST_F(ConsumerTest, RaisingTheGlobalPrefetchReleasesMore) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2", "3"});
  channel.limit_prefetch(1, true);
  channel.consume("q");
  EXPECT_EQ(channel.next_delivery().body, "1");
  EXPECT_EQ(channel.counts_of("q").messages, 2u);
  channel.limit_prefetch(0, true);
  EXPECT_THAT(channel.next_bodies(2), ElementsAre("2", "3"));
}

TEST_F(ConsumerTest, ALimitForEachConsumerLiftsTheOneForAll) {
  auto channel = connect().open_channel();
  channel.declare_queue("one");
  channel.declare_queue("two");
  channel.publish_to("one", {"1"});
  channel.publish_to("two", {"2"});
  channel.limit_prefetch(1, true);
  channel.limit_prefetch(1);
  channel.consume("one");
  channel.consume("two");
  EXPECT_THAT(channel.next_bodies(2), UnorderedElementsAre("1", "2"));
}

TEST_F(ConsumerTest, APrefetchInOctetsIsNotImplemented) {
  auto channel = connect().open_channel();
  channel.send(protocol::basic::Qos{.prefetch_size = 1});
  channel.client().expect_close(ReplyCode::not_implemented, "NOT_IMPLEMENTED - prefetch_size!=0 (1)");
}

TEST_F(ConsumerTest, WithoutAcknowledgementsHoldsNothing) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("q");
  channel.limit_prefetch(1);
  channel.consume("q", {.no_ack = NoAck::yes});
  channel.publish_to("q", {"1", "2", "3"});
  EXPECT_THAT(channel.next_bodies(3), ElementsAre("1", "2", "3"));
  channel.close();
  EXPECT_EQ(client.open_channel().counts_of("q").messages, 0u);
}

TEST_F(ConsumerTest, ThoseOfAQueueTakeTurns) {
  auto publisher = connect().open_channel();
  auto first = connect().open_channel();
  auto second = connect().open_channel();
  publisher.declare_queue("q");
  first.consume("q");
  second.consume("q");
  publisher.publish_to("q", {"1", "2", "3", "4"});
  EXPECT_THAT(first.next_bodies(2), ElementsAre("1", "3"));
  EXPECT_THAT(second.next_bodies(2), ElementsAre("2", "4"));
}

/// RabbitMQ's quorum queues and streams know no prefetch of a whole channel.
TEST_F(ConsumerTest, OfQuorumQueuesAndStreamsAreFreeOfTheChannelsPrefetch) {
  auto publisher = connect().open_channel();
  auto channel = connect().open_channel();
  channel.limit_prefetch(10);
  for (const auto type : {"classic", "quorum", "stream"}) {
    channel.declare_queue(type, {.durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", type).view()});
    channel.consume(type);
  }
  channel.limit_prefetch(1, true);
  publisher.publish_to("classic", {"classic", "held back"});
  const auto classic = channel.next_delivery();
  EXPECT_EQ(classic.body, "classic");
  for (const auto type : {"quorum", "stream"}) {
    publisher.publish_to(type, {"1", "2", "3"});
    EXPECT_THAT(channel.next_bodies(3), ElementsAre("1", "2", "3")) << type;
  }
  EXPECT_FALSE(channel.has_delivery());
  channel.acknowledge(classic);
  EXPECT_EQ(channel.next_delivery().body, "held back") << "those of the other two do not count";
}

TEST_F(ConsumerTest, ThoseOfHigherPriorityGoFirst) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  FieldTableBuilder arguments;
  arguments.put("x-priority", 10);
  channel.limit_prefetch(2);
  const auto usual = channel.consume("q");
  const auto preferred = channel.consume("q", {.arguments = arguments.view()});
  channel.publish_to("q", {"1", "2", "3"});
  EXPECT_EQ(channel.next_delivery().consumer_tag, preferred);
  EXPECT_EQ(channel.next_delivery().consumer_tag, preferred);
  EXPECT_EQ(channel.next_delivery().consumer_tag, usual) << "when the preferred one has no credit left";
}

TEST_F(ConsumerTest, APriorityThatIsNoNumberEndsTheChannel) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  FieldTableBuilder arguments;
  arguments.put("x-priority", std::string_view{"high"});
  channel.send(Consume{.queue = "q", .arguments = arguments.view()});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'q' in vhost '/': \"expected integer, "
                       "got longstr\"");
}

TEST_F(ConsumerTest, AnExclusiveOneIsAlone) {
  auto channel = connect().open_channel();
  auto other = connect().open_channel();
  const std::string in_use = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use";
  channel.declare_queue("q");
  const auto tag = channel.consume("q", {.exclusive = true});
  other.send(Consume{.queue = "q"});
  other.expect_close(ReplyCode::access_refused, in_use);
  channel.cancel(tag);
  channel.consume("q");
  other = other.client().open_channel();
  other.send(Consume{.queue = "q", .exclusive = true});
  other.expect_close(ReplyCode::access_refused, in_use);
}

TEST_F(ConsumerTest, IsToldWhenItsQueueGoes) {
  auto channel = connect().open_channel();
  auto other = connect().open_channel();
  auto& silent_client = connect({.has_capabilities = false});
  auto silent = silent_client.open_channel();
  channel.declare_queue("q");
  channel.consume("q", {.tag = "me"});
  silent.consume("q");
  other.delete_queue("q");
  EXPECT_EQ(channel.next_cancellation(), "me");
  channel.consume(channel.declare_queue("").name, {.tag = "me"});
  silent.synchronize();
  EXPECT_FALSE(silent_client.has_frame(silent.number())) << "this client has not asked to be told";
}

TEST_F(ConsumerTest, GetsNothingOnceItIsCancelled) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  const auto tag = channel.consume("q");
  channel.publish_to("q", "1");
  const auto held = channel.next_delivery();
  channel.cancel(tag);
  channel.publish_to("q", "2");
  EXPECT_EQ(channel.counts_of("q").messages, 1u);
  EXPECT_FALSE(channel.has_delivery());
  channel.acknowledge(held);
  channel.cancel("nobody");  // succeeds
}

TEST_F(ConsumerTest, DeliveryTagsRiseWithTheFramesOverAllQueues) {
  auto publisher = connect().open_channel();
  auto channel = connect().open_channel();
  constexpr int queues = 5, each = 40;
  for (int i = 0; i < queues; ++i) {
    publisher.declare_queue("q" + std::to_string(i));
    channel.consume("q" + std::to_string(i));
  }
  for (int i = 0; i < queues * each; ++i) publisher.publish_to("q" + std::to_string(i % queues), "body");
  for (std::uint64_t tag = 1; tag <= queues * each; ++tag)
    EXPECT_EQ(channel.next_delivery().delivery_tag, DeliveryTag{tag});
}

TEST_F(ConsumerTest, AMessageThatItsConsumerRequeuesGoesToAnother) {
  auto publisher = connect().open_channel();
  auto first = connect().open_channel();
  auto second = connect().open_channel();
  publisher.declare_queue("q");
  first.limit_prefetch(1);
  first.consume("q");
  publisher.publish_to("q", "1");
  const auto message = first.next_delivery();
  second.consume("q");
  first.reject(message, Requeue::yes);
  const auto again = second.next_delivery();
  EXPECT_EQ(again.body, "1");
  EXPECT_TRUE(again.is_redelivered);
}

}  // namespace
}  // namespace leveret::test
