#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "broker/message.h"
#include "broker/session.h"
#include "storage/store.h"

namespace leveret::broker {

/// The number of an append in its shard's log; rises by one.
enum class AppendNumber : std::uint64_t {
  none = 0,       // the message is not stored
  recovered = 1,  // the store gave it back: it has been written long since
};

/// What one shard has to make durable: gathers what its turns do, and hands it to the store as one batch whenever the
/// store has finished the one before.  Belongs to its shard.
///
/// An append that is settled before it is handed over is never written, and counts as safe then: it has been consumed.
///
/// Queues and positions are those of the broker: here, and only here, they become those of the store (see Lane).
class DurableLog {
 public:
  /// `run_on_shard` takes work from any thread to the shard; `confirm` tells a publisher that an append is safe.
  DurableLog(storage::Store& store, std::function<void(std::function<void()>)> run_on_shard,
             std::function<void(const ConfirmTicket&)> confirm);

  AppendNumber append(QueueId queue, Position position, const MessageRef& message, const ConfirmTicket& ticket);
  /// The same for a stream, which counts all `octets` that it stores.
  AppendNumber append_to_stream(QueueId queue, Position position, const MessageRef& message, std::uint32_t octets,
                                const ConfirmTicket& ticket);
  /// Stores a message to have it out of memory: a restart forgets it.
  AppendNumber append_transient(QueueId queue, Position position, const MessageRef& message);
  /// The same two for a message that is delayed.
  AppendNumber append_delayed(QueueId queue, const DelayedPlace& place, const MessageRef& message,
                              const ConfirmTicket& ticket);
  AppendNumber append_delayed_transient(QueueId queue, const DelayedPlace& place, const MessageRef& message);
  /// The store has it, and can be asked for it.
  bool is_written(AppendNumber append) const { return static_cast<std::uint64_t>(append) < first_unwritten_; }
  /// Records that a consumer has been handed the message.  False when it is too late to write that beside it.
  bool note_delivered(AppendNumber append);
  /// Takes an append back, and confirms it.  False when it has been handed over already.
  bool withdraw(AppendNumber append);
  /// Forgets a message for good: takes the append back, or stores that it is settled.
  void settle(const storage::Settle& settlement, AppendNumber append);
  /// Stores how often a message has come back.
  void count_returns(QueueId queue, Position position, std::uint32_t returns);
  /// Forgets all messages of a lane from `from` on and before `before` that have been written.
  void purge(QueueId queue, Position from, Position before);
  /// Reads messages of a lane that have been written; `done` runs on the shard.
  void read(QueueId queue, Position from, storage::ReadLimits limits, std::function<void(storage::ReadResult)> done);
  void read_delayed(QueueId queue, const DelayedPlace& from, storage::ReadLimits limits,
                    std::function<void(storage::ReadResult)> done);
  /// After a restart every message of the lane before `before` will count as redelivered.
  void mark_delivered(QueueId queue, Position before);
  /// Runs `written`, on the shard, when all that has been put into this log and the store until now is on disk.
  void when_written(std::function<void()> written);

  /// Messages are settled faster than the store can write that: what is read from it now had better wait for it.
  bool is_behind() const { return settlements_.size() > settlements_gathered_max; }

  /// Hands over what has gathered, unless a batch is under way.
  void hand_over();
  /// The same at the end of a turn, but settlements that nobody waits for stay to go with what comes next, and spare a
  /// write and a sync of their own.  True when some are left that no later turn is sure to take: `hand_over` has to be
  /// called soon.
  bool hand_over_awaited();

  /// Octets of messages gathered and not yet written: what publishers have to wait for when it grows too large.
  std::size_t unwritten_octets() const { return gathered_octets_ + writing_octets_; }
  bool is_idle() const { return !is_writing_ && is_empty(); }

 private:
  struct Append {
    QueueId queue{};
    Position position{};
    MessageRef message{};
    std::uint32_t body_octets = 0;
    ConfirmTicket ticket{};
    bool is_delivered = false;
    bool is_transient = false;
    storage::DueTime due = storage::DueTime::none;
  };

  bool is_empty() const { return settlements_.empty() && !is_awaited(); }
  bool is_awaited() const {
    return live_appends_ > 0 || settlements_.size() > settlements_kept_max || !returns_.empty() || !marks_.empty() ||
           !purges_.empty() || !waiting_.empty();
  }
  AppendNumber add(Append append);
  storage::ReadHandler on_shard(std::function<void(storage::ReadResult)> done) const;
  Append* gathered(AppendNumber append);
  std::unique_ptr<storage::Batch> make_batch();
  void forget_appends();
  void written(std::unique_ptr<storage::Batch> batch);

  /// More of them are worth a write of their own.
  static constexpr std::size_t settlements_kept_max = 1024;
  static constexpr std::size_t settlements_gathered_max = 64 * 1024;

  storage::Store& store_;
  std::function<void(std::function<void()>)> run_on_shard_;
  std::function<void(const ConfirmTicket&)> confirm_;

  // Gathered: the append at place i has the number first_gathered_ + i; one taken back has no message.
  std::vector<Append> appends_{};
  std::size_t live_appends_ = 0;
  std::vector<storage::Settle> settlements_{};
  std::vector<storage::ReturnCount> returns_{};
  std::vector<storage::DeliveredMark> marks_{};
  std::vector<storage::Purge> purges_{};
  std::vector<std::function<void()>> waiting_{};
  std::uint64_t first_gathered_ = 2;
  std::uint64_t first_unwritten_ = 2;
  std::size_t gathered_octets_ = 0;

  // Handed over, and not yet written.
  bool is_writing_ = false;
  std::uint64_t writing_end_ = 2;  // the number after the last of them
  std::vector<ConfirmTicket> writing_tickets_{};
  std::vector<std::function<void()>> writing_waiting_{};
  std::size_t writing_octets_ = 0;
  std::unique_ptr<storage::Batch> spare_batch_{};
};

}  // namespace leveret::broker
