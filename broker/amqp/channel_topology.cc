#include <fmt/format.h>

#include "broker/amqp/channel.h"
#include "broker/amqp/channel_send.h"
#include "broker/amqp/connection.h"
#include "broker/amqp/names.h"
#include "broker/argument_rules.h"
#include "broker/exchanges/message_history.h"

/// Channel's handlers of exchanges, queues and bindings.
namespace leveret::broker::amqp {

namespace exchange = protocol::exchange;
namespace queue = protocol::queue;
using protocol::access_refused;

namespace {

Result<void> check_not_default(std::string_view exchange_name) {
  if (exchange_name.empty()) return access_refused("operation not permitted on the default exchange");
  return {};
}

Result<void> check_not_reserved(std::string_view kind, std::string_view name) {
  if (!is_reserved_name(name)) return {};
  return access_refused(fmt::format("{} name '{}' contains reserved prefix 'amq.*'", kind, name));
}

std::string argument_text(FieldTable arguments, std::string_view name) {
  const auto value = arguments.find(name);
  return std::string{value ? value->as_text().value_or("") : ""};
}

}  // namespace

// --- permissions

bool Channel::is_allowed(Access access, std::string_view name) const {
  return connection_.has_all_rights() ||
         connection_.broker().access_control().is_allowed(connection_.user(), virtual_host_.name(), access, name);
}

Result<void> Channel::check_queue_access(Access access, std::string_view name) const {
  if (is_allowed(access, name)) return {};
  return access_refused(
      fmt::format("access to queue {} refused for user '{}'", virtual_host_.in_vhost(name), connection_.user()));
}

Result<void> Channel::check_exchange_access(Access access, std::string_view name) const {
  const std::string_view known_as = name.empty() ? "amq.default" : name;
  if (is_allowed(access, known_as)) return {};
  return access_refused(
      fmt::format("access to exchange {} refused for user '{}'", virtual_host_.in_vhost(known_as), connection_.user()));
}

Result<void> Channel::check_topic_access(Access access, std::string_view name, std::string_view routing_key) const {
  if (connection_.has_all_rights() || virtual_host_.type_of_exchange(name) != ExchangeType::topic) return {};
  if (connection_.broker().access_control().is_topic_allowed(connection_.user(), virtual_host_.name(), name, access,
                                                             routing_key))
    return {};
  return access_refused(fmt::format("access to topic '{}' in exchange {} refused for user '{}'", routing_key,
                                    virtual_host_.in_vhost(name), connection_.user()));
}

/// A binding writes to its destination and reads from its source.
Result<void> Channel::check_binding_access(const BindingRequest& request) const {
  auto destination = request.to == BindingRequest::To::queue
                         ? check_queue_access(Access::write, request.destination)
                         : check_exchange_access(Access::write, request.destination);
  if (!destination) return destination;
  if (request.to == BindingRequest::To::exchange)
    if (auto named = check_not_default(request.destination); !named) return named;
  if (auto named = check_not_default(request.source); !named) return named;
  if (auto source = check_exchange_access(Access::read, request.source); !source) return source;
  return check_topic_access(Access::read, request.source, request.routing_key);
}

Result<void> Channel::handle(const protocol::access::Request&) {
  send(protocol::access::RequestOk{.ticket = 1});
  return {};
}

/// A client that has its answer may count on what it asked for: what must be stored is stored first.
void Channel::hold_answer(Lasting lasting) {
  if (lasting == Lasting::yes) connection_.hold_output_until_stored();
}

// --- exchanges

Result<void> Channel::handle(const exchange::Declare& declare) {
  const std::string name = without_line_breaks(declare.exchange);
  if (auto allowed = check_not_default(name); !allowed) return allowed;
  if (declare.passive) {
    const auto found = virtual_host_.check_exchange(name);
    if (!found) return found.error();
    hold_answer(*found);
    return answer(declare.nowait, exchange::DeclareOk{});
  }
  if (!exchange_type(declare.type)) return unknown_exchange_type(declare.type);
  if (auto allowed = check_exchange_access(Access::configure, name); !allowed) return allowed;
  if (!virtual_host_.check_exchange(name)) {
    if (auto allowed = check_not_reserved("exchange", name); !allowed) return allowed;
    const std::string subject = "exchange " + virtual_host_.in_vhost(name);
    if (auto valid = check_name_argument(declare.arguments, "alternate-exchange", subject); !valid) return valid;
    if (declare.arguments.find("alternate-exchange")) {
      if (auto allowed = check_exchange_access(Access::read, name); !allowed) return allowed;
      const std::string alternate = argument_text(declare.arguments, "alternate-exchange");
      if (auto allowed = check_exchange_access(Access::write, alternate); !allowed) return allowed;
    }
  }
  auto declared = virtual_host_.declare_exchange({.name = name,
                                                  .type = declare.type,
                                                  .durable = declare.durable,
                                                  .auto_delete = declare.auto_delete,
                                                  .internal = declare.internal,
                                                  .arguments = declare.arguments,
                                                  .user = connection_.user(),
                                                  .shard = shard_.index()});
  if (!declared) return declared.error();
  if (const auto store = virtual_host_.delay_store_of(name); store && store->shard == shard_.index())
    shard_.add_delay_store(virtual_host_, name, *store, declare.durable);
  hold_answer(*declared);
  return answer(declare.nowait, exchange::DeclareOk{});
}

Result<void> Channel::handle(const exchange::Delete& request) {
  const std::string name = without_line_breaks(request.exchange);
  if (auto allowed = check_not_default(name); !allowed) return allowed;
  if (is_reserved_name(name))
    return access_refused(fmt::format("deletion of system exchange {} not allowed", virtual_host_.in_vhost(name)));
  if (auto allowed = check_exchange_access(Access::configure, name); !allowed) return allowed;
  auto deleted = virtual_host_.delete_exchange(name, request.if_unused ? IfUnused::yes : IfUnused::no);
  if (!deleted) return deleted.error();
  hold_answer(*deleted);
  return answer(request.nowait, exchange::DeleteOk{});
}

Result<void> Channel::handle(const exchange::Bind& bind) {
  const std::string source = without_line_breaks(bind.source);
  const std::string destination = without_line_breaks(bind.destination);
  const BindingRequest request{.source = source,
                               .to = BindingRequest::To::exchange,
                               .destination = destination,
                               .routing_key = bind.routing_key,
                               .arguments = bind.arguments};
  if (auto allowed = check_binding_access(request); !allowed) return allowed;
  const auto bound = virtual_host_.bind(request, connection_.id());
  if (!bound) return bound.error();
  hold_answer(bound->lasting);
  if (bound->history) deliver_history(*bound->history, request);
  return answer(bind.nowait, exchange::BindOk{});
}

Result<void> Channel::handle(const exchange::Unbind& unbind) {
  const std::string source = without_line_breaks(unbind.source);
  const std::string destination = without_line_breaks(unbind.destination);
  const BindingRequest request{.source = source,
                               .to = BindingRequest::To::exchange,
                               .destination = destination,
                               .routing_key = unbind.routing_key,
                               .arguments = unbind.arguments};
  if (auto allowed = check_binding_access(request); !allowed) return allowed;
  hold_answer(virtual_host_.unbind(request));
  return answer(unbind.nowait, exchange::UnbindOk{});
}

// --- queues

Result<std::string> Channel::queue_name(std::string_view name) const {
  if (!name.empty()) return without_line_breaks(name);
  if (last_queue_name_.empty()) return protocol::not_found("no previously declared queue");
  return last_queue_name_;
}

Result<void> Channel::handle(const queue::Declare& declare) {
  std::string name = without_line_breaks(declare.queue);
  if (name.starts_with(reply_queue)) return declare_reply_queue(declare, name);
  const auto answer_counts = [this, nowait = declare.nowait](const std::string& declared) {
    return [this, nowait, declared](std::optional<QueueCounts> counts) -> Result<void> {
      if (!counts) return protocol::not_found("no queue " + virtual_host_.in_vhost(declared));
      last_queue_name_ = declared;
      return answer(
          nowait,
          queue::DeclareOk{.queue = declared, .message_count = counts->messages, .consumer_count = counts->consumers});
    };
  };
  const auto count = [](AnyQueue& queue, const std::function<void(std::optional<QueueCounts>)>& reply) {
    reply(queue.declared());
  };
  if (declare.passive) {
    const auto found = virtual_host_.find_queue(name, connection_.id());
    if (!found) return found.error();
    hold_answer(Lasting{(*found)->is_durable()});
    ask<QueueCounts>((*found)->address, queue::Declare::id, count, answer_counts(name));
    return {};
  }
  QueueDeclaration asked{.durable = declare.durable,
                         .exclusive = declare.exclusive,
                         .auto_delete = declare.auto_delete,
                         .arguments = declare.arguments};
  if (!name.empty()) {
    if (auto allowed = check_not_reserved("queue", name); !allowed) return allowed;
  } else if (virtual_host_.type_of(asked) == QueueType::stream) {
    return protocol::precondition_failed("Cannot declare a server-named queue for type rabbit_stream_queue");
  } else {
    name = make_name("amq.gen-");
  }
  asked.name = name;
  if (auto allowed = check_queue_access(Access::configure, name); !allowed) return allowed;
  const bool exists = virtual_host_.has_queue(name);
  if (!exists)
    if (auto allowed = check_dead_letter_exchange(declare.arguments, name); !allowed) return allowed;
  auto declared = virtual_host_.declare_queue(asked, {.connection = connection_.id(), .shard = shard_.index()});
  if (!declared) return declared.error();
  ++shard_.churn().queues_declared;
  if (declared->is_new) {
    shard_.add_queue(virtual_host_, declared->record);
    ++shard_.churn().queues_created;
    if (declare.exclusive) connection_.add_exclusive_queue(declared->record->address);
  }
  hold_answer(Lasting{declared->record->is_durable()});
  ask<QueueCounts>(declared->record->address, queue::Declare::id, count, answer_counts(name));
  return {};
}

Result<void> Channel::check_dead_letter_exchange(FieldTable arguments, std::string_view name) const {
  constexpr std::string_view argument = "x-dead-letter-exchange";
  if (!arguments.find(argument)) return {};
  if (auto valid = check_name_argument(arguments, argument, "queue " + virtual_host_.in_vhost(name)); !valid)
    return valid;
  if (auto allowed = check_queue_access(Access::read, name); !allowed) return allowed;
  return check_exchange_access(Access::write, argument_text(arguments, argument));
}

/// The pseudo-queue of direct reply-to always exists; a name made for a request exists while its consumer does.
Result<void> Channel::declare_reply_queue(const queue::Declare& declare, std::string_view name) {
  if (name != reply_queue && !shard_.find_reply_consumer(name))
    return protocol::not_found("no queue " + virtual_host_.in_vhost(name));
  last_queue_name_ = name;
  return answer(declare.nowait, queue::DeclareOk{.queue = name, .message_count = 0, .consumer_count = 1});
}

Result<void> Channel::handle(const queue::Bind& bind) {
  const auto name = queue_name(bind.queue);
  if (!name) return name.error();
  const std::string source = without_line_breaks(bind.exchange);
  const BindingRequest request{.source = source,
                               .to = BindingRequest::To::queue,
                               .destination = *name,
                               .routing_key = binding_key(bind.queue, bind.routing_key),
                               .arguments = bind.arguments};
  if (auto allowed = check_binding_access(request); !allowed) return allowed;
  const auto bound = virtual_host_.bind(request, connection_.id());
  if (!bound) return bound.error();
  hold_answer(bound->lasting);
  if (bound->history) deliver_history(*bound->history, request);
  return answer(bind.nowait, queue::BindOk{});
}

Result<void> Channel::handle(const queue::Unbind& unbind) {
  const auto name = queue_name(unbind.queue);
  if (!name) return name.error();
  const std::string source = without_line_breaks(unbind.exchange);
  const BindingRequest request{.source = source,
                               .to = BindingRequest::To::queue,
                               .destination = *name,
                               .routing_key = binding_key(unbind.queue, unbind.routing_key),
                               .arguments = unbind.arguments};
  if (auto allowed = check_binding_access(request); !allowed) return allowed;
  hold_answer(virtual_host_.unbind(request));
  send(queue::UnbindOk{});
  return {};
}

/// What an exchange has kept goes to whoever has just been bound to it, as it was published; its age counts from now.
void Channel::deliver_history(const MessageHistory& history, const BindingRequest& request) {
  for (const MessageRef& message : history.messages()) {
    const auto properties = protocol::decode_properties(message->properties());
    const std::string_view key = message->routing_key();
    std::vector<QueueAddress> queues;
    if (request.to == BindingRequest::To::queue) {
      if (const auto found = virtual_host_.find_queue(request.destination, connection_.id()))
        queues.push_back((*found)->address);
    } else {
      queues = virtual_host_
                   .route(request.destination, {.routing_keys = {&key, 1},
                                                .headers = properties->headers.value_or(FieldTable{}),
                                                .properties = &*properties})
                   .queues;
    }
    if (queues.empty()) continue;
    const Publishing publishing{.exchange = message->exchange(), .routing_key = key, .arrival = shard_.turn_time()};
    shard_.publish(with_properties(*message, *properties, publishing), queues, {});
  }
}

/// With neither queue nor key named, the queue's own name is the key.  AMQP 0-9-1, queue.bind.
std::string_view Channel::binding_key(std::string_view queue_named, std::string_view routing_key) const {
  return queue_named.empty() && routing_key.empty() ? std::string_view{last_queue_name_} : routing_key;
}

Result<void> Channel::handle(const queue::Purge& purge) {
  const auto name = queue_name(purge.queue);
  if (!name) return name.error();
  if (auto allowed = check_queue_access(Access::read, *name); !allowed) return allowed;
  const auto found = virtual_host_.find_queue(*name, connection_.id());
  if (!found) return found.error();
  if ((*found)->type == QueueType::stream) return not_supported_by_stream("queue.purge", virtual_host_.in_vhost(*name));
  ask<std::uint32_t>((*found)->address, queue::Purge::id,
                     [](AnyQueue& purged, const auto& reply) { reply(purged.purge()); },
                     [this, nowait = purge.nowait](std::optional<std::uint32_t> count) {
                       return answer(nowait, queue::PurgeOk{.message_count = count.value_or(0)});
                     });
  return {};
}

namespace {

struct Deletion {
  enum class Refusal { none, in_use, not_empty } refusal = Refusal::none;
  std::uint32_t messages = 0;
  Lasting lasting = Lasting::yes;  // whoever deleted it, that is kept
};

}  // namespace

Result<void> Channel::handle(const queue::Delete& request) {
  const auto name = queue_name(request.queue);
  if (!name) return name.error();
  if (auto allowed = check_queue_access(Access::configure, *name); !allowed) return allowed;
  const auto found = virtual_host_.find_queue(*name, connection_.id());
  if (!found && found.error().code == protocol::ReplyCode::not_found) {
    hold_answer(Lasting::yes);
    return answer(request.nowait, queue::DeleteOk{});
  }
  if (!found) return found.error();
  // RabbitMQ deletes a stream whatever is in it, and does not say how much that was.
  const bool is_stream = (*found)->type == QueueType::stream;
  ask<Deletion>(
      (*found)->address, queue::Delete::id,
      [is_stream, if_unused = request.if_unused, if_empty = request.if_empty](AnyQueue& deleted, const auto& reply) {
        const QueueCounts counts = is_stream ? QueueCounts{} : deleted.counts();
        if (if_unused && counts.consumers > 0) return reply(Deletion{.refusal = Deletion::Refusal::in_use});
        if (if_empty && counts.messages > 0) return reply(Deletion{.refusal = Deletion::Refusal::not_empty});
        const Lasting lasting{deleted.record().is_durable()};
        deleted.virtual_host().remove_queue(deleted.record().address.queue);  // what the answer may have to wait for
        reply(Deletion{.messages = counts.messages, .lasting = lasting});     // before its consumers are told
        deleted.shard().delete_queue(deleted);
      },
      [this, name = *name, nowait = request.nowait](std::optional<Deletion> deletion) -> Result<void> {
        const auto done = deletion.value_or(Deletion{});
        if (done.refusal == Deletion::Refusal::in_use)
          return protocol::precondition_failed(fmt::format("queue {} in use", virtual_host_.in_vhost(name)));
        if (done.refusal == Deletion::Refusal::not_empty)
          return protocol::precondition_failed(fmt::format("queue {} not empty", virtual_host_.in_vhost(name)));
        hold_answer(done.lasting);
        return answer(nowait, queue::DeleteOk{.message_count = done.messages});
      });
  return {};
}

}  // namespace leveret::broker::amqp
