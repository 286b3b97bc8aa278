#include <algorithm>

#include <fmt/format.h>

#include "broker/amqp/channel.h"
#include "broker/amqp/channel_send.h"
#include "broker/amqp/connection.h"
#include "broker/argument_rules.h"
#include "broker/carbon_copies.h"
#include "broker/exchanges/message_history.h"
#include "broker/mail_session.h"
#include "broker/reply_address.h"
#include "protocol/properties.h"

/// Channel's handlers of publishing: basic.publish, confirms and transactions.
namespace leveret::broker::amqp {

namespace basic = protocol::basic;
using protocol::BasicProperties;
using protocol::precondition_failed;

namespace {

Result<void> check_properties(const BasicProperties& properties) {
  if (properties.expiration)
    if (auto valid = check_expiration(*properties.expiration); !valid) return valid;
  const auto mode = properties.delivery_mode.value_or(1);
  if (mode == 1 || mode == 2) return {};
  return precondition_failed(fmt::format("invalid message: {{delivery_mode_unknown,{}}}", mode));
}

std::string headers_without(FieldTable headers, std::string_view left_out) {
  protocol::FieldTableBuilder builder;
  for (const auto& [name, value] : headers)
    if (name != left_out) builder.put_value(name, value);
  return builder.take();
}

}  // namespace

Result<void> Channel::handle(const basic::Publish& publish) {
  connection_.about_to_publish();
  if (publish.immediate) return protocol::not_implemented("immediate=true");
  if (publication_.exchange != publish.exchange || publication_.routing_key != publish.routing_key) {
    publication_.exchange = publish.exchange;
    publication_.routing_key = publish.routing_key;
    last_route_ = nullptr;
  }
  publication_.is_mandatory = publish.mandatory;
  expecting_ = Expecting::header;
  return {};
}

/// Permission and existence of the exchange: asked once, and again when topology or permissions have changed.  Routing
/// keys are looked at each time, where they matter.
Result<void> Channel::check_publish_access(std::string_view exchange, std::string_view routing_key) {
  const std::uint64_t version = connection_.broker().access_control().version() + virtual_host_.topology_version();
  if (version == permitted_version_ && exchange == permitted_exchange_)
    return are_topics_checked_ ? check_topic_access(Access::write, exchange, routing_key) : Result<void>{};
  if (auto allowed = check_exchange_access(Access::write, exchange); !allowed) return allowed;
  if (auto found = virtual_host_.check_publish(exchange); !found) return found;
  are_topics_checked_ =
      virtual_host_.type_of_exchange(exchange) == ExchangeType::topic &&
      connection_.broker().access_control().has_topic_permission(connection_.user(), virtual_host_.name(), exchange);
  permitted_exchange_ = exchange;
  permitted_version_ = version;
  return check_topic_access(Access::write, exchange, routing_key);
}

Result<void> Channel::publish(MessageRef message) {
  if (publication_.is_too_large)
    return precondition_failed(fmt::format("message size {} is larger than configured max size {}",
                                           publication_.body_size, connection_.broker().options().message_size_max));
  if (auto allowed = check_publish_access(publication_.exchange, publication_.routing_key); !allowed) return allowed;
  if (publication_.is_plain)
    if (const Route* route = known_route(*message)) return publish(std::move(message), *route, false);
  return publish_with_properties(std::move(message));
}

/// Where other messages of this exchange and routing key went, and this one goes as well: to no reply consumer.
const Route* Channel::known_route(const Message& message) {
  if (last_route_ && routes_->stands(last_route_generation_)) return last_route_;
  last_route_ = routes_->find(message.exchange(), message.routing_key());
  last_route_generation_ = routes_->generation();
  return last_route_;
}

Result<void> Channel::publish_with_properties(MessageRef message) {
  const auto properties = protocol::decode_properties(message->properties());
  if (!properties) return properties.error();
  if (properties->user_id)
    if (auto valid = check_user_id(*properties->user_id); !valid) return valid;
  if (auto valid = check_properties(*properties); !valid) return valid;

  const FieldTable headers = properties->headers.value_or(FieldTable{});
  if (auto valid = check_carbon_copies(headers); !valid) return valid;
  const auto routing_keys = routing_keys_of(message->routing_key(), headers);
  auto delivered = as_delivered(message, *properties, HiddenCopies::left_out);
  if (!delivered) return delivered.error();

  const bool is_answered = message->exchange().empty() && publish_replies(*delivered, routing_keys);
  const bool is_simple = routing_keys.size() == 1;
  Route own_route;
  if (!is_simple)
    virtual_host_.route(message->exchange(),
                        {.routing_keys = routing_keys, .headers = headers, .properties = &*properties}, own_route);
  const Route& route =
      is_simple ? routes_->route(message->exchange(), message->routing_key(), headers, &*properties) : own_route;
  if (route.delay_stores.empty() || !headers.find(hidden_copies_header))
    return publish(*std::move(delivered), route, is_answered);
  return publish_in_two_forms(*std::move(delivered), *as_delivered(message, *properties, HiddenCopies::kept), route);
}

/// Delay stores get it with BCC, for they route by that later; queues get it without.
Result<void> Channel::publish_in_two_forms(MessageRef visible, MessageRef whole, const Route& route) {
  const auto& stores = route.delay_stores;
  if (stores == route.queues) return publish(std::move(whole), route, false);
  for (const auto& history : route.histories) history->keep(*visible);
  std::vector<QueueAddress> queues = route.queues;
  std::erase_if(queues,
                [&](const auto& queue) { return std::find(stores.begin(), stores.end(), queue) != stores.end(); });
  if (transaction_) {
    transaction_->publishes.push_back({std::move(visible), std::move(queues), route.traffic, false, true});
    transaction_->publishes.push_back(
        {.message = std::move(whole), .queues = stores, .is_answered = true, .is_rest = true});
    return {};
  }
  traffic().published(visible->exchange(), route.traffic, route.queues.size());
  const ConfirmTicket ticket = expect_confirms(route.queues.size());
  publish(std::move(visible), queues, ticket);
  publish(std::move(whole), stores, ticket);
  return {};
}

Result<void> Channel::publish(MessageRef message, const Route& route, bool is_answered) {
  for (const auto& history : route.histories) history->keep(*message);
  const auto& queues = route.queues;
  if (transaction_) {
    transaction_->publishes.push_back(
        {std::move(message), queues, route.traffic, publication_.is_mandatory, is_answered});
    return {};
  }
  traffic().published(message->exchange(), route.traffic, queues.size());
  if (queues.empty() && !is_answered) give_up(message, publication_.is_mandatory);
  const ConfirmTicket ticket = expect_confirms(queues.size());
  if (!queues.empty()) publish(std::move(message), queues, ticket);
  return {};
}

ConfirmTicket Channel::expect_confirms(std::size_t queues) {
  if (!confirms_) return {};
  connection_.end_turn_for(*this);
  const std::uint64_t sequence = confirms_->expect(queues);
  traffic().expect_confirm(sequence);
  return {.shard = shard_.index(), .session = id_, .sequence = sequence};
}

void Channel::publish(MessageRef message, const std::vector<QueueAddress>& queues, const ConfirmTicket& ticket) {
  for (const QueueAddress& queue : queues) connection_.published_into(queue.shard);
  shard_.publish(std::move(message), queues, ticket);
}

/// The user's own, unless the user is an impersonator.
Result<void> Channel::check_user_id(std::string_view user_id) const {
  const std::string& user = connection_.user();
  if (user_id == user || connection_.broker().access_control().has_tag(user, "impersonator")) return {};
  return precondition_failed(
      fmt::format("user_id property set to '{}' but authenticated user was '{}'", user_id, user));
}

/// The message as consumers may see it: without BCC, if that is left out, and with the address of this channel's reply
/// consumer.
Result<MessageRef> Channel::as_delivered(MessageRef message, const BasicProperties& properties,
                                         HiddenCopies hidden_copies) const {
  const bool has_bcc =
      hidden_copies == HiddenCopies::left_out && properties.headers && properties.headers->find(hidden_copies_header);
  const bool wants_reply = properties.reply_to == reply_queue;
  if (wants_reply && reply_consumer_ == ConsumerId::none)
    return precondition_failed("fast reply consumer does not exist");
  if (!has_bcc && !wants_reply) return message;
  BasicProperties changed = properties;
  std::string visible_headers;
  std::string reply_name;
  if (has_bcc) {
    visible_headers = headers_without(*properties.headers, hidden_copies_header);
    changed.headers = FieldTable{protocol::as_octets(visible_headers)};
  }
  if (wants_reply) {
    reply_name = name_of(ReplyAddress{shard_.index(), id_, reply_consumer_});
    changed.reply_to = reply_name;
  }
  return with_properties(
      *message, changed,
      {.exchange = message->exchange(), .routing_key = message->routing_key(), .arrival = message->arrival()});
}

void Channel::give_up(const MessageRef& message, bool is_mandatory) {
  traffic().lost(is_mandatory);
  if (is_mandatory) return_message(message);
}

void Channel::return_message(const MessageRef& message) {
  send_with_content(basic::Return{.reply_code = static_cast<std::uint16_t>(protocol::ReplyCode::no_route),
                                  .reply_text = "NO_ROUTE",
                                  .exchange = message->exchange(),
                                  .routing_key = message->routing_key()},
                    message);
}

bool Channel::publish_replies(const MessageRef& message, const std::vector<std::string_view>& routing_keys) {
  bool is_answered = false;
  for (const auto key : routing_keys) {
    const auto address = shard_.find_reply_consumer(key);
    if (!address) continue;
    connection_.published_into(address->shard);
    shard_.deliver_reply(*address, message);
    is_answered = true;
  }
  return is_answered;
}

// --- confirms

Result<void> Channel::handle(const protocol::confirm::Select& select) {
  if (transaction_) return precondition_failed("cannot switch from tx to confirm mode");
  if (!confirms_) confirms_.emplace();
  return answer(select.nowait, protocol::confirm::SelectOk{});
}

// --- transactions

Result<void> Channel::handle(const protocol::tx::Select&) {
  if (confirms_) return precondition_failed("cannot switch from confirm to tx mode");
  if (!transaction_) transaction_.emplace();
  send(protocol::tx::SelectOk{});
  return {};
}

Result<void> Channel::handle(const protocol::tx::Commit&) {
  if (!transaction_) return precondition_failed("channel is not transactional");
  Transaction committed = std::exchange(*transaction_, {});
  committed_settlements_ = std::move(committed.settlements);
  // Counted before anything is handed over, for a queue may answer at once; the last count is the commit's own.
  commit_waits_for_ = 1;
  for (PendingPublish& publish : committed.publishes) {
    const Message& message = *publish.message;
    if (message.exchange().empty()) publish.queues = routes_->route("", message.routing_key(), {}).queues;
    if (!publish.is_rest) traffic().published(message.exchange(), publish.traffic, publish.queues.size());
    if (publish.queues.empty() && !publish.is_answered) give_up(publish.message, publish.is_mandatory);
    commit_waits_for_ += publish.queues.size();
  }
  connection_.pause();
  const ConfirmTicket ticket{.shard = shard_.index(), .session = id_, .sequence = 1};
  for (PendingPublish& publish : committed.publishes)
    if (!publish.queues.empty()) this->publish(std::move(publish.message), publish.queues, ticket);
  confirm(ticket.sequence);
  return {};
}

void Channel::finish_commit() {
  const bool is_partial = std::exchange(is_commit_partial_, false);
  if (!is_partial) send(protocol::tx::CommitOk{});
  for (const auto& [deliveries, settlement] : std::exchange(committed_settlements_, {})) settle(deliveries, settlement);
  if (is_partial) {
    protocol::AmqpError error = precondition_failed("partial tx completion");
    error.method = protocol::tx::Commit::id;
    connection_.fail(number_, error);
  }
  connection_.resume();
}

Result<void> Channel::handle(const protocol::tx::Rollback&) {
  if (!transaction_) return precondition_failed("channel is not transactional");
  roll_back();
  send(protocol::tx::RollbackOk{});
  return {};
}

void Channel::roll_back() {
  Transaction rolled_back = std::exchange(*transaction_, {});
  traffic().rolled_back(received_in(rolled_back));
  for (auto& [deliveries, settlement] : rolled_back.settlements) unacknowledged_.put_back(std::move(deliveries));
}

}  // namespace leveret::broker::amqp
