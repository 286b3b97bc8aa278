#include "broker/exchanges/delay_store.h"

#include <algorithm>

#include "broker/carbon_copies.h"
#include "broker/exchanges/delay.h"
#include "broker/exchanges/message_history.h"
#include "broker/log.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

/// After that the shard does other work first: after a long stop very many may be due.
constexpr std::size_t routed_at_once_max = 256;

/// So much may be on its way to queues at a time.
constexpr std::size_t routed_messages_max = 4'096;
constexpr std::size_t routed_octets_max = 16 << 20;

/// What all delay stores of a shard may have in memory of what is due next; and what each may have in any case.
constexpr std::size_t shard_octets_max = 16 << 20;
constexpr std::size_t store_octets_min = 64 << 10;

constexpr std::size_t forgets_at_least_at = 1'024;

/// Apart from those of the front-ends, which count from 1.
SessionId session_of(QueueId store) {
  return SessionId{static_cast<std::uint64_t>(store) | std::uint64_t{1} << 63};
}

DelayWindow::Limits share_of(const DelayWindow::Limits& limits, std::size_t quarters) {
  return {.messages = limits.messages / 4 * quarters, .octets = limits.octets / 4 * quarters};
}

DelayWindow::Limits limits_beside(std::size_t stores) {
  const DelayWindow::Limits limits{};
  return {.messages = limits.messages,
          .octets = std::clamp(shard_octets_max / std::max<std::size_t>(stores, 1), store_octets_min, limits.octets)};
}

std::chrono::milliseconds delay_in(const Message& message) {
  const auto headers = protocol::headers_of(message.properties()).value_or(protocol::FieldTable{});
  return delay_of(headers).value_or(std::chrono::milliseconds{0});
}

std::uint32_t body_octets_of(const Message& message) {
  return static_cast<std::uint32_t>(message.body().size());
}

}  // namespace

DelayStore::DelayStore(Shard& shard, VirtualHost& virtual_host, std::string exchange, QueueAddress address,
                       bool is_durable)
    : shard_(shard),
      virtual_host_(virtual_host),
      exchange_(std::move(exchange)),
      address_(address),
      is_durable_(is_durable),
      session_(session_of(address.queue)),
      numbers_(virtual_host.delayed_numbers_of(exchange_)),
      clock_(shard.clock()) {
  shard_.add_session(session_, *this);
  shard_.join(*this);
}

DelayStore::~DelayStore() {
  shard_.leave(*this);
  shard_.remove_session(session_);
}

// ----------------------------------------------------------------------------------------------------------- coming

/// The delay began when the message came to the broker, perhaps on another shard.  It is never put before what has been
/// released already.
DueTime DelayStore::due_time_of(const Message& message) const {
  const auto age = std::max(shard_.wall_now() - message.arrival(), std::chrono::milliseconds{0});
  return std::max(clock_.after(delay_in(message) - age), clock_.now());
}

void DelayStore::enqueue(const MessageRef& message, const ConfirmTicket& ticket) {
  const DelayedPlace place{.due = due_time_of(*message), .position = next_position_++};
  Delayed delayed{.message = message};
  if (is_durable_)
    delayed.append = shard_.log().append_delayed(address_.queue, place, message, ticket);
  else
    shard_.confirm(ticket);
  add(place, std::move(delayed));
  tell_numbers();
}

void DelayStore::add(const DelayedPlace& place, Delayed delayed) {
  if (window_.is_far(place)) return add_far(place, std::move(delayed));
  const auto next_due = window_.next_due();
  window_.add_near(place, std::move(delayed));
  limit_window();
  if (!next_due || place.due < *next_due) go_on();
}

/// One of a transient exchange is stored as well now, so that it can leave memory.
void DelayStore::add_far(const DelayedPlace& place, Delayed delayed) {
  if (delayed.append == AppendNumber::none) {
    delayed.append = shard_.log().append_delayed_transient(address_.queue, place, delayed.message);
    delayed.is_transient = true;
  }
  window_.add_far(place, std::move(delayed));
  if (window_.unwritten_messages() >= std::max(forgets_at_, forgets_at_least_at)) forget_written();
}

/// A read that is under way may not see what has been written since it began.
void DelayStore::forget_written() {
  if (is_reading_ || window_.unwritten_messages() == 0) return;
  window_.forget_written([this](AppendNumber append) { return shard_.log().is_written(append); });
  forgets_at_ = 2 * window_.unwritten_messages();
}

void DelayStore::limit_window() {
  const auto limits = limits_beside(shard_.delay_store_count());
  if (!window_.is_larger_than(limits)) return;
  const auto kept = share_of(limits, 3);
  while (window_.is_larger_than(kept) && window_.near_messages() > 1) {
    auto [place, delayed] = window_.take_last();
    add_far(place, std::move(delayed));
  }
}

void DelayStore::restore(const storage::QueueState& state) {
  next_position_ = recovered_before_ = std::max(next_position_, state.next_position);
  window_.restore({.messages = state.delayed_messages, .octets = state.delayed_body_octets});
  unsorted_ = {.messages = state.messages, .octets = state.body_octets, .from = state.first_position};
  tell_numbers();
  shard_.wake_queue_at(address_.queue, shard_.now());
}

// ---------------------------------------------------------------------------------------------------------- sorting

void DelayStore::sort(Position from) {
  shard_.log().read(address_.queue, from, {}, [&shard = shard_, id = address_.queue, from](storage::ReadResult result) {
    if (DelayStore* store = shard.find_delay_store(id)) store->take_unsorted(from, std::move(result));
  });
}

/// The next piece is read when this one has been written: so neither memory nor the store's log has to hold them all.
void DelayStore::take_unsorted(Position from, storage::ReadResult result) {
  if (result.error)
    log::error("delayed messages lost: exchange={} reason=\"{}\"", virtual_host_.in_vhost(exchange_),
               result.error->what());
  for (const auto& stored : result.messages)
    if (const MessageRef message = Message::from_stored(stored.content)) put_to_its_place(stored.position, message);
  if (result.is_end || result.next == from) unsorted_ = {};
  tell_numbers();
  if (unsorted_.messages == 0) return go_on();
  shard_.log().when_written([&shard = shard_, id = address_.queue, next = result.next] {
    if (DelayStore* store = shard.find_delay_store(id)) store->sort(next);
  });
}

/// One write has it at its place and settles it at the old one.
void DelayStore::put_to_its_place(Position position, const MessageRef& message) {
  const auto delay = delay_in(*message);
  const DelayedPlace place{.due = DelayClock::later(DelayClock::of(message->arrival()), delay),
                           .position = next_position_++};
  clock_.note_delay(place.due, delay);
  const std::uint32_t octets = body_octets_of(*message);
  unsorted_.messages -= std::min<std::uint64_t>(1, unsorted_.messages);
  unsorted_.octets -= std::min<std::uint64_t>(octets, unsorted_.octets);
  shard_.log().settle({.queue = address_.queue, .position = position, .body_octets = octets}, AppendNumber::recovered);
  add(place, {.message = message, .append = shard_.log().append_delayed(address_.queue, place, message, {})});
}

// ---------------------------------------------------------------------------------------------------------- reading

/// After a failure only a tick tries again.
void DelayStore::read_on() {
  if (!has_failed_) read();
}

void DelayStore::read() {
  const auto limits = limits_beside(shard_.delay_store_count());
  if (is_reading_ || !window_.wants_more(share_of(limits, 2))) return;
  is_reading_ = true;
  read_from_ = window_.far().begin;
  const auto piece = share_of(limits, 1);
  shard_.log().read_delayed(address_.queue, read_from_, {.messages = piece.messages, .octets = piece.octets},
                            [&shard = shard_, id = address_.queue](storage::ReadResult result) {
                              if (DelayStore* store = shard.find_delay_store(id)) store->take_back(std::move(result));
                            });
}

void DelayStore::take_back(storage::ReadResult result) {
  is_reading_ = false;
  // Some of the near ones may have become far meanwhile: then there is no room for what has been read.
  if (window_.far().begin != read_from_) return go_on();
  const DelayedPlace next{.due = result.next_due, .position = result.next};
  if (result.error) {
    note_lost(result);
  } else {
    has_failed_ = false;
    std::vector<DelayWindow::Row> found;
    found.reserve(result.messages.size());
    for (const auto& stored : result.messages) found.push_back(row_of(stored));
    std::erase_if(found, [](const auto& row) { return !row.second.message; });
    window_.take_back(std::move(found), next, result.is_end);
    limit_window();
  }
  tell_numbers();
  go_on();
}

DelayWindow::Row DelayStore::row_of(const storage::StoredMessage& stored) {
  const DelayedPlace place{.due = stored.due, .position = stored.position};
  Delayed delayed{.message = Message::from_stored(stored.content),
                  .append = AppendNumber::recovered,
                  .is_transient = stored.is_transient};
  if (delayed.message && place.position < recovered_before_) clock_.note_delay(place.due, delay_in(*delayed.message));
  return {place, std::move(delayed)};
}

void DelayStore::note_lost(const storage::ReadResult& result) {
  const DelayedPlace next{.due = result.next_due, .position = result.next};
  const bool is_known = next != read_from_;
  if (is_known || !has_failed_)
    log::error("delayed message {}: exchange={} reason=\"{}\"", is_known ? "lost" : "cannot be read",
               virtual_host_.in_vhost(exchange_), result.error->what());
  has_failed_ = !is_known;
  if (is_known) window_.skip_until(next);
}

// --------------------------------------------------------------------------------------------------------- releasing

void DelayStore::wake() {
  if (unsorted_.messages > 0) return sort(unsorted_.from);
  route_due();
  tell_numbers();
  go_on();
}

/// Reads what comes near, and sees to it that it is woken when the next one is due.
void DelayStore::go_on() {
  read_on();
  const auto next_due = window_.next_due();
  if (next_due && has_room()) shard_.wake_queue_at(address_.queue, clock_.time_of(*next_due));
}

bool DelayStore::has_room() const {
  return unsorted_.messages == 0 && routed_.size() < routed_messages_max && routed_octets_ < routed_octets_max;
}

void DelayStore::route_due() {
  const DueTime now = clock_.now();
  for (std::size_t routed = 0; routed < routed_at_once_max && has_room(); ++routed) {
    const auto next_due = window_.next_due();
    if (!next_due || *next_due > now) return;
    const auto [place, delayed] = window_.take_first();
    route(place, delayed);
  }
}

void DelayStore::route(const DelayedPlace& place, const Delayed& delayed) {
  const auto properties = protocol::decode_properties(delayed.message->properties()).value();
  const auto headers = properties.headers.value_or(protocol::FieldTable{});
  MessageRef message = after_delay(*delayed.message, properties, shard_.wall_now());
  const auto visible = protocol::decode_properties(message->properties()).value();
  const auto routing_keys = routing_keys_of(message->routing_key(), headers);
  const Route route = virtual_host_.route(
      exchange_, {.routing_keys = routing_keys, .headers = *visible.headers, .properties = &visible});
  for (const auto& history : route.histories) history->keep(*message);
  const storage::Settle settlement{.queue = address_.queue,
                                   .position = place.position,
                                   .is_transient = delayed.is_transient,
                                   .body_octets = body_octets_of(*delayed.message),
                                   .due = place.due};
  if (route.queues.empty()) return settle(settlement, delayed.append);
  const std::uint64_t sequence = next_sequence_++;
  routed_.emplace(sequence, Routed{settlement, delayed.append, route.queues.size()});
  routed_octets_ += settlement.body_octets;
  shard_.publish(std::move(message), route.queues,
                 {.shard = shard_.index(), .session = session_, .sequence = sequence});
}

void DelayStore::confirm(std::uint64_t sequence) {
  const auto found = routed_.find(sequence);
  if (found == routed_.end() || --found->second.queues_left > 0) return;
  const bool had_room = has_room();
  const Routed routed = found->second;
  routed_.erase(found);
  routed_octets_ -= routed.settlement.body_octets;
  settle(routed.settlement, routed.append);
  if (!had_room) go_on();
}

void DelayStore::settle(const storage::Settle& settlement, AppendNumber append) {
  if (append != AppendNumber::none) shard_.log().settle(settlement, append);
}

// ------------------------------------------------------------------------------------------------------- its exchange

/// Looks, besides, whether the exchange is still there.
void DelayStore::tick(TimePoint) {
  forget_written();
  if (has_failed_) read();
  const std::uint64_t version = virtual_host_.topology_version();
  if (version == topology_version_) return;
  topology_version_ = version;
  const auto address = virtual_host_.delay_store_of(exchange_);
  if (address && address->queue == address_.queue) return;
  drop();
  shard_.remove_delay_store(address_.queue);
}

void DelayStore::drop() {
  window_.clear([this](const Delayed& delayed) { shard_.log().withdraw(delayed.append); });
  for (const auto& [sequence, routed] : routed_) shard_.log().withdraw(routed.append);
  virtual_host_.drop_delay_store(address_.queue);
}

void DelayStore::tell_numbers() {
  numbers_->set(window_.messages() + unsorted_.messages, window_.octets() + unsorted_.octets);
}

}  // namespace leveret::broker
