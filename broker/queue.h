#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "broker/consumer.h"
#include "broker/dead_letters.h"
#include "broker/durable_log.h"
#include "broker/mail.h"
#include "broker/queue_record.h"
#include "broker/queue_settings.h"
#include "broker/ready_messages.h"
#include "broker/virtual_host.h"

namespace leveret::broker {

class Shard;

/// What queue.declare-ok and basic.get-ok tell of a queue.
struct QueueCounts {
  std::uint32_t messages = 0;  // ready ones
  std::uint32_t consumers = 0;
};

/// What basic.get gives.
struct GetResult {
  Delivery delivery{};
  std::uint32_t messages_left = 0;
};

/// A queue's messages and consumers.  Belongs to the shard of its record.
///
/// A message is ready, or delivered and unacknowledged, or gone: acknowledged, dropped, or dead-lettered.  Persistent
/// messages of a durable queue are in the shard's durable log as well; a quorum queue stores all of them.
class Queue {
 public:
  Queue(Shard& shard, VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record);
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  const QueueRecord& record() const { return *record_; }
  VirtualHost& virtual_host() const { return virtual_host_; }
  Shard& shard() const { return shard_; }
  const QueueSettings& settings() const { return settings_; }
  QueueCounts counts() const;
  std::size_t unacknowledged_count() const { return unacknowledged_.size(); }

  /// Takes new settings, at once: a shorter limit drops what is above it, a shorter time-to-live what is older.
  void apply(const QueueSettings& settings);
  /// The time has come that it asked the shard's alarm clock for.  It may delete itself.
  void wake();
  /// Somebody has declared it: an idle queue's lease begins anew.
  void touch();

  void enqueue(MessageRef message, const ConfirmTicket& ticket);
  void settle(Position position, ConsumerId consumer, Settlement settlement);

  /// Answers with the first ready message, or with nothing; later, when the store has to be told first.
  using GetAnswer = std::function<void(std::optional<GetResult>)>;
  void get(bool no_ack, GetAnswer answer);

  /// Refuses a consumer beside an exclusive one, or an exclusive one beside another.
  Result<void> check_consumer(const ConsumerRequest& request) const;
  /// Adds one that may be added; it is delivered to at once.
  void add_consumer(std::unique_ptr<Consumer> consumer);
  /// Deletes an auto-delete queue when that was its last consumer: then the queue no longer exists afterwards.
  void remove_consumer(ConsumerId consumer);
  /// The session has room again.
  void unblock(ConsumerId consumer);
  /// The session of another shard has written so much of what it was sent.
  void open_window(ConsumerId consumer, std::size_t octets);

  /// Drops all ready messages; how many they were.
  std::uint32_t purge();
  /// Lets go of everything, as the queue is deleted: consumers are told, publishers confirmed.
  void close();

  /// After a restart: what the store has kept stays there until it is wanted.
  void restore(const storage::QueueState& state);
  /// A queue with priorities has it all in memory: the messages in order, after that.
  void restore(Position position, MessageRef message, bool is_redelivered);
  bool keeps_all_in_memory() const { return ready_.priority_max() > 0; }

  /// At the end of a turn in which it told the shard so: what its ready messages occupy now.
  std::size_t memory() const { return ready_.memory(); }
  /// What its shard remembers of that.
  struct MemoryNote {
    std::size_t octets = 0;
    bool is_noted = false;  // to be counted anew at the end of the turn
  };
  MemoryNote& memory_note() { return memory_note_; }
  /// Memory is short: what the store has as well, and is not delivered next, leaves memory.
  void page_out();
  /// Before a clean stop: lets the store know just which messages have been delivered.
  void store_exact_mark();

 private:
  /// A message that falls due by its own expiration, wherever it stands.
  struct Expiration {
    WallTime due{};
    Position position{};
    std::uint8_t priority = 0;
    friend bool operator>(const Expiration& a, const Expiration& b) { return a.due > b.due; }
  };

  // --- queue.cc: enqueuing, delivering, settling

  bool is_quorum() const { return record_->type == QueueType::quorum; }
  bool is_stored(const Message& message) const;
  std::uint8_t priority_of(const Message& message) const;
  void deliver();
  /// `deliver`, after what has fallen due is gone.
  void go_on();
  Delivery make_delivery(Position position, const QueuedMessage& message, ConsumerId consumer) const;
  /// False when the store must be told first that the message has been delivered; `deliver` then goes on by itself.
  bool may_deliver(Position position, const QueuedMessage& message);
  void move_mark(Position position);
  void mark_written(Position mark);
  /// `octets` is the size of its body, for the message itself may be gone already.
  void let_go(Position position, QueuedMessage& message, std::size_t octets);
  void put_back(Position position, QueuedMessage message);
  void requeue(Position position, QueuedMessage message);

  // --- queue_paging.cc: what is in the store alone

  void append(Position position, QueuedMessage& message, const ConfirmTicket& ticket);
  /// Reads the next messages back when few are left in memory.
  void read_back();
  void take_back(storage::ReadResult result);
  void answer_waiting_gets();

  // --- queue_limits.cc: what makes messages leave that nobody consumed, and idle queues

  /// Dead-letters a message where the queue has an exchange for that, else lets it go.
  void discard(Position position, QueuedMessage message, DeathReason reason);
  bool is_above_limit(std::uint64_t messages, std::uint64_t octets) const;
  bool refuses(const Message& message) const;
  void refuse(MessageRef message, const ConfirmTicket& ticket);
  void drop_excess();
  std::optional<WallTime> due_time(const Message& message) const;
  void note_expiration(Position position, const Message& message);
  void note_individual_expiration(Position position, const Message& message);
  void push_expiration(Position position, const Message& message);
  void expire();
  void expire_oldest(WallTime now);
  void expire_individually(WallTime now);
  void find_next_due();
  bool is_idle() const { return settings_.expires && consumers_.empty(); }
  void plan_to_wake();

  Shard& shard_;
  VirtualHost& virtual_host_;
  std::shared_ptr<const QueueRecord> record_;
  QueueSettings settings_{};
  std::shared_ptr<const DeadLetterTarget> dead_letter_target_{};

  Position next_position_ = 1;
  ReadyMessages ready_{};
  boost::unordered_flat_map<Position, QueuedMessage> unacknowledged_{};
  Consumers consumers_{};
  bool has_exclusive_consumer_ = false;

  std::priority_queue<Expiration, std::vector<Expiration>, std::greater<>> expirations_{};
  WallTime next_due_ = WallTime::max();  // no message falls due before
  TimePoint last_used_{};
  TimePoint wakes_at_ = TimePoint::max();

  // Messages before the mark may have been delivered, as far as the store knows (see docs/architecture.md).
  Position delivered_before_ = 0;
  Position mark_ = 0;
  Position mark_step_ = 0;
  bool is_marking_ = false;
  MemoryNote memory_note_{};
  bool is_reading_back_ = false;
  bool has_stored_transients_ = false;
  Position recovered_before_ = 0;  // what is read back from there was delivered in an earlier life
  std::vector<std::pair<bool, GetAnswer>> waiting_gets_{};
};

}  // namespace leveret::broker
