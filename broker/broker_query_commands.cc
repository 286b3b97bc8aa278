#include "broker/broker_query.h"

#include <boost/asio/co_spawn.hpp>

#include "broker/amqp/local_client.h"
#include "broker/broker.h"

/// BrokerQuery's commands, given to a shard as a client gives them: with a client's rights and a client's refusals.
namespace leveret::broker {

template <class T>
using Answer = BrokerQuery::Answer<T>;

namespace {

using amqp::LocalClient;
using amqp::LocalReply;
namespace basic = protocol::basic;

/// How long an answer may take: longer than any does, but where the store cannot write.
constexpr std::chrono::seconds command_patience{30};
constexpr std::chrono::seconds publish_patience{10};

FieldTable table_of(const std::string& encoded) {
  return FieldTable{protocol::as_octets(encoded)};
}

template <protocol::Method M>
Answer<Result<LocalReply>> ask_once(Broker& broker, Shard& shard, Asker asker, M method) {
  const auto virtual_host = broker.find_virtual_host(asker.virtual_host);
  if (!virtual_host) co_return protocol::not_found("vhost_not_found");
  LocalClient client{broker, shard, {asker.user, asker.has_all_rights}, virtual_host, command_patience};
  co_return co_await client.ask(method);
}

Answer<Result<bool>> publish_once(Broker& broker, Shard& shard, Asker asker, const PublishCommand& command) {
  const auto virtual_host = broker.find_virtual_host(asker.virtual_host);
  if (!virtual_host) co_return protocol::not_found("vhost_not_found");
  // A client would wait here, and be told so; who asked over HTTP wants an answer.
  if (!shard.resource_alarms().is_empty()) co_return protocol::resource_error(blocked_reason(shard.resource_alarms()));
  LocalClient client{broker, shard, {asker.user, asker.has_all_rights}, virtual_host, publish_patience};
  const auto confirming = co_await client.ask(protocol::confirm::Select{});
  if (!confirming) co_return confirming.error();
  client.publish({.exchange = command.exchange, .routing_key = command.routing_key, .mandatory = true},
                 protocol::as_octets(command.properties), protocol::as_octets(command.body));
  bool is_routed = true;
  while (true) {
    const auto reply = co_await client.next_reply();
    if (!reply) co_return reply.error();
    if (reply->method == basic::Ack::id) co_return is_routed;
    if (reply->method == basic::Nack::id) co_return false;
    if (reply->method == basic::Return::id) is_routed = false;
  }
}

GottenMessage gotten(LocalReply reply) {
  const auto get_ok = protocol::decode<basic::GetOk>(protocol::as_octets(reply.arguments));
  return {.exchange = std::string{get_ok->exchange},
          .routing_key = std::string{get_ok->routing_key},
          .is_redelivered = get_ok->redelivered,
          .messages_left = get_ok->message_count,
          .properties = std::move(reply.properties),
          .body = std::move(reply.body)};
}

/// All of them, once they have been looked at.
void settle(LocalClient& client, AfterGet after) {
  if (after == AfterGet::acknowledge)
    client.tell(basic::Ack{.multiple = true});
  else
    client.tell(basic::Nack{.multiple = true, .requeue = after == AfterGet::requeue});
}

Answer<Result<std::vector<GottenMessage>>> get_some(Broker& broker, Shard& shard, Asker asker, const std::string& queue,
                                                    std::size_t count, AfterGet after) {
  const auto virtual_host = broker.find_virtual_host(asker.virtual_host);
  if (!virtual_host) co_return protocol::not_found("vhost_not_found");
  LocalClient client{broker, shard, {asker.user, asker.has_all_rights}, virtual_host, command_patience};
  std::vector<GottenMessage> messages;
  while (messages.size() < count) {
    auto reply = co_await client.ask(basic::Get{.queue = queue});
    if (!reply) co_return reply.error();
    if (reply->method != basic::GetOk::id) break;
    messages.push_back(gotten(*std::move(reply)));
  }
  if (messages.empty()) co_return messages;
  settle(client, after);
  // The queue may be another shard's: when it answers this, it has settled them, and who asks next finds them so.
  static_cast<void>(co_await client.ask(protocol::queue::Declare{.queue = queue, .passive = true}));
  co_return messages;
}

/// queue.bind or queue.unbind; their exchange namesakes have the same fields but for the destination's.
template <protocol::Method M>
M to_queue(const BindingCommand& command) {
  return {.queue = command.destination,
          .exchange = command.source,
          .routing_key = command.routing_key,
          .arguments = table_of(command.arguments)};
}

template <protocol::Method M>
M to_exchange(const BindingCommand& command) {
  return {.destination = command.destination,
          .source = command.source,
          .routing_key = command.routing_key,
          .arguments = table_of(command.arguments)};
}

}  // namespace

/// `method` may point into what the caller keeps until the answer has come.
template <protocol::Method M>
Answer<BrokerQuery::Result<void>> BrokerQuery::give(Asker asker, M method) {
  Shard& shard = next_shard();
  const auto reply = co_await boost::asio::co_spawn(shard.context(), ask_once(broker_, shard, std::move(asker), method),
                                                    boost::asio::use_awaitable);
  if (!reply) co_return reply.error();
  co_return Result<void>{};
}

Answer<BrokerQuery::Result<void>> BrokerQuery::declare_exchange(Asker asker, ExchangeCommand command) {
  co_return co_await give(std::move(asker), protocol::exchange::Declare{.exchange = command.name,
                                                                        .type = command.type,
                                                                        .durable = command.is_durable,
                                                                        .auto_delete = command.is_auto_delete,
                                                                        .internal = command.is_internal,
                                                                        .arguments = table_of(command.arguments)});
}

Answer<BrokerQuery::Result<void>> BrokerQuery::delete_exchange(Asker asker, std::string name, bool if_unused) {
  co_return co_await give(std::move(asker), protocol::exchange::Delete{.exchange = name, .if_unused = if_unused});
}

Answer<BrokerQuery::Result<void>> BrokerQuery::declare_queue(Asker asker, QueueCommand command) {
  co_return co_await give(std::move(asker), protocol::queue::Declare{.queue = command.name,
                                                                     .durable = command.is_durable,
                                                                     .auto_delete = command.is_auto_delete,
                                                                     .arguments = table_of(command.arguments)});
}

Answer<BrokerQuery::Result<void>> BrokerQuery::delete_queue(Asker asker, std::string name, bool if_unused,
                                                            bool if_empty) {
  co_return co_await give(std::move(asker),
                          protocol::queue::Delete{.queue = name, .if_unused = if_unused, .if_empty = if_empty});
}

Answer<BrokerQuery::Result<void>> BrokerQuery::purge_queue(Asker asker, std::string name) {
  co_return co_await give(std::move(asker), protocol::queue::Purge{.queue = name});
}

Answer<BrokerQuery::Result<void>> BrokerQuery::bind(Asker asker, BindingCommand command) {
  if (command.is_to_queue) co_return co_await give(std::move(asker), to_queue<protocol::queue::Bind>(command));
  co_return co_await give(std::move(asker), to_exchange<protocol::exchange::Bind>(command));
}

Answer<BrokerQuery::Result<void>> BrokerQuery::unbind(Asker asker, BindingCommand command) {
  if (command.is_to_queue) co_return co_await give(std::move(asker), to_queue<protocol::queue::Unbind>(command));
  co_return co_await give(std::move(asker), to_exchange<protocol::exchange::Unbind>(command));
}

Answer<BrokerQuery::Result<bool>> BrokerQuery::publish(Asker asker, PublishCommand command) {
  Shard& shard = next_shard();
  co_return co_await boost::asio::co_spawn(shard.context(), publish_once(broker_, shard, std::move(asker), command),
                                           boost::asio::use_awaitable);
}

Answer<BrokerQuery::Result<std::vector<GottenMessage>>> BrokerQuery::get(Asker asker, std::string queue,
                                                                         std::size_t count, AfterGet after) {
  Shard& shard = next_shard();
  co_return co_await boost::asio::co_spawn(
      shard.context(), get_some(broker_, shard, std::move(asker), queue, count, after), boost::asio::use_awaitable);
}

}  // namespace leveret::broker
