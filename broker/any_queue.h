#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "broker/consumer.h"
#include "broker/counters.h"
#include "broker/counts_by_exchange.h"
#include "broker/mail.h"
#include "broker/message_times.h"
#include "broker/queue_record.h"
#include "broker/queue_settings.h"
#include "broker/queued_memory.h"
#include "broker/reports.h"
#include "protocol/reply_code.h"

namespace leveret::broker {

class Shard;
class VirtualHost;

/// What queue.declare-ok and basic.get-ok tell of a queue.
struct QueueCounts {
  std::uint32_t messages = 0;  // ready ones
  std::uint32_t consumers = 0;
};

/// What basic.get gives.
struct GetResult {
  Delivery delivery{};
  std::uint32_t messages_left = 0;
  std::optional<std::chrono::milliseconds> consumer_timeout{};  // where the queue has its own
};

/// What publishers, consumers and administrators ask of a queue of any type: a Queue, whose messages are consumed, or a
/// StreamQueue, whose messages are read.  Belongs to the shard of its record.
class AnyQueue {
 public:
  AnyQueue(Shard& shard, VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record)
      : shard_(shard), virtual_host_(virtual_host), record_(std::move(record)) {}
  virtual ~AnyQueue() = default;
  AnyQueue(const AnyQueue&) = delete;
  AnyQueue& operator=(const AnyQueue&) = delete;

  const QueueRecord& record() const { return *record_; }
  VirtualHost& virtual_host() const { return virtual_host_; }
  Shard& shard() const { return shard_; }

  // --- publishers

  virtual void enqueue(MessageRef message, const ConfirmTicket& ticket) = 0;

  // --- consumers

  virtual protocol::Result<void> check_consumer(const ConsumerRequest& request) const = 0;
  /// Adds one that may be added; it is delivered to at once.
  virtual void add_consumer(std::unique_ptr<Consumer> consumer) = 0;
  /// May delete the queue: then it no longer exists afterwards.  Who is left is served when its shard ends the returns.
  virtual void remove_consumer(ConsumerId consumer) = 0;
  /// The session has room again.
  virtual void unblock(ConsumerId consumer) = 0;
  /// The session of another shard has written so much of what it was sent.
  virtual void open_window(ConsumerId consumer, std::size_t octets) = 0;
  /// What is requeued is delivered again when its shard ends the returns.
  virtual void settle(Position position, ConsumerId consumer, Settlement settlement) = 0;

  /// Answers with the first ready message, or with nothing; later, when the store has to be told first.  Nobody asks
  /// that of a stream.
  using GetAnswer = std::function<void(std::optional<GetResult>)>;
  virtual void get(bool no_ack, GetAnswer answer) = 0;

  // --- administrators

  virtual QueueCounts counts() const = 0;
  virtual QueueNumbers numbers() const = 0;
  const QueueCounters& counters() const { return counters_; }
  const CountsByExchange& published_by() const { return published_by_; }
  /// The property of the first message, in seconds since 1970; nothing where it has none, or is not in memory.
  virtual std::optional<std::uint64_t> head_timestamp() { return {}; }
  /// Nothing when no message has been looked at.
  virtual const MessageTimes* times() const { return nullptr; }
  /// Of a queue that serves one before another; nothing of a stream, which all read alike.
  virtual const Consumers* consumers() const { return nullptr; }
  /// Somebody has declared it: what he is told.
  virtual QueueCounts declared() = 0;
  /// Takes new settings, at once.
  virtual void apply(const QueueSettings& settings) = 0;
  /// Drops all ready messages; how many they were.  Nobody asks that of a stream.
  virtual std::uint32_t purge() = 0;
  /// Lets go of everything, as the queue is deleted: consumers are told, publishers confirmed.
  virtual void close() = 0;

  // --- its shard

  /// All that returned to it is back in its place.
  virtual void returns_ended() {}
  /// The time has come that it asked the shard's alarm clock for.  It may delete itself.
  virtual void wake() = 0;
  /// At the end of a turn in which it told the shard so: what its messages occupy now.
  virtual QueuedMemory memory() const = 0;
  /// Memory is short: what the store has as well, and is not delivered next, leaves memory.
  virtual void page_out() = 0;
  /// Before a clean stop.
  virtual void store_exact_mark() = 0;

  /// What its shard remembers of its memory.
  struct MemoryNote {
    QueuedMemory memory{};
    bool is_noted = false;  // to be counted anew at the end of the turn
  };
  MemoryNote& memory_note() { return memory_note_; }

 protected:
  void count_published(const Message& message) {
    ++counters_.published;
    published_by_.count(message.exchange());
  }

  Shard& shard_;
  VirtualHost& virtual_host_;
  const std::shared_ptr<const QueueRecord> record_;
  MemoryNote memory_note_{};
  QueueCounters counters_{};
  CountsByExchange published_by_{};
};

}  // namespace leveret::broker
