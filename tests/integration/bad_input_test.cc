#include <malloc.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <list>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/broker_test.h"

/// What a broken or hostile peer can do, and what the others notice of it: nothing.
namespace leveret::test {
namespace {

/// Octets of memory this process occupies; the broker under test is part of it.
std::size_t resident_octets() {
  std::ifstream status{"/proc/self/statm"};
  std::size_t total = 0, resident = 0;
  status >> total >> resident;
  return resident * 4096;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_memory_exact = false;  // a sanitizer keeps what has been freed
#else
constexpr bool is_memory_exact = true;
#endif

class BadInputTest : public BrokerTest {
 protected:
  BadInputTest() { witness_.declare_queue("witness"); }
  /// Somebody else is served as ever.
  void expect_others_undisturbed() {
    witness_.publish_to("witness", "body");
    EXPECT_EQ(witness_.get("witness", NoAck::yes).body, "body");
  }
  std::size_t connection_count() { return broker_.broker().connection_count(); }
  void wait_for_connections(std::size_t count) {
    wait_until([&] { return connection_count() == count; }, std::to_string(count) + " connections are left");
  }

  TestChannel witness_ = connect().open_channel();
};

TEST_F(BadInputTest, APeerThatSaysNothingIsLeft) {
  auto& silent = connect_silently();
  wait_for_connections(2);
  broker_.clock().advance(11s);
  silent.expect_end();
  expect_others_undisturbed();
}

TEST_F(BadInputTest, APeerThatSendsOneOctetASecondIsLeftAfterTenSeconds) {
  auto& slow = connect_silently();
  wait_for_connections(2);
  const std::string header = "AMQP";
  for (const char octet : header) {
    slow.send_octets(std::string(1, octet));
    broker_.clock().advance(1s);
    expect_others_undisturbed();
  }
  EXPECT_EQ(connection_count(), 2u);
  broker_.clock().advance(7s);
  slow.expect_end();
  expect_others_undisturbed();
}

TEST_F(BadInputTest, APeerThatSendsOctetByOctetIsServed) {
  auto& slow = connect_silently();
  const auto send_slowly = [&](const std::string& octets) {
    for (const char octet : octets) slow.send_octets(std::string(1, octet));
  };
  using protocol::connection::OpenOk, protocol::connection::Start, protocol::connection::Tune;
  send_slowly(std::string{protocol::as_text(protocol::protocol_header)});
  slow.expect<Start>();
  const std::string_view response{"\0guest\0guest", 12};
  send_slowly(frame_of(ChannelNumber{0}, protocol::connection::StartOk{.mechanism = "PLAIN", .response = response}));
  slow.expect<Tune>();
  send_slowly(frame_of(ChannelNumber{0}, protocol::connection::TuneOk{.channel_max = 1, .frame_max = 4096}) +
              frame_of(ChannelNumber{0}, protocol::connection::Open{.virtual_host = "/"}));
  slow.expect<OpenOk>();
}

TEST_F(BadInputTest, APeerThatSendsGarbageIsLeft) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int i = 0; i < 50; ++i) {
    TestClient garbage{broker_.port()};
    std::string octets(1 + random() % 10'000, '\0');
    for (char& octet : octets) octet = static_cast<char>(random());
    garbage.socket().send_some(octets);
    garbage.socket().end_output();
    while (!garbage.socket().receive().empty()) {
    }
  }
  wait_for_connections(1);
  expect_others_undisturbed();
}

TEST_F(BadInputTest, APeerThatSendsGarbageAfterTheHandshakeIsLeft) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  for (int i = 0; i < 50; ++i) {
    TestClient garbage{broker_.port(), TestClient::Options{}};
    garbage.open_channel(1);
    std::string octets;
    for (std::size_t frames = random() % 20; frames > 0; --frames) {
      std::string payload(random() % 100, '\0');
      for (char& octet : payload) octet = static_cast<char>(random() % 120);
      octets += frame_of(protocol::FrameType{static_cast<std::uint8_t>(1 + random() % 8)},
                         ChannelNumber{static_cast<std::uint16_t>(random() % 3)}, payload);
    }
    garbage.socket().send_some(octets);
    garbage.vanish();
  }
  wait_for_connections(1);
  expect_others_undisturbed();
}

TEST_F(BadInputTest, EveryTruncationOfAConversationIsSurvived) {
  const ChannelNumber one{1};
  const std::string conversation = frame_of(one, protocol::channel::Open{}) +
                                   frame_of(one, protocol::queue::Declare{.queue = "q"}) +
                                   frame_of(one, protocol::basic::Publish{.routing_key = "q"}) +
                                   content_frames(one, {.priority = std::uint8_t{1}}, "body");
  for (std::size_t size = 0; size < conversation.size(); ++size) {
    TestClient client{broker_.port(), TestClient::Options{}};
    client.send_octets(conversation.substr(0, size));
    client.vanish();
  }
  wait_for_connections(1);
  EXPECT_EQ(witness_.declare_queue("q").messages, 0u) << "no part of a message is a message";
  expect_others_undisturbed();
}

TEST_F(BadInputTest, APartOfAMessageIsNoMessage) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  const std::string content = content_frames(channel.number(), {}, std::string(200'000, 'x'));
  channel.client().send_octets(frame_of(channel.number(), protocol::basic::Publish{.routing_key = "q"}) +
                               content.substr(0, content.size() / 2));
  channel.client().vanish();
  wait_for_connections(1);
  EXPECT_EQ(witness_.counts_of("q").messages, 0u);
}

TEST_F(BadInputTest, AnAnnouncedBodyTakesNoMemoryBeforeItArrives) {
  const std::size_t before = resident_octets();
  for (int i = 0; i < 20; ++i) {
    auto channel = connect().open_channel();
    for (std::uint16_t number = 2; number <= 20; ++number) {
      channel.client().open_channel(number);
      std::string header(14, '\0');
      header[1] = 60;
      header[8] = '\x07';  // 112 MiB are announced
      channel.client().send_octets(frame_of(ChannelNumber{number}, protocol::basic::Publish{.routing_key = "witness"}) +
                                   frame_of(protocol::FrameType::header, ChannelNumber{number}, header));
    }
    channel.synchronize();
  }
  if (is_memory_exact) {
    EXPECT_LT(resident_octets(), before + 200'000'000) << "380 bodies of 112 MiB are announced";
  }
  expect_others_undisturbed();
}

/// Connections beyond those a shell may open by default.
void raise_open_files_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(BadInputTest, ManyConnectionsTakeLittleMemoryAndDisturbNobody) {
  raise_open_files_limit();
  const bool is_long = std::getenv("LEVERET_LONG_TESTS");
  const std::size_t count = is_long ? 10'000 : 2'000;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 2 * count + 200) GTEST_SKIP() << "too few files may be open: " << limit.rlim_cur;
  const std::size_t before = resident_octets();
  std::list<TestClient> crowd;
  for (std::size_t i = 0; i < count; ++i) {
    auto& client = crowd.emplace_back(broker_.port());
    if (i % 2 == 0) client.send_protocol_header();
  }
  wait_for_connections(count + 1);
  expect_others_undisturbed();
  if (is_memory_exact) {
    EXPECT_LT((resident_octets() - before) / count, 30'000u) << "octets for each, its client in this test included";
  }
  for (auto& client : crowd) client.vanish();
  wait_for_connections(1);
  expect_others_undisturbed();
}

TEST_F(BadInputTest, AClientThatNeverReadsHasLittleSentToIt) {
  constexpr std::uint32_t count = 200;
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);  // so that what is freed is resident no longer
  auto filler = connect().open_channel();
  filler.declare_queue("backlog");
  filler.select_confirms();
  const std::string body(1'000'000, 'x');
  for (std::uint32_t i = 0; i < count; ++i) filler.publish_to("backlog", body);
  filler.wait_for_confirms(count);
  const std::size_t before = resident_octets();

  auto& deaf = connect({.receive_buffer_octets = 4096});
  auto channel = deaf.open_channel();
  channel.send(protocol::basic::Consume{.queue = "backlog"});
  wait_until([&] { return witness_.counts_of("backlog").consumers == 1; }, "it consumes");
  for (int i = 0; i < 20; ++i) expect_others_undisturbed();
  EXPECT_GT(witness_.counts_of("backlog").messages, count - 20) << "the rest waits in the queue";
  if (is_memory_exact) {
    EXPECT_LT(resident_octets(), before + 30'000'000);
  }

  auto reader = connect().open_channel();
  reader.consume("backlog", {.no_ack = NoAck::yes});
  for (std::uint32_t i = 0; i < count - 20; ++i) EXPECT_EQ(reader.next_delivery().body.size(), body.size());
  deaf.vanish();
  for (std::uint32_t i = 0; i < 20; ++i) EXPECT_EQ(reader.next_delivery().body.size(), body.size());
}

TEST_F(BadInputTest, AClientThatAsksWithoutReadingIsNotHeardForever) {
  auto& deaf = connect({.receive_buffer_octets = 4096});
  auto channel = deaf.open_channel();
  const std::string question = frame_of(channel.number(), protocol::queue::Declare{.queue = std::string(200, 'q')});
  std::string questions;
  for (int i = 0; i < 1000; ++i) questions += question;
  constexpr std::size_t octets_max = 100'000'000;
  std::size_t sent = 0;
  const auto is_stuck = [&] {
    while (sent < octets_max) {
      // From where the last one was cut off: whole frames, one behind the other.
      const std::size_t taken = deaf.socket().send_some(questions.substr(sent % questions.size()));
      sent += taken;
      if (taken == 0) {
        expect_others_undisturbed();
        const std::size_t more = deaf.socket().send_some(questions.substr(sent % questions.size(), 1));
        sent += more;
        return more == 0;
      }
    }
    return true;
  };
  wait_until(is_stuck, "the broker listens no more");
  EXPECT_LT(sent, octets_max);
  expect_others_undisturbed();
}

TEST_F(BadInputTest, ClientsThatVanishGiveBackWhatTheyHeld) {
  auto channel = connect().open_channel();
  channel.declare_queue("shared");
  for (int i = 0; i < 100; ++i) channel.publish_to("shared", std::to_string(i));
  channel.synchronize();
  for (int round = 0; round < 10; ++round) {
    auto& passing = connect();
    auto consumer = passing.open_channel();
    consumer.declare_queue("", {.exclusive = true});
    consumer.consume("shared");
    consumer.next_delivery();
    passing.vanish();
  }
  wait_for_connections(2);
  wait_until([&] { return channel.counts_of("shared").messages == 100; }, "all are ready again");
  const auto bodies = channel.drain_bodies("shared");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(bodies.at(static_cast<std::size_t>(i)), std::to_string(i));
}

TEST_F(BadInputTest, AllChannelsOfAConnectionMayBeBusy) {
  auto& client = connect();
  std::vector<TestChannel> channels;
  for (std::uint16_t number = 1; number <= 2047; ++number) channels.push_back(client.open_channel(number));
  channels[0].declare_queue("q");
  for (auto& channel : channels) {
    channel.limit_prefetch(1);
    channel.consume("q");
  }
  for (int i = 0; i < 2047; ++i) channels[0].publish_to("q", "body");
  for (auto& channel : channels) channel.acknowledge(channel.next_delivery());
  EXPECT_EQ(witness_.counts_of("q").consumers, 2047u);
  client.vanish();
  wait_until([&] { return witness_.counts_of("q").consumers == 0; }, "they have gone");
  expect_others_undisturbed();
}

TEST_F(BadInputTest, DeeplyNestedTablesAreRefused) {
  std::string table;
  for (int depth = 0; depth < 1000; ++depth) {
    std::string outer =
        "\x01"
        "aF";
    for (int shift = 24; shift >= 0; shift -= 8) outer.push_back(static_cast<char>(table.size() >> shift));
    table = outer + table;
  }
  auto channel = connect().open_channel();
  channel.send(protocol::queue::Declare{.queue = "q", .arguments = FieldTable{protocol::as_octets(table)}});
  EXPECT_GE(channel.client().expect<protocol::connection::Close>().reply_code, 501);
  expect_others_undisturbed();
}

}  // namespace
}  // namespace leveret::test
