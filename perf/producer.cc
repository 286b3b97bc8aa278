#include "perf/producer.h"

#include <array>
#include <cstring>

#include "perf/topology.h"
#include "protocol/field_table.h"
#include "protocol/properties.h"
#include "protocol/take_all.h"

namespace leveret::perf {
namespace {

namespace basic = protocol::basic;

constexpr std::size_t unwritten_max = 256 * 1024;
constexpr std::size_t header_payload_size = 12;  // of a content header frame, before the properties

Clock::duration interval_of(double rate) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{1 / rate});
}

}  // namespace

Producer::Producer(boost::asio::io_context& context, const Options& options, ProducerTask task, Figures& figures)
    : connection_(context, options.broker),
      timer_(context),
      figures_(figures),
      task_(std::move(task)),
      window_(options.confirm),
      left_(task_.messages) {
  make_frames(options);
  if (window_ > 0) connection_.call<protocol::confirm::SelectOk>(protocol::confirm::Select{});
}

void Producer::make_frames(const Options& options) {
  protocol::FieldTableBuilder headers;
  protocol::BasicProperties wanted;
  if (options.persistent) wanted.delivery_mode = 2;
  if (options.exchange_type == "headers") wanted.headers = headers.put(queue_header, task_.routing_key).view();
  const std::string properties = protocol::encode_properties(wanted);
  const std::string body(options.size, 'x');
  const std::array<protocol::Octets, 1> pieces{protocol::as_octets(body)};
  protocol::OutputBuffer output;
  protocol::encode(basic::Publish{.exchange = task_.exchange, .routing_key = task_.routing_key},
                   protocol::ChannelNumber{1}, output);
  if (options.size >= sizeof(std::int64_t))
    body_begin_ = output.size() + protocol::frame_overhead + header_payload_size + properties.size() +
                  protocol::frame_header_size;
  protocol::append_content(protocol::ChannelNumber{1}, protocol::as_octets(properties), body.size(), pieces,
                           connection_.frame_max(), output, [](protocol::Octets) { return protocol::Keeper{}; });
  frames_ = protocol::take_all(output);
}

void Producer::start() {
  next_due_ = Clock::now();
  connection_.start(*this);
  publish();
}

void Producer::close() {
  timer_.cancel();
  connection_.close();
}

bool Producer::has_room() const {
  return (window_ == 0 || unconfirmed_.size() < window_) && connection_.unwritten() < unwritten_max;
}

void Producer::publish() {
  if (!failure().empty()) return;
  while (left_ > 0 && has_room()) {
    const TimePoint now = Clock::now();
    if (task_.rate > 0 && now < next_due_) {
      was_held_up_ = false;
      wait_until_due();
      break;
    }
    publish_one(was_held_up_ ? next_due_ : now);
    if (task_.rate > 0) next_due_ += interval_of(task_.rate);
  }
  was_held_up_ = task_.rate > 0 && left_ > 0 && !has_room();
  connection_.flush();
}

void Producer::publish_one(TimePoint stamp) {
  if (body_begin_ > 0) {
    const std::int64_t nanoseconds = stamp.time_since_epoch().count();
    std::memcpy(frames_.data() + body_begin_, &nanoseconds, sizeof(nanoseconds));
  }
  connection_.send_octets(protocol::as_octets(frames_));
  if (window_ > 0) unconfirmed_.push_back({.published = stamp});
  --left_;
  ++figures_.published;
  figures_.last_published = stamp;
}

void Producer::wait_until_due() {
  timer_.expires_at(next_due_);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) publish();
  });
}

void Producer::confirmed(protocol::DeliveryTag tag, bool multiple, bool is_accepted) {
  const TimePoint now = Clock::now();
  const auto behind = static_cast<std::uint64_t>(tag) + 1;
  if (behind <= first_unconfirmed_ || behind > first_unconfirmed_ + unconfirmed_.size()) return;
  const std::size_t end = behind - first_unconfirmed_;
  for (std::size_t i = multiple ? 0 : end - 1; i < end; ++i) settle(unconfirmed_[i], is_accepted, now);
  while (!unconfirmed_.empty() && unconfirmed_.front().is_settled) {
    unconfirmed_.pop_front();
    ++first_unconfirmed_;
  }
}

void Producer::settle(Unconfirmed& message, bool is_accepted, TimePoint now) {
  if (message.is_settled) return;
  message.is_settled = true;
  ++(is_accepted ? figures_.confirmed : figures_.rejected);
  figures_.confirmation.record(now - message.published);
}

}  // namespace leveret::perf
