#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <future>
#include <numeric>
#include <random>

#include <unistd.h>

#include "broker/exchanges/delay_store.h"
#include "storage/rocksdb_store.h"
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

/// What `question` answers on a shard, behind what that has been sent.
template <class Question>
auto ask(TestBroker& broker, broker::ShardIndex index, Question question) {
  broker::Shard& shard = *broker.broker().shards()[static_cast<std::size_t>(index)];
  const auto answer = std::make_shared<std::promise<decltype(question(shard))>>();
  shard.run_here([&shard, answer, question] { answer->set_value(question(shard)); });
  auto answered = answer->get_future();
  if (answered.wait_for(event_patience) != std::future_status::ready) throw TestFailure{"a shard does not answer"};
  return answered.get();
}

broker::QueueAddress delay_store_of(TestBroker& broker, std::string_view exchange) {
  const auto address = broker.broker().find_virtual_host("/")->delay_store_of(exchange);
  if (!address) throw TestFailure{"no delay store"};
  return *address;
}

std::size_t delayed_by(TestBroker& broker, std::string_view exchange) {
  const auto numbers = broker.broker().find_virtual_host("/")->delayed_numbers_of(exchange);
  return ask(broker, delay_store_of(broker, exchange).shard, [&](auto&) { return numbers->messages(); });
}

/// 0, 1, 2 ... in an order of chance, always the same.
std::vector<int> shuffled(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  std::shuffle(numbers.begin(), numbers.end(), std::minstd_rand{1});
  return numbers;
}

/// Each number in a body of that size, due so many milliseconds after a minute.
void publish_numbers(TestChannel& channel, std::string_view exchange, const std::vector<int>& numbers, std::size_t size,
                     std::uint8_t delivery_mode) {
  for (const int number : numbers) {
    std::string body = std::to_string(number) + ' ';
    body.resize(size, 'x');
    publish_delayed(channel, exchange, "", body, 60'000 + number, delivery_mode);
  }
}

std::vector<int> next_numbers(TestChannel& channel, std::size_t count) {
  std::vector<int> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(std::stoi(channel.next_delivery().body));
  return numbers;
}

void expect_in_order(const std::vector<int>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], static_cast<int>(i));
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

TEST_F(DelayedMessageTest, ComesInOrderWhenThereAreMoreThanStayInMemory) {
  constexpr int count = 6'000;
  auto channel = connect().open_channel();
  declare_delayed(channel, "e", "fanout");
  channel.declare_queue("q");
  channel.bind("q", "e", "");
  publish_numbers(channel, "e", shuffled(count), 1'000, 1);
  channel.synchronize();
  EXPECT_EQ(delayed_by(broker_, "e"), static_cast<std::size_t>(count));
  channel.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(60s + count * 1ms);
  expect_in_order(next_numbers(channel, count));
  EXPECT_EQ(delayed_by(broker_, "e"), 0u);
}

TEST_F(DelayedMessageTest, ComesInOrderWhenMoreArriveWhileOthersAreReleased) {
  constexpr int count = 4'000;
  auto channel = connect().open_channel();
  declare_delayed(channel, "e", "fanout");
  channel.declare_queue("q");
  channel.bind("q", "e", "");
  auto numbers = shuffled(count);
  const std::vector<int> late(numbers.begin() + count / 2, numbers.end());
  numbers.resize(count / 2);
  publish_numbers(channel, "e", numbers, 1'000, 1);
  channel.synchronize();
  channel.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(61s);  // a quarter of these is due
  for (const int number : late) publish_delayed(channel, "e", "", std::to_string(number), 120'000 + number);
  const auto due =
      static_cast<std::size_t>(std::count_if(numbers.begin(), numbers.end(), [](int n) { return n <= 1'000; }));
  auto received = next_numbers(channel, due);
  EXPECT_TRUE(std::is_sorted(received.begin(), received.end()));
  channel.synchronize();
  broker_.clock().advance(200s);
  received = next_numbers(channel, count - due);
  const auto second = received.begin() + static_cast<std::ptrdiff_t>(numbers.size() - due);
  EXPECT_TRUE(std::is_sorted(received.begin(), second));
  EXPECT_TRUE(std::is_sorted(second, received.end()));
}

TEST_F(DelayedMessageTest, LargerThanAllThatStaysInMemoryComesInItsOrder) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "e", "fanout");
  channel.declare_queue("q");
  channel.bind("q", "e", "");
  for (const int i : {5, 0, 3, 1, 4, 2})
    publish_delayed(channel, "e", "", std::to_string(i) + std::string(i % 2 ? 10u : 3'000'000u, 'x'), 60'000 + i);
  channel.synchronize();
  channel.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(61s);
  expect_in_order(next_numbers(channel, 6));
}

TEST_F(DelayedMessageTest, GoesToTheKeysOfItsBlindCopies) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "later");
  channel.declare_exchange("now", "fanout");
  channel.bind_exchange("later", "now", "");
  for (const auto queue : {"at once", "blind", "copy"}) channel.declare_queue(queue);
  channel.bind("at once", "now", "");
  channel.bind("blind", "later", "blind");
  channel.bind("copy", "later", "copy");
  FieldArrayBuilder copies, blind_copies;
  copies.add(std::string_view{"copy"});
  blind_copies.add(std::string_view{"blind"});
  FieldTableBuilder headers;
  headers.put("CC", copies).put("x-delay", 60'000).put("BCC", blind_copies).put("more", 1);
  const PublishOptions options{.properties = {.headers = headers.view()}};
  channel.select_confirms();
  channel.publish("later", "key", "first", options);
  channel.publish("now", "key", "second", options);
  channel.wait_for_confirms(2);
  const auto seen_at_once = channel.get("at once", NoAck::yes);
  EXPECT_FALSE(seen_at_once.properties().headers->find("BCC"));
  EXPECT_EQ(delayed_by(broker_, "later"), 2u);
  for (const auto queue : {"blind", "copy"}) channel.consume(queue, {.no_ack = NoAck::yes});
  broker_.clock().advance(60s);
  for (int i = 0; i < 4; ++i) {
    const auto delivery = channel.next_delivery();
    EXPECT_FALSE(delivery.properties().headers->find("BCC")) << delivery.body;
    EXPECT_TRUE(delivery.properties().headers->find("more"));
    EXPECT_TRUE(delivery.properties().headers->find("CC"));
  }
  for (const auto queue : {"blind", "copy"}) EXPECT_EQ(channel.counts_of(queue).messages, 0u);
}

TEST_F(DelayedMessageTest, OfATransactionKeepsItsBlindCopies) {
  auto channel = connect().open_channel();
  declare_delayed(channel, "later");
  channel.declare_exchange("now", "fanout");
  channel.bind_exchange("later", "now", "");
  for (const auto queue : {"at once", "blind"}) channel.declare_queue(queue);
  channel.bind("at once", "now", "");
  channel.bind("blind", "later", "blind");
  FieldArrayBuilder blind_copies;
  blind_copies.add(std::string_view{"blind"});
  FieldTableBuilder headers;
  headers.put("x-delay", 60'000).put("BCC", blind_copies);
  channel.call<protocol::tx::SelectOk>(protocol::tx::Select{});
  channel.publish("now", "key", "body", {.properties = {.headers = headers.view()}});
  channel.call<protocol::tx::CommitOk>(protocol::tx::Commit{});
  EXPECT_FALSE(channel.get("at once", NoAck::yes).properties().headers->find("BCC"));
  channel.consume("blind", {.no_ack = NoAck::yes});
  broker_.clock().advance(60s);
  EXPECT_FALSE(channel.next_delivery().properties().headers->find("BCC"));
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

class DurableDelayedMessageTest : public DurableBrokerTest {
 protected:
  void declare_delayed_and_stop() {
    {
      auto channel = connect().open_channel();
      declare_delayed(channel, "e", "fanout");
      channel.declare_queue("q", {.durable = true});
      channel.bind("q", "e", "");
    }
    store_id_ = delay_store_of(broker_, "e").queue;
    broker_.stop();
  }

  /// As format 2 had them: in the order in which they came.  The later one is due earlier.
  void append_by_arrival(storage::Store& store, int from, int until, int count) {
    auto batch = std::make_unique<storage::Batch>();
    for (int i = from; i < until; ++i) {
      FieldTableBuilder headers;
      headers.put("x-delay", 60'000 + count - 1 - i);
      const std::string properties =
          protocol::encode_properties({.headers = headers.view(), .delivery_mode = std::uint8_t{2}});
      const std::string body = std::to_string(count - 1 - i);
      broker::MessageBuilder builder;
      builder.begin({"e", "", broker_.clock().wall_now()}, protocol::as_octets(properties), body.size());
      builder.append(protocol::as_octets(body));
      broker::Message* message = builder.finish().release();
      const auto content = batch->add({message->stored(), message, [](void* owner) {
                                         broker::MessageRef::adopt(static_cast<broker::Message*>(owner)).reset();
                                       }});
      batch->appends.push_back({.queue = store_id_,
                                .position = static_cast<storage::Position>(i) + 1,
                                .content = content,
                                .body_octets = static_cast<std::uint32_t>(body.size())});
    }
    store.commit(std::move(batch), [](std::unique_ptr<storage::Batch>, storage::StoreStatus) {});
  }

  broker::QueueId store_id_{};
};

TEST_F(DurableDelayedMessageTest, SurvivesAKillOnceItIsConfirmed) {
  {
    auto channel = connect().open_channel();
    declare_delayed(channel, "e");
    channel.declare_queue("q", {.durable = true});
    channel.bind("q", "e", "key");
    channel.select_confirms();
    publish_delayed(channel, "e", "key", "second", 60'000, 2);
    publish_delayed(channel, "e", "key", "first", 30'000, 2);
    publish_delayed(channel, "e", "key", "transient", 40'000, 1);
    channel.wait_for_confirms(3);
  }
  restart_after_kill();
  EXPECT_EQ(delayed_by(broker_, "e"), 3u);
  auto channel = connect().open_channel();
  channel.consume("q");
  broker_.clock().advance(30s);
  const auto first = channel.next_delivery();
  EXPECT_EQ(first.body, "first");
  EXPECT_FALSE(channel.has_delivery());
  broker_.clock().advance(10s);
  const auto transient = channel.next_delivery();
  EXPECT_EQ(transient.body, "transient");
  EXPECT_EQ(transient.properties().delivery_mode, 1);
  broker_.clock().advance(20s);
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

TEST_F(DurableDelayedMessageTest, ComesInOrderAfterAKillWhenThereAreManyInTheStore) {
  constexpr int count = 6'000;
  {
    auto channel = connect().open_channel();
    declare_delayed(channel, "e", "fanout");
    channel.declare_queue("q", {.durable = true});
    channel.bind("q", "e", "");
    channel.select_confirms();
    publish_numbers(channel, "e", shuffled(count), 1'000, 2);
    channel.wait_for_confirms(count);
  }
  restart_after_kill();
  EXPECT_EQ(delayed_by(broker_, "e"), static_cast<std::size_t>(count));
  auto channel = connect().open_channel();
  publish_delayed(channel, "e", "", std::to_string(count), 60'000 + count, 2);
  channel.consume("q", {.no_ack = NoAck::yes});
  channel.synchronize();
  broker_.clock().advance(60s + (count + 1) * 1ms);
  expect_in_order(next_numbers(channel, count + 1));
  wait_until([this] { return delayed_by(broker_, "e") == 0; }, "nothing is delayed");
}

TEST_F(DurableDelayedMessageTest, IsReadFromWhatABrokerOfTheFormatBeforeHasLeft) {
  constexpr int count = 3'000;
  declare_delayed_and_stop();
  {
    const auto store = storage::open_rocksdb_store({.directory = directory_.path()});
    for (int i = 0; i < count; i += 100) append_by_arrival(*store, i, i + 100, count);
    store->close();
  }
  broker_.start();
  clients_.clear();
  EXPECT_EQ(delayed_by(broker_, "e"), static_cast<std::size_t>(count));
  restart_after_kill();  // perhaps half way
  EXPECT_EQ(delayed_by(broker_, "e"), static_cast<std::size_t>(count));
  auto channel = connect().open_channel();
  channel.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(60s + count * 1ms);
  expect_in_order(next_numbers(channel, count));
  EXPECT_EQ(delayed_by(broker_, "e"), 0u);
}

TEST_F(DurableDelayedMessageTest, LeavesNothingInTheStoreWhenItsExchangeIsDeleted) {
  {
    auto channel = connect().open_channel();
    declare_delayed(channel, "e", "fanout");
    channel.select_confirms();
    publish_numbers(channel, "e", shuffled(3'000), 1'000, 2);
    channel.wait_for_confirms(3'000);
  }
  restart_cleanly();
  const auto address = delay_store_of(broker_, "e");
  auto channel = connect().open_channel();
  channel.delete_exchange("e");
  declare_delayed(channel, "e", "fanout");
  EXPECT_EQ(delayed_by(broker_, "e"), 0u);
  const auto is_there = [&](broker::Shard& shard) { return shard.find_delay_store(address.queue) != nullptr; };
  wait_until([&] { return !ask(broker_, address.shard, is_there); }, "the delay store is gone");
  broker_.stop();
  clients_.clear();
  const auto store = storage::open_rocksdb_store({.directory = directory_.path()});
  EXPECT_EQ(store->recover_queue(address.queue).delayed_messages, 0u);
  store->close();
  broker_.start();
}

std::size_t resident_octets() {
  std::size_t all = 0, resident = 0;
  std::ifstream{"/proc/self/statm"} >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST_F(DurableDelayedMessageTest, AMillionTakesLittleMemoryAndNoTimeAtTheStart) {
  if (!std::getenv("LEVERET_LONG_TESTS")) GTEST_SKIP() << "LEVERET_LONG_TESTS is not set";
  constexpr int count = 1'000'000;
  {
    auto& client = connect();
    auto channel = client.open_channel();
    declare_delayed(channel, "e", "fanout");
    channel.declare_queue("q", {.durable = true});
    channel.bind("q", "e", "");
    const auto numbers = shuffled(count);
    const std::size_t before = resident_octets();
    for (auto next = numbers.begin(); next != numbers.end(); next += 10'000) {
      auto publisher =
          client.open_channel();  // a new one counts its confirms from 1: the test, too, takes little memory
      publisher.select_confirms();
      publish_numbers(publisher, "e", {next, next + 10'000}, 1'024, 2);
      publisher.wait_for_confirms(10'000);
      publisher.close();
    }
    EXPECT_LT(resident_octets(), before + (100u << 20)) << "a million delayed messages: " << resident_octets() - before;
  }
  broker_.destroy();
  clients_.clear();
  const auto start = std::chrono::steady_clock::now();
  broker_.start();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_EQ(delayed_by(broker_, "e"), static_cast<std::size_t>(count));
  auto channel = connect().open_channel();
  channel.consume("q", {.no_ack = NoAck::yes});
  broker_.clock().advance(60s + count * 1ms);
  expect_in_order(next_numbers(channel, count));
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
