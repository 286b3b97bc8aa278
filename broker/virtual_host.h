#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/counters.h"
#include "broker/death.h"
#include "broker/definition_changes.h"
#include "broker/exchange.h"
#include "broker/policies.h"
#include "broker/queue_record.h"
#include "broker/queue_settings.h"
#include "broker/reports.h"
#include "protocol/reply_code.h"
#include "storage/store.h"

namespace leveret::broker {

using protocol::FieldTable;
using protocol::Result;

struct StreamSegment;

/// What is known of a virtual host beside its name.
struct VirtualHostMetadata {
  std::string description{};
  std::vector<std::string> tags{};
  /// For queues that are declared without a type and may be of this one; empty: classic, as if nothing were said.
  std::string default_queue_type{};
  bool is_protected_from_deletion = false;
  bool is_traced = false;  // kept and shown: nothing is traced
};

/// What exchange.declare asks for.
struct ExchangeDeclaration {
  std::string_view name{};
  std::string_view type{};
  bool durable = false;
  bool auto_delete = false;
  bool internal = false;
  FieldTable arguments{};
  std::string_view user{};
  /// Where an exchange of type x-delayed-message keeps what it delays: `Shard::add_delay_store` is to follow there.
  ShardIndex shard{};
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
  /// Those of them that are delay stores, and route it later.
  std::vector<QueueAddress> delay_stores{};
  /// The histories it passed through that are to keep it.
  std::vector<std::shared_ptr<MessageHistory>> histories{};
  /// Of the exchange it was published to; nothing when that is gone.
  std::shared_ptr<ExchangeTraffic> traffic{};
  /// False when it depended on more than exchange and routing key.
  bool is_cacheable = true;
};

/// Whether what a request asked for is kept over a restart: its answer then waits until it has been stored.
enum class Lasting : bool { no, yes };

/// What a binding has brought about.
struct Bound {
  Lasting lasting = Lasting::no;
  /// What the source has kept for new bindings, when this one is new and the source is of type x-recent-history.
  std::shared_ptr<MessageHistory> history{};
};

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
  /// With the predeclared exchanges: the default exchange and `amq.*`.  Messages come from `shards` shards.
  VirtualHost(std::string name, storage::Store& store, std::atomic<std::uint64_t>& next_queue_id,
              DefinitionChanges& definition_changes, std::size_t shards = 1);
  VirtualHost(const VirtualHost&) = delete;
  VirtualHost& operator=(const VirtualHost&) = delete;

  const std::string& name() const { return name_; }
  /// "'q' in vhost '/'": how RabbitMQ's texts name something here.
  std::string in_vhost(std::string_view name) const;
  VirtualHostMetadata metadata() const;
  void set_metadata(const VirtualHostMetadata& metadata);
  /// More are refused; nothing: no limit.
  void limit_queues(std::optional<std::uint64_t> count_max);
  /// The virtual host is deleted: nothing of it will be there after a restart, and nothing more is declared in it.
  void erase_definitions();

  std::uint64_t topology_version() const { return version_.load(std::memory_order_acquire); }

  Result<Lasting> declare_exchange(const ExchangeDeclaration& declaration);
  Result<Lasting> check_exchange(std::string_view name) const;
  Result<Lasting> delete_exchange(std::string_view name, IfUnused if_unused);
  /// Refuses an exchange that does not exist or is internal.  AMQP 0-9-1, basic.publish.
  Result<void> check_publish(std::string_view exchange) const;
  /// Nothing when there is none of that name.
  std::optional<ExchangeType> type_of_exchange(std::string_view name) const;
  /// The name in its `alternate-exchange` argument or policy; empty when it has none.
  std::string alternate_of_exchange(std::string_view name) const;

  /// Where it keeps what it delays; nothing when it is of another type, or is not there.
  std::optional<QueueAddress> delay_store_of(std::string_view name) const;
  /// For its delay store to set; nobody reads them when the exchange is gone.
  std::shared_ptr<DelayedNumbers> delayed_numbers_of(std::string_view name) const;
  /// Of an exchange that is gone.
  void drop_delay_store(QueueId store) { store_.drop_queue(store); }

  /// What is written down of a stream's closed segments.
  void put_segment(QueueId stream, const StreamSegment& segment);
  void erase_segment(QueueId stream, const StreamSegment& segment);

  /// Which type a declaration asks for; the virtual host's default type where it names none.
  QueueType type_of(const QueueDeclaration& declaration) const;
  /// A queue of that name, made on the requester's shard when there was none.
  Result<DeclaredQueue> declare_queue(const QueueDeclaration& declaration, Requester requester);
  /// A queue the requester may use: 404 when it is not there, 405 when it is another connection's.
  Result<std::shared_ptr<const QueueRecord>> find_queue(std::string_view name, ConnectionId requester) const;
  bool has_queue(std::string_view name) const;
  /// What applies to the queue now.
  QueueSettings settings_of(const QueueRecord& queue) const;
  /// Takes a queue out of the topology with all its bindings.  False when another has done so already.
  bool remove_queue(QueueId queue);
  /// The store forgets what it has of a durable queue, which is gone.
  void drop_messages(const QueueRecord& queue);

  Result<Bound> bind(const BindingRequest& request, ConnectionId requester);
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

  // --- policies; in virtual_host_policies.cc

  /// Hears of every queue for which something else holds from now on; is called under the lock.
  using SettingsListener = std::function<void(QueueAddress, const QueueSettings&)>;
  /// Before there are queues.
  void on_settings_changed(SettingsListener listener) { settings_changed_ = std::move(listener); }

  /// In place of one of that name; holds at once.
  void put_policy(PolicyKind kind, Policy policy);
  /// False when there is none of that name.
  bool remove_policy(PolicyKind kind, std::string_view name);
  /// In the order in which they are tried.
  std::vector<Policy> policies(PolicyKind kind) const;
  /// Nothing when there is no such queue or exchange.
  std::optional<AppliedPolicies> policies_of_queue(std::string_view name) const;
  std::optional<AppliedPolicies> policies_of_exchange(std::string_view name) const;

  /// Takes up what the store has kept.  Policies first, then queues, then exchanges, then bindings; nothing is stored
  /// again.
  void restore_policy(PolicyKind kind, Policy policy);
  std::shared_ptr<const QueueRecord> restore_queue(QueueRecord record);
  void restore_exchange(Exchange exchange);
  void restore_binding(const BindingRequest& request);

  std::vector<std::shared_ptr<const QueueRecord>> queues() const;
  std::vector<ExchangeReport> exchange_reports() const;
  /// Without those that the default exchange has of itself.
  std::vector<BindingReport> binding_reports() const;

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };
  template <class T>
  using ByName = std::unordered_map<std::string, std::shared_ptr<T>, NameHash, std::equal_to<>>;

  void store_definition(std::string key, std::string value);
  void erase_definition(std::string key);
  /// A connection's last requests may come after the virtual host has been deleted.
  Result<void> check_exists() const;
  /// The arguments as they are declared: with the default queue type where it says one.
  std::string arguments_with_type(const QueueDeclaration& declaration) const;
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
  void apply_policies(Exchange& exchange);
  /// True when other ones hold now.
  bool apply_policies(QueueRecord& queue);
  void apply_policies_to_all();
  void changed() { version_.fetch_add(1, std::memory_order_release); }

  const std::string name_;
  storage::Store& store_;
  std::atomic<std::uint64_t>& next_queue_id_;
  DefinitionChanges& definition_changes_;
  const std::size_t shards_;
  std::atomic<std::uint64_t> version_{1};
  mutable std::shared_mutex mutex_{};
  VirtualHostMetadata metadata_{};
  ByName<Exchange> exchanges_{};
  ByName<QueueRecord> queues_{};
  std::unordered_map<QueueId, QueueRecord*> queues_by_id_{};
  std::optional<std::uint64_t> queue_count_max_{};
  bool is_deleted_ = false;
  Policies policies_{};
  SettingsListener settings_changed_{};
};

}  // namespace leveret::broker
