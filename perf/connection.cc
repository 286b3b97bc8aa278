#include "perf/connection.h"

#include <array>
#include <stdexcept>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>

#include "protocol/field_table.h"
#include "protocol/take_all.h"

namespace leveret::perf {
namespace {

namespace asio = boost::asio;
namespace basic = protocol::basic;
using asio::ip::tcp;
using protocol::FrameType;
using protocol::MethodId;
using protocol::Octets;

constexpr std::size_t input_size = 256 * 1024;
constexpr std::uint32_t frame_max_wanted = 131'072;
constexpr protocol::ChannelNumber channel_zero{0};

/// What the broker may say while a load is under way, the most frequent first.
using LoadMethods =
    protocol::MethodList<basic::Deliver, basic::Ack, basic::Nack, basic::Cancel, protocol::channel::Close,
                         protocol::connection::Close, protocol::connection::Blocked, protocol::connection::Unblocked>;

tcp::socket connect(asio::io_context& context, const Address& broker) {
  tcp::socket socket{context};
  boost::system::error_code error;
  const auto found = tcp::resolver{context}.resolve(broker.host, std::to_string(broker.port), error);
  if (!error) asio::connect(socket, found, error);
  if (error) throw std::runtime_error{fmt::format("{}:{}: {}", broker.host, broker.port, error.message())};
  socket.set_option(tcp::no_delay{true});
  return socket;
}

std::string refusal(std::string_view method, std::uint16_t code, std::string_view text) {
  return fmt::format("the broker sent {} {} {}", method, code, text);
}

}  // namespace

Connection::Connection(asio::io_context& context, const Address& broker)
    : socket_(connect(context, broker)), input_(input_size) {
  log_in(broker);
  call<protocol::channel::OpenOk>(protocol::channel::Open{});
}

void Connection::log_in(const Address& broker) {
  output_.append(protocol::protocol_header);
  write_all();
  wait_for(protocol::connection::Start::id);
  protocol::FieldTableBuilder capabilities;
  for (const auto name : {"authentication_failure_close", "basic.nack", "consumer_cancel_notify", "publisher_confirms"})
    capabilities.put(name, true);
  protocol::FieldTableBuilder properties;
  properties.put("product", "leveret perf").put("connection_name", "leveret perf").put("capabilities", capabilities);
  const std::string response = '\0' + broker.user + '\0' + broker.password;
  protocol::encode(
      protocol::connection::StartOk{
          .client_properties = properties.view(), .mechanism = "PLAIN", .response = response, .locale = "en_US"},
      channel_zero, output_);
  write_all();
  wait_for(protocol::connection::Tune::id);
  protocol::encode(protocol::connection::TuneOk{.channel_max = 1, .frame_max = frame_max_}, channel_zero, output_);
  protocol::encode(protocol::connection::Open{.virtual_host = broker.virtual_host}, channel_zero, output_);
  write_all();
  wait_for(protocol::connection::OpenOk::id);
}

void Connection::write_all() {
  boost::system::error_code error;
  asio::write(socket_, asio::buffer(protocol::take_all(output_)), error);
  if (error) throw std::runtime_error{"the broker has ended the connection"};
}

/// Reads until that method has come.  connection.tune, on the way, says how large frames may be.
void Connection::wait_for(MethodId answer) {
  while (true) {
    Octets unread{input_.data(), unread_};
    while (const auto frame = protocol::take_common_frame(unread, 0)) {
      const auto id = protocol::method_id_of(frame->payload).value_or(MethodId{});
      if (id == protocol::connection::Tune::id)
        if (const auto tune =
                protocol::decode<protocol::connection::Tune>(frame->payload.subspan(protocol::method_id_size)))
          frame_max_ = tune->frame_max == 0 ? frame_max_wanted : std::min(tune->frame_max, frame_max_wanted);
      if (id != answer) handle(*frame);
      if (!failure_.empty()) throw std::runtime_error{failure_};
      if (id == answer) return keep(unread);
    }
    keep(unread);
    if (unread_ == input_.size()) throw std::runtime_error{"the broker sent a frame that is too large"};
    boost::system::error_code error;
    unread_ += socket_.read_some(asio::buffer(input_.data() + unread_, input_.size() - unread_), error);
    if (error) throw std::runtime_error{"the broker has ended the connection"};
  }
}

void Connection::start(Receiver& receiver) {
  receiver_ = &receiver;
  read();
}

void Connection::read() {
  socket_.async_read_some(asio::buffer(input_.data() + unread_, input_.size() - unread_),
                          [this](boost::system::error_code error, std::size_t size) {
                            if (is_closed_) return;
                            if (error) return fail("the broker has ended the connection");
                            unread_ += size;
                            handle_input();
                            if (failure_.empty()) read();
                          });
}

void Connection::handle_input() {
  Octets unread{input_.data(), unread_};
  while (true) {
    const auto frame = protocol::take_frame(unread, frame_max_);
    if (!frame) return fail("the broker sent a malformed frame: " + frame.error().text);
    if (!*frame) break;
    handle(**frame);
    if (!failure_.empty()) return;
  }
  keep(unread);
  receiver_->input_handled();
  flush();
}

/// What is no whole frame yet, for the next read.
void Connection::keep(Octets unread) {
  std::copy(unread.begin(), unread.end(), input_.begin());
  unread_ = unread.size();
}

void Connection::handle(const protocol::Frame& frame) {
  switch (frame.type) {
    case FrameType::method:
      return handle_method(frame.payload);
    case FrameType::header:
      if (frame.payload.size() < 12) return fail("the broker sent a malformed content header");
      body_left_ = protocol::load<std::uint64_t>(frame.payload.data() + 4);
      if (body_left_ == 0) take_body({});
      return;
    case FrameType::body:
      return take_body(frame.payload);
    case FrameType::heartbeat:
      return;
  }
}

void Connection::handle_method(Octets payload) {
  const auto id = protocol::method_id_of(payload);
  if (!id) return fail("the broker sent a malformed method");
  const auto visitor = [this]<protocol::Method M>(const M& method) -> protocol::Result<void> {
    if constexpr (std::is_same_v<M, basic::Deliver>)
      tag_ = method.delivery_tag;
    else if constexpr (std::is_same_v<M, basic::Ack> || std::is_same_v<M, basic::Nack>)
      receiver_ ? receiver_->confirmed(method.delivery_tag, method.multiple, std::is_same_v<M, basic::Ack>)
                : fail("the broker confirmed what was not published");
    else if constexpr (std::is_same_v<M, basic::Cancel>)
      fail("the broker has cancelled the consumer");
    else if constexpr (requires { method.reply_code; })
      fail(refusal(M::name, method.reply_code, method.reply_text));
    return {};
  };
  if (const auto handled =
          protocol::dispatch_among(LoadMethods{}, *id, payload.subspan(protocol::method_id_size), visitor);
      !handled)
    fail("the broker sent an unexpected method: " + handled.error().text);
}

void Connection::take_body(Octets octets) {
  body_left_ -= std::min<std::uint64_t>(body_left_, octets.size());
  if (body_left_ > 0) {
    if (!beginning_)
      beginning_.emplace(octets.begin(),
                         octets.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(octets.size(), 8)));
    return;
  }
  if (!receiver_) return fail("the broker sent a message that nobody consumes");
  receiver_->delivered(tag_, beginning_ ? Octets{*beginning_} : octets);
  beginning_.reset();
}

void Connection::flush() {
  if (is_writing_ || output_.empty() || is_closed_) return;
  is_writing_ = true;
  std::array<iovec, 16> pieces;
  std::vector<asio::const_buffer> buffers;
  for (std::size_t i = 0, count = output_.fill(pieces); i < count; ++i)
    buffers.emplace_back(pieces[i].iov_base, pieces[i].iov_len);
  socket_.async_write_some(buffers, [this](boost::system::error_code error, std::size_t size) {
    is_writing_ = false;
    if (error || is_closed_) return;  // reading finds the same, and what the broker said before it
    output_.consume(size);
    if (output_.empty()) receiver_->output_written();
    flush();
  });
}

void Connection::fail(std::string reason) {
  if (failure_.empty()) failure_ = std::move(reason);
}

void Connection::close() {
  is_closed_ = true;
  boost::system::error_code ignored;
  protocol::encode(protocol::connection::Close{.reply_code = 200, .reply_text = "Goodbye"}, channel_zero, output_);
  if (!is_writing_ && failure_.empty()) asio::write(socket_, asio::buffer(protocol::take_all(output_)), ignored);
  socket_.close(ignored);
}

}  // namespace leveret::perf
