#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/death.h"
#include "broker/definition_changes.h"
#include "broker/exchange.h"
#include "broker/queue_record.h"
#include "broker/queue_settings.h"
#include "protocol/reply_code.h"
#include "storage/store.h"

namespace leveret::broker {

using protocol::FieldTable;
using protocol::Result;

/// What exchange.declare asks for.
struct ExchangeDeclaration {
  std::string_view name{};
  std::string_view type{};
  bool durable = false;
  bool auto_delete = false;
  bool internal = false;
  FieldTable arguments{};
};

/// What queue.declare asks for.
struct QueueDeclaration {
  std::string_view name{};
  bool durable = false;
  bool exclusive = false;
  bool auto_delete = false;
  FieldTable arguments{};
};

/// What exchange.bind, queue.bind and their opposites name.
struct BindingRequest {
  enum class To { queue, exchange };
  std::string_view source{};
  To to = To::queue;
  std::string_view destination{};
  std::string_view routing_key{};
  FieldTable arguments{};
};

/// Who asks: decides about exclusive queues, and where a new queue will live.
struct Requester {
  ConnectionId connection{};
  ShardIndex shard{};
};

struct DeclaredQueue {
  std::shared_ptr<const QueueRecord> record{};
  bool is_new = false;
};

/// The queues that a message goes to.
struct Route {
  std::vector<QueueAddress> queues{};
  /// False when it depended on more than exchange and routing key.
  bool is_cacheable = true;
};

/// Whether what a request asked for is kept over a restart: its answer then waits until it has been stored.
enum class Lasting : bool { no, yes };

/// Whether deleting minds that an exchange or queue is in use.
enum class IfUnused : bool { no, yes };

/// A virtual host's topology: its exchanges, queues and bindings.  Takes calls from any thread.
///
/// Topology changes rarely and is read on every publish.  A change is made here, under the lock, and raises
/// `topology_version`; each shard keeps the routes it has asked for as long as the version stands.  Whatever is durable
/// reaches the store before the call returns, so it is ordered before every message routed by it.
///
/// Errors are those of RabbitMQ, codes and texts.
class VirtualHost {
 public:
  /// With the predeclared exchanges: the default exchange and `amq.*`.
  VirtualHost(std::string name, storage::Store& store, std::atomic<std::uint64_t>& next_queue_id,
              DefinitionChanges& definition_changes);
  VirtualHost(const VirtualHost&) = delete;
  VirtualHost& operator=(const VirtualHost&) = delete;

  const std::string& name() const { return name_; }
  /// "'q' in vhost '/'": how RabbitMQ's texts name something here.
  std::string in_vhost(std::string_view name) const;
  std::uint64_t topology_version() const { return version_.load(std::memory_order_acquire); }

  Result<Lasting> declare_exchange(const ExchangeDeclaration& declaration);
  Result<Lasting> check_exchange(std::string_view name) const;
  Result<Lasting> delete_exchange(std::string_view name, IfUnused if_unused);
  /// Refuses an exchange that does not exist or is internal.  AMQP 0-9-1, basic.publish.
  Result<void> check_publish(std::string_view exchange) const;
  /// Nothing when there is none of that name.
  std::optional<ExchangeType> type_of_exchange(std::string_view name) const;
  /// The name in its `alternate-exchange` argument; empty when it has none.
  std::string alternate_of_exchange(std::string_view name) const;

  /// A queue of that name, made on the requester's shard when there was none.
  Result<DeclaredQueue> declare_queue(const QueueDeclaration& declaration, Requester requester);
  /// A queue the requester may use: 404 when it is not there, 405 when it is another connection's.
  Result<std::shared_ptr<const QueueRecord>> find_queue(std::string_view name, ConnectionId requester) const;
  bool has_queue(std::string_view name) const;
  /// What applies to the queue now.
  QueueSettings settings_of(const QueueRecord& queue) const;
  /// Takes a queue out of the topology with all its bindings.  False when another has done so already.
  bool remove_queue(QueueId queue);

  Result<Lasting> bind(const BindingRequest& request, ConnectionId requester);
  /// Does nothing when there is no such binding, or nothing that it could bind.
  Lasting unbind(const BindingRequest& request);

  /// The queues for a message: through its exchange, the exchanges bound to it and the alternate exchanges where
  /// nothing was found.
  Route route(std::string_view exchange, const RoutedMessage& message) const;
  /// The same into a route whose memory is used again.
  void route(std::string_view exchange, const RoutedMessage& message, Route& route) const;

  /// The queues for a dead letter: without those that would send it round in a cycle no client takes part in.
  std::vector<QueueAddress> route_dead_letter(std::string_view exchange,
                                              const std::vector<std::string_view>& routing_keys, FieldTable headers,
                                              DeathReason reason) const;

  /// Takes up what the store has kept.  Queues first, then exchanges, then bindings; nothing is stored again.
  std::shared_ptr<const QueueRecord> restore_queue(QueueRecord record);
  void restore_exchange(Exchange exchange);
  void restore_binding(const BindingRequest& request);

  std::vector<std::shared_ptr<const QueueRecord>> queues() const;

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };
  template <class T>
  using ByName = std::unordered_map<std::string, std::shared_ptr<T>, NameHash, std::equal_to<>>;

  void store_definition(std::string key, std::string value);
  void erase_definition(std::string key);
  Exchange& add_exchange(Exchange exchange);
  void remove_exchange(Exchange& exchange);
  void remove_if_unused(Exchange& exchange);
  void add_binding(Binding binding);
  void remove_binding(const Binding& binding);
  std::unordered_set<const Binding*>& bindings_to(const Destination& destination) const;
  Result<Binding> resolve(const BindingRequest& request) const;
  Result<void> check_equivalent(const Exchange& exchange, const ExchangeDeclaration& declaration) const;
  Result<void> check_equivalent(const QueueRecord& queue, const QueueDeclaration& declaration,
                                ConnectionId requester) const;
  Result<void> check_access(const QueueRecord& queue, ConnectionId requester) const;
  Exchange* exchange_named(std::string_view name) const;
  QueueRecord* queue_named(std::string_view name) const;
  void changed() { version_.fetch_add(1, std::memory_order_release); }

  const std::string name_;
  storage::Store& store_;
  std::atomic<std::uint64_t>& next_queue_id_;
  DefinitionChanges& definition_changes_;
  std::atomic<std::uint64_t> version_{1};
  mutable std::shared_mutex mutex_{};
  ByName<Exchange> exchanges_{};
  ByName<QueueRecord> queues_{};
  std::unordered_map<QueueId, QueueRecord*> queues_by_id_{};
};

}  // namespace leveret::broker
