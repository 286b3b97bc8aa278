#pragma once
#include <string>
#include <string_view>

#include "broker/amqp/connection.h"
#include "broker/broker.h"
#include "tests/support/manual_clock.h"

namespace leveret::test {

/// A broker of one shard without a thread: the test runs its loop, so nothing happens but what the test does.
class UnthreadedBroker {
 public:
  explicit UnthreadedBroker(broker::BrokerOptions options = {});

  broker::Broker& broker() { return broker_; }
  broker::Shard& shard() { return *broker_.shards().front(); }
  ManualClock& clock() { return clock_; }
  /// Everything that is ready, turns included.
  void run();

 private:
  ManualClock clock_{};
  broker::Broker broker_;
};

/// A connection and, in place of a socket, the client at its other end.
class TestPeer final : private broker::amqp::Transport {
 public:
  explicit TestPeer(UnthreadedBroker& broker);

  broker::amqp::Connection& connection() { return connection_; }

  /// Has the connection take what it wants of these octets and of those that were left; runs the broker.
  void send(std::string_view octets = {});
  /// Header, start-ok as guest, tune-ok with these limits, open; what is written meanwhile is thrown away.
  void shake_hands(std::uint32_t frame_max = 131'072, std::uint16_t heartbeat = 0);
  /// Everything the broker has written and this client has not taken yet.
  std::string take_written();
  /// As if the kernel's buffers were full, until `read_on`.
  void stop_reading() { is_reading_ = false; }
  void read_on();
  /// The client's kernel takes so many octets, and no more.
  void read_some(std::size_t size);
  /// The socket's end, as the broker sees it.
  void hang_up();

  /// The broker wants the socket closed.
  bool is_closed() const { return is_closed_; }

 private:
  void write() override;
  void resume() override { is_waiting_ = false; }
  void close() override { is_closed_ = true; }

  UnthreadedBroker& broker_;
  std::string input_{};
  std::string written_{};
  bool is_reading_ = true;
  bool is_closed_ = false;
  bool is_waiting_ = false;  // the connection wanted no more input, and has not asked for it again
  bool has_hung_up_ = false;
  broker::amqp::Connection connection_;
};

}  // namespace leveret::test
