#include <functional>
#include <future>
#include <list>
#include <ostream>
#include <thread>

#include "tests/support/broker_test.h"
#include "tests/support/standing_store.h"

/// What clients notice of a store that stands still: answers that wait, and publishers that are made to wait.
namespace leveret::test {
namespace {

// --- answers

struct Change {
  std::string_view name;
  std::function<void(TestChannel&)> send;
  bool is_lasting = true;  // a restart would have to know of it
  friend void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }
};

class AnswerTest : public testing::TestWithParam<Change> {
 protected:
  ~AnswerTest() override { brake_.release(); }

  /// An answer that does not wait has been sent before the witness gets its own.
  bool is_answered(TestChannel& channel) {
    witness_.synchronize();
    return channel.client().has_frame(channel.number());
  }

  StandingStore::Brake brake_{};
  TestBroker broker_{
      {.broker = {.shards = 1}, .make_store = [this] { return std::make_unique<StandingStore>(brake_); }}};
  TestClient client_{broker_.port(), TestClient::Options{}};
  TestClient other_client_{broker_.port(), TestClient::Options{}};
  TestChannel witness_ = other_client_.open_channel();
};

TEST_P(AnswerTest, WaitsForTheStoreWhenARestartWouldHaveToKnow) {
  auto channel = client_.open_channel();
  for (const auto name : {"lasting", "bound"}) {
    channel.declare_queue(name, {.durable = true});
    channel.declare_exchange(name, "direct", {.durable = true});
  }
  channel.declare_queue("passing");
  channel.declare_exchange("passing", "direct");
  channel.bind("bound", "bound", "key");
  channel.bind_exchange("bound", "lasting", "key");
  brake_.engage();
  GetParam().send(channel);
  EXPECT_EQ(is_answered(channel), !GetParam().is_lasting);
  brake_.release();
  client_.receive(channel.number());
}

const Change changes[] = {
    {"declare_queue",
     [](TestChannel& channel) { channel.send(protocol::queue::Declare{.queue = "new", .durable = true}); }},
    {"delete_queue", [](TestChannel& channel) { channel.send(protocol::queue::Delete{.queue = "lasting"}); }},
    {"declare_exchange",
     [](TestChannel& channel) {
       channel.send(protocol::exchange::Declare{.exchange = "new", .type = "fanout", .durable = true});
     }},
    {"delete_exchange", [](TestChannel& channel) { channel.send(protocol::exchange::Delete{.exchange = "lasting"}); }},
    {"bind_queue",
     [](TestChannel& channel) {
       channel.send(protocol::queue::Bind{.queue = "lasting", .exchange = "lasting", .routing_key = "key"});
     }},
    {"unbind_queue",
     [](TestChannel& channel) {
       channel.send(protocol::queue::Unbind{.queue = "bound", .exchange = "bound", .routing_key = "key"});
     }},
    {"bind_exchange",
     [](TestChannel& channel) {
       channel.send(protocol::exchange::Bind{.destination = "lasting", .source = "bound", .routing_key = "key"});
     }},
    {"unbind_exchange",
     [](TestChannel& channel) {
       channel.send(protocol::exchange::Unbind{.destination = "bound", .source = "lasting", .routing_key = "key"});
     }},
    {"declare_passing_queue", [](TestChannel& channel) { channel.send(protocol::queue::Declare{.queue = "new"}); },
     false},
    {"delete_passing_queue", [](TestChannel& channel) { channel.send(protocol::queue::Delete{.queue = "passing"}); },
     false},
    {"delete_passing_exchange",
     [](TestChannel& channel) { channel.send(protocol::exchange::Delete{.exchange = "passing"}); }, false},
};

INSTANTIATE_TEST_SUITE_P(To, AnswerTest, testing::ValuesIn(changes),
                         [](const auto& row) { return std::string{row.param.name}; });

// --- publishers

class LaggingStoreTest : public testing::Test {
 protected:
  static constexpr std::size_t shards = 2;
  static constexpr std::uint64_t published_max = 300;  // of a million octets each

  ~LaggingStoreTest() override { brake_.release(); }

  TestClient& connect_to_shard(std::size_t shard) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      TestClient& client = clients_.emplace_back(broker_.port(), TestClient::Options{});
      if (shard_of(broker_, client) == shard) return client;
    }
    throw TestFailure{"no connection reaches the shard"};
  }

  /// Publishes until the broker takes no more; how many messages it took, the last perhaps in part.
  std::uint64_t publish_until_stuck(TestChannel& publisher) {
    const std::string message =
        frame_of(publisher.number(), protocol::basic::Publish{.routing_key = "q"}) +
        content_frames(publisher.number(), {.delivery_mode = std::uint8_t{2}}, std::string(1'000'000, 'x'));
    constexpr int attempts_max = 500;  // a millisecond each
    for (std::uint64_t published = 1; published <= published_max; ++published) {
      std::string_view rest = message;
      for (int attempts = 0; !rest.empty(); ++attempts) {
        const std::size_t taken = publisher.client().socket().send_some(rest);
        rest.remove_prefix(taken);
        if (taken > 0) {
          attempts = 0;
        } else if (attempts == attempts_max) {
          unsent_ = rest;
          return published;
        } else {
          std::this_thread::sleep_for(1ms);
        }
      }
    }
    return published_max;
  }
  /// Lets the store go on; the publisher sends the rest and gets all its confirms.
  void expect_all_confirmed(TestChannel& publisher, std::uint64_t published) {
    brake_.release();
    publisher.client().send_octets(unsent_);
    publisher.wait_for_confirms(published);
  }

  StandingStore::Brake brake_{};
  TestBroker broker_{
      {.broker = {.shards = shards}, .make_store = [this] { return std::make_unique<StandingStore>(brake_); }}};
  std::list<TestClient> clients_{};
  std::string unsent_{};
};

TEST_F(LaggingStoreTest, MakesPublishersWait) {
  auto home = connect_to_shard(0).open_channel();
  home.declare_queue("q", {.durable = true});
  home.select_confirms();
  brake_.engage();
  const auto published = publish_until_stuck(home);
  EXPECT_LT(published, published_max);
  expect_all_confirmed(home, published);
}

TEST_F(LaggingStoreTest, AShardThatStandsStillMakesPublishersToItWait) {
  auto home = connect_to_shard(0).open_channel();
  auto far = connect_to_shard(1).open_channel();
  home.declare_queue("q");
  far.select_confirms();
  std::promise<void> go_on;
  broker_.broker().shards()[0]->run_here([stop = go_on.get_future().share()] { stop.wait(); });
  const auto published = publish_until_stuck(far);
  go_on.set_value();
  EXPECT_LT(published, published_max) << "its mailbox would grow without a bound";
  expect_all_confirmed(far, published);
}

TEST_F(LaggingStoreTest, MakesPublishersOfAnotherShardWait) {
  auto home = connect_to_shard(0).open_channel();
  auto far = connect_to_shard(1).open_channel();
  home.declare_queue("q", {.durable = true});
  far.select_confirms();
  brake_.engage();
  const auto published = publish_until_stuck(far);
  EXPECT_LT(published, published_max);
  expect_all_confirmed(far, published);
}

TEST_F(LaggingStoreTest, LeavesThoseAloneWhoPublishNothing) {
  auto home = connect_to_shard(0).open_channel();
  auto neighbour = connect_to_shard(0).open_channel();
  auto far = connect_to_shard(1).open_channel();
  home.declare_queue("q", {.durable = true});
  far.declare_queue("elsewhere");
  home.select_confirms();
  brake_.engage();
  const auto published = publish_until_stuck(home);
  ASSERT_LT(published, published_max);
  neighbour.consume("elsewhere");
  for (int i = 0; i < 100; ++i) {
    neighbour.publish_to("elsewhere", "into a shard that does not lag");
    neighbour.acknowledge(neighbour.next_delivery());
  }
  expect_all_confirmed(home, published);
}

}  // namespace
}  // namespace leveret::test
