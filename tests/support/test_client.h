#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/methods.h"
#include "protocol/properties.h"
#include "protocol/take_all.h"
#include "tests/support/test_socket.h"
#include "tests/support/waiting.h"

namespace leveret::test {

using protocol::BasicProperties;
using protocol::ChannelNumber;
using protocol::DeliveryTag;
using protocol::FieldArrayBuilder;
using protocol::FieldTable;
using protocol::FieldTableBuilder;
using protocol::Method;
using protocol::ReplyCode;

/// A frame with octets of its own.
struct ReceivedFrame {
  protocol::FrameType type = protocol::FrameType::method;
  ChannelNumber channel{};
  std::string payload{};

  protocol::MethodId method() const;  // {0, 0} when it is no method
};

/// For a failure's text: `channel.close{reply-code=404, ...}`.
std::string describe(const ReceivedFrame& frame);

/// Octets of one frame.
std::string frame_of(protocol::FrameType type, ChannelNumber channel, std::string_view payload);
template <Method M>
std::string frame_of(ChannelNumber channel, const M& method);
/// A header frame and body frames, none larger than `frame_max`.
std::string content_frames(ChannelNumber channel, const BasicProperties& properties, std::string_view body,
                           std::uint32_t frame_max = 131'072);

class TestChannel;

/// A client that says what a test tells it to, right or wrong, and hands out what comes back.
///
/// All waiting is for a frame or the end of the connection, and fails with TestFailure after `event_patience`.
class TestClient {
 public:
  struct Options {
    std::string user = "guest";
    std::string password = "guest";
    std::string virtual_host = "/";
    std::uint16_t channel_max = 2047;
    std::uint32_t frame_max = 131'072;
    std::uint16_t heartbeat = 0;  // seconds
    bool has_capabilities = true;
    int receive_buffer_octets = 0;  // 0: as the kernel likes
  };

  /// Only connects the socket.
  explicit TestClient(std::uint16_t port, int receive_buffer_octets = 0) : socket_(port, receive_buffer_octets) {}
  /// Goes through the handshake as well.
  TestClient(std::uint16_t port, const Options& options);
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  TestSocket& socket() { return socket_; }

  // --- the handshake, step by step

  void send_protocol_header() { send_octets("AMQP\x00\x00\x09\x01"); }
  void send_start_ok(const Options& options);
  void send_tune_ok(const Options& options);
  void send_open(const Options& options);

  // --- frames

  /// A literal may hold NUL octets.
  template <std::size_t size>
  void send_octets(const char (&octets)[size]) {
    socket_.send({octets, size - 1});
  }
  void send_octets(const std::string& octets) { socket_.send(octets); }
  template <Method M>
  void send(ChannelNumber channel, const M& method) {
    socket_.send(frame_of(channel, method));
  }

  /// The next frame on this channel; those on others wait until they are asked for.
  ReceivedFrame receive(ChannelNumber channel);
  /// Whether a frame on this channel has arrived already.
  bool has_frame(ChannelNumber channel);
  /// Must be this method; its views stand until the next call of any member.
  template <Method M>
  M expect(ChannelNumber channel = {});
  void expect_heartbeat();

  /// The broker must close the connection with this; answers, and waits for the socket's end.
  void expect_close(ReplyCode code, std::string_view reply_text);
  /// The broker must end the socket, and may send nothing but heartbeats before that.
  void expect_end();
  /// Whether the broker has ended the socket by now, whatever it sent before.
  bool has_ended();

  // --- channels

  TestChannel open_channel();
  TestChannel open_channel(std::uint16_t number);

  /// Says farewell and waits for the answer.
  void close();
  /// Goes without a word.
  void vanish() { socket_.vanish(); }

 private:
  void take_input();

  TestSocket socket_;
  std::string input_{};
  std::map<ChannelNumber, std::deque<ReceivedFrame>> frames_{};
  std::size_t heartbeats_ = 0;
  bool is_at_end_ = false;
  ReceivedFrame expected_{};
  std::uint16_t last_channel_ = 0;
};

/// A message as a client receives it: delivered, got or returned.
struct ReceivedMessage {
  DeliveryTag delivery_tag{};
  bool is_redelivered = false;
  std::string consumer_tag{};
  std::string exchange{};
  std::string routing_key{};
  std::uint32_t messages_left = 0;  // get-ok's message-count
  std::uint16_t reply_code = 0;     // of a return
  std::string reply_text{};
  std::string encoded_properties{};
  std::string body{};

  BasicProperties properties() const;
};

enum class Requeue : bool { no, yes };
enum class Multiple : bool { no, yes };
enum class NoAck : bool { no, yes };

struct QueueOptions {
  bool passive = false;
  bool durable = false;
  bool exclusive = false;
  bool auto_delete = false;
  FieldTable arguments{};
};

struct ExchangeOptions {
  bool passive = false;
  bool durable = false;
  bool auto_delete = false;
  bool internal = false;
  FieldTable arguments{};
};

struct ConsumeOptions {
  std::string_view tag{};
  NoAck no_ack = NoAck::no;
  bool exclusive = false;
  FieldTable arguments{};
};

struct PublishOptions {
  BasicProperties properties{};
  bool mandatory = false;
};

struct DeleteOptions {
  bool if_unused = false;
  bool if_empty = false;
};

struct DeclaredQueue {
  std::string name{};
  std::uint32_t messages = 0;
  std::uint32_t consumers = 0;
};

/// A publisher confirm.
struct Confirm {
  DeliveryTag delivery_tag{};
  bool is_multiple = false;
  friend bool operator==(const Confirm&, const Confirm&) = default;
};

/// One channel of a TestClient, which outlives it.  What arrives unasked (deliveries, returns, confirms, cancellations)
/// is kept until the test asks for it.
class TestChannel {
 public:
  TestChannel(TestClient& client, ChannelNumber number) : client_(&client), number_(number) {}

  TestClient& client() { return *client_; }
  ChannelNumber number() const { return number_; }

  template <Method M>
  void send(const M& method) {
    client_->send(number_, method);
  }
  /// The next answer must be this one.
  template <Method M>
  M expect();
  template <Method Answer, Method Request>
  Answer call(const Request& request) {
    send(request);
    return expect<Answer>();
  }
  /// The broker must close the channel with this; answers it.  The number is free again.
  void expect_close(ReplyCode code, std::string_view reply_text);
  /// A question and its answer: whatever this channel has caused on its own shard has arrived.
  void synchronize() { call<protocol::channel::FlowOk>(protocol::channel::Flow{.active = true}); }
  void close() { call<protocol::channel::CloseOk>(protocol::channel::Close{.reply_code = 200, .reply_text = "bye"}); }

  // --- topology

  DeclaredQueue declare_queue(std::string_view name, const QueueOptions& options = {});
  /// Of an existing queue; asked of its shard, behind everything this channel did to it.
  DeclaredQueue counts_of(std::string_view queue) { return declare_queue(queue, {.passive = true}); }
  std::uint32_t delete_queue(std::string_view name, const DeleteOptions& options = {});
  std::uint32_t purge(std::string_view queue);
  void declare_exchange(std::string_view name, std::string_view type, const ExchangeOptions& options = {});
  void delete_exchange(std::string_view name, bool if_unused = false);
  void bind(std::string_view queue, std::string_view exchange, std::string_view key, FieldTable arguments = {});
  void unbind(std::string_view queue, std::string_view exchange, std::string_view key, FieldTable arguments = {});
  void bind_exchange(std::string_view destination, std::string_view source, std::string_view key);
  void unbind_exchange(std::string_view destination, std::string_view source, std::string_view key);

  // --- publishing

  void publish(std::string_view exchange, std::string_view key, std::string_view body,
               const PublishOptions& options = {});
  void publish_to(std::string_view queue, std::string_view body) { publish("", queue, body); }
  void publish_to(std::string_view queue, std::initializer_list<std::string_view> bodies) {
    for (const auto body : bodies) publish("", queue, body);
  }
  /// delivery-mode 2.
  void publish_persistent(std::string_view queue, std::string_view body);
  void select_confirms() { call<protocol::confirm::SelectOk>(protocol::confirm::Select{}); }
  Confirm next_confirm();
  /// Waits until the publishes up to this number are confirmed, each just once.
  void wait_for_confirms(std::uint64_t count);
  ReceivedMessage next_return();

  // --- consuming

  void limit_prefetch(std::uint16_t count, bool global = false) {
    call<protocol::basic::QosOk>(protocol::basic::Qos{.prefetch_count = count, .global = global});
  }
  /// The consumer's tag.
  std::string consume(std::string_view queue, const ConsumeOptions& options = {});
  void cancel(std::string_view tag);
  ReceivedMessage next_delivery();
  std::vector<std::string> next_bodies(std::size_t count);
  bool has_delivery() const { return !deliveries_.empty(); }
  /// The tag of a consumer that the broker has cancelled.
  std::string next_cancellation();
  /// One message must be there.
  ReceivedMessage get(std::string_view queue, NoAck no_ack = NoAck::no);
  std::optional<ReceivedMessage> try_get(std::string_view queue, NoAck no_ack = NoAck::no);
  /// All of a queue's ready messages, acknowledged as they come.
  std::vector<ReceivedMessage> drain(std::string_view queue);
  std::vector<std::string> drain_bodies(std::string_view queue);
  void acknowledge(const ReceivedMessage& message, Multiple multiple = Multiple::no) {
    send(protocol::basic::Ack{.delivery_tag = message.delivery_tag, .multiple = multiple == Multiple::yes});
  }
  void reject(const ReceivedMessage& message, Requeue requeue) {
    send(protocol::basic::Reject{.delivery_tag = message.delivery_tag, .requeue = requeue == Requeue::yes});
  }
  void nack(const ReceivedMessage& message, Multiple multiple, Requeue requeue) {
    send(protocol::basic::Nack{.delivery_tag = message.delivery_tag,
                               .multiple = multiple == Multiple::yes,
                               .requeue = requeue == Requeue::yes});
  }

 private:
  bool keep_unasked(const ReceivedFrame& frame);
  ReceivedFrame next_answer();
  void receive_unasked(std::string_view what);
  template <class T>
  T take_unasked(std::deque<T>& waiting, std::string_view what);
  void receive_content(ReceivedMessage& message);

  TestClient* client_;
  ChannelNumber number_;
  ReceivedFrame answer_{};
  std::deque<ReceivedMessage> deliveries_{};
  std::deque<ReceivedMessage> returns_{};
  std::deque<Confirm> confirms_{};
  std::deque<std::string> cancellations_{};
};

// ------------------------------------------------------------------------------------------------------ templates

template <Method M>
std::string frame_of(ChannelNumber channel, const M& method) {
  protocol::OutputBuffer output;
  protocol::encode(method, channel, output);
  return take_all(output);
}

/// The method in a frame; its views point into the frame.  Errors: TestFailure when it is another.
template <Method M>
M method_in(const ReceivedFrame& frame) {
  if (frame.method() != M::id) throw TestFailure{"expected " + std::string{M::name} + ", received " + describe(frame)};
  const auto method = protocol::decode<M>(protocol::as_octets(frame.payload).subspan(protocol::method_id_size));
  if (!method) throw TestFailure{"cannot decode " + std::string{M::name}};
  return *method;
}

template <Method M>
M TestClient::expect(ChannelNumber channel) {
  expected_ = receive(channel);
  return method_in<M>(expected_);
}

template <Method M>
M TestChannel::expect() {
  answer_ = next_answer();
  return method_in<M>(answer_);
}

}  // namespace leveret::test
