#include "broker/queue.h"

#include <algorithm>

#include <fmt/format.h>

#include "broker/check.h"
#include "broker/mail_session.h"
#include "broker/shard.h"

namespace leveret::broker {
namespace {

/// How far ahead of the deliveries the store is told of them; grows while a backlog drains.
constexpr Position mark_step_min = 64;
constexpr Position mark_step_max = 16384;

/// Where x-delayed-retry-max says nothing; and so that no product overflows.
constexpr std::chrono::milliseconds retry_delay_max = std::chrono::hours{24 * 366};

/// The message as a quorum queue delivers it once more: with the names that RabbitMQ 4.3 has for how often that was.
MessageRef with_delivery_count(const Message& message, std::uint32_t count) {
  protocol::BasicProperties properties = protocol::decode_properties(message.properties()).value();
  protocol::FieldTableBuilder headers;
  for (const auto& [name, value] : properties.headers.value_or(FieldTable{}))
    if (name != "x-delivery-count" && name != "x-acquired-count") headers.put_value(name, value);
  headers.put("x-delivery-count", std::int64_t{count}).put("x-acquired-count", std::int64_t{count});
  properties.headers = headers.view();
  return with_properties(
      message, properties,
      {.exchange = message.exchange(), .routing_key = message.routing_key(), .arrival = message.arrival()});
}

}  // namespace

Queue::Queue(Shard& shard, VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record)
    : AnyQueue(shard, virtual_host, std::move(record)),
      priorities_(priorities_of(*record_)),
      lanes_(priorities_.max + 1u),
      ready_(priorities_),
      last_used_(shard.now()) {
  for (unsigned priority = 0; priority < lanes_.size(); ++priority)
    lanes_[priority].next_position = begin_of(priorities_.lane(static_cast<std::uint8_t>(priority))) + 1;
}

QueueCounts Queue::counts() const {
  return {.messages = static_cast<std::uint32_t>(ready_.size()),
          .consumers = static_cast<std::uint32_t>(consumers_.size())};
}

QueueNumbers Queue::numbers() const {
  return {.ready = ready_.size(),
          .unacknowledged = held_.size(),
          .delayed = delayed_.size(),
          .dead_lettering = dead_lettering_,
          .consumers = consumers_.size(),
          .octets_ready = ready_.octets(),
          .octets_unacknowledged = held_.octets(),
          .octets_delayed = delayed_.octets(),
          .octets_dead_lettering = dead_lettering_octets_,
          .persistent = persistent_,
          .octets_persistent = persistent_octets_,
          .paged_out = ready_.out_of_memory_count(),
          .octets_paged_out = ready_.out_of_memory_octets(),
          .unacknowledged_paged_out = held_.unloaded_count(),
          .octets_unacknowledged_paged_out = held_.unloaded_octets()};
}

std::optional<std::uint64_t> Queue::head_timestamp() {
  if (!ready_.has_front()) return {};
  return protocol::decode_properties(ready_.front().message->message->properties()).value().timestamp;
}

bool Queue::is_stored(const Message& message) const {
  return record_->is_durable() && (message.is_persistent() || is_quorum());
}

void Queue::enqueue(MessageRef message, const ConfirmTicket& ticket) {
  if (refuses(*message)) return refuse(std::move(message), ticket);
  count_published(*message);
  const std::uint8_t priority = priorities_.of(*message);
  const Position position = lanes_[priority].next_position++;
  QueuedMessage queued{.message = std::move(message)};
  append(position, queued, ticket);
  note_expiration(position, *queued.message);
  ready_.append(position, priority, std::move(queued));
  shard_.note_memory(*this);
  deliver();
  drop_excess();
  expire();
}

void Queue::go_on() {
  expire();
  deliver();
}

void Queue::deliver() {
  while (ready_.has_front()) {
    Consumer* consumer = consumers_.next();
    if (!consumer) return consumers_.note_waiting(true, shard_.turn_time());
    const auto [position, queued] = ready_.front();
    if (!may_deliver(position, *queued)) break;
    const bool no_ack = consumer->request.no_ack;
    const std::size_t octets = queued->octets;
    const WallTime arrival = queued->message->arrival();
    Delivery delivery = make_delivery(position, *queued, consumer->request.id);
    const bool is_last_owner = no_ack && queued->returns == 0;
    if (is_last_owner) queued->message.reset();
    if (!consumer->session->deliver(delivery)) {
      if (is_last_owner) queued->message = std::move(delivery.message);
      consumer->is_blocked = true;
      consumers_.credit_changed(*consumer);
      continue;
    }
    note_delivered(position);
    if (MessageTimes::is_sampled(position)) note_times(position, arrival, queued->is_redelivered, no_ack);
    counters_.deliveries.redelivered += queued->is_redelivered;
    if (no_ack) {
      ++counters_.deliveries.delivered_no_ack;
      let_go(position, *queued);
    } else {
      ++counters_.deliveries.delivered;
      ++consumer->unacknowledged;
      held_.add(position, std::move(*queued));
    }
    ready_.pop_front(octets);
    consumers_.served(*consumer);
  }
  consumers_.note_waiting(false, shard_.turn_time());
  if (memory_note_.memory.is_any()) shard_.note_memory(*this);
  read_back();
}

Delivery Queue::make_delivery(Position position, const QueuedMessage& queued, ConsumerId consumer) const {
  const bool is_counted = is_quorum() && queued.returns > 0;
  return {.consumer = consumer,
          .queue = record_->address,
          .position = position,
          .message = is_counted ? with_delivery_count(*queued.message, queued.returns) : queued.message,
          .is_redelivered = queued.is_redelivered};
}

void Queue::note_delivered(Position position) {
  LaneState& lane = lane_at(position);
  lane.delivered_before = std::max(lane.delivered_before, position + 1);
}

void Queue::note_times(Position position, WallTime arrival, bool is_redelivered, bool no_ack) {
  if (!times_) times_ = std::make_unique<MessageTimes>();
  if (!is_redelivered) times_->waited(shard_.wall_now() - arrival);
  if (!no_ack) times_->begin_work(position, shard_.now());
}

bool Queue::may_deliver(Position position, const QueuedMessage& queued) {
  if (queued.append == AppendNumber::none || queued.is_transient || queued.is_redelivered) return true;
  const LaneState& lane = lane_at(position);
  if (position >= lane.mark && shard_.log().note_delivered(queued.append)) return true;
  const bool is_near_mark = position + lane.mark_step / 2 >= lane.mark && lane.mark < lane.next_position;
  if (is_near_mark && !lane.is_marking) move_mark(position);
  return position < lane.mark;
}

void Queue::move_mark(Position position) {
  LaneState& lane = lane_at(position);
  lane.is_marking = true;
  lane.mark_step = std::clamp(lane.mark_step * 2, mark_step_min, mark_step_max);
  const Position mark = std::min(position + lane.mark_step, lane.next_position);
  shard_.log().mark_delivered(record_->address.queue, mark);
  shard_.log().when_written([&shard = shard_, queue = record_->address.queue, mark] {
    if (auto* marked = static_cast<Queue*>(shard.find_queue(queue))) marked->mark_written(mark);
  });
}

void Queue::mark_written(Position mark) {
  lane_at(mark).is_marking = false;
  lane_at(mark).mark = mark;
  answer_waiting_gets();
  go_on();
}

void Queue::get(bool no_ack, GetAnswer answer) {
  touch();
  expire();
  read_back();
  if (ready_.empty()) {
    ++counters_.deliveries.gotten_nothing;
    return answer({});
  }
  if (!ready_.has_front() || !may_deliver(ready_.front().position, *ready_.front().message)) {
    waiting_gets_.emplace_back(no_ack, std::move(answer));
    return;
  }
  const auto [position, queued] = ready_.front();
  const std::size_t octets = queued->octets;
  Delivery delivery = make_delivery(position, *queued, ConsumerId::none);
  note_delivered(position);
  if (MessageTimes::is_sampled(position))
    note_times(position, queued->message->arrival(), queued->is_redelivered, no_ack);
  counters_.deliveries.redelivered += queued->is_redelivered;
  if (no_ack) {
    ++counters_.deliveries.gotten_no_ack;
    let_go(position, *queued);
  } else {
    ++counters_.deliveries.gotten;
    held_.add(position, std::move(*queued));
  }
  ready_.pop_front(octets);
  answer(GetResult{.delivery = std::move(delivery),
                   .messages_left = counts().messages,
                   .consumer_timeout = settings_.consumer_timeout});
}

void Queue::let_go(Position position, QueuedMessage& queued) {
  forget_persistent(queued);
  if (queued.append != AppendNumber::none)
    shard_.log().settle({.queue = record_->address.queue,
                         .position = position,
                         .is_transient = queued.is_transient,
                         .body_octets = queued.octets},
                        queued.append);
  queued.message.reset();
}

void Queue::forget_persistent(const QueuedMessage& queued) {
  if (!queued.is_persistent()) return;
  --persistent_;
  persistent_octets_ -= queued.octets;
}

void Queue::put_back(Position position, QueuedMessage queued) {
  if (queued.is_in_memory()) note_expiration(position, *queued.message);
  ready_.put_back(position, priorities_.at(position), std::move(queued));
}

void Queue::requeue(Position position, QueuedMessage queued, Settlement settlement) {
  queued.is_redelivered = true;
  ++queued.returns;
  const auto limit = is_quorum() ? settings_.delivery_limit : std::nullopt;
  if (limit && *limit >= 0 && queued.returns > static_cast<std::uint64_t>(*limit))
    return discard(position, std::move(queued), DeathReason::delivery_limit);
  count_return(position, queued);
  const auto delay = retry_delay(queued.returns, settlement);
  if (!delay) return put_back(position, std::move(queued));
  if (shard_.is_holding_much() && is_written(queued)) queued.message.reset();
  delayed_.add(shard_.now() + *delay, position, std::move(queued));
  plan_to_wake();
}

/// What the store has of a quorum queue's message gets its count.
void Queue::count_return(Position position, const QueuedMessage& queued) {
  if (is_quorum() && queued.append != AppendNumber::none)
    shard_.log().count_returns(record_->address.queue, position, queued.returns);
}

std::optional<std::chrono::milliseconds> Queue::retry_delay(std::uint32_t returns, Settlement settlement) const {
  const auto& retry = settings_.delayed_retry;
  const auto other = settlement == Settlement::requeue_failed ? DelayedRetry::returned : DelayedRetry::failed;
  if (!retry || retry->of == other) return {};
  const auto max = std::min(retry->max.value_or(retry_delay_max), retry_delay_max);
  return retry->min > max / returns ? max : retry->min * returns;
}

/// Those that have rested are ready again; all of them where there is no rest any more.
void Queue::end_delays() {
  const TimePoint now = settings_.delayed_retry ? shard_.now() : TimePoint::max();
  while (auto returned = delayed_.take_due(now)) put_back(returned->position, std::move(returned->message));
}

void Queue::settle(Position position, ConsumerId consumer_id, Settlement settlement) {
  Consumer* consumer = consumer_id == ConsumerId::none ? nullptr : consumers_.find(consumer_id);
  if (auto queued = held_.take(position)) {
    if (times_ && MessageTimes::is_sampled(position)) {
      if (settlement == Settlement::acknowledge)
        times_->end_work(position, shard_.now());
      else
        times_->forget_work(position);
    }
    switch (settlement) {
      case Settlement::acknowledge:
        ++counters_.deliveries.acknowledged;
        let_go(position, *queued);
        break;
      case Settlement::reject:
        discard(position, *std::move(queued), DeathReason::rejected);
        break;
      case Settlement::requeue:
      case Settlement::requeue_failed:
        requeue(position, *std::move(queued), settlement);
        break;
    }
    if (consumer) --consumer->unacknowledged;
  }
  if (consumer) consumers_.credit_changed(*consumer);
  if (is_requeue(settlement))
    shard_.begin_returns(*this);
  else
    go_on();
}

void Queue::returns_ended() {
  drop_excess();
  go_on();
  shard_.note_memory(*this);
}

/// Quorum queues know no exclusive consumers: the flag means nothing there.
Result<void> Queue::check_consumer(const ConsumerRequest& request) const {
  if (is_quorum()) return {};
  const bool is_shared = !consumers_.empty() || settings_.has_single_active_consumer;
  if (has_exclusive_consumer_ || (request.exclusive && is_shared))
    return protocol::access_refused(fmt::format("queue {} in exclusive use", virtual_host_.in_vhost(record_->name)));
  return {};
}

void Queue::add_consumer(std::unique_ptr<Consumer> consumer) {
  if (is_quorum()) consumer->request.exclusive = false;
  has_exclusive_consumer_ = consumer->request.exclusive;
  consumers_.add(std::move(consumer));
  go_on();
}

void Queue::remove_consumer(ConsumerId id) {
  const auto removed = consumers_.remove(id);
  if (!removed) return;
  if (removed->request.exclusive) has_exclusive_consumer_ = false;
  if (record_->is_auto_delete && consumers_.empty()) return shard_.delete_queue(*this);
  touch();
  shard_.begin_returns(*this);  // what it held comes before what its successor gets
}

void Queue::unblock(ConsumerId id) {
  Consumer* consumer = consumers_.find(id);
  if (!consumer) return;
  consumer->is_blocked = false;
  consumers_.credit_changed(*consumer);
  shard_.begin_returns(*this);  // others may get room at the same time: who is served is for the queue to choose
}

void Queue::open_window(ConsumerId id, std::size_t octets) {
  Consumer* consumer = consumers_.find(id);
  if (!consumer) return;
  static_cast<MailSession&>(*consumer->owned_session).open_window(octets);
  unblock(id);
}

std::uint32_t Queue::purge() {
  const auto purged = static_cast<std::uint32_t>(ready_.size() + delayed_.size());
  const auto let_it_go = [this](Position position, QueuedMessage& queued) { let_go(position, queued); };
  ready_.for_each(let_it_go);
  delayed_.for_each(let_it_go);
  delayed_.clear();
  for (unsigned priority = 0; priority < lanes_.size(); ++priority)
    if (const auto paged_out = ready_.paged_out(static_cast<std::uint8_t>(priority)); paged_out.messages > 0)
      shard_.log().purge(record_->address.queue, paged_out.begin, paged_out.end);
  ready_.clear();
  recount_persistent();
  if (dead_lettering_ > 0) shard_.dead_letters().purge(record_->address.queue);
  return purged;
}

void Queue::recount_persistent() {
  persistent_ = 0;
  persistent_octets_ = 0;
  held_.for_each([this](Position, const QueuedMessage& queued) {
    if (!queued.is_persistent()) return;
    ++persistent_;
    persistent_octets_ += queued.octets;
  });
}

void Queue::close() {
  // The store drops the queue as a whole; only what it has not yet got is taken back.
  const auto withdraw = [this](Position, const QueuedMessage& queued) { shard_.log().withdraw(queued.append); };
  ready_.for_each(withdraw);
  delayed_.for_each(withdraw);
  held_.for_each(withdraw);
  if (unread_dead_letters_ && !unread_dead_letters_->empty())
    shard_.dead_letters().adopt(unread_dead_letters_, record_->address.queue, drop_from_store());
  else
    drop_from_store()();
  consumers_.for_each([](Consumer& consumer) { consumer.session->consumer_cancelled(consumer.request.id); });
  for (const auto& [no_ack, answer] : std::exchange(waiting_gets_, {})) answer({});
}

/// Of a queue that is not durable the store knows only what left memory.
std::function<void()> Queue::drop_from_store() const {
  if (record_->is_durable())
    return [&virtual_host = virtual_host_, record = record_] { virtual_host.drop_messages(*record); };
  if (!has_stored_transients_) return [] {};
  std::vector<Position> ends;
  for (const LaneState& lane : lanes_) ends.push_back(lane.next_position);
  return [&shard = shard_, id = record_->address.queue, ends] {
    for (const Position end : ends) shard.log().purge(id, begin_of(lane_of(end)), end);
    shard.begin_turn();
  };
}

void Queue::store_exact_mark() {
  for (const LaneState& lane : lanes_)
    if (lane.mark > lane.delivered_before) shard_.log().mark_delivered(record_->address.queue, lane.delivered_before);
}

}  // namespace leveret::broker
