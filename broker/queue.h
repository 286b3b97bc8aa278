#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "broker/consumer.h"
#include "broker/durable_log.h"
#include "broker/mail.h"
#include "broker/queue_record.h"
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
/// A message is ready, or delivered and unacknowledged, or gone.  Ready ones leave in order of position; a requeued one
/// goes back to its place (AMQP 0-9-1, section 4.7).  Persistent messages of a durable queue are in the shard's durable
/// log as well.
class Queue {
 public:
  Queue(Shard& shard, VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record);
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  const QueueRecord& record() const { return *record_; }
  VirtualHost& virtual_host() const { return virtual_host_; }
  Shard& shard() const { return shard_; }
  QueueCounts counts() const;

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

  /// After a restart: the messages the store has kept, in order, and the place of the next one.
  void restore(Position position, MessageRef message, bool is_redelivered);
  void restored(Position next_position);
  /// Before a clean stop: lets the store know just which messages have been delivered.
  void store_exact_mark();

 private:
  struct Entry {
    MessageRef message{};
    AppendNumber append = AppendNumber::none;
    bool is_redelivered = false;
    ConsumerId consumer = ConsumerId::none;
  };
  /// Fresh messages stand in order of arrival, so their positions need not be kept beside them all.
  struct Fresh {
    Position position{};
    Entry entry{};
  };

  bool has_ready() const { return !returned_.empty() || !fresh_.empty(); }
  /// The place of the first ready message, and its entry.
  std::pair<Position, Entry*> first_ready();
  void pop_ready();
  void deliver();
  /// False when the store must be told first that the message has been delivered; `deliver` then goes on by itself.
  bool may_deliver(Position position, const Entry& entry);
  void move_mark(Position position);
  void mark_written(Position mark);
  void let_go(Position position, Entry& entry);
  void put_back(Position position, Entry entry);

  Shard& shard_;
  VirtualHost& virtual_host_;
  std::shared_ptr<const QueueRecord> record_;

  Position next_position_ = 1;
  std::deque<Fresh> fresh_{};
  std::map<Position, Entry> returned_{};  // requeued; always before the fresh ones
  boost::unordered_flat_map<Position, Entry> unacknowledged_{};
  Consumers consumers_{};
  bool has_exclusive_consumer_ = false;

  // Messages before the mark may have been delivered, as far as the store knows (see docs/architecture.md).
  Position delivered_before_ = 0;
  Position mark_ = 0;
  Position mark_step_ = 0;
  bool is_marking_ = false;
  std::vector<std::pair<bool, GetAnswer>> waiting_gets_{};
};

}  // namespace leveret::broker
