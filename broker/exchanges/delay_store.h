#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "broker/counters.h"
#include "broker/durable_log.h"
#include "broker/exchanges/delay_clock.h"
#include "broker/exchanges/delay_window.h"
#include "broker/session.h"
#include "broker/shard.h"

namespace leveret::broker {

/// The messages of one exchange of type `x-delayed-message` whose delay has not passed.  Belongs to a shard.
///
/// To publishers it is one more queue that the message goes to: it takes the message, confirms it, and keeps what is
/// persistent in the shard's durable log under a queue id of its own.  What is due is routed as the exchange then
/// routes, and settled here when every queue it goes to has it safe: a crash finds it here, there, or in both.
///
/// Only what is due next is in memory (`DelayWindow`); the rest is in the store, and is read when its time comes near.
class DelayStore final : public Session, public TurnMember {
 public:
  DelayStore(Shard& shard, VirtualHost& virtual_host, std::string exchange, QueueAddress address, bool is_durable);
  ~DelayStore() override;
  DelayStore(const DelayStore&) = delete;
  DelayStore& operator=(const DelayStore&) = delete;

  void enqueue(const MessageRef& message, const ConfirmTicket& ticket);

  /// After a restart: what the store has kept.
  void restore(const storage::QueueState& state);

  /// Something may be due.
  void wake();
  /// Forgets everything, in the store as well: the exchange is gone, and all that it has delayed with it.
  void drop();

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
  /// Routed, and not yet safe in all of its queues.
  struct Routed {
    storage::Settle settlement{};
    AppendNumber append = AppendNumber::none;
    std::size_t queues_left = 0;
  };

  DueTime due_time_of(const Message& message) const;
  void add(const DelayedPlace& place, Delayed delayed);
  void add_far(const DelayedPlace& place, Delayed delayed);
  void limit_window();

  void sort(Position from);
  void take_unsorted(Position from, storage::ReadResult result);
  void put_to_its_place(Position position, const MessageRef& message);

  void forget_written();

  void read_on();
  void read();
  void take_back(storage::ReadResult result);
  DelayWindow::Row row_of(const storage::StoredMessage& stored);
  void note_lost(const storage::ReadResult& result);

  void go_on();
  bool has_room() const;
  void route_due();
  void route(const DelayedPlace& place, const Delayed& delayed);
  void settle(const storage::Settle& settlement, AppendNumber append);
  void tell_numbers();

  Shard& shard_;
  VirtualHost& virtual_host_;
  const std::string exchange_;
  const QueueAddress address_;
  const bool is_durable_;
  const SessionId session_;
  const std::shared_ptr<DelayedNumbers> numbers_;
  std::uint64_t topology_version_ = 0;

  DelayClock clock_;
  DelayWindow window_{};
  Position next_position_ = 1;
  Position recovered_before_ = 0;
  std::size_t forgets_at_ = 0;  // so many unwritten ones

  /// What a broker before store format 3 has left is stored by arrival; nothing is released until it is sorted.
  struct Unsorted {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    Position from = 0;
  };
  Unsorted unsorted_{};

  bool is_reading_ = false;
  bool has_failed_ = false;  // to read: it is tried again at the next tick
  DelayedPlace read_from_{};

  std::uint64_t next_sequence_ = 1;
  std::unordered_map<std::uint64_t, Routed> routed_{};
  std::size_t routed_octets_ = 0;
};

}  // namespace leveret::broker
