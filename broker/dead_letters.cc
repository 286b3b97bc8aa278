#include "broker/dead_letters.h"

#include <algorithm>

#include "broker/carbon_copies.h"
#include "broker/check.h"
#include "broker/queue.h"
#include "broker/shard.h"
#include "broker/unread_dead_letters.h"
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

/// Its queue may have another exchange for them by now, or none.
void DeadLetters::try_again() {
  for (DeadLetter& letter : std::exchange(kept_, {})) {
    const auto* queue = static_cast<Queue*>(shard_.find_queue(letter.queue->address.queue));
    letter.target = queue ? queue->dead_letter_target() : nullptr;
    add(std::move(letter));
  }
}

void DeadLetters::forget(QueueId queue) {
  std::erase_if(kept_, [&](const DeadLetter& letter) { return letter.queue->address.queue == queue; });
}

void DeadLetters::adopt(std::shared_ptr<UnreadDeadLetters> unread, QueueId queue, const std::function<void()>& end) {
  unread_.emplace(queue, unread);
  unread->go_on_alone([this, queue, end] {
    end();
    unread_.erase(queue);
  });
}

void DeadLetters::forget(const VirtualHost& virtual_host) {
  publish_all();
  std::vector<std::shared_ptr<UnreadDeadLetters>> forgotten;
  for (const auto& [queue, unread] : unread_)
    if (unread->is_in(virtual_host)) forgotten.push_back(unread);
  for (const auto& unread : forgotten) unread->give_up();
}

void DeadLetters::purge(QueueId queue) {
  for (const DeadLetter& letter : kept_)
    if (letter.queue->address.queue == queue) settle(letter);
  forget(queue);
}

void DeadLetters::publish(DeadLetter letter) {
  if (!letter.target) return settle(letter);
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
  const bool is_answer = answer_requests(target, routing_keys, message);
  if (queues.empty()) return keep_or_settle(std::move(letter), !is_answer);
  std::erase_if(queues, [&](const QueueAddress& queue) {
    return std::find(letter.taken_by.begin(), letter.taken_by.end(), queue) != letter.taken_by.end();
  });
  if (queues.empty()) return settle(letter);
  if (letter.append != AppendNumber::none || letter.is_counted) return send(std::move(letter), message, queues);
  shard_.publish(std::move(message), queues, {});
}

/// Dead letters may be answers: whose key is the name of a direct reply-to consumer goes to it.
bool DeadLetters::answer_requests(const DeadLetterTarget& target, const std::vector<std::string_view>& routing_keys,
                                  const MessageRef& message) {
  bool is_answer = false;
  for (const auto key : target.exchange.empty() ? routing_keys : std::vector<std::string_view>{}) {
    const auto address = shard_.find_reply_consumer(key);
    if (!address) continue;
    shard_.deliver_reply(*address, message);
    is_answer = true;
  }
  return is_answer;
}

/// Each queue answers for itself, so that one that refuses it is tried again alone.
void DeadLetters::send(DeadLetter letter, const MessageRef& message, const std::vector<QueueAddress>& queues) {
  const auto attempt = std::make_shared<Attempt>(Attempt{.letter = std::move(letter), .unanswered = queues.size()});
  for (const QueueAddress& queue : queues) {
    const std::uint64_t sequence = next_sequence_++;
    sent_.emplace(sequence, Sent{.attempt = attempt, .queue = queue});
    shard_.publish(message, {queue}, {.shard = shard_.index(), .session = dead_letters_session, .sequence = sequence});
  }
}

void DeadLetters::settle(const DeadLetter& letter) {
  const QueueId id = letter.queue->address.queue;
  if (letter.is_counted)
    if (auto* queue = static_cast<Queue*>(shard_.find_queue(id))) queue->dead_letter_left(letter.octets);
  if (letter.append == AppendNumber::none) return;
  shard_.log().settle(
      {.queue = id, .position = letter.position, .is_transient = letter.is_transient, .body_octets = letter.octets},
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
  const Sent sent = std::move(found->second);
  sent_.erase(found);
  Attempt& attempt = *sent.attempt;
  if (is_refused)
    attempt.is_refused = true;
  else if (attempt.letter.is_counted)
    attempt.letter.taken_by.push_back(sent.queue);
  if (--attempt.unanswered == 0) keep_or_settle(std::move(attempt.letter), attempt.is_refused);
}

void DeadLetters::keep_or_settle(DeadLetter letter, bool is_refused) {
  if (is_refused && letter.target->is_at_least_once && shard_.find_queue(letter.queue->address.queue)) {
    kept_.push_back(std::move(letter));
    return;
  }
  shard_.deaths().confirmed += letter.target->is_at_least_once && !is_refused;
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
