#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "broker/clock.h"
#include "broker/session.h"

namespace leveret::broker {

struct StreamSubscription;

/// What basic.consume asks of a queue.
struct ConsumerRequest {
  ConsumerId id{};
  std::string tag{};  // what its session calls it
  bool no_ack = false;
  bool exclusive = false;
  std::int32_t priority = 0;
  std::uint16_t prefetch = 0;                                // 0 is no limit
  std::shared_ptr<const StreamSubscription> subscription{};  // of a stream
};

/// Who receives a queue's messages, and how many unacknowledged ones at once.  Belongs to its queue.
struct Consumer {
  using Place = std::list<Consumer*>::iterator;

  ConsumerRequest request{};
  Session* session = nullptr;
  std::unique_ptr<Session> owned_session{};  // the MailSession of a consumer on another shard
  std::uint32_t unacknowledged = 0;
  bool is_blocked = false;  // its session refused; until `unblock`
  bool is_waiting = false;  // stands in the line of those who can take a delivery, at `place`
  Place place{};

  bool has_credit() const {
    return !is_blocked && (request.prefetch == 0 || request.no_ack || unacknowledged < request.prefetch);
  }
};

/// How much of the time messages did not have to wait for a consumer: an average in which what is a second past counts
/// half, as in RabbitMQ.
class ServiceShare {
 public:
  void note(bool is_waited_for, WallTime now) {
    if (is_waited_for == is_waited_for_) return;
    share_ = at(now);
    is_waited_for_ = is_waited_for;
    since_ = now;
  }
  /// From 0 to 1.
  double at(WallTime now) const;

 private:
  double share_ = 1;  // as it was at `since_`
  WallTime since_{};
  bool is_waited_for_ = false;
};

/// A queue's consumers.  Those who can take a delivery stand in line, by priority and then by turn: who has been served
/// goes to the end of the line, who gets credit again joins at its end, as RabbitMQ does it.
///
/// With a single active consumer, only one of them is served: the first, and when it leaves, the one of the highest
/// priority that has waited longest.
class Consumers {
 public:
  void set_single_active(bool is_single_active);

  Consumer& add(std::unique_ptr<Consumer> consumer);
  /// Hands the consumer out to whoever ends it; nothing when there is none of that id.
  std::unique_ptr<Consumer> remove(ConsumerId id);
  Consumer* find(ConsumerId id);

  /// The next in line, or nothing.
  Consumer* next();
  /// The one that is served while all others wait; nothing where they share, or where there is none.
  const Consumer* single_active() const { return active_; }
  bool has_single_active() const { return is_single_active_; }
  /// After a delivery: to the end of the line, or out of it when its credit is used up.
  void served(Consumer& consumer);
  /// Puts it in line, or takes it out, as its credit now says.
  void credit_changed(Consumer& consumer);

  /// Whether a message waits for one of them.
  void note_waiting(bool is_waited_for, WallTime now) { service_.note(is_waited_for, now); }
  /// RabbitMQ's consumer capacity; 0 where there is none.
  double capacity(WallTime now) const { return empty() ? 0 : service_.at(now); }

  std::size_t size() const { return consumers_.size(); }
  bool empty() const { return consumers_.empty(); }
  template <class Function>
  void for_each(Function function) {
    for (auto& [id, consumer] : consumers_) function(*consumer);
  }
  template <class Function>
  void for_each(Function function) const {
    for (const auto& [id, consumer] : consumers_) function(std::as_const(*consumer));
  }

 private:
  void leave_line(Consumer& consumer);
  void choose_active();

  std::unordered_map<ConsumerId, std::unique_ptr<Consumer>> consumers_{};
  std::map<std::int32_t, std::list<Consumer*>, std::greater<>> line_{};
  bool is_single_active_ = false;
  Consumer* active_ = nullptr;
  ServiceShare service_{};
};

}  // namespace leveret::broker
