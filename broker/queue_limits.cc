#include <algorithm>

#include "broker/queue.h"
#include "broker/shard.h"

/// Queue's part for time-to-live, limits of length, dead letters and idle queues.
namespace leveret::broker {
namespace {

constexpr std::size_t expirations_slack = 1024;

}  // namespace

void Queue::apply(const QueueSettings& settings) {
  settings_ = settings;
  dead_letter_target_.reset();
  if (settings.dead_letter_exchange)
    dead_letter_target_ = std::make_shared<DeadLetterTarget>(
        DeadLetterTarget{.exchange = *settings.dead_letter_exchange,
                         .routing_key = settings.dead_letter_routing_key,
                         .is_at_least_once = settings.is_at_least_once && is_quorum()});
  consumers_.set_single_active(settings.has_single_active_consumer);
  drop_excess();
  find_next_due();
  end_delays();
  go_on();
  plan_to_wake();
}

void Queue::wake() {
  wakes_at_ = TimePoint::max();
  if (is_idle() && last_used_ + *settings_.expires <= shard_.now()) return shard_.delete_queue(*this);
  if (read_again_at_ <= shard_.now()) read_again();
  end_delays();
  go_on();
  plan_to_wake();
}

QueueCounts Queue::declared() {
  touch();
  return counts();
}

void Queue::touch() {
  last_used_ = shard_.now();
  if (is_idle()) plan_to_wake();
}

void Queue::plan_to_wake() {
  TimePoint next = TimePoint::max();
  if (next_due_ != WallTime::max())
    next = shard_.now() + std::max(next_due_ - shard_.wall_now(), std::chrono::milliseconds{0});
  if (is_idle()) next = std::min(next, last_used_ + *settings_.expires);
  next = std::min({next, read_again_at_, delayed_.next_due()});
  if (next >= wakes_at_) return;
  wakes_at_ = next;
  shard_.wake_queue_at(record_->address.queue, next);
}

// --- dead letters

void Queue::discard(Position position, QueuedMessage queued, DeathReason reason) {
  const auto strategy = !dead_letter_target_                    ? DeathCounters::disabled
                        : dead_letter_target_->is_at_least_once ? DeathCounters::at_least_once
                                                                : DeathCounters::at_most_once;
  ++shard_.deaths().of(is_quorum(), strategy, reason);
  if (!dead_letter_target_) return let_go(position, queued);
  if (dead_letter_target_->is_at_least_once) {
    ++dead_lettering_;
    dead_lettering_octets_ += queued.octets;
  }
  forget_persistent(queued);
  add_dead_letter({.virtual_host = &virtual_host_,
                   .queue = record_,
                   .target = dead_letter_target_,
                   .reason = reason,
                   .position = position,
                   .append = queued.append,
                   .octets = queued.octets,
                   .is_transient = queued.is_transient,
                   .is_counted = dead_letter_target_->is_at_least_once,
                   .message = std::move(queued.message)});
}

/// One whose content is in the store alone has to be read first, and those behind it wait for that; one that never was
/// in the queue does not.
void Queue::add_dead_letter(DeadLetter letter) {
  const bool is_next = !unread_dead_letters_ || unread_dead_letters_->empty() || letter.position == Position{};
  if (letter.message && is_next) return shard_.dead_letters().add(std::move(letter));
  if (!unread_dead_letters_)
    unread_dead_letters_ =
        std::make_shared<UnreadDeadLetters>(shard_, record_->address.queue, [this] { read_again_later(); });
  unread_dead_letters_->add(std::move(letter));
}

void Queue::dead_letter_left(std::size_t octets) {
  --dead_lettering_;
  dead_lettering_octets_ -= octets;
}

// --- limits

bool Queue::is_above_limit(std::uint64_t messages, std::uint64_t octets) const {
  return (settings_.max_length && messages > *settings_.max_length) ||
         (settings_.max_length_bytes && octets > *settings_.max_length_bytes);
}

bool Queue::refuses(const Message& message) const {
  return settings_.overflow != QueueSettings::drop_head &&
         is_above_limit(ready_.size() + delayed_.size() + dead_lettering_ + 1,
                        ready_.octets() + delayed_.octets() + dead_lettering_octets_ + message.body().size());
}

void Queue::refuse(MessageRef message, const ConfirmTicket& ticket) {
  if (settings_.overflow == QueueSettings::reject_publish_dlx)
    discard(Position{}, {.message = std::move(message)}, DeathReason::maxlen);
  shard_.refuse(ticket);
}

void Queue::drop_excess() {
  const auto is_excess = [this] {
    return is_above_limit(ready_.size() + delayed_.size(), ready_.octets() + delayed_.octets());
  };
  if (settings_.overflow != QueueSettings::drop_head || !is_excess()) return;
  while (ready_.has_front() && is_excess()) {
    const auto [position, queued] = ready_.front();
    const std::size_t octets = queued->octets;
    discard(position, std::move(*queued), DeathReason::maxlen);
    ready_.pop_front(octets);
  }
  read_back();
}

// --- time-to-live

std::optional<WallTime> Queue::due_time(const Message& message) const {
  auto time_to_live = message.expiration();
  if (settings_.message_ttl)
    time_to_live = std::min(time_to_live.value_or(*settings_.message_ttl), *settings_.message_ttl);
  if (!time_to_live) return {};
  return message.arrival() + *time_to_live;
}

void Queue::note_expiration(Position position, const Message& message) {
  const auto due = due_time(message);
  if (!due) return;
  if (message.expiration()) note_individual_expiration(position, message);
  if (*due >= next_due_) return;
  next_due_ = *due;
  plan_to_wake();
}

void Queue::note_individual_expiration(Position position, const Message& message) {
  // What has been delivered meanwhile leaves its entry behind.
  if (expirations_.size() > expirations_slack + 2 * ready_.size()) {
    expirations_ = {};
    ready_.for_each([this](Position ready, const QueuedMessage& queued) {
      if (queued.is_in_memory() && queued.message->expiration()) push_expiration(ready, *queued.message);
    });
  }
  push_expiration(position, message);
}

void Queue::push_expiration(Position position, const Message& message) {
  expirations_.push({message.arrival() + *message.expiration(), position});
}

void Queue::expire() {
  const WallTime now = shard_.turn_time();
  if (next_due_ > now) return;
  expire_oldest(now);
  expire_individually(now);
  find_next_due();
  read_back();
  plan_to_wake();
}

/// With one time-to-live for all, those that are due are the oldest ones of each priority.
void Queue::expire_oldest(WallTime now) {
  if (!settings_.message_ttl) return;
  for (std::uint8_t priority = 0;; ++priority) {
    for (auto oldest = ready_.oldest(priority); oldest && due_time(*oldest->message->message) <= now;
         oldest = ready_.oldest(priority))
      discard(oldest->position, *ready_.take(oldest->position, priority), DeathReason::expired);
    if (priority == priorities_.max) return;
  }
}

void Queue::expire_individually(WallTime now) {
  while (!expirations_.empty() && expirations_.top().due <= now) {
    const Expiration expiration = expirations_.top();
    expirations_.pop();
    if (auto queued = ready_.take(expiration.position, priorities_.at(expiration.position)))
      discard(expiration.position, *std::move(queued), DeathReason::expired);
  }
}

void Queue::find_next_due() {
  next_due_ = expirations_.empty() ? WallTime::max() : expirations_.top().due;
  if (!settings_.message_ttl) return;
  for (std::uint8_t priority = 0;; ++priority) {
    if (const auto oldest = ready_.oldest(priority))
      next_due_ = std::min(next_due_, due_time(*oldest->message->message).value_or(WallTime::max()));
    if (priority == priorities_.max) return;
  }
}

}  // namespace leveret::broker
