#include <algorithm>

#include "broker/log.h"
#include "broker/queue.h"
#include "broker/shard.h"

/// Queue's part for a backlog: what is stored, leaves memory and is read back, and what a restart finds.
namespace leveret::broker {
namespace {

/// What a queue that is paged out keeps at hand for its next consumer.
constexpr std::size_t kept_octets = 16 * 1024;

/// A queue without consumers needs its first messages only to see when they expire; one with consumers reads ahead.
constexpr storage::ReadLimits idle_read{.messages = 64, .octets = kept_octets};
constexpr storage::ReadLimits busy_read{};
constexpr std::size_t idle_messages_min = 1;
constexpr std::size_t busy_messages_min = 256;

}  // namespace

/// While memory is short a transient message is stored as well, so that it can leave memory.
void Queue::append(Position position, QueuedMessage& queued, const ConfirmTicket& ticket) {
  if (is_stored(*queued.message)) {
    queued.append = shard_.log().append(record_->address.queue, position, queued.message, ticket);
    return;
  }
  shard_.confirm(ticket);
  if (!shard_.is_short_of_memory() || keeps_all_in_memory()) return;
  queued.append = shard_.log().append_transient(record_->address.queue, position, queued.message);
  queued.is_transient = true;
  has_stored_transients_ = true;
}

void Queue::page_out() {
  ready_.page_out(kept_octets, [this](const QueuedMessage& queued) {
    return queued.append != AppendNumber::none && shard_.log().is_written(queued.append);
  });
}

void Queue::read_back() {
  const bool is_idle = consumers_.empty();
  if (is_reading_back_ || !ready_.has_fewer_than(is_idle ? idle_messages_min : busy_messages_min)) return;
  is_reading_back_ = true;
  const QueueId id = record_->address.queue;
  shard_.log().read(id, ready_.paged_out().begin, is_idle ? idle_read : busy_read,
                    [&shard = shard_, id](storage::ReadResult result) {
                      if (auto* queue = static_cast<Queue*>(shard.find_queue(id))) queue->take_back(std::move(result));
                    });
}

void Queue::take_back(storage::ReadResult result) {
  is_reading_back_ = false;
  if (ready_.paged_out().messages == 0) return answer_waiting_gets();  // purged meanwhile
  if (result.error)
    log::error("messages lost: queue={} reason=\"{}\"", virtual_host_.in_vhost(record_->name), result.error->what());
  for (const storage::StoredMessage& stored : result.messages) {
    MessageRef message = Message::from_stored(stored.content);
    if (!message || stored.position < ready_.paged_out().begin) continue;
    note_expiration(stored.position, *message);
    ready_.page_in(stored.position, recovered(stored, std::move(message)));
  }
  ready_.paged_in(result.next, result.is_end);
  shard_.note_memory(*this);
  drop_excess();
  answer_waiting_gets();
  go_on();
}

void Queue::answer_waiting_gets() {
  for (auto& [no_ack, answer] : std::exchange(waiting_gets_, {})) get(no_ack, std::move(answer));
}

void Queue::restore(const storage::QueueState& state) {
  next_position_ = std::max(next_position_, state.next_position);
  mark_ = delivered_before_ = recovered_before_ = state.delivered_before;
  if (keeps_all_in_memory()) return;
  ready_.restore({.begin = state.first_position,
                  .end = state.next_position,
                  .messages = state.messages,
                  .octets = state.body_octets});
  if (state.messages == 0) return;
  // Whether its first messages have expired, only they can tell.
  next_due_ = WallTime{};
  plan_to_wake();
}

void Queue::restore(const storage::StoredMessage& stored, MessageRef message) {
  note_expiration(stored.position, *message);
  const std::uint8_t priority = priority_of(*message);
  ready_.append(stored.position, priority, recovered(stored, std::move(message)));
}

/// One that may have been out when the last life ended has come back once, if nothing more is known of it.
QueuedMessage Queue::recovered(const storage::StoredMessage& stored, MessageRef message) const {
  const bool is_redelivered = stored.redelivered || stored.returns > 0 || stored.position < recovered_before_;
  return {.message = std::move(message),
          .append = AppendNumber::recovered,
          .returns = std::max(stored.returns, is_redelivered ? 1u : 0u),
          .is_redelivered = is_redelivered,
          .is_transient = stored.is_transient};
}

}  // namespace leveret::broker
