#include "broker/amqp/channel.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/amqp/channel_send.h"
#include "broker/amqp/connection.h"

namespace leveret::broker::amqp {

using protocol::Frame;
using protocol::FrameType;

namespace {

constexpr protocol::MethodId publish_id = protocol::basic::Publish::id;

protocol::AmqpError unexpected_content(std::string text) {
  protocol::AmqpError error = protocol::unexpected_frame(std::move(text));
  error.method = publish_id;
  return error;
}

bool is_plain(const protocol::EssentialProperties& properties) {
  const auto mode = properties.delivery_mode.value_or(1);
  return !properties.are_not_all && !properties.expiration && (mode == 1 || mode == 2);
}

}  // namespace

/// Leads each method to its handler; while the channel closes, only those that end it.
struct Channel::MethodVisitor {
  Channel& channel;
  template <class M>
  Result<void> operator()(const M& method) {
    constexpr bool ends = std::is_same_v<M, protocol::channel::Close> ||
                          std::is_same_v<M, protocol::channel::CloseOk> || std::is_same_v<M, protocol::channel::Open>;
    constexpr bool has_content = std::is_same_v<M, protocol::basic::Publish>;
    if (!ends && !has_content && channel.state_ != State::open) return {};
    return channel.handle(method);
  }
};

Channel::Channel(Connection& connection, protocol::ChannelNumber number, Admission::Place place)
    : connection_(connection),
      number_(number),
      place_(std::move(place)),
      id_(connection.broker().next_session_id()),
      shard_(connection.shard()),
      virtual_host_(*connection.virtual_host()),
      routes_(shard_.routes(virtual_host_)) {
  shard_.add_session(id_, *this);
}

ChannelReport Channel::report() const {
  ChannelReport report{.id = id_,
                       .number = static_cast<std::uint16_t>(number_),
                       .is_confirming = confirms_.has_value(),
                       .is_transactional = transaction_.has_value(),
                       .prefetch = consumer_prefetch_,
                       .global_prefetch = global_prefetch_,
                       .unacknowledged = unacknowledged_.size(),
                       .counters = counters()};
  if (confirms_) report.unconfirmed = confirms_->unanswered();
  if (transaction_) {
    report.uncommitted_messages = transaction_->publishes.size();
    for (const auto& settlement : transaction_->settlements)
      report.uncommitted_settlements += settlement.deliveries.size();
  }
  for (const auto& [id, consumer] : consumers_) {
    if (id == reply_consumer_) continue;
    report.consumers.push_back({.id = id,
                                .tag = consumer.tag,
                                .queue = consumer.queue_name,
                                .is_acknowledging = !consumer.no_ack,
                                .is_exclusive = consumer.is_exclusive,
                                .prefetch = consumer.prefetch,
                                .arguments = consumer.arguments});
  }
  if (!traffic_) return report;
  for (const auto& [exchange, counters] : traffic_->publishes()) report.publishes.push_back({exchange, counters});
  for (const auto& [queue, counters] : traffic_->deliveries()) report.deliveries.push_back({queue, counters});
  return report;
}

std::size_t Channel::received_in(const Transaction& transaction) {
  const auto& publishes = transaction.publishes;
  return static_cast<std::size_t>(
      std::count_if(publishes.begin(), publishes.end(), [](const auto& publish) { return !publish.is_rest; }));
}

ChannelTraffic& Channel::traffic() {
  if (!traffic_) traffic_ = std::make_unique<ChannelTraffic>(shard_.index());
  return *traffic_;
}

ChannelCounters Channel::counters() const {
  ChannelCounters counters;
  if (traffic_) counters = traffic_->all();
  if (confirms_) counters.received_to_be_confirmed = confirms_->expected();
  if (transaction_) counters.received += received_in(*transaction_);
  return counters;
}

Result<void> Channel::handle(const Frame& frame) {
  switch (expecting_) {
    case Expecting::method:
      if (frame.type == FrameType::method) return handle_method(frame.payload);
      return protocol::unexpected_frame("expected method frame, got non method frame instead");
    case Expecting::header:
      if (frame.type == FrameType::header) return handle_header(frame);
      return unexpected_content("expected content header for class 60, got non content header frame instead");
    case Expecting::body:
      if (frame.type == FrameType::body) return handle_body(frame);
      return unexpected_content("expected content body, got non content body frame instead");
  }
  return {};
}

Result<void> Channel::handle_method(protocol::Octets payload) {
  return protocol::dispatch(payload, MethodVisitor{*this});
}

Result<void> Channel::handle_header(const Frame& frame) {
  const auto header = protocol::decode_content_header(frame.payload);
  if (!header) return header.error();
  if (header->class_id != publish_id.class_id)
    return unexpected_content(
        fmt::format("expected content header for class 60, got one for class {} instead", header->class_id));
  if (header->weight != 0)
    return unexpected_content("expected content header for class 60, got non content header frame instead");
  const auto essential = protocol::decode_essential_properties(header->properties);
  if (!essential) return essential.error();
  publication_.is_plain = is_plain(*essential);
  body_left_ = header->body_size;
  publication_.is_too_large = body_left_ > connection_.broker().options().message_size_max;
  publication_.body_size = body_left_;
  if (!publication_.is_too_large)
    builder_.begin({publication_.exchange, publication_.routing_key, shard_.turn_time()}, header->properties,
                   *essential, body_left_);
  expecting_ = Expecting::body;
  return body_left_ == 0 ? finish_content() : Result<void>{};
}

Result<void> Channel::handle_body(const Frame& frame) {
  if (frame.payload.size() > body_left_) return unexpected_content("content body is longer than its header announced");
  if (!publication_.is_too_large) builder_.append(frame.payload);
  body_left_ -= frame.payload.size();
  return body_left_ == 0 ? finish_content() : Result<void>{};
}

Result<void> Channel::finish_content() {
  expecting_ = Expecting::method;
  MessageRef message = publication_.is_too_large ? MessageRef{} : builder_.finish();
  if (state_ != State::open) return {};
  auto published = publish(std::move(message));
  if (published) return published;
  protocol::AmqpError error = published.error();
  error.method = publish_id;
  return error;
}

// --- opening and closing

Result<void> Channel::handle(const protocol::channel::Open&) {
  return protocol::channel_error("second 'channel.open' seen");
}

Result<void> Channel::handle(const protocol::channel::Close&) {
  release();
  shard_.send_mail();
  send(protocol::channel::CloseOk{});
  if (state_ == State::open) state_ = State::closed;
  return {};
}

Result<void> Channel::handle(const protocol::channel::CloseOk&) {
  if (state_ == State::open) return protocol::command_invalid("unimplemented method");
  state_ = State::closed;
  return {};
}

Result<void> Channel::handle(const protocol::channel::Flow& flow) {
  if (!flow.active) return protocol::not_implemented("active=false");
  send(protocol::channel::FlowOk{.active = true});
  return {};
}

void Channel::close_with(const protocol::AmqpError& error) {
  release();
  state_ = State::closing;
  const std::string text = error.reply_text();
  send(protocol::channel::Close{.reply_code = static_cast<std::uint16_t>(error.code),
                                .reply_text = text,
                                .class_id = error.method.class_id,
                                .method_id = error.method.method_id});
}

void Channel::release() {
  if (std::exchange(is_released_, true)) return;
  end_turn();  // what has become safe until now is still told
  ++shard_.churn().channels_closed;
  shard_.past_traffic(virtual_host_)->channels += counters();
  shard_.remove_session(id_);
  builder_.abandon();
  if (reply_consumer_ != ConsumerId::none) forget_reply_consumer();
  if (transaction_) roll_back();
  // Consumers go first, so that what they held is not delivered to them again.
  for (const auto& [id, consumer] : consumers_) shard_.leave_queue(consumer.queue, id);
  consumers_.clear();
  consumer_ids_.clear();
  requeue_held([](const Delivery&) { return true; });
  requeue_all(Settlement::requeue_failed);
}

// --- deliveries and confirms

bool Channel::deliver(Delivery& delivery) {
  const auto found = consumers_.find(delivery.consumer);
  if (found == consumers_.end()) return false;
  ChannelConsumer& consumer = found->second;
  const bool is_by_mail = delivery.queue.shard != shard_.index();
  const bool is_from_queue = delivery.queue.queue != QueueId{};  // and no answer to a direct reply-to request
  const bool lacks_credit = consumer.is_limited && (!held_.empty() || !has_global_credit());
  if (is_by_mail && lacks_credit) {
    held_.push_back(std::move(delivery));
    return true;
  }
  if (lacks_credit || (is_from_queue && !is_by_mail && connection_.is_output_full())) {
    refused_consumers_.push_back(delivery.consumer);
    return false;
  }
  accept(delivery, consumer);
  return true;
}

void Channel::accept(Delivery& delivery, ChannelConsumer& consumer) {
  const DeliveryTag tag{next_delivery_tag_++};
  consumer.counters->redelivered += delivery.is_redelivered;
  ++(consumer.no_ack ? consumer.counters->delivered_no_ack : consumer.counters->delivered);
  last_served_queue_ = delivery.queue.queue;
  if (!consumer.no_ack)
    unacknowledged_.add({.tag = tag,
                         .queue = delivery.queue,
                         .position = delivery.position,
                         .consumer = delivery.consumer,
                         .time = shard_.turn_time(),
                         .timeout = consumer.timeout,
                         .is_counted = consumer.is_limited});
  if (delivery.queue.shard != shard_.index())
    report_written(delivery.consumer, consumer, delivery.message->footprint());
  send_with_content(protocol::basic::Deliver{.consumer_tag = consumer.tag,
                                             .delivery_tag = tag,
                                             .redelivered = delivery.is_redelivered,
                                             .exchange = delivery.message->exchange(),
                                             .routing_key = delivery.message->routing_key()},
                    delivery.message);
}

void Channel::accept_held() {
  while (!held_.empty() && has_global_credit()) {
    Delivery delivery = std::move(held_.front());
    held_.pop_front();
    const auto found = consumers_.find(delivery.consumer);
    if (found != consumers_.end()) accept(delivery, found->second);
  }
}

void Channel::requeue_held(std::function<bool(const Delivery&)> is_meant) {
  PooledDeque<Delivery> held = std::exchange(held_, {});
  for (Delivery& delivery : held) {
    if (is_meant(delivery))
      shard_.settle(delivery.queue, delivery.position, delivery.consumer, Settlement::requeue);
    else
      held_.push_back(std::move(delivery));
  }
}

bool Channel::has_global_credit() const {
  return global_prefetch_ == 0 || unacknowledged_.counted() < global_prefetch_;
}

void Channel::report_written(ConsumerId id, ChannelConsumer& consumer, std::size_t octets) {
  if (consumer.octets_to_report == 0) reporting_consumers_.push_back(id);
  consumer.octets_to_report += octets;
  if (!connection_.is_output_full()) connection_.end_turn_for(*this);
}

void Channel::send_reports() {
  if (connection_.is_output_full()) return;
  for (const ConsumerId id : std::exchange(reporting_consumers_, {})) {
    const auto found = consumers_.find(id);
    if (found == consumers_.end()) continue;
    ChannelConsumer& consumer = found->second;
    shard_.send(consumer.queue.shard, WindowMail{.queue = consumer.queue.queue,
                                                 .consumer = id,
                                                 .octets = std::exchange(consumer.octets_to_report, 0)});
  }
}

/// Those of one queue are served as it sees fit, those of several in turn: the one that was served last comes last.
void Channel::unblock_consumers() {
  accept_held();
  const std::vector<ConsumerId> refused = std::exchange(refused_consumers_, {});
  const QueueId last_served = last_served_queue_;
  for (const bool is_last_turn : {false, true})
    for (const ConsumerId id : refused) {
      const auto found = consumers_.find(id);
      if (found == consumers_.end() || (found->second.queue.queue == last_served) != is_last_turn) continue;
      tell_queue(found->second.queue, [id](AnyQueue& queue) { queue.unblock(id); });
    }
  shard_.end_returns();
}

void Channel::output_drained() {
  send_reports();
  unblock_consumers();
}

void Channel::consumer_cancelled(ConsumerId id) {
  const auto found = consumers_.find(id);
  if (found == consumers_.end()) return;
  if (connection_.has_capability("consumer_cancel_notify"))
    send(protocol::basic::Cancel{.consumer_tag = found->second.tag, .nowait = true});
  consumer_ids_.erase(found->second.tag);
  consumers_.erase(found);
}

void Channel::confirm(std::uint64_t sequence) {
  if (transaction_) {
    if (--commit_waits_for_ == 0) finish_commit();
    return;
  }
  confirms_->complete(sequence);
  connection_.end_turn_for(*this);
}

void Channel::refuse(std::uint64_t sequence) {
  if (transaction_) {
    is_commit_partial_ = true;
    return confirm(sequence);
  }
  confirms_->refuse(sequence);
  connection_.end_turn_for(*this);
}

Result<void> Channel::tick() {
  if (const auto overdue = unacknowledged_.find_overdue(shard_.turn_time()))
    return protocol::precondition_failed(fmt::format(
        "delivery acknowledgement on channel {} timed out. Timeout value used: {} ms. This timeout value can be "
        "configured, see consumers doc guide to learn more",
        static_cast<unsigned>(number_), overdue->timeout.count()));
  return {};
}

void Channel::end_turn() {
  send_reports();
  if (!confirms_) return;
  confirms_->tell([this](std::uint64_t sequence, bool is_multiple, bool is_refused) {
    traffic().told(sequence, is_refused);
    if (is_refused)
      send(protocol::basic::Nack{.delivery_tag = DeliveryTag{sequence}, .multiple = is_multiple});
    else
      send(protocol::basic::Ack{.delivery_tag = DeliveryTag{sequence}, .multiple = is_multiple});
  });
}

}  // namespace leveret::broker::amqp
