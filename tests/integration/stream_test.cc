#include "tests/support/broker_test.h"
#include "tests/support/standing_store.h"

namespace leveret::test {
namespace {

using std::chrono_literals::operator""h;

FieldTableBuilder stream_arguments() {
  FieldTableBuilder arguments;
  arguments.put("x-queue-type", "stream");
  return arguments;
}

void declare_stream(TestChannel& channel, std::string_view name, FieldTableBuilder arguments = stream_arguments()) {
  channel.declare_queue(name, {.durable = true, .arguments = arguments.view()});
}

/// Publishes to "s" the numbers from `first` on, each in a message of its own, and waits until they are confirmed: the
/// channel has published those before as well, and nothing else.
void publish_numbers(TestChannel& channel, int first, int end, std::string_view padding = {}) {
  for (int number = first; number < end; ++number)
    channel.publish_to("s", std::to_string(number) + std::string{padding});
  if (first == end) return;
  while (channel.next_confirm().delivery_tag < DeliveryTag{static_cast<std::uint64_t>(end)}) continue;
}

template <class T>
FieldTableBuilder from(const T& offset) {
  return FieldTableBuilder{}.put("x-stream-offset", offset);
}

std::int64_t offset_of(const ReceivedMessage& message) {
  return message.properties().headers->find("x-stream-offset")->as_integer().value();
}

std::vector<std::string> numbers(int first, int end) {
  std::vector<std::string> result;
  for (int number = first; number < end; ++number) result.push_back(std::to_string(number));
  return result;
}

/// What a new consumer gets that acknowledges as it goes, `count` messages.
std::vector<std::string> read_bodies(TestClient& client, const FieldTableBuilder& arguments, std::size_t count) {
  auto channel = client.open_channel();
  channel.limit_prefetch(100);
  channel.consume("s", {.arguments = arguments.view()});
  std::vector<std::string> bodies;
  while (bodies.size() < count) {
    const auto message = channel.next_delivery();
    bodies.push_back(message.body);
    channel.acknowledge(message);
  }
  return bodies;
}

class StreamTest : public BrokerTest {
 protected:
  /// A channel that has declared "s" and published the first `count` numbers to it.
  TestChannel filled(int count, FieldTableBuilder arguments = stream_arguments()) {
    auto channel = connect().open_channel();
    declare_stream(channel, "s", std::move(arguments));
    channel.select_confirms();
    publish_numbers(channel, 0, count);
    return channel;
  }
};

// --- reading

TEST_F(StreamTest, IsReadByEveryConsumerFromItsFirstMessageOn) {
  filled(50);
  for (int reader = 0; reader < 3; ++reader) EXPECT_EQ(read_bodies(connect(), from("first"), 50), numbers(0, 50));
}

TEST_F(StreamTest, NumbersItsMessagesInAHeader) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s");
  const auto headers = FieldTableBuilder{}.put("x-stream-offset", 77).put("mine", "x");
  channel.publish("", "s", "0", {.properties = {.content_type = "text/plain", .headers = headers.view()}});
  channel.publish("", "s", "1", {.properties = {.content_encoding = "none", .delivery_mode = 1, .message_id = "m"}});
  channel.publish("", "s", "2");
  channel.limit_prefetch(10);
  channel.consume("s", {.arguments = from("first").view()});
  const auto first = channel.next_delivery();
  EXPECT_EQ(offset_of(first), 0) << "whatever the publisher said";
  EXPECT_EQ(first.properties().headers->find("mine")->as_text(), "x");
  EXPECT_EQ(first.properties().content_type, "text/plain");
  const auto second = channel.next_delivery();
  EXPECT_EQ(offset_of(second), 1);
  EXPECT_EQ(second.properties().message_id, "m");
  EXPECT_EQ(second.properties().content_encoding, "none");
  EXPECT_EQ(second.properties().delivery_mode, std::uint8_t{1});
  EXPECT_EQ(offset_of(channel.next_delivery()), 2);
}

TEST_F(StreamTest, AConsumerBeginsWhereItSays) {
  filled(10);
  EXPECT_EQ(read_bodies(connect(), from(7), 3), numbers(7, 10));
  EXPECT_EQ(read_bodies(connect(), from(-1), 10), numbers(0, 10));
  EXPECT_EQ(read_bodies(connect(), from("last"), 1), numbers(9, 10));
}

TEST_F(StreamTest, AConsumerThatSaysNothingGetsWhatIsNew) {
  auto publisher = filled(10);
  auto channel = connect().open_channel();
  channel.limit_prefetch(10);
  channel.consume("s");
  publish_numbers(publisher, 10, 12);
  EXPECT_EQ(channel.next_bodies(2), numbers(10, 12));
}

TEST_F(StreamTest, AConsumerWaitsForAnOffsetThatLiesAhead) {
  auto publisher = filled(2);
  auto channel = connect().open_channel();
  channel.limit_prefetch(10);
  channel.consume("s", {.arguments = from(4).view()});
  publish_numbers(publisher, 2, 6);
  EXPECT_EQ(channel.next_bodies(2), numbers(4, 6));
}

TEST_F(StreamTest, ATimeIsFoundAmongManyMessages) {
  auto publisher = filled(0);
  for (int number = 0; number < 40; ++number) {
    publish_numbers(publisher, number, number + 1);
    broker_.clock().advance(10s);
  }
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(broker_.clock().wall_now().time_since_epoch());
  const auto ago = [&](std::chrono::seconds span) {
    return protocol::Timestamp{static_cast<std::uint64_t>((now - span).count())};
  };
  EXPECT_EQ(read_bodies(connect(), from(ago(100s)), 10), numbers(30, 40));
  EXPECT_EQ(read_bodies(connect(), from(ago(95s)), 9), numbers(31, 40));
  EXPECT_EQ(read_bodies(connect(), from(ago(10'000s)), 40), numbers(0, 40));
  EXPECT_EQ(read_bodies(connect(), from("200s"), 20), numbers(20, 40));
  auto channel = connect().open_channel();
  channel.limit_prefetch(10);
  channel.consume("s", {.arguments = from(ago(0s)).view()});
  publish_numbers(publisher, 40, 41);
  EXPECT_EQ(channel.next_bodies(1), numbers(40, 41));
}

TEST_F(StreamTest, AcknowledgementsGiveCreditAndNothingElse) {
  filled(10);
  auto channel = connect().open_channel();
  channel.limit_prefetch(3);
  channel.consume("s", {.arguments = from("first").view()});
  EXPECT_EQ(channel.next_bodies(2), numbers(0, 2));
  const auto third = channel.next_delivery();
  channel.synchronize();
  EXPECT_FALSE(channel.has_delivery());
  channel.acknowledge(third, Multiple::yes);
  EXPECT_EQ(channel.next_bodies(3), numbers(3, 6));
  channel.synchronize();
  EXPECT_FALSE(channel.has_delivery());
  EXPECT_EQ(channel.counts_of("s").messages, 10u);
}

TEST_F(StreamTest, RecoverGivesCreditAsWell) {
  filled(4);
  auto channel = connect().open_channel();
  channel.limit_prefetch(2);
  channel.consume("s", {.arguments = from("first").view()});
  EXPECT_EQ(channel.next_bodies(2), numbers(0, 2));
  channel.call<protocol::basic::RecoverOk>(protocol::basic::Recover{.requeue = true});
  EXPECT_EQ(channel.next_bodies(2), numbers(2, 4));
}

TEST_F(StreamTest, ASlowConsumerHoldsUpNobody) {
  auto publisher = filled(0);
  auto& slow = connect();
  auto unread = slow.open_channel();
  unread.limit_prefetch(1000);
  unread.consume("s", {.arguments = from("first").view()});
  const std::string padding(20'000, '.');
  publish_numbers(publisher, 0, 200, padding);
  EXPECT_EQ(read_bodies(connect(), from("first"), 200).back(), "199" + padding);
  EXPECT_EQ(unread.next_bodies(200).back(), "199" + padding);
}

TEST_F(StreamTest, ConsumersAreToldWhenItIsDeleted) {
  auto publisher = filled(3);
  auto channel = connect().open_channel();
  channel.limit_prefetch(1);
  const auto tag = channel.consume("s");
  EXPECT_EQ(publisher.delete_queue("s", {.if_unused = true, .if_empty = true}), 0u) << "neither is heeded";
  EXPECT_EQ(channel.next_cancellation(), tag);
}

TEST_F(StreamTest, ExclusiveMeansNothing) {
  filled(2);
  auto channel = connect().open_channel();
  channel.limit_prefetch(10);
  channel.consume("s", {.tag = "one", .exclusive = true, .arguments = from("first").view()});
  channel.consume("s", {.tag = "two", .exclusive = true, .arguments = from("first").view()});
  EXPECT_EQ(channel.next_bodies(4).size(), 4u);
}

TEST_F(StreamTest, CountsItsMessagesAndNoConsumers) {
  auto channel = filled(5);
  channel.limit_prefetch(10);
  channel.consume("s");
  const auto counts = channel.counts_of("s");
  EXPECT_EQ(counts.messages, 5u);
  EXPECT_EQ(counts.consumers, 0u) << "as RabbitMQ";
}

// --- publishing

TEST_F(StreamTest, TakesWhatIsRoutedAndWhatIsDead) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s");
  channel.bind("s", "amq.topic", "a.#");
  channel.publish("amq.topic", "a.b", "routed", {.mandatory = true});
  const auto arguments = FieldTableBuilder{}
                             .put("x-dead-letter-exchange", "")
                             .put("x-dead-letter-routing-key", "s")
                             .put("x-max-length", 0);
  channel.declare_queue("q", {.arguments = arguments.view()});
  channel.publish_to("q", "dead");
  channel.limit_prefetch(10);
  channel.consume("s", {.arguments = from("first").view()});
  EXPECT_EQ(channel.next_delivery().routing_key, "a.b");
  const auto dead = channel.next_delivery();
  EXPECT_EQ(dead.body, "dead");
  EXPECT_TRUE(dead.properties().headers->find("x-death"));
  EXPECT_EQ(offset_of(dead), 1);
}

TEST_F(StreamTest, IsTheDefaultTypeOfAVirtualHostThatSaysSo) {
  broker_.broker().put_virtual_host("/", {.default_queue_type = "stream"}).value();
  auto channel = connect().open_channel();
  channel.declare_queue("s", {.durable = true});
  channel.send(protocol::basic::Consume{.queue = "s"});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - consumer prefetch count is not set for 'queue 's' in vhost '/''");
  auto other = connect().open_channel();
  other.send(protocol::queue::Declare{.durable = true});
  other.expect_close(ReplyCode::precondition_failed,
                     "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_stream_queue");
}

// --- filters

TEST_F(StreamTest, AFilterLetsPassWhatItNames) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s");
  for (const auto value : {"a", "b", "", "c", "a"}) {
    const auto headers = FieldTableBuilder{}.put("x-stream-filter-value", value);
    channel.publish("", "s", value,
                    {.properties = *value ? BasicProperties{.headers = headers.view()} : BasicProperties{}});
  }
  EXPECT_THAT(read_bodies(connect(), from("first").put("x-stream-filter", "a"), 2), ElementsAre("a", "a"));
  FieldArrayBuilder values;
  values.add("b").add("c");
  EXPECT_THAT(read_bodies(connect(), from("first").put("x-stream-filter", values), 2), ElementsAre("b", "c"));
  const auto unfiltered = from("first").put("x-stream-filter", values).put("x-stream-match-unfiltered", true);
  EXPECT_THAT(read_bodies(connect(), unfiltered, 3), ElementsAre("b", "", "c"));
}

TEST_F(StreamTest, AFilterTakesNoCreditForWhatItKeepsBack) {
  auto publisher = filled(500);
  const auto headers = FieldTableBuilder{}.put("x-stream-filter-value", "a");
  publisher.publish("", "s", "at last", {.properties = {.headers = headers.view()}});
  EXPECT_THAT(read_bodies(connect(), from("first").put("x-stream-filter", "a"), 1), ElementsAre("at last"));
}

// --- retention

class StreamRetentionTest : public StreamTest {
 protected:
  /// The numbers a new consumer begins with, and ends with.
  std::string first_kept() { return read_bodies(connect(), from("first"), 1).front(); }
};

TEST_F(StreamRetentionTest, DropsTheOldestSegmentsAboveTheLength) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s",
                 stream_arguments().put("x-max-length-bytes", 5'000).put("x-stream-max-segment-size-bytes", 1'000));
  channel.select_confirms();
  const std::string padding(200, '.');
  publish_numbers(channel, 0, 100, padding);
  const auto kept = channel.counts_of("s").messages;
  EXPECT_GE(kept, 16u);
  EXPECT_LE(kept, 30u);
  EXPECT_EQ(first_kept(), std::to_string(100 - kept) + padding);
  EXPECT_EQ(read_bodies(connect(), from(0), kept).back(), "99" + padding) << "an offset that is gone is the first";
}

TEST_F(StreamRetentionTest, KeepsTheSegmentThatIsBeingWritten) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s", stream_arguments().put("x-max-length-bytes", 0));
  channel.select_confirms();
  publish_numbers(channel, 0, 100);
  EXPECT_EQ(channel.counts_of("s").messages, 100u);
}

TEST_F(StreamRetentionTest, DropsWhatIsTooOldWhenASegmentIsClosedOrInTime) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s", stream_arguments().put("x-max-age", "2h").put("x-stream-max-segment-size-bytes", 1'000));
  channel.select_confirms();
  const std::string padding(1'000, '.');
  publish_numbers(channel, 0, 10, padding);
  broker_.clock().advance(3h);
  publish_numbers(channel, 10, 20, padding);
  EXPECT_EQ(channel.counts_of("s").messages, 10u);
  EXPECT_EQ(first_kept(), "10" + padding);
  broker_.clock().advance(3h);
  wait_until([&] { return channel.counts_of("s").messages == 1; }, "all but the last segment goes");
  EXPECT_EQ(first_kept(), "19" + padding);
}

TEST_F(StreamRetentionTest, FollowsItsPolicy) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s", stream_arguments().put("x-stream-max-segment-size-bytes", 1'000));
  channel.select_confirms();
  publish_numbers(channel, 0, 10, std::string(1'000, '.'));
  const boost::json::object definition{{"max-length-bytes", 3'500}};
  broker_.broker().find_virtual_host("/")->put_policy(broker::PolicyKind::user,
                                                      {.name = "p", .pattern = ".*", .definition = definition});
  wait_until([&] { return channel.counts_of("s").messages == 3; }, "the policy is heeded");
}

// --- over a restart

class DurableStreamTest : public DurableBrokerTest, public testing::WithParamInterface<bool> {
 protected:
  void restart() { GetParam() ? restart_after_kill() : restart_cleanly(); }

  TestChannel filled(int count, FieldTableBuilder arguments = stream_arguments(), std::string_view padding = {}) {
    auto channel = connect().open_channel();
    declare_stream(channel, "s", std::move(arguments));
    channel.select_confirms();
    publish_numbers(channel, 0, count, padding);
    return channel;
  }
};

INSTANTIATE_TEST_SUITE_P(After, DurableStreamTest, testing::Bool(),
                         [](const auto& row) { return row.param ? "killed" : "clean"; });

TEST_P(DurableStreamTest, KeepsWhatWasConfirmedAndGoesOnCounting) {
  filled(300);
  restart();
  auto channel = connect().open_channel();
  EXPECT_EQ(channel.counts_of("s").messages, 300u);
  channel.select_confirms();
  channel.publish_to("s", "300");
  channel.wait_for_confirms(1);
  EXPECT_EQ(read_bodies(connect(), from("first"), 301), numbers(0, 301));
  channel.limit_prefetch(10);
  channel.consume("s", {.arguments = from("last").view()});
  EXPECT_EQ(offset_of(channel.next_delivery()), 300);
}

TEST_P(DurableStreamTest, KeepsItsSegments) {
  const std::string padding(1'000, '.');
  filled(10, stream_arguments().put("x-max-length-bytes", 5'500).put("x-stream-max-segment-size-bytes", 2'000),
         padding);
  const auto kept_before = connect().open_channel().counts_of("s").messages;
  restart();
  auto channel = connect().open_channel();
  const auto kept = channel.counts_of("s").messages;
  EXPECT_GE(kept, 3u);
  EXPECT_LE(kept, kept_before) << "a start looks at the limits as well";
  EXPECT_EQ(read_bodies(connect(), from("first"), 1).front(), std::to_string(10 - kept) + padding);
  channel.select_confirms();
  for (int number = 10; number < 20; ++number) channel.publish_to("s", std::to_string(number) + padding);
  channel.wait_for_confirms(10);
  EXPECT_NEAR(static_cast<double>(channel.counts_of("s").messages), static_cast<double>(kept), 2);
}

TEST_P(DurableStreamTest, NeverUsesAnOffsetAgain) {
  const std::string padding(1'000, '.');
  filled(10, stream_arguments().put("x-max-length-bytes", 0).put("x-stream-max-segment-size-bytes", 1), padding);
  restart();
  auto channel = connect().open_channel();
  channel.publish_to("s", "10");
  channel.limit_prefetch(10);
  channel.consume("s", {.arguments = from("first").view()});
  auto message = channel.next_delivery();
  if (message.body != "10") message = channel.next_delivery();
  EXPECT_EQ(offset_of(message), 10);
}

TEST_P(DurableStreamTest, FindsATimeInWhatIsOnDisk) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s", stream_arguments().put("x-stream-max-segment-size-bytes", 50'000));
  channel.select_confirms();
  const std::string padding(1'000, '.');
  for (int round = 0; round < 10; ++round) {
    publish_numbers(channel, round * 100, round * 100 + 100, padding);
    broker_.clock().advance(1min);
  }
  restart();
  EXPECT_EQ(read_bodies(connect(), from("3m"), 300).front(), "700" + padding);
  EXPECT_EQ(read_bodies(connect(), from("8m"), 1).front(), "200" + padding);
}

TEST_P(DurableStreamTest, IsGoneWhenItWasDeleted) {
  filled(10, stream_arguments().put("x-stream-max-segment-size-bytes", 1)).delete_queue("s");
  restart();
  auto channel = connect().open_channel();
  declare_stream(channel, "s");
  EXPECT_EQ(channel.counts_of("s").messages, 0u);
}

/// What has left memory; with `GetParam()` octets of it, next to nothing stays.
class StreamBacklogTest : public testing::Test, public testing::WithParamInterface<std::size_t> {
 protected:
  TestClient& connect() { return clients_.emplace_back(broker_.port(), TestClient::Options{}); }

  static TestBroker::Options options(const std::filesystem::path& directory) {
    TestBroker::Options options{.directory = directory};
    options.broker.queued_memory_max = GetParam();
    return options;
  }

  TemporaryDirectory directory_{};
  TestBroker broker_{options(directory_.path())};
  std::list<TestClient> clients_{};
};

INSTANTIATE_TEST_SUITE_P(Memory, StreamBacklogTest, testing::Values(64 * 1024, 64 * 1024 * 1024));

TEST_P(StreamBacklogTest, IsReadByManyConsumers) {
  constexpr int count = 12'000;
  const std::string padding(1'000, '.');
  auto channel = connect().open_channel();
  declare_stream(channel, "s");
  channel.select_confirms();
  for (int first = 0; first < count; first += 2'000) publish_numbers(channel, first, first + 2'000, padding);
  std::vector<TestChannel> readers;
  for (int offset = 0; offset < 4; ++offset) {
    readers.push_back(connect().open_channel());
    readers.back().limit_prefetch(200);
    readers.back().consume("s", {.arguments = from(offset * 100).view()});
  }
  for (int offset = 0; offset < 4; ++offset) {
    TestChannel& reader = readers[static_cast<std::size_t>(offset)];
    for (int number = offset * 100; number < count; ++number) {
      const auto message = reader.next_delivery();
      ASSERT_EQ(message.body, std::to_string(number) + padding);
      if (number % 50 == 49) reader.acknowledge(message, Multiple::yes);
    }
  }
}

// --- before it is on disk

class StandingStreamTest : public testing::Test {
 protected:
  ~StandingStreamTest() override { brake_.release(); }

  StandingStore::Brake brake_{};
  TestBroker broker_{
      {.broker = {.shards = 1}, .make_store = [this] { return std::make_unique<StandingStore>(brake_); }}};
  TestClient client_{broker_.port(), TestClient::Options{}};
};

TEST_F(StandingStreamTest, NothingIsReadThatACrashCouldTakeBack) {
  auto channel = client_.open_channel();
  declare_stream(channel, "s");
  channel.limit_prefetch(10);
  channel.consume("s", {.arguments = from("first").view()});
  brake_.engage();
  channel.publish_to("s", {"1", "2"});
  channel.synchronize();
  channel.synchronize();
  EXPECT_FALSE(channel.has_delivery());
  brake_.release();
  EXPECT_EQ(channel.next_bodies(2), numbers(1, 3));
}

// --- over shards

class StreamShardsTest : public ShardsTest {};

TEST_F(StreamShardsTest, AConsumerOfAnotherShardReadsToo) {
  auto channel = connect_to_shard(0).open_channel();
  declare_stream(channel, "s");
  channel.select_confirms();
  publish_numbers(channel, 0, 500);
  EXPECT_EQ(read_bodies(connect_to_shard(1), from("first"), 500), numbers(0, 500));
  EXPECT_EQ(read_bodies(connect_to_shard(0), from("first"), 500), numbers(0, 500));
}

// --- refusals

struct RefusedDeclaration {
  FieldTableBuilder arguments = stream_arguments();
  bool is_durable = true;
  bool is_exclusive = false;
  bool is_auto_delete = false;
  std::string text{};
  friend void PrintTo(const RefusedDeclaration& refused, std::ostream* out) { *out << refused.text; }
};

class StreamDeclaration : public BrokerTest, public testing::WithParamInterface<RefusedDeclaration> {};

TEST_P(StreamDeclaration, IsRefused) {
  auto channel = connect().open_channel();
  channel.send(protocol::queue::Declare{.queue = "s",
                                        .durable = GetParam().is_durable,
                                        .exclusive = GetParam().is_exclusive,
                                        .auto_delete = GetParam().is_auto_delete,
                                        .arguments = GetParam().arguments.view()});
  channel.expect_close(ReplyCode::precondition_failed, "PRECONDITION_FAILED - " + GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Which, StreamDeclaration,
    testing::Values(
        RefusedDeclaration{.is_durable = false, .text = "invalid property 'non-durable' for queue 's' in vhost '/'"},
        RefusedDeclaration{.is_exclusive = true,
                           .text = "invalid property 'exclusive-owner' for queue 's' in vhost '/'"},
        RefusedDeclaration{.is_auto_delete = true, .text = "invalid property 'auto-delete' for queue 's' in vhost '/'"},
        RefusedDeclaration{.arguments = stream_arguments().put("x-max-age", "1.5h"),
                           .text = "invalid arg 'x-max-age' for queue 's' in vhost '/': invalid_max_age"},
        RefusedDeclaration{.arguments = stream_arguments().put("x-max-age", "0s"),
                           .text = "invalid arg 'x-max-age' for queue 's' in vhost '/': invalid_max_age"},
        RefusedDeclaration{.arguments = stream_arguments().put("x-initial-cluster-size", 0),
                           .text = "invalid arg 'x-initial-cluster-size' for queue 's' in vhost '/': {value_zero,0}"},
        RefusedDeclaration{.arguments = stream_arguments().put("x-queue-leader-locator", "nowhere"),
                           .text = "invalid arg 'x-queue-leader-locator' for queue 's' in vhost '/': "
                                   "invalid_queue_locator_arg"},
        RefusedDeclaration{.arguments = stream_arguments().put("x-max-length", 1),
                           .text = "invalid arg 'x-max-length' for queue 's' in vhost '/' of queue type "
                                   "rabbit_stream_queue"},
        RefusedDeclaration{.arguments = stream_arguments().put("x-single-active-consumer", true),
                           .text = "invalid arg 'x-single-active-consumer' for queue 's' in vhost '/' of queue type "
                                   "rabbit_stream_queue"},
        RefusedDeclaration{.arguments = stream_arguments().put("x-stream-max-segment-size-bytes", 3'000'000'001),
                           .text = "Exceeded max value for x-stream-max-segment-size-bytes"},
        RefusedDeclaration{.arguments = stream_arguments().put("x-stream-filter-size-bytes", 256),
                           .text = "Invalid value for  x-stream-filter-size-bytes"}));

TEST_F(StreamTest, IsComparedWhenDeclaredAgain) {
  auto channel = connect().open_channel();
  declare_stream(channel, "s", stream_arguments().put("x-max-age", "7D"));
  declare_stream(channel, "s", stream_arguments().put("x-max-age", "7D").put("x-stream-filter-size-bytes", 32));
  channel.send(protocol::queue::Declare{
      .queue = "s", .durable = true, .arguments = stream_arguments().put("x-max-age", "168h").view()});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - inequivalent arg 'x-max-age' for queue 's' in vhost '/': received '168h' "
                       "but current is '7D'");
}

TEST_F(StreamTest, AnOffsetThatSaysNothingIsRefused) {
  auto channel = filled(0);
  channel.limit_prefetch(1);
  channel.send(protocol::basic::Consume{.queue = "s", .arguments = from("nonsense").view()});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 's' in vhost '/': "
                       "{invalid_stream_offset_arg,{longstr,<<\"nonsense\">>}}");
}

TEST_F(StreamTest, AConsumerWithoutAcknowledgementsIsRefused) {
  auto channel = filled(0);
  channel.limit_prefetch(1);
  channel.send(protocol::basic::Consume{.queue = "s", .no_ack = true});
  channel.client().expect_close(ReplyCode::not_implemented,
                                "NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues queue 's' "
                                "in vhost '/'");
}

TEST_F(StreamTest, GetAndPurgeAreRefused) {
  filled(1).send(protocol::basic::Get{.queue = "s"});
  clients_.back().expect_close(ReplyCode::not_implemented,
                               "NOT_IMPLEMENTED - basic.get not supported by stream queues queue 's' in vhost '/'");
  connect().open_channel().send(protocol::queue::Purge{.queue = "s"});
  clients_.back().expect_close(ReplyCode::not_implemented,
                               "NOT_IMPLEMENTED - queue.purge not supported by stream queues queue 's' in vhost '/'");
}

TEST_F(StreamTest, NegativeAcknowledgementsGiveCreditAndNothingElse) {
  filled(4);
  auto channel = connect().open_channel();
  channel.limit_prefetch(1);
  channel.consume("s", {.arguments = from("first").view()});
  channel.nack(channel.next_delivery(), Multiple::no, Requeue::yes);
  channel.reject(channel.next_delivery(), Requeue::no);
  const auto third = channel.next_delivery();
  EXPECT_EQ(third.body, "2");
  EXPECT_FALSE(third.is_redelivered);
  channel.nack(third, Multiple::yes, Requeue::no);
  EXPECT_EQ(channel.next_delivery().body, "3");
}

TEST_F(StreamTest, ANackOfSeveralConcernsTheOtherQueuesAsEver) {
  auto channel = filled(1);
  channel.declare_queue("q");
  channel.publish_to("q", "again");
  channel.limit_prefetch(1);
  channel.consume("q", {.tag = "q"});
  channel.next_delivery();
  channel.consume("s", {.tag = "s", .arguments = from("first").view()});
  channel.nack(channel.next_delivery(), Multiple::yes, Requeue::yes);
  const auto again = channel.next_delivery();
  EXPECT_EQ(again.body, "again");
  EXPECT_TRUE(again.is_redelivered);
}

TEST_F(StreamTest, ANackInATransactionGivesCreditAtItsEnd) {
  filled(2);
  auto channel = connect().open_channel();
  channel.call<protocol::tx::SelectOk>(protocol::tx::Select{});
  channel.limit_prefetch(1);
  channel.consume("s", {.arguments = from("first").view()});
  channel.nack(channel.next_delivery(), Multiple::no, Requeue::yes);
  channel.synchronize();  // nothing has been delivered when its answer comes, or that would come first
  channel.call<protocol::tx::CommitOk>(protocol::tx::Commit{});
  EXPECT_EQ(channel.next_delivery().body, "1");
}

}  // namespace
}  // namespace leveret::test
