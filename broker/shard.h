#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "broker/alarm_clock.h"
#include "broker/alarms.h"
#include "broker/any_queue.h"
#include "broker/backlog.h"
#include "broker/clock.h"
#include "broker/dead_letters.h"
#include "broker/durable_log.h"
#include "broker/mail.h"
#include "broker/mailbox.h"
#include "broker/message_memory.h"
#include "broker/read_budget.h"
#include "broker/reply_consumers.h"
#include "broker/reports.h"
#include "broker/route_cache.h"
#include "broker/tick_rota.h"
#include "broker/turn_member.h"

namespace leveret::broker {

class DelayStore;

/// What was counted in a virtual host by channels and connections that have ended since.
struct PastTraffic {
  ChannelCounters channels{};
  TransferCounters transfers{};
  QueueTraffic queues{};
};

/// One thread and all it owns: queues, sessions, the log of what has to become durable, the mail to other shards.
///
/// The loop goes in turns.  The first work of a turn posts `finish_turn`, which runs behind everything that is ready
/// already: then confirms are written, the store gets its batch, other shards their mail, and each socket is written
/// once.  All members are for this shard's own thread; only `receive`, `run_here` and `set_resource_alarms` take calls
/// from any thread.
class Shard {
 public:
  Shard(ShardIndex index, std::vector<std::unique_ptr<Shard>>& shards, const ReplyConsumers& reply_consumers,
        storage::Store& store, const Clock& clock);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  ShardIndex index() const { return index_; }
  boost::asio::io_context& context() { return context_; }
  DurableLog& log() { return log_; }
  const Clock& clock() const { return clock_; }
  TimePoint now() const { return clock_.now(); }
  /// When the turn under way began: asked for once a turn, for it is needed with every message.
  WallTime turn_time() const { return turn_time_; }
  WallTime wall_now() const { return clock_.wall_now(); }

  /// Starts the thread; without it a test runs `context()` itself.
  void start();
  /// Ends the loop and joins the thread.
  void stop();
  /// After `stop`: does on the caller's thread what has come due; how much it was.
  std::size_t work_off();
  /// The shard is being destroyed with all that is left in it.
  bool is_ending() const { return is_ending_; }

  /// Where its connections read: one at a time, which leaves nothing there when it has handled what it could.
  std::span<std::uint8_t> input_space() { return {input_space_.get(), input_octets}; }

  // --- turns

  /// Every handler that changes something calls this first.
  void begin_turn();
  void at_end_of_turn(TurnMember& member);
  /// It is told the time more rarely, until it has work at the end of a turn, or is woken.
  void rest(TurnMember& member) { tick_rota_.rest(member); }
  void wake(TurnMember& member) { tick_rota_.wake(member); }
  void join(TurnMember& member);
  void leave(TurnMember& member);
  const boost::unordered_flat_set<TurnMember*>& members() const { return members_; }
  /// Asks all members to end.
  void force_close_all(std::string_view reason);
  /// Any thread: who publishes here waits while an alarm is on.
  void set_resource_alarms(AlarmSet alarms);
  AlarmSet resource_alarms() const { return resource_alarms_; }
  /// Asks those to end that `is_meant`.
  void force_close(std::string_view reason, const std::function<bool(const TurnMember&)>& is_meant);

  // --- mail

  /// Sends at the end of the turn.  A task for this shard itself runs in a later turn.
  void send(ShardIndex to, Mail mail);
  /// The same at once, before what this turn writes to clients: what one of them is told, other shards shall know by
  /// the time that it can ask them.
  void send_mail();
  /// Any thread: the mail of a batch, in order; its messages have been counted in the backlog.
  void receive(std::vector<Mail>& batch);
  /// Any thread: runs `work` on this shard.
  void run_here(std::function<void()> work);

  /// Whether who has published into that shard has to wait; counts what is still on its way there.
  bool is_backlog_full(ShardIndex shard);
  /// Runs `drained`, here, when it has drained; false when it is not full.
  bool wait_until_drained(ShardIndex shard, std::function<void()> drained);

  // --- queues and sessions

  AnyQueue& add_queue(VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record);
  /// Nothing when it does not exist, or not here.
  AnyQueue* find_queue(QueueId queue);
  /// Takes it out of the topology and ends it.  `queue` is gone afterwards.
  void delete_queue(AnyQueue& queue);
  const std::unordered_map<QueueId, std::unique_ptr<AnyQueue>>& queues() const { return queues_; }
  /// Ready messages in memory may occupy so much, and held ones as much; above it queues leave theirs to the store,
  /// unless all messages of the process occupy less than `together`: one that is in many queues counts in each.
  void limit_queued_memory(std::size_t octets, std::size_t together) {
    queued_memory_max_ = octets;
    message_memory_max_ = together;
    read_budget_.limit(octets);
  }
  bool is_short_of_memory() const { return is_too_much(queued_memory_.ready); }
  bool is_holding_much() const { return is_too_much(queued_memory_.held); }
  /// What each of the queues that have messages in memory could have there, if they had the same, in octets.
  std::size_t queued_memory_share() const { return queued_memory_max_ / std::max<std::size_t>(1, queues_in_memory_); }
  /// What its queues read of the store at a time may be as much again.
  ReadBudget& read_budget() { return read_budget_; }
  /// Has the queue's memory counted, and its messages paged out where that is needed, at the end of the turn.
  void note_memory(AnyQueue& queue);

  /// Messages return to the queue, and a consumer may leave it: none of them is delivered before all of them are there.
  void begin_returns(AnyQueue& queue);
  /// All that returned together is back: the queues deliver again.
  void end_returns() {
    if (!queues_with_returns_.empty()) tell_returns_ended();
  }

  /// Has `wake` of that queue, or delay store, called then, instead of at the time it had asked for before.
  void wake_queue_at(QueueId queue, TimePoint at);

  /// Makes the store of a delaying exchange, unless it is there.
  DelayStore& add_delay_store(VirtualHost& virtual_host, std::string exchange, QueueAddress address, bool is_durable);
  /// Nothing when it does not exist, or not here.
  DelayStore* find_delay_store(QueueId store);
  void remove_delay_store(QueueId store);
  std::size_t delay_store_count() const { return delay_stores_.size(); }

  void add_session(SessionId id, Session& session);
  void remove_session(SessionId id);
  Session* find_session(SessionId id);

  /// Whoever has taken it may keep it longer than the shard does.
  std::shared_ptr<RouteCache> routes(const VirtualHost& virtual_host);
  /// What channels and connections of a virtual host have counted that are no more.  Whoever has taken it may keep it.
  std::shared_ptr<PastTraffic> past_traffic(const VirtualHost& virtual_host);
  ChurnCounters& churn() { return churn_; }
  LoginCounters& logins() { return logins_; }
  DeathCounters& deaths() { return deaths_; }
  /// What is counted here, exchanges left out: they are everybody's.
  TrafficReport traffic() const;
  /// It has been deleted: ends its connections here, then its queues.
  void forget_virtual_host(const VirtualHost& virtual_host);

  // --- on a message's way

  /// Hands a message to its queues, here or by mail.  `ticket.session` hears `confirm` once for each of them.
  void publish(MessageRef message, const std::vector<QueueAddress>& queues, const ConfirmTicket& ticket);
  /// Settles a delivery with its queue, here or by mail.
  void settle(QueueAddress queue, Position position, ConsumerId consumer, Settlement settlement);
  /// Takes a consumer from its queue, here or by mail.
  void leave_queue(QueueAddress queue, ConsumerId consumer);
  /// Where a message goes that the default exchange has routed with that key: straight to who waits for the answer to a
  /// direct reply-to request, past all queues; nothing when the key is no such name, or nobody waits there any more.
  std::optional<ReplyAddress> find_reply_consumer(std::string_view routing_key) const {
    return reply_consumers_.find(routing_key);
  }
  void deliver_reply(const ReplyAddress& address, MessageRef message);
  void confirm(const ConfirmTicket& ticket);
  void refuse(const ConfirmTicket& ticket);
  /// Of the calling thread, which is the shard's.
  ShardLoad load() const;
  DeadLetters& dead_letters() { return dead_letters_; }

 private:
  static constexpr std::size_t input_octets = 256 * 1024;

  /// Mail of this turn for another shard, and its octets of messages that its backlog does not count yet.
  struct Outbox {
    std::vector<Mail> mail{};
    std::size_t octets = 0;
  };

  bool is_too_much(std::size_t queued) const {
    return queued > queued_memory_max_ && MessageMemory::octets() > message_memory_max_;
  }
  void enqueue(QueueId queue, const MessageRef& message, const ConfirmTicket& ticket);
  void finish_turn();
  void count_in_backlog(ShardIndex shard);
  void read_mail();
  void settle_soon();
  void schedule_tick();
  void tick();
  void balance_memory();
  void count_memory(AnyQueue& queue, const QueuedMemory& memory);
  void tell_returns_ended();
  void set_alarm();
  void wake_queues();
  void handle(EnqueueMail& mail);
  void handle(DeliveryMail& mail);
  void handle(SettleMail& mail);
  void handle(LeaveMail& mail);
  void handle(WindowMail& mail);
  void handle(ConfirmMail& mail);
  void handle(Task& task);

  const ShardIndex index_;
  std::vector<std::unique_ptr<Shard>>& shards_;
  const ReplyConsumers& reply_consumers_;
  const Clock& clock_;
  std::thread thread_{};
  bool is_ending_ = false;

  const std::unique_ptr<std::uint8_t[]> input_space_ = std::make_unique_for_overwrite<std::uint8_t[]>(input_octets);

  bool is_in_turn_ = false;
  std::uint64_t turns_ = 0;
  WallTime turn_time_{};
  AlarmSet resource_alarms_{};
  std::vector<TurnMember*> ending_{};
  boost::unordered_flat_set<TurnMember*> members_{};
  TickRota tick_rota_{};

  Mailbox mailbox_{};
  std::vector<Mail> reading_{};
  std::size_t octets_read_ = 0;  // of messages, and not yet told the backlog
  std::vector<Outbox> outboxes_{};
  Backlog backlog_{};

  DurableLog log_;
  std::unordered_map<QueueId, std::unique_ptr<AnyQueue>> queues_{};
  boost::unordered_flat_map<SessionId, Session*> sessions_{};
  std::unordered_map<QueueId, std::unique_ptr<DelayStore>> delay_stores_;
  std::unordered_map<const VirtualHost*, std::shared_ptr<RouteCache>> routes_{};
  std::unordered_map<const VirtualHost*, std::shared_ptr<PastTraffic>> past_traffic_{};
  std::uint64_t route_lookups_ = 0;
  ChurnCounters churn_{};
  LoginCounters logins_{};
  DeathCounters deaths_{};
  AlarmClock alarms_{};
  QueuedMemory queued_memory_{};
  std::size_t queued_memory_max_ = std::numeric_limits<std::size_t>::max();
  std::size_t message_memory_max_ = 0;
  std::size_t queues_in_memory_ = 0;  // that have something of `queued_memory_`
  ReadBudget read_budget_{};
  std::vector<QueueId> growing_queues_{};
  std::vector<QueueId> queues_with_returns_{};
  DeadLetters dead_letters_{*this};

  // Last, so that they go first: the connections that live in it use all of the above.
  boost::asio::io_context context_{1};
  boost::asio::steady_timer tick_timer_{context_};
  boost::asio::steady_timer alarm_timer_{context_};
  boost::asio::steady_timer settle_timer_{context_};
  TimePoint alarm_at_ = TimePoint::max();
  bool is_settling_soon_ = false;
};

}  // namespace leveret::broker
