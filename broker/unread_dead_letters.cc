#include "broker/unread_dead_letters.h"

#include <utility>

#include "broker/log.h"
#include "broker/shard.h"
#include "broker/virtual_host.h"

namespace leveret::broker {

UnreadDeadLetters::UnreadDeadLetters(Shard& shard, QueueId queue, std::function<void()> read_later)
    : shard_(shard), queue_(queue), read_later_(std::move(read_later)) {}

bool UnreadDeadLetters::is_in(const VirtualHost& virtual_host) const {
  return !letters_.empty() && letters_.begin()->second.virtual_host == &virtual_host;
}

void UnreadDeadLetters::add(DeadLetter letter) {
  letters_.emplace(letter.position, std::move(letter));
  hand_over();
}

void UnreadDeadLetters::hand_over() {
  for (auto next = letters_.begin(); next != letters_.end() && next->second.message; next = letters_.erase(next))
    shard_.dead_letters().add(std::move(next->second));
  read();
}

void UnreadDeadLetters::read() {
  if (letters_.empty()) {
    if (end_) std::exchange(end_, nullptr)();
    return;
  }
  if (std::exchange(is_reading_, true)) return;
  const Position begin = letters_.begin()->first;
  shard_.log().read(queue_, begin, {}, [weak = weak_from_this(), begin](const storage::ReadResult& result) {
    if (const auto self = weak.lock()) self->take(result, begin);
  });
}

void UnreadDeadLetters::take(const storage::ReadResult& result, Position begin) {
  is_reading_ = false;
  if (result.error) note_unreadable(*result.error);
  if (result.error && result.next <= begin) {
    if (!end_) return read_later_();
    letters_.clear();
  }
  for (const storage::StoredMessage& stored : result.messages) {
    const auto found = letters_.find(stored.position);
    if (found != letters_.end() && !found->second.message) found->second.message = Message::from_stored(stored.content);
  }
  if (const auto first = letters_.find(begin); first != letters_.end() && !first->second.message) {
    shard_.dead_letters().settle(first->second);  // it is lost
    letters_.erase(first);
  }
  hand_over();
}

void UnreadDeadLetters::go_on_alone(std::function<void()> end) {
  end_ = std::move(end);
  read();
}

void UnreadDeadLetters::give_up() {
  letters_.clear();
  read();
}

void UnreadDeadLetters::note_unreadable(const storage::StoreError& error) const {
  const DeadLetter& first = letters_.begin()->second;
  log::error("messages cannot be read: queue={} reason=\"{}\"", first.virtual_host->in_vhost(first.queue->name),
             error.what());
}

}  // namespace leveret::broker
