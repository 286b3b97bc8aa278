#pragma once
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "broker/any_queue.h"
#include "broker/streams/segments.h"
#include "broker/streams/stream_log.h"
#include "broker/streams/subscription.h"

namespace leveret::broker {

/// A queue of type stream: a log that consumers read, each from where it likes, and take nothing away from.
///
/// A message's offset is its position, counted from 0 and never used again; it is stored, and delivered, with its
/// offset as header `x-stream-offset`.  All messages are stored, whatever their delivery mode, and delivered only then.
/// An acknowledgement gives credit and nothing else.
class StreamQueue final : public AnyQueue {
 public:
  StreamQueue(Shard& shard, VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record);

  /// After a restart: what is stored, and what was written down of its segments.
  void restore(const storage::QueueState& state, std::vector<StreamSegment> segments);

  void enqueue(MessageRef message, const ConfirmTicket& ticket) override;

  /// RabbitMQ gives "exclusive" no meaning here.
  protocol::Result<void> check_consumer(const ConsumerRequest&) const override { return {}; }
  void add_consumer(std::unique_ptr<Consumer> consumer) override;
  void remove_consumer(ConsumerId consumer) override;
  void unblock(ConsumerId consumer) override;
  void open_window(ConsumerId consumer, std::size_t octets) override;
  void settle(Position position, ConsumerId consumer, Settlement settlement) override;
  void get(bool no_ack, GetAnswer answer) override;

  QueueCounts counts() const override;
  QueueNumbers numbers() const override;
  /// RabbitMQ tells of messages, and of no consumers.
  QueueCounts declared() override { return {.messages = counts().messages}; }
  void apply(const QueueSettings& settings) override;
  std::uint32_t purge() override;
  void close() override;

  void wake() override;
  QueuedMemory memory() const override { return {.ready = log_.memory()}; }
  void page_out() override { log_.forget(0); }
  void store_exact_mark() override {}

 private:
  struct StreamConsumer {
    std::unique_ptr<Consumer> consumer{};
    StreamReader reader{};
    /// While the first message that came at `time` or later is looked for: it is in [low, high), or at `high`.
    struct Search {
      Position low = 0;
      Position high = 0;
      WallTime time{};
    };
    std::optional<Search> search{};
  };

  void append(MessageRef message, const ConfirmTicket& ticket);
  void wait_until_written();
  void written();

  void read_from(Position from);
  void take_page(Position from, const storage::ReadResult& result);
  /// Ends the consumers that cannot go on, as what they would get next, in that range, cannot be read.
  void cancel_readers(Position begin, Position end);

  StreamConsumer* find(ConsumerId consumer);
  void begin_at(StreamConsumer& consumer, const StreamOffset& start);
  bool find_start(StreamConsumer& consumer);
  void deliver(StreamConsumer& consumer);
  void deliver_to_all();

  StreamRetention retention() const;
  void close_segment();
  void retain();

  QueueSettings settings_{};
  StreamSegments segments_{};
  StreamLog log_;
  boost::unordered_flat_map<ConsumerId, std::unique_ptr<StreamConsumer>> consumers_{};
  bool is_waiting_for_store_ = false;
};

}  // namespace leveret::broker
