#include <thread>

#include "broker/password_hash.h"
#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

namespace connection = protocol::connection;
using protocol::FrameType;

constexpr ChannelNumber channel_zero{0};

// --- the handshake

class HandshakeTest : public BrokerTest {
 protected:
  /// The broker ends the connection without a word once some time has passed.
  void expect_end_in_time(TestClient& client) {
    wait_until(
        [&] {
          broker_.clock().advance(1s);
          return client.has_ended();
        },
        "the connection ends");
    client.expect_end();
  }
};

TEST_F(HandshakeTest, TellsWhatTheServerIs) {
  auto& client = connect_silently();
  client.send_protocol_header();
  const auto start = client.expect<connection::Start>();
  EXPECT_EQ(start.version_major, 0);
  EXPECT_EQ(start.version_minor, 9);
  EXPECT_EQ(start.mechanisms, "PLAIN AMQPLAIN ANONYMOUS");
  EXPECT_EQ(start.locales, "en_US");
  const auto capabilities = start.server_properties.find("capabilities");
  ASSERT_TRUE(capabilities && capabilities->as_table());
  for (const auto name : {"publisher_confirms", "basic.nack", "consumer_cancel_notify", "direct_reply_to"})
    EXPECT_TRUE(capabilities->as_table()->find(name)) << name;
  EXPECT_TRUE(start.server_properties.find("version"));
}

TEST_F(HandshakeTest, ProposesItsLimits) {
  auto& client = connect_silently();
  client.send_protocol_header();
  client.expect<connection::Start>();
  client.send_start_ok({});
  const auto tune = client.expect<connection::Tune>();
  EXPECT_EQ(tune.channel_max, 2047);
  EXPECT_EQ(tune.frame_max, 131'072u);
  EXPECT_EQ(tune.heartbeat, 60);
}

TEST_F(HandshakeTest, AMalformedBeginningGetsTheProtocolHeaderAndTheEnd) {
  const std::vector<std::string> beginnings{
      {"AMQP\0\0\x09\x02", 8}, {"AMQP\0\1\0\0", 8}, "GET / HTTP/1.1\r\n\r\n", std::string(8, '\0')};
  for (const auto& beginning : beginnings) {
    auto& client = connect_silently();
    client.send_octets(beginning);
    std::string answer;
    while (true) {
      const std::string received = client.socket().receive();
      if (received.empty()) break;
      answer += received;
    }
    EXPECT_EQ(answer, (std::string{"AMQP\0\0\x09\x01", 8}));
  }
}

TEST_F(HandshakeTest, AWrongPasswordIsRefusedAloudToThoseWhoAskForIt) {
  auto& client = connect_silently();
  client.send_protocol_header();
  client.expect<connection::Start>();
  client.send_start_ok({.password = "wrong"});
  const auto close = client.expect<connection::Close>();
  EXPECT_EQ(close.reply_code, 403);
  EXPECT_EQ(close.reply_text,
            "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker "
            "logfile.");
}

TEST_F(HandshakeTest, AWrongPasswordIsRefusedSilentlyToOthersAfterAPause) {
  auto& client = connect_silently();
  client.send_protocol_header();
  client.expect<connection::Start>();
  client.send_start_ok({.password = "wrong", .has_capabilities = false});
  connect().open_channel().synchronize();
  EXPECT_FALSE(client.has_ended());
  expect_end_in_time(client);
}

struct LimitsCase {
  std::string name{};
  TestClient::Options options{};
};

class RefusedLimits : public HandshakeTest, public testing::WithParamInterface<LimitsCase> {};

TEST_P(RefusedLimits, EndTheConnectionSilently) {
  auto& client = connect_silently();
  client.send_protocol_header();
  client.expect<connection::Start>();
  client.send_start_ok({});
  client.expect<connection::Tune>();
  client.send_tune_ok(GetParam().options);
  client.send_open({});
  expect_end_in_time(client);
}
INSTANTIATE_TEST_SUITE_P(Tune, RefusedLimits,
                         testing::Values(LimitsCase{"no_channel_max", {.channel_max = 0}},
                                         LimitsCase{"channel_max_too_large", {.channel_max = 2048}},
                                         LimitsCase{"no_frame_max", {.frame_max = 0}},
                                         LimitsCase{"frame_max_too_large", {.frame_max = 131'073}},
                                         LimitsCase{"frame_max_too_small", {.frame_max = 4095}}),
                         [](const auto& row) { return row.param.name; });

TEST_F(HandshakeTest, AnUnknownVirtualHostIsRefused) {
  auto& client = connect_silently();
  client.send_protocol_header();
  client.expect<connection::Start>();
  client.send_start_ok({});
  client.expect<connection::Tune>();
  client.send_tune_ok({});
  client.send_open({.virtual_host = "nowhere"});
  client.expect_close(ReplyCode::not_allowed, "NOT_ALLOWED - vhost nowhere not found");
}

TEST_F(HandshakeTest, EachStepHasTenSeconds) {
  auto& silent = connect_silently();
  auto& greeted = connect_silently();
  greeted.send_protocol_header();
  greeted.expect<connection::Start>();
  auto& tuned = connect_silently();
  tuned.send_protocol_header();
  tuned.expect<connection::Start>();
  tuned.send_start_ok({});
  tuned.expect<connection::Tune>();
  auto working = connect().open_channel();
  wait_until([&] { return broker_.broker().connection_count() == 4; }, "all are connected");
  broker_.clock().advance(9s);
  working.synchronize();
  EXPECT_EQ(broker_.broker().connection_count(), 4u);
  broker_.clock().advance(2s);
  for (auto* client : {&silent, &greeted, &tuned}) client->expect_end();
  working.synchronize();
}

TEST_F(HandshakeTest, SmallFramesAreKeptWhenAgreedUpon) {
  auto channel = connect({.frame_max = 4096}).open_channel();
  channel.declare_queue("q");
  const std::string body(10'000, 'x');
  channel.client().send_octets(frame_of(channel.number(), protocol::basic::Publish{.routing_key = "q"}) +
                               content_frames(channel.number(), {}, body, 4096));
  channel.send(protocol::basic::Get{.queue = "q", .no_ack = true});
  channel.expect<protocol::basic::GetOk>();
  EXPECT_EQ(channel.client().receive(channel.number()).type, FrameType::header);
  std::string received;
  while (received.size() < body.size()) {
    const auto frame = channel.client().receive(channel.number());
    EXPECT_LE(frame.payload.size() + protocol::frame_overhead, 4096u);
    received += frame.payload;
  }
  EXPECT_EQ(received, body);
}

// --- heartbeats

using HeartbeatTest = BrokerTest;

TEST_F(HeartbeatTest, KeepAConnectionThatSendsThem) {
  auto& client = connect({.heartbeat = 10});
  for (int i = 0; i < 10; ++i) {
    broker_.clock().advance(6s);
    client.expect_heartbeat();
    client.send_octets(frame_of(FrameType::heartbeat, channel_zero, ""));
    client.open_channel().close();  // so that it has been seen before the clock goes on
  }
}

TEST_F(HeartbeatTest, EndAConnectionThatMissesTwo) {
  auto& silent = connect({.heartbeat = 10});
  auto& without = connect();
  broker_.clock().advance(6s);
  silent.expect_heartbeat();  // by then the broker has taken note of when it heard from it
  broker_.clock().advance(21s);
  silent.expect_end();
  without.open_channel().synchronize();
}

TEST_F(HeartbeatTest, OnAnotherChannelThanZeroAreAnError) {
  auto& client = connect();
  client.open_channel(1);
  client.send_octets(frame_of(FrameType::heartbeat, ChannelNumber{1}, ""));
  const auto close = client.expect<connection::Close>();
  EXPECT_EQ(close.reply_code, 505);
}

// --- channels and their errors

using ChannelTest = BrokerTest;

TEST_F(ChannelTest, AsManyAsAgreedMayBeOpen) {
  auto& client = connect();
  std::vector<TestChannel> channels;
  for (std::uint16_t number = 1; number <= 2047; ++number) channels.push_back(client.open_channel(number));
  for (auto& channel : channels) channel.synchronize();
}

TEST_F(ChannelTest, OneTooManyEndsTheConnection) {
  auto& client = connect({.channel_max = 3});
  for (const int number : {1, 7, 65535}) client.open_channel(static_cast<std::uint16_t>(number));
  client.send(ChannelNumber{2}, protocol::channel::Open{});
  client.expect_close(ReplyCode::not_allowed,
                      "NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)");
}

TEST_F(ChannelTest, AMethodOnAChannelThatIsNotOpenEndsTheConnection) {
  auto& client = connect();
  client.send(ChannelNumber{1}, protocol::queue::Declare{.queue = "q"});
  client.expect_close(ReplyCode::channel_error, "CHANNEL_ERROR - expected 'channel.open'");
}

TEST_F(ChannelTest, OpeningTwiceEndsTheConnection) {
  auto& client = connect();
  client.open_channel(1);
  client.send(ChannelNumber{1}, protocol::channel::Open{});
  client.expect_close(ReplyCode::channel_error, "CHANNEL_ERROR - second 'channel.open' seen");
}

TEST_F(ChannelTest, ContentWithoutAMethodEndsTheConnection) {
  auto& client = connect();
  client.open_channel(1);
  client.send_octets(content_frames(ChannelNumber{1}, {}, "body"));
  client.expect_close(ReplyCode::unexpected_frame,
                      "UNEXPECTED_FRAME - expected method frame, got non method frame instead");
}

TEST_F(ChannelTest, AMethodInPlaceOfContentEndsTheConnection) {
  auto channel = connect().open_channel();
  channel.send(protocol::basic::Publish{.routing_key = "q"});
  channel.send(protocol::queue::Declare{.queue = "q"});
  channel.client().expect_close(
      ReplyCode::unexpected_frame,
      "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead");
}

TEST_F(ChannelTest, ItsErrorLeavesTheOthersAlone) {
  auto& client = connect();
  auto first = client.open_channel();
  auto second = client.open_channel();
  first.send(protocol::queue::Declare{.queue = "absent", .passive = true});
  first.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'absent' in vhost '/'");
  second.synchronize();
  client.open_channel(1).synchronize();
}

TEST_F(ChannelTest, WhatWasSentBeforeAnErrorHasItsEffectAndWhatCameAfterHasNot) {
  auto& client = connect();
  auto channel = client.open_channel();
  const auto number = channel.number();
  const auto publish = [&](std::string_view body) {
    return frame_of(number, protocol::basic::Publish{.routing_key = "q"}) + content_frames(number, {}, body);
  };
  client.send_octets(frame_of(number, protocol::queue::Declare{.queue = "q"}) + publish("before") +
                     frame_of(number, protocol::queue::Declare{.queue = "absent", .passive = true}) + publish("after") +
                     frame_of(number, protocol::queue::Declare{.queue = "never"}));
  channel.expect<protocol::queue::DeclareOk>();
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'absent' in vhost '/'");
  auto again = client.open_channel();
  EXPECT_THAT(again.drain_bodies("q"), ElementsAre("before"));
  again.send(protocol::queue::Declare{.queue = "never", .passive = true});
  again.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'never' in vhost '/'");
}

TEST_F(ChannelTest, ThatIsClosingIgnoresAllButItsOwnEnd) {
  auto& client = connect();
  auto channel = client.open_channel();
  const auto number = channel.number();
  channel.send(protocol::queue::Declare{.queue = "absent", .passive = true});
  channel.expect<protocol::channel::Close>();
  channel.publish("absent", "", "ignored");
  channel.send(protocol::queue::Declare{.queue = "q"});
  channel.send(protocol::channel::Close{.reply_code = 200});
  channel.expect<protocol::channel::CloseOk>();
  channel.send(protocol::channel::CloseOk{});
  client.open_channel(static_cast<std::uint16_t>(number)).synchronize();
}

TEST_F(ChannelTest, StoppingTheFlowIsNotImplemented) {
  auto channel = connect().open_channel();
  channel.send(protocol::channel::Flow{.active = false});
  channel.client().expect_close(ReplyCode::not_implemented, "NOT_IMPLEMENTED - active=false");
}

// --- errors of the connection

using ConnectionErrorTest = BrokerTest;

TEST_F(ConnectionErrorTest, AMethodOfAChannelOnChannelZero) {
  auto& client = connect();
  client.send(channel_zero, protocol::queue::Declare{.queue = "q"});
  client.expect_close(ReplyCode::channel_error, "CHANNEL_ERROR - unexpected method in connection state running");
}

TEST_F(ConnectionErrorTest, AnUnknownMethod) {
  auto& client = connect();
  client.open_channel(1);
  client.send_octets(frame_of(FrameType::method, ChannelNumber{1}, std::string_view{"\0\x3c\0\xff\0", 5}));
  EXPECT_EQ(client.expect<connection::Close>().class_id, 60);
}

TEST_F(ConnectionErrorTest, ArgumentsCutShort) {
  auto& client = connect();
  client.open_channel(1);
  client.send_octets(frame_of(FrameType::method, ChannelNumber{1}, std::string_view{"\0\x32\0\x0a\0\0\x05", 7}));
  EXPECT_EQ(client.expect<connection::Close>().reply_code, 501);
}

TEST_F(ConnectionErrorTest, ANameThatIsNoUtf8) {
  auto channel = connect().open_channel();
  channel.send(protocol::queue::Declare{.queue = "\xff\xfe"});
  channel.client().expect_close(ReplyCode::frame_error, "FRAME_ERROR - Malformed UTF-8 in shortstr");
}

TEST_F(ConnectionErrorTest, AFrameWithAWrongEnd) {
  auto& client = connect();
  client.open_channel(1);
  std::string frame = frame_of(ChannelNumber{1}, protocol::channel::Flow{.active = true});
  frame.back() = 0;
  client.send_octets(frame);
  EXPECT_EQ(client.expect<connection::Close>().reply_code, 501);
}

TEST_F(ConnectionErrorTest, AFrameLargerThanAgreed) {
  auto& client = connect({.frame_max = 4096});
  client.open_channel(1);
  client.send_octets(frame_of(FrameType::body, ChannelNumber{1}, std::string(5000, 'x')));
  EXPECT_EQ(client.expect<connection::Close>().reply_code, 501);
}

TEST_F(ConnectionErrorTest, ReturnsWhatTheConnectionHeld) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"1", "2"});
  channel.get("q");
  client.send(channel_zero, protocol::queue::Declare{});
  client.expect<connection::Close>();
  EXPECT_THAT(connect().open_channel().drain_bodies("q"), ElementsAre("1", "2"));
}

TEST_F(ConnectionErrorTest, AClientThatDoesNotAnswerCloseIsLeftAfterTenSeconds) {
  auto& client = connect();
  client.send(channel_zero, protocol::queue::Declare{});
  client.expect<connection::Close>();
  broker_.clock().advance(11s);
  client.expect_end();
}

TEST_F(ConnectionErrorTest, ClosingPolitelyIsAnsweredAndTheSocketLeftToTheClient) {
  auto& client = connect();
  client.open_channel();
  client.send(channel_zero, connection::Close{.reply_code = 200});
  client.expect<connection::CloseOk>();
  client.socket().close();
  wait_until([&] { return broker_.broker().connection_count() == 0; }, "the connection has gone");
}

TEST_F(ConnectionErrorTest, UpdatingTheSecretSucceeds) {
  auto& client = connect();
  client.send(channel_zero, connection::UpdateSecret{.new_secret = "new", .reason = "expired"});
  client.expect<connection::UpdateSecretOk>();
}

// --- permissions

class PermissionTest : public BrokerTest {
 protected:
  PermissionTest() {
    auto& access_control = broker_.broker().access_control();
    access_control.put_user({.name = "worker", .password_hash = broker::hash_password("secret")});
    access_control.put_permission("worker", "/", {.configure = "^mine", .write = "^(mine|inbox)", .read = "^mine"});
    auto channel = connect().open_channel();
    for (const auto queue : {"inbox", "other"}) channel.declare_queue(queue);
    channel.declare_exchange("other-exchange", "direct");
    channel.declare_exchange("mine-topic", "topic");
  }
  TestChannel open_as_worker() { return connect({.user = "worker", .password = "secret"}).open_channel(); }
  static std::string refused(std::string_view what) {
    return "ACCESS_REFUSED - access to " + std::string{what} + " in vhost '/' refused for user 'worker'";
  }
};

TEST_F(PermissionTest, LetAUserDoWhatTheySay) {
  auto channel = open_as_worker();
  channel.declare_queue("mine");
  channel.declare_exchange("mine-too", "direct");
  channel.bind("mine", "mine-too", "key");
  channel.publish("mine-too", "key", "body");
  EXPECT_EQ(channel.get("mine").body, "body");
  channel.purge("mine");
  channel.consume("mine");
  channel.delete_queue("mine");
  channel.delete_exchange("mine-too");
}

TEST_F(PermissionTest, AreAskedForWhateverIsConfigured) {
  auto channel = open_as_worker();
  const auto expect_refusal = [&](std::string_view what) {
    channel.expect_close(ReplyCode::access_refused, refused(what));
    channel = channel.client().open_channel();
  };
  channel.send(protocol::queue::Declare{.queue = "other"});
  expect_refusal("queue 'other'");
  channel.send(protocol::queue::Delete{.queue = "other"});
  expect_refusal("queue 'other'");
  channel.send(protocol::exchange::Declare{.exchange = "other-exchange", .type = "direct"});
  expect_refusal("exchange 'other-exchange'");
  channel.send(protocol::exchange::Delete{.exchange = "other-exchange"});
  expect_refusal("exchange 'other-exchange'");
}

TEST_F(PermissionTest, AreAskedForWhateverIsReadOrWritten) {
  auto channel = open_as_worker();
  const auto expect_refusal = [&](std::string_view what) {
    channel.expect_close(ReplyCode::access_refused, refused(what));
    channel = channel.client().open_channel();
  };
  channel.send(protocol::basic::Get{.queue = "inbox"});
  expect_refusal("queue 'inbox'");
  channel.send(protocol::basic::Consume{.queue = "inbox"});
  expect_refusal("queue 'inbox'");
  channel.send(protocol::queue::Purge{.queue = "inbox"});
  expect_refusal("queue 'inbox'");
  channel.publish("other-exchange", "key", "body");
  expect_refusal("exchange 'other-exchange'");
  channel.publish("", "inbox", "body");
  expect_refusal("exchange 'amq.default'");
  channel.send(protocol::queue::Bind{.queue = "other", .exchange = "mine-topic", .routing_key = "k"});
  expect_refusal("queue 'other'");
  channel.send(protocol::queue::Bind{.queue = "inbox", .exchange = "other-exchange", .routing_key = "k"});
  expect_refusal("exchange 'other-exchange'");
}

TEST_F(PermissionTest, ToWriteIsAskedForBeforeTheDefaultExchangeIsRefused) {
  auto channel = open_as_worker();
  channel.send(protocol::queue::Bind{.queue = "other", .exchange = ""});
  channel.expect_close(ReplyCode::access_refused, refused("queue 'other'"));
  channel = channel.client().open_channel();
  channel.send(protocol::queue::Bind{.queue = "inbox", .exchange = ""});
  channel.expect_close(ReplyCode::access_refused, "ACCESS_REFUSED - operation not permitted on the default exchange");
}

TEST_F(PermissionTest, ImpersonatorsPublishInAnyName) {
  auto& access_control = broker_.broker().access_control();
  access_control.put_user(
      {.name = "worker", .password_hash = broker::hash_password("secret"), .tags = {"impersonator"}});
  auto channel = open_as_worker();
  channel.declare_queue("mine");
  channel.declare_exchange("mine-too", "fanout");
  channel.bind("mine", "mine-too", "");
  channel.publish("mine-too", "", "body", {.properties = {.user_id = "guest"}});
  EXPECT_EQ(channel.get("mine").properties().user_id, "guest");
}

TEST_F(PermissionTest, OfTopicsAreAskedForTheRoutingKey) {
  broker_.broker().access_control().put_topic_permission("worker", "/", "mine-topic",
                                                         {.write = "^worker\\.", .read = "^worker\\."});
  auto channel = open_as_worker();
  channel.declare_queue("mine");
  channel.bind("mine", "mine-topic", "worker.#");
  channel.publish("mine-topic", "worker.1", "1");
  EXPECT_EQ(channel.get("mine").body, "1");
  channel.publish("mine-topic", "boss.1", "2");
  channel.expect_close(ReplyCode::access_refused,
                       "ACCESS_REFUSED - access to topic 'boss.1' in exchange 'mine-topic' in vhost '/' refused for "
                       "user 'worker'");
}

TEST_F(PermissionTest, CountFromTheMomentTheyChange) {
  auto channel = open_as_worker();
  channel.declare_exchange("mine", "direct");
  channel.publish("mine", "key", "body");
  channel.synchronize();
  broker_.broker().access_control().put_permission("worker", "/", {.configure = ".*"});
  channel.publish("mine", "key", "body");
  channel.expect_close(ReplyCode::access_refused, refused("exchange 'mine'"));
}

TEST_F(PermissionTest, OfTopicsCountFromTheMomentTheyChange) {
  auto channel = open_as_worker();
  channel.declare_exchange("mine-topic", "topic");
  channel.publish("mine-topic", "boss.1", "body");
  channel.synchronize();
  broker_.broker().access_control().put_topic_permission("worker", "/", "mine-topic", {.write = "^worker\\."});
  channel.publish("mine-topic", "worker.1", "body");
  channel.synchronize();
  channel.publish("mine-topic", "boss.1", "body");
  channel.expect_close(ReplyCode::access_refused,
                       "ACCESS_REFUSED - access to topic 'boss.1' in exchange 'mine-topic' in vhost '/' refused for "
                       "user 'worker'");
}

TEST_F(PermissionTest, AreNeededToEnterAVirtualHost) {
  broker_.broker().add_virtual_host("orders");
  auto& client = connect_silently();
  client.send_protocol_header();
  client.expect<connection::Start>();
  const TestClient::Options options{.user = "worker", .password = "secret", .virtual_host = "orders"};
  client.send_start_ok(options);
  client.expect<connection::Tune>();
  client.send_tune_ok(options);
  client.send_open(options);
  client.expect_close(ReplyCode::not_allowed, "NOT_ALLOWED - access to vhost 'orders' refused for user 'worker'");
}

TEST_F(PermissionTest, VirtualHostsKnowNothingOfEachOther) {
  broker_.broker().add_virtual_host("orders");
  broker_.broker().access_control().put_permission("guest", "orders", {.configure = ".*", .write = ".*", .read = ".*"});
  auto here = connect().open_channel();
  auto there = connect({.virtual_host = "orders"}).open_channel();
  here.declare_queue("q");
  there.declare_queue("q");
  there.publish_to("q", "there");
  EXPECT_EQ(there.counts_of("q").messages, 1u);
  EXPECT_EQ(here.counts_of("q").messages, 0u);
  there.send(protocol::queue::Declare{.queue = "inbox", .passive = true});
  there.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'inbox' in vhost 'orders'");
}

// --- the broker's end

using StopTest = BrokerTest;

TEST_F(StopTest, AsksEveryClientToGo) {
  auto& first = connect();
  auto& second = connect();
  first.open_channel();
  auto stopping = std::thread{[&] { broker_.stop(); }};
  for (auto* client : {&first, &second})
    client->expect_close(ReplyCode::connection_forced,
                         "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'");
  stopping.join();
}

TEST_F(StopTest, DoesNotWaitForClientsThatDoNotAnswer) {
  connect().open_channel();
  connect_silently();
  const auto start = std::chrono::steady_clock::now();
  broker_.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

}  // namespace
}  // namespace leveret::test
