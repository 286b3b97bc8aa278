#include "broker/amqp/local_client.h"

#include <array>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/take_all.h"

namespace leveret::broker::amqp {

namespace {

constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Why the broker has closed the channel or the connection, as it was before it became a reply text.
template <class Close>
protocol::AmqpError error_of(const Close& close) {
  protocol::AmqpError error{.code = static_cast<protocol::ReplyCode>(close.reply_code)};
  std::string_view text = close.reply_text;
  const std::string name{protocol::name_of(error.code)};
  if (text.starts_with(name)) text.remove_prefix(name.size());
  if (text.starts_with(" - ")) text.remove_prefix(3);
  error.text = text;
  return error;
}

bool has_content(protocol::MethodId id) {
  return id == protocol::basic::GetOk::id || id == protocol::basic::Return::id;
}

}  // namespace

LocalClient::LocalClient(Broker& broker, Shard& shard, LocalUser user, std::shared_ptr<VirtualHost> virtual_host,
                         std::chrono::milliseconds patience)
    : shard_(shard),
      answered_(shard.context()),
      deadline_(boost::asio::steady_timer::clock_type::now() + patience),
      connection_(broker, shard, *this, {.address = "http"}) {
  connection_.open_directly(std::move(user), std::move(virtual_host));
  tell(protocol::channel::Open{});
}

LocalClient::~LocalClient() {
  if (!shard_.is_ending()) connection_.disconnected();
}

// --- to the broker

void LocalClient::put(protocol::OutputBuffer& frames) {
  to_send_ += protocol::take_all(frames);
}

void LocalClient::publish(const protocol::basic::Publish& publish, protocol::Octets properties, protocol::Octets body) {
  protocol::OutputBuffer frames;
  protocol::encode(publish, channel, frames);
  const std::array<protocol::Octets, 1> pieces{body};
  protocol::append_content(channel, properties, body.size(), pieces, 0, frames,
                           [](protocol::Octets) { return protocol::Keeper{}; });
  put(frames);
  pump();
}

void LocalClient::pump() {
  if (is_pumping_) return;
  is_pumping_ = true;
  protocol::Octets unread = protocol::as_octets(to_send_);
  if (!unread.empty() && !connection_.is_finished() && connection_.wants_input()) {
    connection_.receive(unread);
    to_send_.erase(0, to_send_.size() - unread.size());
  }
  is_pumping_ = false;
}

// --- from the broker

boost::asio::awaitable<Result<LocalReply>> LocalClient::next_reply() {
  pump();
  while (!has_answer()) {
    const bool is_late = boost::asio::steady_timer::clock_type::now() >= deadline_;
    if (is_late && !connection_.is_paused()) {
      failure_ = protocol::resource_error("the broker has not answered in time");
      break;
    }
    // A question that a shard still has outlives no connection: its answer comes, late or not.
    answered_.expires_at(is_late ? boost::asio::steady_timer::time_point::max() : deadline_);
    co_await answered_.async_wait(as_result);
  }
  if (!replies_.empty()) {
    LocalReply reply = std::move(replies_.front());
    replies_.pop_front();
    co_return reply;
  }
  co_return *failure_;
}

void LocalClient::write() {
  received_ += protocol::take_all(connection_.output());
  take_frames();
  connection_.output_written();
  if (has_answer()) answered_.cancel();
}

/// Not at once: the connection is in the middle of something.
void LocalClient::resume() {
  boost::asio::post(shard_.context(), [this, alive = std::weak_ptr<int>{alive_}] {
    if (alive.expired()) return;
    pump();
    answered_.cancel();
  });
}

void LocalClient::close() {
  if (!failure_) failure_ = protocol::internal_error("the connection has been closed");
  answered_.cancel();
}

void LocalClient::take_frames() {
  protocol::Octets unread = protocol::as_octets(received_);
  while (true) {
    const auto frame = protocol::take_frame(unread, 0);
    if (!frame || !*frame) break;
    const protocol::Octets payload = (*frame)->payload;
    switch ((*frame)->type) {
      case protocol::FrameType::method:
        take_method(payload);
        break;
      case protocol::FrameType::header: {
        const auto header = protocol::decode_content_header(payload);
        if (!header || !arriving_) break;
        arriving_->properties = protocol::as_text(header->properties);
        body_left_ = header->body_size;
        if (body_left_ == 0) finish_reply();
        break;
      }
      case protocol::FrameType::body:
        if (!arriving_) break;
        arriving_->body.append(protocol::as_text(payload));
        body_left_ -= payload.size();
        if (body_left_ == 0) finish_reply();
        break;
      case protocol::FrameType::heartbeat:
        break;
    }
  }
  received_.erase(0, received_.size() - unread.size());
}

void LocalClient::take_method(protocol::Octets payload) {
  const auto id = protocol::method_id_of(payload);
  if (!id || *id == protocol::channel::OpenOk::id) return;
  const protocol::Octets arguments = payload.subspan(protocol::method_id_size);
  if (*id == protocol::channel::Close::id) {
    if (const auto close = protocol::decode<protocol::channel::Close>(arguments)) failure_ = error_of(*close);
  } else if (*id == protocol::connection::Close::id) {
    if (const auto close = protocol::decode<protocol::connection::Close>(arguments)) failure_ = error_of(*close);
  } else {
    arriving_ = LocalReply{.method = *id, .arguments = std::string{protocol::as_text(arguments)}};
    if (!has_content(*id)) finish_reply();
  }
}

void LocalClient::finish_reply() {
  replies_.push_back(*std::exchange(arriving_, {}));
}

}  // namespace leveret::broker::amqp
