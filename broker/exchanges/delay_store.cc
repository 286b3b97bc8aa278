#include "broker/exchanges/delay_store.h"

#include "broker/carbon_copies.h"
#include "broker/exchanges/delay.h"
#include "broker/exchanges/message_history.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

/// After that the shard does other work first: after a long stop very many may be due.
constexpr std::size_t routed_at_once_max = 1'024;

/// Apart from those of the front-ends, which count from 1.
SessionId session_of(QueueId store) {
  return SessionId{static_cast<std::uint64_t>(store) | std::uint64_t{1} << 63};
}

}  // namespace

DelayStore::DelayStore(Shard& shard, VirtualHost& virtual_host, std::string exchange, QueueAddress address,
                       bool is_durable)
    : shard_(shard),
      virtual_host_(virtual_host),
      exchange_(std::move(exchange)),
      address_(address),
      is_durable_(is_durable),
      session_(session_of(address.queue)) {
  shard_.add_session(session_, *this);
  shard_.join(*this);
}

DelayStore::~DelayStore() {
  shard_.leave(*this);
  shard_.remove_session(session_);
}

/// The store keeps the time of arrival with the message, so what is due after a restart is known as well.
TimePoint DelayStore::due_time_of(const Message& message) const {
  const auto headers = protocol::headers_of(message.properties()).value_or(FieldTable{});
  const auto delay = delay_of(headers).value_or(std::chrono::milliseconds{0});
  return shard_.now() + (message.arrival() + delay - shard_.wall_now());
}

void DelayStore::enqueue(const MessageRef& message, const ConfirmTicket& ticket) {
  Delayed delayed{.due = due_time_of(*message), .position = next_position_++, .message = message};
  if (is_durable_ && message->is_persistent())
    delayed.append = shard_.log().append(address_.queue, delayed.position, message, ticket);
  else
    shard_.confirm(ticket);
  const bool is_first = waiting_.empty() || delayed.due < waiting_.top().due;
  waiting_.push(std::move(delayed));
  if (is_first) wait_for_next();
}

void DelayStore::restore(Position position, MessageRef message) {
  const TimePoint due = due_time_of(*message);
  waiting_.push({.due = due, .position = position, .append = AppendNumber::recovered, .message = std::move(message)});
}

void DelayStore::restored(Position next_position) {
  next_position_ = next_position;
  wait_for_next();
}

/// Looks whether the exchange is still there.
void DelayStore::tick(TimePoint) {
  const std::uint64_t version = virtual_host_.topology_version();
  if (version == topology_version_) return;
  topology_version_ = version;
  const auto address = virtual_host_.delay_store_of(exchange_);
  if (address && address->queue == address_.queue) return;
  close();
  shard_.remove_delay_store(address_.queue);
}

void DelayStore::wait_for_next() {
  if (!waiting_.empty()) shard_.wake_queue_at(address_.queue, waiting_.top().due);
}

void DelayStore::wake() {
  route_due(shard_.now());
  wait_for_next();
}

void DelayStore::route_due(TimePoint now) {
  for (std::size_t routed = 0; routed < routed_at_once_max; ++routed) {
    if (waiting_.empty() || waiting_.top().due > now) return;
    const Delayed delayed = waiting_.top();
    waiting_.pop();
    route(delayed);
  }
}

void DelayStore::route(const Delayed& delayed) {
  MessageRef message = after_delay(*delayed.message, shard_.wall_now());
  const auto properties = protocol::decode_properties(message->properties()).value();
  const auto routing_keys = routing_keys_of(message->routing_key(), *properties.headers);
  const Route route = virtual_host_.route(
      exchange_, {.routing_keys = routing_keys, .headers = *properties.headers, .properties = &properties});
  for (const auto& history : route.histories) history->keep(*message);
  const storage::Settle settlement{.queue = address_.queue,
                                   .position = delayed.position,
                                   .body_octets = static_cast<std::uint32_t>(delayed.message->body().size())};
  if (route.queues.empty()) return settle(settlement, delayed.append);
  const std::uint64_t sequence = next_sequence_++;
  routed_.emplace(sequence, Routed{settlement, delayed.append, route.queues.size()});
  shard_.publish(std::move(message), route.queues,
                 {.shard = shard_.index(), .session = session_, .sequence = sequence});
}

void DelayStore::confirm(std::uint64_t sequence) {
  const auto found = routed_.find(sequence);
  if (found == routed_.end() || --found->second.queues_left > 0) return;
  const Routed routed = found->second;
  routed_.erase(found);
  settle(routed.settlement, routed.append);
}

void DelayStore::settle(const storage::Settle& settlement, AppendNumber append) {
  if (append != AppendNumber::none) shard_.log().settle(settlement, append);
}

/// The exchange is gone, and all that it has delayed with it.
void DelayStore::close() {
  for (; !waiting_.empty(); waiting_.pop()) shard_.log().withdraw(waiting_.top().append);
  if (is_durable_) virtual_host_.drop_delay_store(address_.queue);
}

}  // namespace leveret::broker
