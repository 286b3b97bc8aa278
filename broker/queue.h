#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "broker/any_queue.h"
#include "broker/consumer.h"
#include "broker/dead_letters.h"
#include "broker/delayed_returns.h"
#include "broker/durable_log.h"
#include "broker/held_messages.h"
#include "broker/priorities.h"
#include "broker/queue_settings.h"
#include "broker/ready_messages.h"
#include "broker/unread_dead_letters.h"
#include "broker/virtual_host.h"

namespace leveret::broker {

/// A classic or quorum queue: its messages and consumers.
///
/// A message is ready, or delivered and unacknowledged, or gone: acknowledged, dropped, or dead-lettered.  In a quorum
/// queue it may also have come back and rest before it is ready again.  Persistent messages of a durable queue are in
/// the shard's durable log as well; a quorum queue stores all of them.
class Queue final : public AnyQueue {
 public:
  Queue(Shard& shard, VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record);

  void enqueue(MessageRef message, const ConfirmTicket& ticket) override;

  /// Refuses a consumer beside an exclusive one, or an exclusive one beside another.
  Result<void> check_consumer(const ConsumerRequest& request) const override;
  void add_consumer(std::unique_ptr<Consumer> consumer) override;
  /// Deletes an auto-delete queue when that was its last consumer.
  void remove_consumer(ConsumerId consumer) override;
  void returns_ended() override;
  void unblock(ConsumerId consumer) override;
  void open_window(ConsumerId consumer, std::size_t octets) override;
  void settle(Position position, ConsumerId consumer, Settlement settlement) override;
  void get(bool no_ack, GetAnswer answer) override;

  QueueCounts counts() const override;
  QueueNumbers numbers() const override;
  std::optional<std::uint64_t> head_timestamp() override;
  const MessageTimes* times() const override { return times_.get(); }
  const Consumers* consumers() const override { return &consumers_; }
  /// An idle queue's lease begins anew.
  QueueCounts declared() override;
  /// A shorter limit drops what is above it, a shorter time-to-live what is older.
  void apply(const QueueSettings& settings) override;
  std::uint32_t purge() override;
  /// A message that died here, to be dead-lettered at least once, is in its new queues now, or nowhere.
  void dead_letter_left(std::size_t octets);
  /// Nothing when its dead messages go nowhere.
  const std::shared_ptr<const DeadLetterTarget>& dead_letter_target() const { return dead_letter_target_; }
  void close() override;

  /// After a restart, once for each lane: what the store has kept stays there until it is wanted.
  void restore(QueueId stored_lane, const storage::QueueState& state);

  void wake() override;
  QueuedMemory memory() const override {
    return {.ready = ready_.memory(), .held = held_.memory() + delayed_.memory()};
  }
  void page_out() override;
  /// Lets the store know just which messages have been delivered.
  void store_exact_mark() override;

 private:
  /// A message that falls due by its own expiration, wherever it stands.
  struct Expiration {
    WallTime due{};
    Position position{};
    friend bool operator>(const Expiration& a, const Expiration& b) { return a.due > b.due; }
  };

  /// What there is to know of the messages of one priority, beside those that are ready.
  struct LaneState {
    Position next_position = 1;
    // Messages before the mark may have been delivered, as far as the store knows (see docs/queues.md).
    Position delivered_before = 0;
    Position mark = 0;
    Position mark_step = 0;
    bool is_marking = false;
    bool is_reading_back = false;
    bool is_unreadable = false;  // for now: `read_again_at_` is when that is tried again
    // Of what stood between those that are out of memory some has been settled, and the store may not know yet.
    bool is_read_when_written = false;
    Position transients_end = 0;  // behind the last that was stored to leave memory, or need not be
  };

  // --- queue.cc: enqueuing, delivering, settling

  bool is_quorum() const { return record_->type == QueueType::quorum; }
  bool is_stored(const Message& message) const;
  LaneState& lane_at(Position position) { return lanes_[priorities_.at(position)]; }
  void deliver();
  /// `deliver`, after what has fallen due is gone.
  void go_on();
  Delivery make_delivery(Position position, const QueuedMessage& message, ConsumerId consumer) const;
  void note_delivered(Position position);
  /// Of one whose times are looked at.
  void note_times(Position position, WallTime arrival, bool is_redelivered, bool no_ack);
  /// False when the store must be told first that the message has been delivered; `deliver` then goes on by itself.
  bool may_deliver(Position position, const QueuedMessage& message);
  void move_mark(Position position);
  void mark_written(Position mark);
  void let_go(Position position, QueuedMessage& message);
  /// What is to be done when the queue is gone, and its dead letters have been read.
  std::function<void()> drop_from_store() const;
  /// What leaves the queue, for good or to be dead-lettered, is counted no longer.
  void forget_persistent(const QueuedMessage& message);
  /// When all that is ready is gone, of which some was out of memory.
  void recount_persistent();
  void put_back(Position position, QueuedMessage message);
  void requeue(Position position, QueuedMessage message, Settlement settlement);
  void count_return(Position position, const QueuedMessage& message);
  /// Nothing for what may be delivered again at once.
  std::optional<std::chrono::milliseconds> retry_delay(std::uint32_t returns, Settlement settlement) const;
  void end_delays();

  // --- queue_paging.cc: what is in the store alone

  void append(Position position, QueuedMessage& message, const ConfirmTicket& ticket);
  void store_transient(Position position, QueuedMessage& message);
  void store_transients();
  std::size_t kept_octets() const;
  void page_out_ready();
  void unload_held();
  bool is_written(const QueuedMessage& message) const;
  void page_out_when_written();
  void page_out_returned();
  std::vector<Position> ends_of_held() const;
  /// Reads the next messages back where few are left in memory.
  void read_back();
  void read_back(std::uint8_t priority, const storage::ReadLimits& limits);
  /// `begin` and `end` are what was out of memory when the read began.
  void take_back(storage::ReadResult result, Position begin, Position end);
  /// Reads the contents of messages that stand at their places without them.
  void load(Position begin, const storage::ReadLimits& limits);
  void take_contents(const storage::ReadResult& result, Position begin);
  void note_unreadable(const storage::StoreError& error) const;
  void page_in(std::uint8_t priority, const storage::ReadResult& result);
  /// What the store gives back, as the queue holds it.
  QueuedMessage recovered(const storage::StoredMessage& stored, MessageRef message) const;
  void read_again_later();
  void read_again();
  void answer_waiting_gets();

  // --- queue_limits.cc: what makes messages leave that nobody consumed, and idle queues

  /// Dead-letters a message where the queue has an exchange for that, else lets it go.
  void discard(Position position, QueuedMessage message, DeathReason reason);
  void add_dead_letter(DeadLetter letter);
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
  void touch();
  void plan_to_wake();

  QueueSettings settings_{};
  std::shared_ptr<const DeadLetterTarget> dead_letter_target_{};

  const Priorities priorities_;
  std::vector<LaneState> lanes_;  // by priority
  ReadyMessages ready_;
  DelayedReturns delayed_{};
  HeldMessages held_{};
  std::uint64_t persistent_ = 0;  // stored to survive
  std::uint64_t persistent_octets_ = 0;
  std::uint64_t dead_lettering_ = 0;  // messages that `dead_letter_left` has not been called for
  std::uint64_t dead_lettering_octets_ = 0;
  Consumers consumers_{};
  bool has_exclusive_consumer_ = false;

  std::priority_queue<Expiration, std::vector<Expiration>, std::greater<>> expirations_{};
  WallTime next_due_ = WallTime::max();  // no message falls due before
  TimePoint last_used_{};
  TimePoint read_again_at_ = TimePoint::max();
  TimePoint page_out_returned_at_{};  // not before
  TimePoint wakes_at_ = TimePoint::max();

  std::unique_ptr<MessageTimes> times_{};                     // once there are any
  std::shared_ptr<UnreadDeadLetters> unread_dead_letters_{};  // the same
  bool has_stored_transients_ = false;
  bool stores_transients_at_once_ = false;  // as those that are held cannot be stored later
  std::size_t unload_held_from_ = 0;        // octets in memory
  bool is_awaiting_store_ = false;          // to page out what is written by then
  std::vector<std::pair<bool, GetAnswer>> waiting_gets_{};
};

}  // namespace leveret::broker
