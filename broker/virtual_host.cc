#include "broker/virtual_host.h"

#include <algorithm>
#include <mutex>
#include <unordered_set>

#include <fmt/format.h>
#include <boost/unordered/unordered_flat_set.hpp>

#include "broker/argument_rules.h"
#include "broker/definitions.h"
#include "broker/exchanges/delay.h"
#include "broker/exchanges/exchange_rules.h"
#include "broker/exchanges/message_history.h"
#include "broker/priorities.h"

namespace leveret::broker {
namespace {

using protocol::access_refused;
using protocol::not_found;
using protocol::precondition_failed;

/// Clients that keep arguments in a hash map send them in any order; a binding is the same in all of them.
std::string sorted(FieldTable arguments) {
  std::vector<protocol::FieldEntry> entries;
  for (const auto& entry : arguments) entries.push_back(entry);
  std::stable_sort(entries.begin(), entries.end(), [](auto& a, auto& b) { return a.name < b.name; });
  protocol::FieldTableBuilder builder;
  for (const auto& [name, value] : entries) builder.put_value(name, value);
  return builder.take();
}

void add_to(Route& route, const QueueRecord& queue) {
  if (std::find(route.queues.begin(), route.queues.end(), queue.address) == route.queues.end())
    route.queues.push_back(queue.address);
}

}  // namespace

VirtualHost::VirtualHost(std::string name, storage::Store& store, std::atomic<std::uint64_t>& next_queue_id,
                         DefinitionChanges& definition_changes, std::size_t shards)
    : name_(std::move(name)),
      store_(store),
      next_queue_id_(next_queue_id),
      definition_changes_(definition_changes),
      shards_(shards) {
  const auto predeclare = [this](std::string_view exchange, ExchangeType type, bool is_internal = false) {
    add_exchange({.name = std::string{exchange},
                  .type = type,
                  .is_durable = true,
                  .is_internal = is_internal,
                  .user = "rmq-internal"});
  };
  predeclare("", ExchangeType::direct);
  predeclare("amq.direct", ExchangeType::direct);
  predeclare("amq.fanout", ExchangeType::fanout);
  predeclare("amq.topic", ExchangeType::topic);
  predeclare("amq.headers", ExchangeType::headers);
  predeclare("amq.match", ExchangeType::headers);
  predeclare("amq.rabbitmq.trace", ExchangeType::topic, true);
}

std::string VirtualHost::in_vhost(std::string_view name) const {
  return fmt::format("'{}' in vhost '{}'", name, name_);
}

VirtualHostMetadata VirtualHost::metadata() const {
  const std::shared_lock lock{mutex_};
  return metadata_;
}

void VirtualHost::set_metadata(const VirtualHostMetadata& metadata) {
  const std::unique_lock lock{mutex_};
  metadata_ = metadata;
}

void VirtualHost::limit_queues(std::optional<std::uint64_t> count_max) {
  const std::unique_lock lock{mutex_};
  queue_count_max_ = count_max;
}

void VirtualHost::erase_definitions() {
  const std::unique_lock lock{mutex_};
  for (const auto& [name, exchange] : exchanges_) {
    for (const Binding& binding : exchange->bindings)
      if (binding.is_durable()) erase_definition(definitions::key_of(name_, binding));
    if (exchange->is_durable) erase_definition(definitions::key_of(name_, *exchange));
  }
  for (const auto& [name, queue] : queues_)
    if (queue->is_durable()) erase_definition(definitions::key_of(name_, *queue));
  for (const PolicyKind kind : {PolicyKind::user, PolicyKind::operator_policy})
    for (const Policy& policy : policies_.all(kind)) erase_definition(definitions::key_of(name_, kind, policy.name));
  is_deleted_ = true;
}

Result<void> VirtualHost::check_exists() const {
  if (!is_deleted_) return {};
  return protocol::AmqpError{.code = protocol::ReplyCode::connection_forced,
                             .text = fmt::format("vhost '{}' is deleted", name_)};
}

// Another virtual host of that name may be there by now: its definitions are not to be touched.

void VirtualHost::store_definition(std::string key, std::string value) {
  if (is_deleted_) return;
  store_.put_definition(std::move(key), std::move(value));
  definition_changes_.add();
}

void VirtualHost::erase_definition(std::string key) {
  if (is_deleted_) return;
  store_.erase_definition(std::move(key));
  definition_changes_.add();
}

Exchange* VirtualHost::exchange_named(std::string_view name) const {
  const auto found = exchanges_.find(name);
  return found == exchanges_.end() ? nullptr : found->second.get();
}

QueueRecord* VirtualHost::queue_named(std::string_view name) const {
  const auto found = queues_.find(name);
  return found == queues_.end() ? nullptr : found->second.get();
}

// ---------------------------------------------------------------------------------------------------- exchanges

Result<Lasting> VirtualHost::declare_exchange(const ExchangeDeclaration& declaration) {
  std::unique_lock lock{mutex_};
  if (auto exists = check_exists(); !exists) return exists.error();
  const auto type = exchange_type(declaration.type);
  if (!type) return unknown_exchange_type(declaration.type);
  if (const Exchange* exchange = exchange_named(declaration.name)) {
    if (auto same = check_equivalent(*exchange, declaration); !same) return same.error();
    return Lasting{exchange->is_durable};
  }
  if (auto valid = check_exchange_arguments(*type, declaration.arguments); !valid) return valid.error();
  Exchange exchange{.name = std::string{declaration.name},
                    .type = *type,
                    .is_durable = declaration.durable,
                    .is_auto_delete = declaration.auto_delete,
                    .is_internal = declaration.internal,
                    .arguments = std::string{protocol::as_text(declaration.arguments.octets())},
                    .user = std::string{declaration.user}};
  if (*type == ExchangeType::delayed)
    exchange.delay_store = {.queue = QueueId{next_queue_id_.fetch_add(1)}, .shard = declaration.shard};
  const Exchange& added = add_exchange(std::move(exchange));
  if (!added.is_durable) return Lasting::no;
  store_definition(definitions::key_of(name_, added), definitions::value_of(added));
  return Lasting::yes;
}

Result<Lasting> VirtualHost::check_exchange(std::string_view name) const {
  std::shared_lock lock{mutex_};
  const Exchange* exchange = exchange_named(name);
  if (!exchange) return not_found("no exchange " + in_vhost(name));
  return Lasting{exchange->is_durable};
}

Result<Lasting> VirtualHost::delete_exchange(std::string_view name, IfUnused if_unused) {
  std::unique_lock lock{mutex_};
  Exchange* exchange = exchange_named(name);
  if (!exchange) return Lasting::yes;  // another may have deleted it just now
  if (if_unused == IfUnused::yes && !exchange->bindings.empty())
    return precondition_failed("exchange " + in_vhost(name) + " in use");
  const Lasting lasting{exchange->is_durable};
  remove_exchange(*exchange);
  return lasting;
}

Result<void> VirtualHost::check_publish(std::string_view name) const {
  std::shared_lock lock{mutex_};
  const Exchange* exchange = exchange_named(name);
  if (!exchange) return not_found("no exchange " + in_vhost(name));
  if (exchange->is_internal)
    return access_refused(fmt::format("cannot publish to internal exchange {}", in_vhost(name)));
  return {};
}

std::optional<ExchangeType> VirtualHost::type_of_exchange(std::string_view name) const {
  std::shared_lock lock{mutex_};
  const Exchange* exchange = exchange_named(name);
  return exchange ? std::optional{exchange->type} : std::nullopt;
}

std::string VirtualHost::alternate_of_exchange(std::string_view name) const {
  std::shared_lock lock{mutex_};
  const Exchange* exchange = exchange_named(name);
  return exchange ? exchange->alternate_exchange.value_or("") : "";
}

std::optional<QueueAddress> VirtualHost::delay_store_of(std::string_view name) const {
  std::shared_lock lock{mutex_};
  const Exchange* exchange = exchange_named(name);
  return exchange ? exchange->delay_store : std::nullopt;
}

std::shared_ptr<DelayedNumbers> VirtualHost::delayed_numbers_of(std::string_view name) const {
  std::shared_lock lock{mutex_};
  const Exchange* exchange = exchange_named(name);
  return exchange && exchange->delayed ? exchange->delayed : std::make_shared<DelayedNumbers>();
}

Result<void> VirtualHost::check_equivalent(const Exchange& exchange, const ExchangeDeclaration& declaration) const {
  const EquivalenceCheck check{"exchange " + in_vhost(exchange.name)};
  if (auto same = check.text("type", name_of(exchange.type), declaration.type); !same) return same;
  if (auto same = check.flag("durable", exchange.is_durable, declaration.durable); !same) return same;
  if (auto same = check.flag("auto_delete", exchange.is_auto_delete, declaration.auto_delete); !same) return same;
  if (auto same = check.flag("internal", exchange.is_internal, declaration.internal); !same) return same;
  return check.arguments(FieldTable{protocol::as_octets(exchange.arguments)}, declaration.arguments,
                         compared_exchange_arguments);
}

Exchange& VirtualHost::add_exchange(Exchange exchange) {
  exchange.index = make_binding_index(exchange.type, exchange.argument_table());
  apply_policies(exchange);
  if (exchange.routing_type() == ExchangeType::recent_history)
    exchange.history = std::make_shared<MessageHistory>(exchange.argument_table());
  exchange.traffic = std::make_shared<ExchangeTraffic>(shards_);
  if (exchange.delay_store) exchange.delayed = std::make_shared<DelayedNumbers>();
  const std::string name = exchange.name;
  changed();
  return *exchanges_.emplace(name, std::make_shared<Exchange>(std::move(exchange))).first->second;
}

void VirtualHost::remove_exchange(Exchange& exchange) {
  while (!exchange.bindings.empty()) {
    const Binding binding = *exchange.bindings.begin();
    remove_binding(binding);
  }
  while (!exchange.bindings_to_here.empty()) {
    const Binding binding = **exchange.bindings_to_here.begin();
    remove_binding(binding);
    remove_if_unused(*binding.source);
  }
  if (exchange.is_durable) erase_definition(definitions::key_of(name_, exchange));
  exchanges_.erase(exchanges_.find(exchange.name));
  changed();
}

void VirtualHost::remove_if_unused(Exchange& exchange) {
  if (exchange.is_auto_delete && exchange.bindings.empty()) remove_exchange(exchange);
}

// ------------------------------------------------------------------------------------------------------- queues

Result<DeclaredQueue> VirtualHost::declare_queue(const QueueDeclaration& asked, Requester requester) {
  std::unique_lock lock{mutex_};
  if (auto exists = check_exists(); !exists) return exists.error();
  const std::string arguments = arguments_with_type(asked);
  QueueDeclaration declaration = asked;
  declaration.arguments = FieldTable{protocol::as_octets(arguments)};
  if (const auto found = queues_.find(declaration.name); found != queues_.end()) {
    if (auto same = check_equivalent(*found->second, declaration, requester.connection); !same) return same.error();
    return DeclaredQueue{.record = found->second};
  }
  if (auto valid = check_queue_declaration(declaration, in_vhost(declaration.name)); !valid) return valid.error();
  if (queue_count_max_ && queues_.size() >= *queue_count_max_)
    return precondition_failed(fmt::format("cannot declare queue '{}': queue limit in vhost '{}' ({}) is reached",
                                           declaration.name, name_, *queue_count_max_));
  auto record = std::make_shared<QueueRecord>(
      QueueRecord{.address = {.queue = QueueId{next_queue_id_.fetch_add(1)}, .shard = requester.shard},
                  .name = std::string{declaration.name},
                  .type = queue_type_of(declaration.arguments),
                  .is_declared_durable = declaration.durable,
                  .is_auto_delete = declaration.auto_delete,
                  .exclusive_owner = declaration.exclusive ? std::optional{requester.connection} : std::nullopt,
                  .arguments = arguments});
  apply_policies(*record);
  queues_.emplace(record->name, record);
  queues_by_id_.emplace(record->address.queue, record.get());
  if (record->is_durable()) store_definition(definitions::key_of(name_, *record), definitions::value_of(*record));
  return DeclaredQueue{.record = std::move(record), .is_new = true};
}

std::string VirtualHost::arguments_with_type(const QueueDeclaration& declaration) const {
  std::string arguments{protocol::as_text(declaration.arguments.octets())};
  const std::string& type = metadata_.default_queue_type;
  if (type.empty() || declaration.arguments.find("x-queue-type")) return arguments;
  // Only a classic queue can be one of these.
  const bool is_fleeting = !declaration.durable || declaration.exclusive || declaration.auto_delete;
  if (type != "classic" && is_fleeting) return arguments;
  return arguments + protocol::FieldTableBuilder{}.put("x-queue-type", type).take();
}

QueueType VirtualHost::type_of(const QueueDeclaration& declaration) const {
  std::shared_lock lock{mutex_};
  return queue_type_of(FieldTable{protocol::as_octets(arguments_with_type(declaration))});
}

void VirtualHost::put_segment(QueueId stream, const StreamSegment& segment) {
  store_.put_definition(definitions::key_of(stream, segment), definitions::value_of(segment));
}

void VirtualHost::erase_segment(QueueId stream, const StreamSegment& segment) {
  store_.erase_definition(definitions::key_of(stream, segment));
}

Result<std::shared_ptr<const QueueRecord>> VirtualHost::find_queue(std::string_view name,
                                                                   ConnectionId requester) const {
  std::shared_lock lock{mutex_};
  const auto found = queues_.find(name);
  if (found == queues_.end()) return not_found("no queue " + in_vhost(name));
  if (auto access = check_access(*found->second, requester); !access) return access.error();
  return std::shared_ptr<const QueueRecord>{found->second};
}

bool VirtualHost::has_queue(std::string_view name) const {
  std::shared_lock lock{mutex_};
  return queue_named(name) != nullptr;
}

bool VirtualHost::remove_queue(QueueId id) {
  std::unique_lock lock{mutex_};
  const auto found = queues_by_id_.find(id);
  if (found == queues_by_id_.end()) return false;
  QueueRecord& queue = *found->second;
  while (!queue.bindings.empty()) {
    const Binding binding = **queue.bindings.begin();
    remove_binding(binding);
    remove_if_unused(*binding.source);
  }
  if (queue.is_durable()) erase_definition(definitions::key_of(name_, queue));
  queues_by_id_.erase(found);
  queues_.erase(queues_.find(queue.name));
  changed();
  return true;
}

void VirtualHost::drop_messages(const QueueRecord& queue) {
  for (const QueueId lane : stored_lanes(queue)) store_.drop_queue(lane);
}

Result<void> VirtualHost::check_equivalent(const QueueRecord& queue, const QueueDeclaration& declaration,
                                           ConnectionId requester) const {
  if (auto access = check_access(queue, requester); !access) return access;
  if (queue.is_exclusive() != declaration.exclusive) return exclusive_refusal(in_vhost(queue.name));
  const EquivalenceCheck check{"queue " + in_vhost(queue.name)};
  if (auto same = check.flag("durable", queue.is_declared_durable, declaration.durable); !same) return same;
  if (auto same = check.flag("auto_delete", queue.is_auto_delete, declaration.auto_delete); !same) return same;
  return check.arguments(FieldTable{protocol::as_octets(queue.arguments)}, declaration.arguments,
                         compared_queue_arguments(queue.type));
}

Result<void> VirtualHost::check_access(const QueueRecord& queue, ConnectionId requester) const {
  if (queue.exclusive_owner && *queue.exclusive_owner != requester) return exclusive_refusal(in_vhost(queue.name));
  return {};
}

std::vector<std::shared_ptr<const QueueRecord>> VirtualHost::queues() const {
  std::shared_lock lock{mutex_};
  std::vector<std::shared_ptr<const QueueRecord>> all;
  all.reserve(queues_.size());
  for (const auto& [name, record] : queues_) all.push_back(record);
  return all;
}

// ----------------------------------------------------------------------------------------------------- bindings

Result<Binding> VirtualHost::resolve(const BindingRequest& request) const {
  Binding binding{.source = exchange_named(request.source),
                  .key = std::string{request.routing_key},
                  .arguments = sorted(request.arguments)};
  if (!binding.source) return not_found("no exchange " + in_vhost(request.source));
  if (request.to == BindingRequest::To::queue) {
    binding.destination.queue = queue_named(request.destination);
    if (!binding.destination.queue) return not_found("no queue " + in_vhost(request.destination));
  } else {
    binding.destination.exchange = exchange_named(request.destination);
    if (!binding.destination.exchange) return not_found("no exchange " + in_vhost(request.destination));
  }
  return binding;
}

Result<Bound> VirtualHost::bind(const BindingRequest& request, ConnectionId requester) {
  std::unique_lock lock{mutex_};
  auto binding = resolve(request);
  if (!binding) return binding.error();
  if (const QueueRecord* queue = binding->destination.queue)
    if (auto access = check_access(*queue, requester); !access) return access.error();
  if (auto valid = check_binding(binding->source->routing_type(), binding->key, request.arguments); !valid)
    return valid.error();
  const Lasting lasting{binding->is_durable()};
  if (binding->source->bindings.contains(*binding)) return Bound{.lasting = lasting};
  if (lasting == Lasting::yes) store_definition(definitions::key_of(name_, *binding), {});
  const auto history = binding->source->history;
  add_binding(*std::move(binding));
  return Bound{.lasting = lasting, .history = history};
}

Lasting VirtualHost::unbind(const BindingRequest& request) {
  std::unique_lock lock{mutex_};
  const auto binding = resolve(request);
  if (!binding || !binding->source->bindings.contains(*binding)) return Lasting::yes;
  Exchange& source = *binding->source;
  const Lasting lasting{binding->is_durable() || source.is_durable};
  remove_binding(*binding);
  remove_if_unused(source);
  return lasting;
}

void VirtualHost::add_binding(Binding binding) {
  Exchange& source = *binding.source;
  const Binding& added = *source.bindings.insert(std::move(binding)).first;
  source.index->insert(&added);
  bindings_to(added.destination).insert(&added);
  changed();
}

void VirtualHost::remove_binding(const Binding& binding) {
  Exchange& source = *binding.source;
  const auto found = source.bindings.find(binding);
  if (found->is_durable()) erase_definition(definitions::key_of(name_, *found));
  source.index->erase(&*found);
  bindings_to(found->destination).erase(&*found);
  source.bindings.erase(found);
  changed();
}

std::unordered_set<const Binding*>& VirtualHost::bindings_to(const Destination& destination) const {
  return destination.queue ? destination.queue->bindings : destination.exchange->bindings_to_here;
}

// ------------------------------------------------------------------------------------------------------ routing

namespace {

/// The exchanges a message still has to visit, each once: they may be bound in circles.
class Visits {
 public:
  explicit Visits(const Exchange& first) : first_(&first), next_(&first) {}

  const Exchange* next() {
    if (next_) return std::exchange(next_, nullptr);
    if (waiting_.empty()) return nullptr;
    const Exchange* exchange = waiting_.back();
    waiting_.pop_back();
    return exchange;
  }
  void add(const Exchange& exchange) {
    if (&exchange != first_ && known_.insert(&exchange).second) waiting_.push_back(&exchange);
  }

 private:
  // Most messages visit one exchange: for them nothing is allocated.
  const Exchange* first_;
  const Exchange* next_;
  std::vector<const Exchange*> waiting_{};
  boost::unordered_flat_set<const Exchange*> known_{};
};

/// Kept by each thread, for its memory.
std::vector<const Binding*>& no_matches() {
  thread_local std::vector<const Binding*> matches;
  matches.clear();
  return matches;
}

}  // namespace

Route VirtualHost::route(std::string_view exchange, const RoutedMessage& message) const {
  Route found;
  route(exchange, message, found);
  return found;
}

void VirtualHost::route(std::string_view exchange_name, const RoutedMessage& message, Route& route) const {
  route.queues.clear();
  route.delay_stores.clear();
  route.histories.clear();
  route.is_cacheable = true;
  std::shared_lock lock{mutex_};
  const Exchange* first = exchange_named(exchange_name);
  // Compared first: counting references is dear where a route's memory is used for one message after the other.
  if (const auto traffic = first ? first->traffic.get() : nullptr; traffic != route.traffic.get())
    route.traffic = first ? first->traffic : nullptr;
  if (exchange_name.empty()) {
    // Every queue is bound to the default exchange by its name.  AMQP 0-9-1, section 3.1.3.1.
    for (const auto key : message.routing_keys)
      if (const QueueRecord* queue = queue_named(key)) add_to(route, *queue);
    // A new queue does not raise the version, so "no such queue" must not be kept.
    route.is_cacheable = !route.queues.empty();
    return;
  }
  if (!first) return;
  Visits visits{*first};
  while (const Exchange* exchange = visits.next()) {
    if (!exchange->is_predictable()) route.is_cacheable = false;
    if (exchange->delay_store && delay_of(message.headers)) {
      route.queues.push_back(*exchange->delay_store);
      route.delay_stores.push_back(*exchange->delay_store);
      continue;
    }
    if (exchange->history && !MessageHistory::is_refused(message.headers)) route.histories.push_back(exchange->history);
    auto& matches = no_matches();
    exchange->index->match(message, matches);
    for (const Binding* binding : matches) {
      if (binding->destination.queue)
        add_to(route, *binding->destination.queue);
      else
        visits.add(*binding->destination.exchange);
    }
    if (!matches.empty() || !exchange->alternate_exchange) continue;
    if (const Exchange* alternate = exchange_named(*exchange->alternate_exchange)) visits.add(*alternate);
  }
}

std::vector<QueueAddress> VirtualHost::route_dead_letter(std::string_view exchange,
                                                         const std::vector<std::string_view>& routing_keys,
                                                         FieldTable headers, DeathReason reason) const {
  std::vector<QueueAddress> queues = route(exchange, {.routing_keys = routing_keys, .headers = headers}).queues;
  if (reason == DeathReason::rejected) return queues;
  std::shared_lock lock{mutex_};
  std::erase_if(queues, [&](const QueueAddress& address) {
    const auto found = queues_by_id_.find(address.queue);
    return found != queues_by_id_.end() && is_automatic_cycle(headers, found->second->name);
  });
  return queues;
}

// ----------------------------------------------------------------------------------------------------- recovery

std::shared_ptr<const QueueRecord> VirtualHost::restore_queue(QueueRecord record) {
  std::unique_lock lock{mutex_};
  auto shared = std::make_shared<QueueRecord>(std::move(record));
  apply_policies(*shared);
  queues_.emplace(shared->name, shared);
  queues_by_id_.emplace(shared->address.queue, shared.get());
  return shared;
}

void VirtualHost::restore_exchange(Exchange exchange) {
  std::unique_lock lock{mutex_};
  if (!exchange_named(exchange.name)) add_exchange(std::move(exchange));
}

void VirtualHost::restore_binding(const BindingRequest& request) {
  std::unique_lock lock{mutex_};
  auto binding = resolve(request);
  if (binding) add_binding(*std::move(binding));
}

}  // namespace leveret::broker
