#include "broker/broker_query.h"

#include <boost/asio/co_spawn.hpp>

#include "broker/broker.h"

/// What definitions files bring: made in the model itself, past the rights of any user.
namespace leveret::broker {

template <class T>
using Answer = BrokerQuery::Answer<T>;

namespace {

Answer<protocol::Result<void>> add_queue(Broker& broker, Shard& shard, std::string virtual_host_name,
                                         QueueCommand command) {
  const auto virtual_host = broker.find_virtual_host(virtual_host_name);
  if (!virtual_host) co_return protocol::not_found("vhost_not_found");
  if (virtual_host->has_queue(command.name)) co_return protocol::Result<void>{};
  shard.begin_turn();
  const auto declared = virtual_host->declare_queue({.name = command.name,
                                                     .durable = command.is_durable,
                                                     .auto_delete = command.is_auto_delete,
                                                     .arguments = FieldTable{protocol::as_octets(command.arguments)}},
                                                    {.shard = shard.index()});
  if (!declared) co_return declared.error();
  ++shard.churn().queues_declared;
  if (declared->is_new) {
    shard.add_queue(*virtual_host, declared->record);
    ++shard.churn().queues_created;
  }
  co_return protocol::Result<void>{};
}

/// On the shard where a delaying exchange keeps what it delays: nobody there sees the exchange before its store, and
/// what other shards send comes after this.
Answer<protocol::Result<void>> add_exchange(Broker& broker, Shard& shard, std::string virtual_host_name,
                                            ExchangeCommand command) {
  const auto virtual_host = broker.find_virtual_host(virtual_host_name);
  if (!virtual_host) co_return protocol::not_found("vhost_not_found");
  if (virtual_host->check_exchange(command.name)) co_return protocol::Result<void>{};
  shard.begin_turn();
  const auto declared = virtual_host->declare_exchange({.name = command.name,
                                                        .type = command.type,
                                                        .durable = command.is_durable,
                                                        .auto_delete = command.is_auto_delete,
                                                        .internal = command.is_internal,
                                                        .arguments = FieldTable{protocol::as_octets(command.arguments)},
                                                        .user = command.user,
                                                        .shard = shard.index()});
  if (!declared) co_return declared.error();
  if (const auto store = virtual_host->delay_store_of(command.name); store && store->shard == shard.index())
    shard.add_delay_store(*virtual_host, command.name, *store, command.is_durable);
  co_return protocol::Result<void>{};
}

}  // namespace

Answer<BrokerQuery::Result<void>> BrokerQuery::import_queue(std::string virtual_host, QueueCommand command) {
  Shard& shard = next_shard();
  co_return co_await boost::asio::co_spawn(shard.context(),
                                           add_queue(broker_, shard, std::move(virtual_host), std::move(command)),
                                           boost::asio::use_awaitable);
}

Answer<BrokerQuery::Result<void>> BrokerQuery::import_exchange(std::string virtual_host, ExchangeCommand command) {
  Shard& shard = next_shard();
  co_return co_await boost::asio::co_spawn(shard.context(),
                                           add_exchange(broker_, shard, std::move(virtual_host), std::move(command)),
                                           boost::asio::use_awaitable);
}

void BrokerQuery::import_binding(std::string_view name, const BindingCommand& command) {
  const auto virtual_host = broker_.find_virtual_host(name);
  if (!virtual_host || command.source.empty()) return;
  static_cast<void>(
      virtual_host->bind({.source = command.source,
                          .to = command.is_to_queue ? BindingRequest::To::queue : BindingRequest::To::exchange,
                          .destination = command.destination,
                          .routing_key = command.routing_key,
                          .arguments = FieldTable{protocol::as_octets(command.arguments)}},
                         {}));
}

}  // namespace leveret::broker
