#pragma once
#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/durable_log.h"
#include "broker/session.h"
#include "broker/shard.h"

namespace leveret::broker {

/// The messages of one exchange of type `x-delayed-message` whose delay has not passed.  Belongs to a shard.
///
/// To publishers it is one more queue that the message goes to: it takes the message, confirms it, and keeps what is
/// persistent in the shard's durable log under a queue id of its own.  What is due is routed as the exchange then
/// routes, and settled here when every queue it goes to has it safe: a crash finds it here, there, or in both.
class DelayStore final : public Session, public TurnMember {
 public:
  DelayStore(Shard& shard, VirtualHost& virtual_host, std::string exchange, QueueAddress address, bool is_durable);
  ~DelayStore() override;
  DelayStore(const DelayStore&) = delete;
  DelayStore& operator=(const DelayStore&) = delete;

  void enqueue(const MessageRef& message, const ConfirmTicket& ticket);
  std::size_t message_count() const { return waiting_.size(); }

  /// After a restart: what the store has kept, and the place of the next one.
  void restore(Position position, MessageRef message);
  void restored(Position next_position);

  /// Something may be due.
  void wake();

  // --- what it routes

  void confirm(std::uint64_t sequence) override;
  void refuse(std::uint64_t sequence) override { confirm(sequence); }  // it is tried once
  bool deliver(Delivery&) override { return false; }
  void consumer_cancelled(ConsumerId) override {}

  // --- its shard's turns

  void end_turn() override {}
  void tick(TimePoint now) override;
  void force_close(std::string_view) override {}
  bool is_of_user(std::string_view) const override { return false; }
  bool is_in(const VirtualHost& virtual_host) const override { return &virtual_host_ == &virtual_host; }
  void alarms_changed() override {}

 private:
  struct Delayed {
    TimePoint due{};
    Position position{};
    AppendNumber append = AppendNumber::none;
    MessageRef message{};

    /// For a priority queue: the one that is due first is on top; of two that are due at once the older one.
    friend bool operator<(const Delayed& left, const Delayed& right) {
      return left.due != right.due ? left.due > right.due : left.position > right.position;
    }
  };
  /// Routed, and not yet safe in all of its queues.
  struct Routed {
    storage::Settle settlement{};
    AppendNumber append = AppendNumber::none;
    std::size_t queues_left = 0;
  };

  TimePoint due_time_of(const Message& message) const;
  void route_due(TimePoint now);
  void route(const Delayed& delayed);
  void settle(const storage::Settle& settlement, AppendNumber append);
  void wait_for_next();
  void close();

  Shard& shard_;
  VirtualHost& virtual_host_;
  const std::string exchange_;
  const QueueAddress address_;
  const bool is_durable_;
  const SessionId session_;
  std::uint64_t topology_version_ = 0;

  Position next_position_ = 1;
  std::priority_queue<Delayed> waiting_{};
  std::uint64_t next_sequence_ = 1;
  std::unordered_map<std::uint64_t, Routed> routed_{};
};

}  // namespace leveret::broker
