#include "broker/shard.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "broker/exchanges/delay_store.h"
#include "broker/mail_session.h"
#include "broker/queue.h"
#include "broker/streams/stream_queue.h"

namespace leveret::broker {
namespace {

constexpr auto tick_interval = std::chrono::milliseconds{250};

/// So long at most settlements wait for something else to be stored with.
constexpr auto settlements_wait_max = std::chrono::milliseconds{5};

/// Of the message in it, if there is one.
std::size_t message_octets(const Mail& mail) {
  if (const auto* enqueue = std::get_if<EnqueueMail>(&mail)) return enqueue->message->footprint();
  if (const auto* delivery = std::get_if<DeliveryMail>(&mail)) return delivery->delivery.message->footprint();
  return 0;
}

bool is_return(const Mail& mail) {
  const auto* settle = std::get_if<SettleMail>(&mail);
  return std::holds_alternative<LeaveMail>(mail) || (settle && is_requeue(settle->settlement));
}

std::unique_ptr<AnyQueue> make_queue(Shard& shard, VirtualHost& virtual_host,
                                     std::shared_ptr<const QueueRecord> record) {
  if (record->type == QueueType::stream) return std::make_unique<StreamQueue>(shard, virtual_host, std::move(record));
  return std::make_unique<Queue>(shard, virtual_host, std::move(record));
}

}  // namespace

Shard::Shard(ShardIndex index, std::vector<std::unique_ptr<Shard>>& shards, const ReplyConsumers& reply_consumers,
             storage::Store& store, const Clock& clock)
    : index_(index),
      shards_(shards),
      reply_consumers_(reply_consumers),
      clock_(clock),
      log_(
          store, [this](std::function<void()> work) { run_here(std::move(work)); },
          [this](const ConfirmTicket& ticket) { confirm(ticket); }) {
  add_session(dead_letters_session, dead_letters_);
  schedule_tick();
}

Shard::~Shard() {
  stop();
  is_ending_ = true;
  is_in_turn_ = true;  // no turn begins any more
}

void Shard::start() {
  thread_ = std::thread{[this] {
    const auto work = boost::asio::make_work_guard(context_);
    context_.run();
  }};
}

void Shard::stop() {
  if (!thread_.joinable()) return;
  boost::asio::post(context_, [this] { context_.stop(); });
  thread_.join();
}

std::size_t Shard::work_off() {
  context_.restart();
  log_.hand_over();
  return context_.poll();
}

// --- turns

void Shard::begin_turn() {
  if (is_in_turn_) return;
  is_in_turn_ = true;
  turn_time_ = clock_.wall_now();
  boost::asio::post(context_, [this] { finish_turn(); });
}

void Shard::at_end_of_turn(TurnMember& member) {
  begin_turn();
  if (std::exchange(member.is_ending_turn_, true)) return;
  tick_rota_.wake(member);
  ending_.push_back(&member);
}

void Shard::finish_turn() {
  is_in_turn_ = false;
  ++turns_;
  end_returns();
  dead_letters_.publish_all();
  // Ending may ask for one more end: a confirm that comes due here and now is written in this turn as well.
  for (std::size_t i = 0; i < ending_.size(); ++i) {
    TurnMember* member = std::exchange(ending_[i], nullptr);
    if (!member) continue;
    member->is_ending_turn_ = false;
    member->end_turn();
  }
  ending_.clear();
  if (log_.hand_over_awaited()) settle_soon();
  balance_memory();
  count_in_backlog(index_);
  send_mail();
}

void Shard::send_mail() {
  for (std::size_t to = 0; to < outboxes_.size(); ++to) {
    if (outboxes_[to].mail.empty()) continue;
    count_in_backlog(ShardIndex{static_cast<std::uint16_t>(to)});
    shards_[to]->receive(outboxes_[to].mail);
  }
}

ShardLoad Shard::load() const {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return {.processor_time = std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec},
          .turns = turns_,
          .backlog = backlog_.octets(),
          .route_lookups = route_lookups_,
          .deaths = deaths_};
}

void Shard::join(TurnMember& member) {
  members_.insert(&member);
  tick_rota_.add(member);
}

void Shard::leave(TurnMember& member) {
  members_.erase(&member);
  member.unlink();
  if (std::exchange(member.is_ending_turn_, false)) std::replace(ending_.begin(), ending_.end(), &member, {});
}

void Shard::force_close_all(std::string_view reason) {
  force_close(reason, [](const TurnMember&) { return true; });
}

void Shard::force_close(std::string_view reason, const std::function<bool(const TurnMember&)>& is_meant) {
  const std::vector<TurnMember*> members(members_.begin(), members_.end());
  for (TurnMember* member : members)
    if (members_.contains(member) && is_meant(*member)) member->force_close(reason);
}

void Shard::set_resource_alarms(AlarmSet alarms) {
  run_here([this, alarms] {
    resource_alarms_ = alarms;
    for (TurnMember* member : members_) member->alarms_changed();
  });
}

void Shard::schedule_tick() {
  tick_timer_.expires_after(tick_interval);
  tick_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    begin_turn();
    tick();
    schedule_tick();
  });
}

void Shard::tick() {
  tick_rota_.tick(clock_.now());
  dead_letters_.try_again();
  wake_queues();
}

/// Nobody may ever have anything to store again.
void Shard::settle_soon() {
  if (std::exchange(is_settling_soon_, true)) return;
  settle_timer_.expires_after(settlements_wait_max);
  settle_timer_.async_wait([this](boost::system::error_code error) {
    is_settling_soon_ = false;
    if (!error) log_.hand_over();
  });
}

// --- memory

void Shard::note_memory(AnyQueue& queue) {
  if (std::exchange(queue.memory_note().is_noted, true)) return;
  growing_queues_.push_back(queue.record().address.queue);
}

void Shard::balance_memory() {
  for (const QueueId id : growing_queues_)
    if (AnyQueue* queue = find_queue(id)) count_memory(*queue, queue->memory());
  for (const QueueId id : growing_queues_) {
    AnyQueue* queue = find_queue(id);
    if (!queue) continue;
    queue->memory_note().is_noted = false;
    if (!is_short_of_memory() && !is_holding_much()) continue;
    queue->page_out();
    count_memory(*queue, queue->memory());
  }
  growing_queues_.clear();
}

void Shard::count_memory(AnyQueue& queue, const QueuedMemory& memory) {
  const QueuedMemory before = std::exchange(queue.memory_note().memory, memory);
  queued_memory_ += memory;
  queued_memory_ -= before;
  queues_in_memory_ += memory.is_any();
  queues_in_memory_ -= before.is_any();
}

// --- returns

void Shard::begin_returns(AnyQueue& queue) {
  const QueueId id = queue.record().address.queue;
  if (queues_with_returns_.empty()) begin_turn();
  if (queues_with_returns_.empty() || queues_with_returns_.back() != id) queues_with_returns_.push_back(id);
}

void Shard::tell_returns_ended() {
  for (std::size_t i = 0; i < queues_with_returns_.size(); ++i)
    if (AnyQueue* queue = find_queue(queues_with_returns_[i])) queue->returns_ended();
  queues_with_returns_.clear();
}

// --- alarms

void Shard::wake_queue_at(QueueId queue, TimePoint at) {
  alarms_.set(queue, at);
  set_alarm();
}

void Shard::set_alarm() {
  if (alarms_.empty() || alarms_.next() >= alarm_at_) return;
  alarm_at_ = alarms_.next();
  alarm_timer_.expires_after(alarm_at_ - clock_.now());
  alarm_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;  // another time has been set
    begin_turn();
    wake_queues();
  });
}

void Shard::wake_queues() {
  alarm_at_ = TimePoint::max();
  for (const QueueId id : alarms_.take_due(clock_.now())) {
    if (AnyQueue* queue = find_queue(id))
      queue->wake();
    else if (DelayStore* store = find_delay_store(id))
      store->wake();
  }
  set_alarm();
}

// --- mail

void Shard::send(ShardIndex to, Mail mail) {
  begin_turn();
  outboxes_.resize(shards_.size());
  Outbox& outbox = outboxes_[static_cast<std::size_t>(to)];
  outbox.octets += message_octets(mail);
  outbox.mail.push_back(std::move(mail));
}

void Shard::receive(std::vector<Mail>& batch) {
  if (mailbox_.put(batch)) boost::asio::post(context_, [this] { read_mail(); });
}

void Shard::run_here(std::function<void()> work) {
  if (mailbox_.put(Task{[work = std::move(work)](Shard&) { work(); }}))
    boost::asio::post(context_, [this] { read_mail(); });
}

void Shard::read_mail() {
  begin_turn();
  mailbox_.take(reading_);
  for (Mail& mail : reading_) {
    octets_read_ += message_octets(mail);
    if (!is_return(mail)) end_returns();
    std::visit([this](auto& kind) { handle(kind); }, mail);
  }
  reading_.clear();
}

void Shard::count_in_backlog(ShardIndex shard) {
  if (shard == index_) return backlog_.dealt_with(std::exchange(octets_read_, 0), log_.unwritten_octets());
  const auto to = static_cast<std::size_t>(shard);
  if (to < outboxes_.size()) shards_[to]->backlog_.mail_sent(std::exchange(outboxes_[to].octets, 0));
}

bool Shard::is_backlog_full(ShardIndex shard) {
  count_in_backlog(shard);
  return shards_[static_cast<std::size_t>(shard)]->backlog_.is_full();
}

bool Shard::wait_until_drained(ShardIndex shard, std::function<void()> drained) {
  return shards_[static_cast<std::size_t>(shard)]->backlog_.wait(
      [this, drained = std::move(drained)] { run_here(drained); });
}

void Shard::handle(EnqueueMail& mail) {
  for (const QueueId id : mail.queues) enqueue(id, mail.message, mail.ticket);
  mail.message.reset();
}

void Shard::handle(DeliveryMail& mail) {
  Delivery& delivery = mail.delivery;
  Session* session = find_session(mail.session);
  if (session && session->deliver(delivery)) return;
  settle(delivery.queue, delivery.position, delivery.consumer, Settlement::requeue);
}

void Shard::handle(SettleMail& mail) {
  if (AnyQueue* queue = find_queue(mail.queue)) queue->settle(mail.position, mail.consumer, mail.settlement);
}

void Shard::handle(LeaveMail& mail) {
  if (AnyQueue* queue = find_queue(mail.queue)) queue->remove_consumer(mail.consumer);
}

void Shard::handle(WindowMail& mail) {
  if (AnyQueue* queue = find_queue(mail.queue)) queue->open_window(mail.consumer, mail.octets);
}

void Shard::handle(ConfirmMail& mail) {
  if (mail.is_refused)
    refuse(mail.ticket);
  else
    confirm(mail.ticket);
}

void Shard::handle(Task& task) {
  task(*this);
}

// --- queues and sessions

AnyQueue& Shard::add_queue(VirtualHost& virtual_host, std::shared_ptr<const QueueRecord> record) {
  const QueueId id = record->address.queue;
  const QueueSettings settings = virtual_host.settings_of(*record);
  AnyQueue& queue = *queues_.emplace(id, make_queue(*this, virtual_host, std::move(record))).first->second;
  queue.apply(settings);
  return queue;
}

AnyQueue* Shard::find_queue(QueueId id) {
  const auto found = queues_.find(id);
  return found == queues_.end() ? nullptr : found->second.get();
}

void Shard::delete_queue(AnyQueue& queue) {
  const QueueId id = queue.record().address.queue;
  ++churn_.queues_deleted;
  dead_letters_.publish_all();
  dead_letters_.forget(id);
  alarms_.clear(id);
  count_memory(queue, {});
  past_traffic(queue.virtual_host())->queues.count(queue.record().type, queue.counters());
  queue.virtual_host().remove_queue(id);
  queue.close();
  queues_.erase(id);
}

DelayStore& Shard::add_delay_store(VirtualHost& virtual_host, std::string exchange, QueueAddress address,
                                   bool is_durable) {
  auto& store = delay_stores_[address.queue];
  if (!store) store = std::make_unique<DelayStore>(*this, virtual_host, std::move(exchange), address, is_durable);
  return *store;
}

DelayStore* Shard::find_delay_store(QueueId id) {
  const auto found = delay_stores_.find(id);
  return found == delay_stores_.end() ? nullptr : found->second.get();
}

void Shard::remove_delay_store(QueueId id) {
  delay_stores_.erase(id);
}

void Shard::add_session(SessionId id, Session& session) {
  sessions_.emplace(id, &session);
}

void Shard::remove_session(SessionId id) {
  sessions_.erase(id);
}

Session* Shard::find_session(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

std::shared_ptr<RouteCache> Shard::routes(const VirtualHost& virtual_host) {
  auto& cache = routes_[&virtual_host];
  if (!cache) cache = std::make_shared<RouteCache>(virtual_host, route_lookups_);
  return cache;
}

std::shared_ptr<PastTraffic> Shard::past_traffic(const VirtualHost& virtual_host) {
  auto& past = past_traffic_[&virtual_host];
  if (!past) past = std::make_shared<PastTraffic>();
  return past;
}

TrafficReport Shard::traffic() const {
  TrafficReport report{.churn = churn_};
  for (const auto& [virtual_host, past] : past_traffic_) {
    auto& all = report.virtual_hosts[virtual_host->name()];
    all.channels += past->channels;
    add(all.transfers, past->transfers);
    all.queue_traffic += past->queues;
  }
  for (const TurnMember* member : members_) member->add_traffic(report);
  report.queues.reserve(queues_.size());
  const VirtualHost* last = nullptr;  // neighbours are mostly of one virtual host
  TrafficReport::OfVirtualHost* sum = nullptr;
  for (const auto& [id, queue] : queues_) {
    const auto& counted = report.queues.emplace_back(TrafficReport::OfQueue{id, queue->numbers(), queue->counters()});
    if (std::exchange(last, &queue->virtual_host()) != last) sum = &report.virtual_hosts[last->name()];
    ++sum->queues;
    sum->numbers += counted.numbers;
    sum->queue_traffic.count(queue->record().type, counted.counters);
  }
  return report;
}

void Shard::forget_virtual_host(const VirtualHost& virtual_host) {
  force_close(fmt::format("vhost '{}' is deleted", virtual_host.name()),
              [&](const TurnMember& member) { return member.is_in(virtual_host); });
  std::vector<QueueId> ending;
  for (const auto& [id, queue] : queues_)
    if (&queue->virtual_host() == &virtual_host) ending.push_back(id);
  for (const QueueId id : ending)
    if (AnyQueue* queue = find_queue(id)) delete_queue(*queue);
  dead_letters_.forget(virtual_host);
  std::erase_if(delay_stores_, [&](const auto& row) {
    const bool is_ending = row.second->is_in(virtual_host);
    if (is_ending) row.second->drop();
    return is_ending;
  });
  routes_.erase(&virtual_host);
  past_traffic_.erase(&virtual_host);
}

// --- on a message's way

void Shard::publish(MessageRef message, const std::vector<QueueAddress>& queues, const ConfirmTicket& ticket) {
  if (queues.size() == 1 && queues.front().shard != index_) {
    EnqueueMail mail{.message = for_other_shard(std::move(message)), .ticket = ticket};
    mail.queues.push_back(queues.front().queue);
    return send(queues.front().shard, std::move(mail));
  }
  boost::container::small_vector<std::pair<ShardIndex, EnqueueMail>, 4> mails;
  for (const QueueAddress& address : queues) {
    if (address.shard == index_) {
      enqueue(address.queue, message, ticket);
      continue;
    }
    auto mail = std::find_if(mails.begin(), mails.end(), [&](auto& row) { return row.first == address.shard; });
    if (mail == mails.end()) mail = mails.insert(mail, {address.shard, EnqueueMail{.ticket = ticket}});
    mail->second.queues.push_back(address.queue);
  }
  for (auto& [shard, mail] : mails) {
    const bool is_last = &mail == &mails.back().second;
    mail.message = for_other_shard(is_last ? std::move(message) : message);
    send(shard, std::move(mail));
  }
}

void Shard::enqueue(QueueId id, const MessageRef& message, const ConfirmTicket& ticket) {
  if (AnyQueue* queue = find_queue(id)) return queue->enqueue(message, ticket);
  if (DelayStore* store = find_delay_store(id)) return store->enqueue(message, ticket);
  confirm(ticket);  // deleted while the message was on its way
}

void Shard::settle(QueueAddress address, Position position, ConsumerId consumer, Settlement settlement) {
  if (address.shard != index_) return send(address.shard, SettleMail{address.queue, position, consumer, settlement});
  if (AnyQueue* queue = find_queue(address.queue)) queue->settle(position, consumer, settlement);
}

void Shard::leave_queue(QueueAddress address, ConsumerId consumer) {
  if (address.shard != index_) return send(address.shard, LeaveMail{address.queue, consumer});
  if (AnyQueue* queue = find_queue(address.queue)) queue->remove_consumer(consumer);
}

void Shard::deliver_reply(const ReplyAddress& address, MessageRef message) {
  Delivery delivery{.consumer = address.consumer, .queue = {.shard = address.shard}, .message = std::move(message)};
  if (address.shard != index_) {
    delivery.message = for_other_shard(std::move(delivery.message));
    send(address.shard, DeliveryMail{.session = address.session, .delivery = std::move(delivery)});
  } else if (Session* session = find_session(address.session)) {
    session->deliver(delivery);
  }
}

void Shard::confirm(const ConfirmTicket& ticket) {
  if (!ticket) return;
  if (ticket.shard != index_) return send(ticket.shard, ConfirmMail{ticket});
  if (Session* session = find_session(ticket.session)) session->confirm(ticket.sequence);
}

void Shard::refuse(const ConfirmTicket& ticket) {
  if (!ticket) return;
  if (ticket.shard != index_) return send(ticket.shard, ConfirmMail{ticket, true});
  if (Session* session = find_session(ticket.session)) session->refuse(ticket.sequence);
}

}  // namespace leveret::broker
