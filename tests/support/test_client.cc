#include "tests/support/test_client.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace leveret::test {

namespace basic = protocol::basic;
namespace channel = protocol::channel;
namespace connection = protocol::connection;
namespace exchange = protocol::exchange;
namespace queue = protocol::queue;
using protocol::FrameType;
using protocol::MethodId;

namespace {

constexpr ChannelNumber channel_zero{0};

bool is_unasked(MethodId method) {
  return method == basic::Deliver::id || method == basic::Return::id || method == basic::Ack::id ||
         method == basic::Nack::id || method == basic::Cancel::id;
}

}  // namespace

MethodId ReceivedFrame::method() const {
  if (type != FrameType::method || payload.size() < protocol::method_id_size) return {};
  const auto* octets = protocol::as_octets(payload).data();
  return {protocol::load<std::uint16_t>(octets), protocol::load<std::uint16_t>(octets + 2)};
}

std::string describe(const ReceivedFrame& frame) {
  if (frame.type != FrameType::method) return "a frame of type " + std::to_string(static_cast<int>(frame.type));
  std::string text = "an unknown method";
  auto visitor = [&](const auto& method) -> protocol::Result<void> {
    text = protocol::describe(method);
    return {};
  };
  static_cast<void>(protocol::dispatch_among(
      protocol::ServerMethods{}, frame.method(),
      protocol::as_octets(frame.payload).subspan(std::min(frame.payload.size(), protocol::method_id_size)), visitor));
  return text;
}

std::string frame_of(FrameType type, ChannelNumber channel, std::string_view payload) {
  std::string frame(protocol::frame_header_size, '\0');
  frame.append(payload).push_back('\0');
  auto* octets = reinterpret_cast<std::uint8_t*>(frame.data());
  protocol::finish_frame(octets, type, channel, octets + protocol::frame_header_size + payload.size());
  return frame;
}

std::string content_frames(ChannelNumber channel, const BasicProperties& properties, std::string_view body,
                           std::uint32_t frame_max) {
  protocol::OutputBuffer output;
  const std::string encoded = protocol::encode_properties(properties);
  const std::array<protocol::Octets, 1> pieces{protocol::as_octets(body)};
  protocol::append_content(channel, protocol::as_octets(encoded), body.size(), pieces, frame_max, output,
                           [](protocol::Octets) { return protocol::Keeper{}; });
  return take_all(output);
}

// ------------------------------------------------------------------------------------------------------ TestClient

TestClient::TestClient(std::uint16_t port, const Options& options) : socket_(port, options.receive_buffer_octets) {
  send_protocol_header();
  expect<connection::Start>();
  send_start_ok(options);
  expect<connection::Tune>();
  send_tune_ok(options);
  send_open(options);
  expect<connection::OpenOk>();
}

void TestClient::send_start_ok(const Options& options) {
  FieldTableBuilder capabilities;
  if (options.has_capabilities)
    for (const auto name : {"authentication_failure_close", "basic.nack", "connection.blocked",
                            "consumer_cancel_notify", "publisher_confirms"})
      capabilities.put(name, true);
  FieldTableBuilder properties;
  properties.put("capabilities", capabilities);
  using namespace std::string_literals;
  const std::string response = "\0"s + options.user + "\0"s + options.password;
  send(channel_zero,
       connection::StartOk{
           .client_properties = properties.view(), .mechanism = "PLAIN", .response = response, .locale = "en_US"});
}

void TestClient::send_tune_ok(const Options& options) {
  send(channel_zero,
       connection::TuneOk{
           .channel_max = options.channel_max, .frame_max = options.frame_max, .heartbeat = options.heartbeat});
}

void TestClient::send_open(const Options& options) {
  send(channel_zero, connection::Open{.virtual_host = options.virtual_host});
}

void TestClient::take_input() {
  const std::string received = socket_.receive();
  is_at_end_ = received.empty();
  input_ += received;
  protocol::Octets unread = protocol::as_octets(input_);
  while (true) {
    const auto frame = protocol::take_frame(unread, 0);
    if (!frame) throw TestFailure{"the broker sent a malformed frame: " + frame.error().text};
    if (!*frame) break;
    const auto& [type, number, payload] = **frame;
    if (type == FrameType::heartbeat)
      ++heartbeats_;
    else
      frames_[number].push_back({.type = type, .channel = number, .payload = std::string{protocol::as_text(payload)}});
  }
  input_.erase(0, input_.size() - unread.size());
}

ReceivedFrame TestClient::receive(ChannelNumber number) {
  auto& waiting = frames_[number];
  while (waiting.empty()) {
    if (is_at_end_) throw TestFailure{"the broker has ended the connection"};
    if (const auto& control = frames_[channel_zero]; number != channel_zero && !control.empty())
      throw TestFailure{"expected a frame on a channel, received " + describe(control.front())};
    take_input();
  }
  ReceivedFrame frame = std::move(waiting.front());
  waiting.pop_front();
  return frame;
}

bool TestClient::has_frame(ChannelNumber number) {
  while (frames_[number].empty() && !is_at_end_ && socket_.has_input()) take_input();
  return !frames_[number].empty();
}

void TestClient::expect_heartbeat() {
  while (heartbeats_ == 0) {
    if (is_at_end_) throw TestFailure{"the broker has ended the connection"};
    take_input();
  }
  --heartbeats_;
}

void TestClient::expect_close(ReplyCode code, std::string_view reply_text) {
  const auto close = expect<connection::Close>();
  if (close.reply_code != static_cast<std::uint16_t>(code) || close.reply_text != reply_text)
    throw TestFailure{"expected another connection.close, received " + describe(expected_)};
  send(channel_zero, connection::CloseOk{});
  expect_end();
}

void TestClient::expect_end() {
  while (!is_at_end_) {
    take_input();
    for (const auto& [number, waiting] : frames_)
      if (!waiting.empty()) throw TestFailure{"expected the end, received " + describe(waiting.front())};
  }
}

bool TestClient::has_ended() {
  while (!is_at_end_ && socket_.has_input()) take_input();
  return is_at_end_;
}

TestChannel TestClient::open_channel() {
  return open_channel(static_cast<std::uint16_t>(last_channel_ + 1));
}

TestChannel TestClient::open_channel(std::uint16_t number) {
  last_channel_ = std::max(last_channel_, number);
  TestChannel opened{*this, ChannelNumber{number}};
  opened.call<channel::OpenOk>(channel::Open{});
  return opened;
}

void TestClient::close() {
  send(channel_zero, connection::Close{.reply_code = 200, .reply_text = "bye"});
  expect<connection::CloseOk>();
  socket_.close();
}

// ----------------------------------------------------------------------------------------------------- TestChannel

BasicProperties ReceivedMessage::properties() const {
  const auto decoded = protocol::decode_properties(protocol::as_octets(encoded_properties));
  if (!decoded) throw TestFailure{"cannot decode the properties received"};
  return *decoded;
}

void TestChannel::receive_content(ReceivedMessage& message) {
  const ReceivedFrame header_frame = client_->receive(number_);
  const auto header = protocol::decode_content_header(protocol::as_octets(header_frame.payload));
  if (header_frame.type != FrameType::header || !header)
    throw TestFailure{"expected a content header, received " + describe(header_frame)};
  message.encoded_properties = protocol::as_text(header->properties);
  while (message.body.size() < header->body_size) {
    const ReceivedFrame body = client_->receive(number_);
    if (body.type != FrameType::body) throw TestFailure{"expected a body, received " + describe(body)};
    message.body += body.payload;
  }
}

/// False for the answer to something.
bool TestChannel::keep_unasked(const ReceivedFrame& frame) {
  const MethodId method = frame.method();
  if (!is_unasked(method)) return false;
  if (method == basic::Deliver::id) {
    const auto deliver = method_in<basic::Deliver>(frame);
    ReceivedMessage message{.delivery_tag = deliver.delivery_tag,
                            .is_redelivered = deliver.redelivered,
                            .consumer_tag = std::string{deliver.consumer_tag},
                            .exchange = std::string{deliver.exchange},
                            .routing_key = std::string{deliver.routing_key}};
    receive_content(message);
    deliveries_.push_back(std::move(message));
  } else if (method == basic::Return::id) {
    const auto returned = method_in<basic::Return>(frame);
    ReceivedMessage message{.exchange = std::string{returned.exchange},
                            .routing_key = std::string{returned.routing_key},
                            .reply_code = returned.reply_code,
                            .reply_text = std::string{returned.reply_text}};
    receive_content(message);
    returns_.push_back(std::move(message));
  } else if (method == basic::Cancel::id) {
    cancellations_.emplace_back(method_in<basic::Cancel>(frame).consumer_tag);
  } else {
    const auto ack = method_in<basic::Ack>(frame);
    confirms_.push_back({.delivery_tag = ack.delivery_tag, .is_multiple = ack.multiple});
  }
  return true;
}

ReceivedFrame TestChannel::next_answer() {
  while (true) {
    ReceivedFrame frame = client_->receive(number_);
    if (!keep_unasked(frame)) return frame;
  }
}

void TestChannel::receive_unasked(std::string_view what) {
  const ReceivedFrame frame = client_->receive(number_);
  if (!keep_unasked(frame)) throw TestFailure{"expected " + std::string{what} + ", received " + describe(frame)};
}

template <class T>
T TestChannel::take_unasked(std::deque<T>& waiting, std::string_view what) {
  while (waiting.empty()) receive_unasked(what);
  T taken = std::move(waiting.front());
  waiting.pop_front();
  return taken;
}

void TestChannel::expect_close(ReplyCode code, std::string_view reply_text) {
  const auto close = expect<channel::Close>();
  if (close.reply_code != static_cast<std::uint16_t>(code) || close.reply_text != reply_text)
    throw TestFailure{"expected another channel.close, received " + describe(answer_)};
  send(channel::CloseOk{});
}

// --- topology

DeclaredQueue TestChannel::declare_queue(std::string_view name, const QueueOptions& options) {
  const auto declared = call<queue::DeclareOk>(queue::Declare{.queue = name,
                                                              .passive = options.passive,
                                                              .durable = options.durable,
                                                              .exclusive = options.exclusive,
                                                              .auto_delete = options.auto_delete,
                                                              .arguments = options.arguments});
  return {
      .name = std::string{declared.queue}, .messages = declared.message_count, .consumers = declared.consumer_count};
}

std::uint32_t TestChannel::delete_queue(std::string_view name, const DeleteOptions& options) {
  return call<queue::DeleteOk>(
             queue::Delete{.queue = name, .if_unused = options.if_unused, .if_empty = options.if_empty})
      .message_count;
}

std::uint32_t TestChannel::purge(std::string_view name) {
  return call<queue::PurgeOk>(queue::Purge{.queue = name}).message_count;
}

void TestChannel::declare_exchange(std::string_view name, std::string_view type, const ExchangeOptions& options) {
  call<exchange::DeclareOk>(exchange::Declare{.exchange = name,
                                              .type = type,
                                              .passive = options.passive,
                                              .durable = options.durable,
                                              .auto_delete = options.auto_delete,
                                              .internal = options.internal,
                                              .arguments = options.arguments});
}

void TestChannel::delete_exchange(std::string_view name, bool if_unused) {
  call<exchange::DeleteOk>(exchange::Delete{.exchange = name, .if_unused = if_unused});
}

void TestChannel::bind(std::string_view queue, std::string_view exchange, std::string_view key, FieldTable arguments) {
  call<queue::BindOk>(queue::Bind{.queue = queue, .exchange = exchange, .routing_key = key, .arguments = arguments});
}

void TestChannel::unbind(std::string_view queue, std::string_view exchange, std::string_view key,
                         FieldTable arguments) {
  call<queue::UnbindOk>(
      queue::Unbind{.queue = queue, .exchange = exchange, .routing_key = key, .arguments = arguments});
}

void TestChannel::bind_exchange(std::string_view destination, std::string_view source, std::string_view key) {
  call<exchange::BindOk>(exchange::Bind{.destination = destination, .source = source, .routing_key = key});
}

void TestChannel::unbind_exchange(std::string_view destination, std::string_view source, std::string_view key) {
  call<exchange::UnbindOk>(exchange::Unbind{.destination = destination, .source = source, .routing_key = key});
}

// --- publishing

void TestChannel::publish(std::string_view exchange, std::string_view key, std::string_view body,
                          const PublishOptions& options) {
  client_->send_octets(
      frame_of(number_, basic::Publish{.exchange = exchange, .routing_key = key, .mandatory = options.mandatory}) +
      content_frames(number_, options.properties, body));
}

void TestChannel::publish_persistent(std::string_view queue, std::string_view body) {
  publish("", queue, body, {.properties = {.delivery_mode = std::uint8_t{2}}});
}

Confirm TestChannel::next_confirm() {
  return take_unasked(confirms_, "a confirm");
}

void TestChannel::wait_for_confirms(std::uint64_t count) {
  std::set<std::uint64_t> missing;
  for (std::uint64_t tag = 1; tag <= count; ++tag) missing.insert(tag);
  while (!missing.empty()) {
    const Confirm confirm = next_confirm();
    const auto tag = static_cast<std::uint64_t>(confirm.delivery_tag);
    if (!missing.contains(tag)) throw TestFailure{"confirmed twice, or never published: " + std::to_string(tag)};
    missing.erase(confirm.is_multiple ? missing.begin() : missing.find(tag), missing.upper_bound(tag));
  }
}

ReceivedMessage TestChannel::next_return() {
  return take_unasked(returns_, "a return");
}

// --- consuming

std::string TestChannel::consume(std::string_view queue, const ConsumeOptions& options) {
  return std::string{call<basic::ConsumeOk>(basic::Consume{.queue = queue,
                                                           .consumer_tag = options.tag,
                                                           .no_ack = options.no_ack == NoAck::yes,
                                                           .exclusive = options.exclusive,
                                                           .arguments = options.arguments})
                         .consumer_tag};
}

void TestChannel::cancel(std::string_view tag) {
  call<basic::CancelOk>(basic::Cancel{.consumer_tag = tag});
}

ReceivedMessage TestChannel::next_delivery() {
  return take_unasked(deliveries_, "a delivery");
}

std::vector<std::string> TestChannel::next_bodies(std::size_t count) {
  std::vector<std::string> bodies;
  while (bodies.size() < count) bodies.push_back(next_delivery().body);
  return bodies;
}

std::string TestChannel::next_cancellation() {
  return take_unasked(cancellations_, "a cancellation");
}

std::optional<ReceivedMessage> TestChannel::try_get(std::string_view queue, NoAck no_ack) {
  send(basic::Get{.queue = queue, .no_ack = no_ack == NoAck::yes});
  answer_ = next_answer();
  if (answer_.method() == basic::GetEmpty::id) return {};
  const auto got = method_in<basic::GetOk>(answer_);
  ReceivedMessage message{.delivery_tag = got.delivery_tag,
                          .is_redelivered = got.redelivered,
                          .exchange = std::string{got.exchange},
                          .routing_key = std::string{got.routing_key},
                          .messages_left = got.message_count};
  receive_content(message);
  return message;
}

ReceivedMessage TestChannel::get(std::string_view queue, NoAck no_ack) {
  auto message = try_get(queue, no_ack);
  if (!message) throw TestFailure{"no message in queue " + std::string{queue}};
  return *std::move(message);
}

std::vector<ReceivedMessage> TestChannel::drain(std::string_view queue) {
  std::vector<ReceivedMessage> messages;
  while (auto message = try_get(queue, NoAck::yes)) messages.push_back(*std::move(message));
  return messages;
}

std::vector<std::string> TestChannel::drain_bodies(std::string_view queue) {
  std::vector<std::string> bodies;
  for (auto& message : drain(queue)) bodies.push_back(std::move(message.body));
  return bodies;
}

}  // namespace leveret::test
