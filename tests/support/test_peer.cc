#include "tests/support/test_peer.h"

#include <algorithm>
#include <utility>

#include "storage/memory_store.h"
#include "tests/support/test_client.h"

namespace leveret::test {

UnthreadedBroker::UnthreadedBroker(broker::BrokerOptions options)
    : broker_(std::move(options), storage::make_memory_store(), clock_) {
  broker_.recover();
}

void UnthreadedBroker::run() {
  shard().context().restart();
  shard().context().poll();
}

TestPeer::TestPeer(UnthreadedBroker& broker)
    : broker_(broker),
      connection_(broker.broker(), broker.shard(), *this, {.address = "127.0.0.1:1", .is_loopback = true}) {}

/// As ClientSocket does it: input goes in until the connection wants no more, and again when it asks for it.
void TestPeer::send(std::string_view octets) {
  input_ += octets;
  broker_.run();
  while (!connection_.is_finished() && !has_hung_up_ && !is_waiting_) {
    if (!connection_.wants_input()) {
      is_waiting_ = true;
      broker_.run();  // an answer may be ready by then
    } else if (connection_.has_stopped_early() || !input_.empty()) {
      const std::size_t size_before = input_.size();
      protocol::Octets unread = protocol::as_octets(input_);
      connection_.receive(unread);
      input_.erase(0, size_before - unread.size());
      broker_.run();
      if (unread.size() == size_before && !connection_.has_stopped_early()) return;  // a part of a frame
    } else {
      return;
    }
  }
}

void TestPeer::shake_hands(std::uint32_t frame_max, std::uint16_t heartbeat) {
  const ChannelNumber channel_zero{0};
  FieldTableBuilder capabilities, properties;
  capabilities.put("consumer_cancel_notify", true)
      .put("authentication_failure_close", true)
      .put("connection.blocked", true);
  properties.put("capabilities", capabilities);
  using namespace std::string_literals;
  const std::string response = "\0guest\0guest"s;
  send(std::string{protocol::as_text(protocol::protocol_header)} +
       frame_of(channel_zero,
                protocol::connection::StartOk{
                    .client_properties = properties.view(), .mechanism = "PLAIN", .response = response}) +
       frame_of(channel_zero,
                protocol::connection::TuneOk{.channel_max = 2047, .frame_max = frame_max, .heartbeat = heartbeat}) +
       frame_of(channel_zero, protocol::connection::Open{.virtual_host = "/"}));
  written_.clear();
}

void TestPeer::write() {
  if (!is_reading_) return;
  written_ += take_all(connection_.output());
  connection_.output_written();
}

std::string TestPeer::take_written() {
  return std::exchange(written_, {});
}

void TestPeer::read_on() {
  is_reading_ = true;
  write();
  send();
}

void TestPeer::read_some(std::size_t size) {
  auto& output = connection_.output();
  output.consume(std::min(size, output.size()));
  connection_.output_written();
  send();
}

void TestPeer::hang_up() {
  if (std::exchange(has_hung_up_, true) || connection_.is_finished()) return;
  connection_.disconnected();
  broker_.run();
}

}  // namespace leveret::test
