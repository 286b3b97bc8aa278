#include "broker/amqp/connection.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/test_client.h"
#include "tests/support/test_peer.h"

namespace leveret::test {
namespace {

using namespace std::chrono_literals;

constexpr ChannelNumber channel{1};

class ConnectionTest : public testing::Test {
 protected:
  /// Declares a queue, publishes `count` bodies of this size to it, and begins to consume.
  void fill_output(std::size_t count, std::size_t size) {
    peer_.send(frame_of(channel, protocol::channel::Open{}) +
               frame_of(channel, protocol::queue::Declare{.queue = "q"}));
    const std::string body(size, 'x');
    for (std::size_t i = 0; i < count; ++i)
      peer_.send(frame_of(channel, protocol::basic::Publish{.routing_key = "q"}) + content_frames(channel, {}, body));
    peer_.stop_reading();
    peer_.send(frame_of(channel, protocol::basic::Consume{.queue = "q", .no_ack = true}));
  }
  /// What the shard does four times a second.
  void tick() {
    broker_.shard().begin_turn();
    peer_.connection().tick(broker_.clock().now());
    peer_.send();
  }

  UnthreadedBroker broker_{};
  TestPeer peer_{broker_};
};

TEST_F(ConnectionTest, StopsDeliveriesToAClientThatDoesNotRead) {
  peer_.shake_hands();
  fill_output(100, 100'000);
  EXPECT_GE(peer_.connection().output().size(), 1024u * 1024);
  EXPECT_LT(peer_.connection().output().size(), 1024u * 1024 + 110'000);
  EXPECT_FALSE(peer_.connection().wants_input());
  peer_.read_on();
  EXPECT_GT(peer_.take_written().size(), 10'000'000u) << "all of it, once it reads";
}

TEST_F(ConnectionTest, DoesNotTakeForDeadWhoCouldNotBeHeardMeanwhile) {
  peer_.shake_hands(131'072, 10);
  fill_output(100, 100'000);
  tick();
  broker_.clock().advance(60s);
  tick();
  ASSERT_FALSE(peer_.connection().is_finished()) << "its heartbeats wait to be read";
  peer_.read_some(500'000);
  ASSERT_TRUE(peer_.connection().wants_input());
  tick();
  EXPECT_FALSE(peer_.connection().is_finished()) << "they still do";
}

TEST_F(ConnectionTest, EndsWhenTheClientMissesTwoHeartbeats) {
  peer_.shake_hands(131'072, 10);
  broker_.clock().advance(19s);
  tick();
  EXPECT_FALSE(peer_.connection().is_finished());
  peer_.send(frame_of(protocol::FrameType::heartbeat, ChannelNumber{0}, ""));
  tick();
  broker_.clock().advance(19s);
  tick();
  EXPECT_FALSE(peer_.connection().is_finished());
  broker_.clock().advance(2s);
  tick();
  EXPECT_TRUE(peer_.connection().is_finished());
  EXPECT_TRUE(peer_.is_closed());
}

TEST_F(ConnectionTest, SendsAHeartbeatWhenItHasBeenSilentForHalfTheInterval) {
  peer_.shake_hands(131'072, 10);
  const std::string heartbeat = frame_of(protocol::FrameType::heartbeat, ChannelNumber{0}, "");
  broker_.clock().advance(4s);
  tick();
  EXPECT_EQ(peer_.take_written(), "");
  broker_.clock().advance(1s);
  tick();
  EXPECT_EQ(peer_.take_written(), heartbeat);
  tick();
  EXPECT_EQ(peer_.take_written(), "");
}

TEST_F(ConnectionTest, TakesFramesInAnyPieces) {
  peer_.shake_hands();
  const std::string octets =
      frame_of(channel, protocol::channel::Open{}) + frame_of(channel, protocol::queue::Declare{.queue = "q"}) +
      frame_of(channel, protocol::basic::Publish{.routing_key = "q"}) + content_frames(channel, {}, "body") +
      frame_of(channel, protocol::basic::Get{.queue = "q", .no_ack = true});
  for (const char octet : octets) peer_.send({&octet, 1});
  const std::string in_pieces = peer_.take_written();
  EXPECT_NE(in_pieces.find("body"), std::string::npos);

  UnthreadedBroker other_broker;
  TestPeer other_peer{other_broker};
  other_peer.shake_hands();
  other_peer.send(octets);
  EXPECT_EQ(other_peer.take_written(), in_pieces);
}

}  // namespace
}  // namespace leveret::test
