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

}  // namespace

Queue::Queue(Shard& shard, VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record)
    : shard_(shard), virtual_host_(virtual_host), record_(std::move(record)) {}

QueueCounts Queue::counts() const {
  return {.messages = static_cast<std::uint32_t>(returned_.size() + fresh_.size()),
          .consumers = static_cast<std::uint32_t>(consumers_.size())};
}

void Queue::enqueue(MessageRef message, const ConfirmTicket& ticket) {
  const Position position = next_position_++;
  Entry entry{.message = std::move(message)};
  if (record_->is_durable() && entry.message->is_persistent())
    entry.append = shard_.log().append(record_->address.queue, position, entry.message, ticket);
  else
    shard_.confirm(ticket);
  fresh_.push_back({position, std::move(entry)});
  deliver();
}

std::pair<Position, Queue::Entry*> Queue::first_ready() {
  if (!returned_.empty()) return {returned_.begin()->first, &returned_.begin()->second};
  return {fresh_.front().position, &fresh_.front().entry};
}

void Queue::pop_ready() {
  if (!returned_.empty())
    returned_.erase(returned_.begin());
  else
    fresh_.pop_front();
}

void Queue::deliver() {
  while (has_ready()) {
    Consumer* consumer = consumers_.next();
    if (!consumer) return;
    const auto [position, entry] = first_ready();
    if (!may_deliver(position, *entry)) return;
    const bool no_ack = consumer->request.no_ack;
    Delivery delivery{.consumer = consumer->request.id,
                      .queue = record_->address,
                      .position = position,
                      .message = entry->message,
                      .is_redelivered = entry->is_redelivered};
    if (no_ack) entry->message.reset();
    if (!consumer->session->deliver(delivery)) {
      if (no_ack) entry->message = std::move(delivery.message);
      consumer->is_blocked = true;
      consumers_.credit_changed(*consumer);
      continue;
    }
    delivered_before_ = std::max(delivered_before_, position + 1);
    if (no_ack) {
      let_go(position, *entry);
    } else {
      entry->consumer = consumer->request.id;
      ++consumer->unacknowledged;
      unacknowledged_.emplace(position, std::move(*entry));
    }
    pop_ready();
    consumers_.served(*consumer);
  }
}

bool Queue::may_deliver(Position position, const Entry& entry) {
  if (entry.append == AppendNumber::none || entry.is_redelivered) return true;
  if (position >= mark_ && shard_.log().note_delivered(entry.append)) return true;
  const bool is_near_mark = position + mark_step_ / 2 >= mark_ && mark_ < next_position_;
  if (is_near_mark && !is_marking_) move_mark(position);
  return position < mark_;
}

void Queue::move_mark(Position position) {
  is_marking_ = true;
  mark_step_ = std::clamp(mark_step_ * 2, mark_step_min, mark_step_max);
  const Position mark = std::min(position + mark_step_, next_position_);
  shard_.log().mark_delivered(record_->address.queue, mark);
  shard_.log().when_written([&shard = shard_, queue = record_->address.queue, mark] {
    if (Queue* marked = shard.find_queue(queue)) marked->mark_written(mark);
  });
}

void Queue::mark_written(Position mark) {
  is_marking_ = false;
  mark_ = mark;
  auto gets = std::exchange(waiting_gets_, {});
  for (const auto& [no_ack, answer] : gets) get(no_ack, answer);
  deliver();
}

void Queue::get(bool no_ack, GetAnswer answer) {
  if (!has_ready()) return answer({});
  const auto [position, entry] = first_ready();
  if (!may_deliver(position, *entry)) {
    waiting_gets_.emplace_back(no_ack, std::move(answer));
    return;
  }
  Delivery delivery{.queue = record_->address,
                    .position = position,
                    .message = entry->message,
                    .is_redelivered = entry->is_redelivered};
  delivered_before_ = std::max(delivered_before_, position + 1);
  if (no_ack)
    let_go(position, *entry);
  else
    unacknowledged_.emplace(position, std::move(*entry));
  pop_ready();
  answer(GetResult{.delivery = std::move(delivery), .messages_left = counts().messages});
}

void Queue::let_go(Position position, Entry& entry) {
  if (entry.append != AppendNumber::none) shard_.log().settle(record_->address.queue, position, entry.append);
  entry.message.reset();
}

void Queue::put_back(Position position, Entry entry) {
  entry.consumer = ConsumerId::none;
  returned_.emplace(position, std::move(entry));
}

void Queue::settle(Position position, ConsumerId consumer_id, Settlement settlement) {
  Consumer* consumer = consumer_id == ConsumerId::none ? nullptr : consumers_.find(consumer_id);
  if (const auto found = unacknowledged_.find(position); found != unacknowledged_.end()) {
    Entry entry = std::move(found->second);
    unacknowledged_.erase(found);
    switch (settlement) {
      case Settlement::acknowledge:
      case Settlement::reject:
        let_go(position, entry);
        break;
      case Settlement::requeue:
        entry.is_redelivered = true;
        put_back(position, std::move(entry));
        break;
    }
    if (consumer) --consumer->unacknowledged;
  }
  if (consumer) consumers_.credit_changed(*consumer);
  deliver();
}

Result<void> Queue::check_consumer(const ConsumerRequest& request) const {
  if (has_exclusive_consumer_ || (request.exclusive && !consumers_.empty()))
    return protocol::access_refused(fmt::format("queue {} in exclusive use", virtual_host_.in_vhost(record_->name)));
  return {};
}

void Queue::add_consumer(std::unique_ptr<Consumer> consumer) {
  has_exclusive_consumer_ = consumer->request.exclusive;
  consumers_.add(std::move(consumer));
  deliver();
}

void Queue::remove_consumer(ConsumerId id) {
  const auto removed = consumers_.remove(id);
  if (!removed) return;
  if (removed->request.exclusive) has_exclusive_consumer_ = false;
  if (record_->is_auto_delete && consumers_.empty()) shard_.delete_queue(*this);
}

void Queue::unblock(ConsumerId id) {
  Consumer* consumer = consumers_.find(id);
  if (!consumer) return;
  consumer->is_blocked = false;
  consumers_.credit_changed(*consumer);
  deliver();
}

void Queue::open_window(ConsumerId id, std::size_t octets) {
  Consumer* consumer = consumers_.find(id);
  if (!consumer) return;
  static_cast<MailSession&>(*consumer->owned_session).open_window(octets);
  unblock(id);
}

std::uint32_t Queue::purge() {
  const std::uint32_t purged = counts().messages;
  for (auto& [position, entry] : returned_) let_go(position, entry);
  for (auto& [position, entry] : fresh_) let_go(position, entry);
  returned_.clear();
  fresh_.clear();
  return purged;
}

void Queue::close() {
  // The store has been told to drop the queue as a whole; only what it has not yet got is taken back.
  const auto withdraw = [this](const Entry& entry) { shard_.log().withdraw(entry.append); };
  for (const auto& [position, entry] : returned_) withdraw(entry);
  for (const auto& [position, entry] : fresh_) withdraw(entry);
  for (const auto& [position, entry] : unacknowledged_) withdraw(entry);
  consumers_.for_each([](Consumer& consumer) { consumer.session->consumer_cancelled(consumer.request.id); });
  for (const auto& [no_ack, answer] : std::exchange(waiting_gets_, {})) answer({});
}

void Queue::restore(Position position, MessageRef message, bool is_redelivered) {
  fresh_.push_back(
      {position,
       Entry{.message = std::move(message), .append = AppendNumber::recovered, .is_redelivered = is_redelivered}});
  if (is_redelivered) delivered_before_ = position + 1;
}

void Queue::restored(Position next_position) {
  next_position_ = std::max(next_position_, next_position);
  mark_ = delivered_before_;
}

void Queue::store_exact_mark() {
  if (mark_ > delivered_before_) shard_.log().mark_delivered(record_->address.queue, delivered_before_);
}

}  // namespace leveret::broker
