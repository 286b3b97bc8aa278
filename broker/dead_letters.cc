#include "broker/dead_letters.h"

#include <algorithm>

#include "broker/carbon_copies.h"
#include "broker/check.h"
#include "broker/queue.h"
#include "broker/shard.h"
#include "protocol/properties.h"

namespace leveret::broker {

void DeadLetters::add(DeadLetter letter) {
  shard_.begin_turn();
  dead_.push_back(std::move(letter));
}

void DeadLetters::publish_all() {
  while (!dead_.empty()) {
    std::vector<DeadLetter> dead = std::exchange(dead_, {});
    for (DeadLetter& letter : dead) publish(std::move(letter));
  }
}

void DeadLetters::try_again() {
  for (DeadLetter& letter : std::exchange(kept_, {})) add(std::move(letter));
}

void DeadLetters::forget(QueueId queue) {
  std::erase_if(kept_, [&](const DeadLetter& letter) { return letter.queue->address.queue == queue; });
}

void DeadLetters::publish(DeadLetter letter) {
  const DeadLetterTarget& target = *letter.target;
  MessageRef message = dead_lettered(*letter.message, {.reason = letter.reason,
                                                       .queue = letter.queue->name,
                                                       .exchange = target.exchange,
                                                       .routing_key = target.routing_key,
                                                       .time = shard_.turn_time()});
  const FieldTable headers = protocol::headers_of(message->properties()).value_or(FieldTable{});
  const auto routing_keys = routing_keys_of(message->routing_key(), headers);
  std::vector<QueueAddress> queues =
      letter.virtual_host->route_dead_letter(target.exchange, routing_keys, headers, letter.reason);
  if (queues.empty() && target.is_at_least_once) {
    kept_.push_back(std::move(letter));
    return;
  }
  if (queues.empty()) return settle(letter);
  if (letter.append == AppendNumber::none && !target.is_at_least_once) {
    shard_.publish(std::move(message), queues, {});
    return;
  }
  const std::uint64_t sequence = next_sequence_++;
  sent_.emplace(sequence, Sent{.letter = std::move(letter), .unanswered = queues.size()});
  shard_.publish(std::move(message), queues,
                 {.shard = shard_.index(), .session = dead_letters_session, .sequence = sequence});
}

void DeadLetters::settle(const DeadLetter& letter) {
  const std::size_t octets = letter.message->body().size();
  const QueueId id = letter.queue->address.queue;
  if (letter.target->is_at_least_once)
    if (auto* queue = static_cast<Queue*>(shard_.find_queue(id))) queue->dead_letter_left(octets);
  if (letter.append == AppendNumber::none) return;
  shard_.log().settle({.queue = id,
                       .position = letter.position,
                       .is_transient = letter.is_transient,
                       .body_octets = static_cast<std::uint32_t>(octets)},
                      letter.append);
}

void DeadLetters::confirm(std::uint64_t sequence) {
  answer(sequence, false);
}

void DeadLetters::refuse(std::uint64_t sequence) {
  answer(sequence, true);
}

void DeadLetters::answer(std::uint64_t sequence, bool is_refused) {
  const auto found = sent_.find(sequence);
  check(found != sent_.end(), "a dead letter is answered for once by each queue");
  Sent& sent = found->second;
  sent.is_refused |= is_refused;
  if (--sent.unanswered > 0) return;
  const DeadLetter letter = std::move(sent.letter);
  const bool is_kept =
      sent.is_refused && letter.target->is_at_least_once && shard_.find_queue(letter.queue->address.queue);
  sent_.erase(found);
  if (is_kept)
    kept_.push_back(letter);
  else
    settle(letter);
}

bool DeadLetters::deliver(Delivery&) {
  check(false, "dead letters consume nothing");
  return false;
}

void DeadLetters::consumer_cancelled(ConsumerId) {
  check(false, "dead letters consume nothing");
}

}  // namespace leveret::broker
