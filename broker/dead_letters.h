#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "broker/death.h"
#include "broker/durable_log.h"
#include "broker/queue_record.h"
#include "broker/session.h"

namespace leveret::broker {

class Shard;
class UnreadDeadLetters;
class VirtualHost;

/// Where a queue's dead messages go.
struct DeadLetterTarget {
  std::string exchange{};
  std::optional<std::string> routing_key{};  // in place of the message's own
  bool is_at_least_once = false;             // until somebody has taken it, rather than once
};

/// A message that has died in a queue of this shard.
struct DeadLetter {
  VirtualHost* virtual_host = nullptr;  // outlives its queues, and they what has died in them this turn
  std::shared_ptr<const QueueRecord> queue{};
  std::shared_ptr<const DeadLetterTarget> target{};
  DeathReason reason{};
  Position position{};
  AppendNumber append = AppendNumber::none;
  std::uint32_t octets = 0;  // of its body
  bool is_transient = false;
  bool is_counted = false;  // in its queue, until it has left
  MessageRef message{};
  std::vector<QueueAddress> taken_by{};  // queues that have it already, of more that are to have it
};

/// Publishes a shard's dead letters anew, at the end of the turn in which they died.
///
/// A message that is stored is settled in its old queue only when all of its new queues have it: after a crash it is in
/// one of them or, at worst, in both.  With `is_at_least_once`, one that not all of its queues take, or that has none,
/// is kept and tried again with those that are left, as its old queue's settings are by then.
class DeadLetters final : public Session {
 public:
  explicit DeadLetters(Shard& shard) : shard_(shard) {}

  void add(DeadLetter letter);
  /// At the end of a turn; what dies meanwhile goes along.
  void publish_all();
  /// Those that nobody took get another chance.
  void try_again();
  /// The queue they died in is deleted: those that nobody took go with it.
  void forget(QueueId queue);
  /// Those of it that have still to be read are published all the same; `end` is called when none is left.
  void adopt(std::shared_ptr<UnreadDeadLetters> unread, QueueId queue, const std::function<void()>& end);
  /// The virtual host of deleted queues is deleted as well: what has still to be read is let go, the rest published.
  void forget(const VirtualHost& virtual_host);
  /// The queue they died in is purged: the same, and they are settled.
  void purge(QueueId queue);
  /// Its old queue and the store forget it.
  void settle(const DeadLetter& letter);

  bool deliver(Delivery& delivery) override;
  void confirm(std::uint64_t sequence) override;
  void refuse(std::uint64_t sequence) override;
  void consumer_cancelled(ConsumerId consumer) override;

 private:
  /// One on its way to its new queues.
  struct Attempt {
    DeadLetter letter{};
    std::size_t unanswered = 0;
    bool is_refused = false;
  };
  /// What is waited for from one of them.
  struct Sent {
    std::shared_ptr<Attempt> attempt{};
    QueueAddress queue{};
  };

  void publish(DeadLetter letter);
  bool answer_requests(const DeadLetterTarget& target, const std::vector<std::string_view>& routing_keys,
                       const MessageRef& message);
  void send(DeadLetter letter, const MessageRef& message, const std::vector<QueueAddress>& queues);
  void answer(std::uint64_t sequence, bool is_refused);
  void keep_or_settle(DeadLetter letter, bool is_refused);

  Shard& shard_;
  std::vector<DeadLetter> dead_{};
  std::unordered_map<std::uint64_t, Sent> sent_{};
  std::vector<DeadLetter> kept_{};
  std::unordered_map<QueueId, std::shared_ptr<UnreadDeadLetters>> unread_{};  // of queues that are deleted
  std::uint64_t next_sequence_ = 1;
};

/// The session by which `DeadLetters` of every shard is known to queues.
inline constexpr SessionId dead_letters_session{0};

}  // namespace leveret::broker
