#include "broker/broker.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>
#include <unordered_set>

#include <unistd.h>

#include "broker/definitions.h"
#include "broker/exchanges/delay_store.h"
#include "broker/lane_upgrade.h"
#include "broker/log.h"
#include "broker/password_hash.h"
#include "broker/queue.h"
#include "broker/streams/stream_queue.h"

namespace leveret::broker {
namespace {

using definitions::Key;
using definitions::Kind;

constexpr std::string_view internal_cluster_id{"internal_cluster_id"};

/// Tells this broker from all others, as in RabbitMQ.
std::string make_cluster_id() {
  constexpr std::size_t random_characters = 22;
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::random_device random;
  std::uniform_int_distribution<std::size_t> any{0, alphabet.size() - 1};
  std::string id = "rabbitmq-cluster-id-";
  for (std::size_t i = 0; i < random_characters; ++i) id.push_back(alphabet[any(random)]);
  return id;
}

/// "rabbit@host", whichever part is not said.
std::string full_node_name(const std::string& said) {
  if (said.find('@') != std::string::npos) return said;
  const std::string name = said.empty() ? "rabbit" : said;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return name + "@localhost";
  return name + "@" + host.data();
}

}  // namespace

/// The store's definitions by kind: they are taken up in another order than that of their keys.
struct Broker::Recovered {
  struct Definition {
    Key key;
    std::string value;
    FieldTable fields() const { return FieldTable{protocol::as_octets(value)}; }
  };
  std::vector<Definition> virtual_hosts{}, policies{}, operator_policies{}, queues{}, exchanges{}, bindings{};
  std::map<QueueId, std::vector<StreamSegment>> segments{};

  Recovered(storage::Store& store, AccessControl& access_control, Parameters& parameters, Limits& limits) {
    store.recover_definitions([&](std::string_view encoded_key, std::string_view value) {
      auto key = definitions::parse_key(encoded_key);
      const FieldTable fields{protocol::as_octets(value)};
      if (!key || !FieldTable::validate(fields.octets()))
        throw storage::StoreError{"the store holds a definition that cannot be read; restore the data directory"};
      if (access_control.restore(encoded_key, fields)) return;
      if (parameters.restore(*key, fields) || limits.restore(*key, fields)) return;
      if (key->kind == Kind::segment) {
        const auto [stream, segment] = definitions::segment_from(*key, fields);
        segments[stream].push_back(segment);
      }
      if (auto* definitions = of(key->kind)) definitions->push_back({*std::move(key), std::string{value}});
    });
  }

  std::vector<Definition>* of(Kind kind) {
    switch (kind) {
      case Kind::virtual_host:
        return &virtual_hosts;
      case Kind::policy:
        return &policies;
      case Kind::operator_policy:
        return &operator_policies;
      case Kind::queue:
        return &queues;
      case Kind::exchange:
        return &exchanges;
      case Kind::binding:
        return &bindings;
      default:
        return nullptr;
    }
  }
};

Broker::Broker(BrokerOptions options, std::unique_ptr<storage::Store> store, const Clock& clock,
               std::shared_ptr<Alarms> alarms)
    : options_(std::move(options)),
      node_name_(full_node_name(options_.node_name)),
      store_(std::move(store)),
      clock_(clock),
      alarms_(std::move(alarms)),
      resource_limits_(options_),
      access_control_(*store_),
      definitions_(*store_, definition_changes_),
      parameters_(definitions_),
      limits_(definitions_),
      admission_(limits_, {.connections = options_.connection_max, .channels = options_.channel_max_per_node},
                 node_name_),
      connections_(options_.shards) {
  for (std::size_t i = 0; i < options_.shards; ++i)
    shards_.push_back(
        std::make_unique<Shard>(ShardIndex{static_cast<std::uint16_t>(i)}, shards_, reply_consumers_, *store_, clock_));
  for (const auto& shard : shards_)
    shard->limit_queued_memory(options_.queued_memory_max / options_.shards, options_.queued_memory_max);
  alarms_->listen([this](AlarmSet raised) {
    for (const auto& shard : shards_) shard->set_resource_alarms(raised);
  });
}

Broker::~Broker() {
  for (const auto& shard : shards_) shard->stop();
  store_.reset();  // hands its last batches back to the shards, so it goes before them
  alarms_->listen([](AlarmSet) {});
}

std::string Broker::cluster_name() const {
  const auto parameter = parameters_.find_global("cluster_name");
  return parameter && parameter->value.is_string() ? std::string{parameter->value.get_string()} : node_name_;
}

std::string Broker::cluster_id() const {
  const auto parameter = parameters_.find_global(internal_cluster_id);
  return parameter && parameter->value.is_string() ? std::string{parameter->value.get_string()} : std::string{};
}

void Broker::recover() {
  Recovered recovered{*store_, access_control_, parameters_, limits_};
  for (const auto& definition : recovered.virtual_hosts) {
    const std::string& name = definition.key.parts.at(0);
    const auto& virtual_host = virtual_hosts_.emplace(name, make_virtual_host(name)).first->second;
    virtual_host->set_metadata(definitions::metadata_from(definition.fields()));
  }
  const auto virtual_host_of = [this](const Key& key) { return find_virtual_host(key.parts.at(0)); };

  const auto restore_policies = [&](PolicyKind kind, const std::vector<Recovered::Definition>& policies) {
    for (const auto& definition : policies)
      if (const auto virtual_host = virtual_host_of(definition.key))
        virtual_host->restore_policy(kind, definitions::policy_from(definition.key, definition.fields()));
  };
  restore_policies(PolicyKind::user, recovered.policies);
  restore_policies(PolicyKind::operator_policy, recovered.operator_policies);

  const auto stored = store_->stored_queues();
  const std::unordered_set<QueueId> stored_lanes{stored.begin(), stored.end()};
  std::unordered_set<QueueId> known;
  auto next_shard = [this, dealt = std::size_t{0}]() mutable {
    return ShardIndex{static_cast<std::uint16_t>(dealt++ / options_.shard_group % shards_.size())};
  };
  for (const auto& definition : recovered.queues) {
    const auto virtual_host = virtual_host_of(definition.key);
    if (!virtual_host) continue;
    QueueRecord record = definitions::queue_from(definition.key, definition.fields());
    known.insert(record.address.queue);
    record.address.shard = next_shard();
    const auto segments = recovered.segments.extract(record.address.queue);
    recover_queue(virtual_host, std::move(record), stored_lanes,
                  segments ? segments.mapped() : std::vector<StreamSegment>{});
  }
  for (const auto& definition : recovered.exchanges) {
    const auto virtual_host = virtual_host_of(definition.key);
    if (!virtual_host) continue;
    Exchange exchange = definitions::exchange_from(definition.key, definition.fields());
    if (exchange.delay_store) {
      exchange.delay_store->shard = next_shard();
      known.insert(exchange.delay_store->queue);
    }
    const auto delay_store = exchange.delay_store;
    virtual_host->restore_exchange(std::move(exchange));
    if (delay_store) recover_delay_store(*virtual_host, definition.key.parts.at(1), *delay_store);
  }
  for (const auto& definition : recovered.bindings)
    if (const auto virtual_host = virtual_host_of(definition.key))
      virtual_host->restore_binding(definitions::binding_from(definition.key));

  // Those of streams that are gone, as the last life ended before they were erased.
  for (const auto& [stream, segments] : recovered.segments)
    for (const StreamSegment& segment : segments) store_->erase_definition(definitions::key_of(stream, segment));
  for (const QueueId lane : store_->stored_queues()) {
    const QueueId queue = queue_of(lane);
    if (!known.contains(queue)) store_->drop_queue(lane);
    next_queue_id_ = std::max(next_queue_id_.load(), static_cast<std::uint64_t>(queue) + 1);
  }
  if (virtual_hosts_.empty() && options_.makes_defaults) make_defaults();
  if (!options_.cluster_name.empty() && !parameters_.find_global("cluster_name"))
    parameters_.put_global({.name = "cluster_name", .value = boost::json::string{options_.cluster_name}});
  if (!parameters_.find_global(internal_cluster_id))
    parameters_.put_global({.name = std::string{internal_cluster_id}, .value = boost::json::string{make_cluster_id()}});
}

void Broker::recover_delay_store(VirtualHost& virtual_host, const std::string& exchange, QueueAddress address) {
  next_queue_id_ = std::max(next_queue_id_.load(), static_cast<std::uint64_t>(address.queue) + 1);
  Shard& shard = *shards_[static_cast<std::size_t>(address.shard)];
  shard.add_delay_store(virtual_host, exchange, address, true).restore(store_->recover_queue(address.queue));
}

/// Looks for those of its lanes alone that have left something: a quorum queue has many, and few in use.
void Broker::recover_queue(const std::shared_ptr<VirtualHost>& virtual_host, QueueRecord record,
                           const std::unordered_set<QueueId>& stored, std::vector<StreamSegment> segments) {
  const QueueId id = record.address.queue;
  next_queue_id_ = std::max(next_queue_id_.load(), static_cast<std::uint64_t>(id) + 1);
  Shard& shard = *shards_[static_cast<std::size_t>(record.address.shard)];
  AnyQueue& added = shard.add_queue(*virtual_host, virtual_host->restore_queue(std::move(record)));
  if (added.record().type == QueueType::stream)
    return static_cast<StreamQueue&>(added).restore(store_->recover_queue(id), std::move(segments));
  const bool is_moved = move_into_lanes(*store_, added.record());
  for (const QueueId lane : stored_lanes(added.record()))
    if (is_moved || stored.contains(lane)) static_cast<Queue&>(added).restore(lane, store_->recover_queue(lane));
}

void Broker::make_defaults() {
  static_cast<void>(put_virtual_host(options_.default_virtual_host, {.description = "Default virtual host"}));
  access_control_.put_user({.name = options_.default_user,
                            .password_hash = hash_password(options_.default_password),
                            .tags = options_.default_user_tags});
  access_control_.put_permission(options_.default_user, options_.default_virtual_host, options_.default_permission);
}

void Broker::stop_shards(std::chrono::milliseconds patience) {
  for (const auto& shard : shards_) shard->stop();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto work = [this] {
    return std::accumulate(shards_.begin(), shards_.end(), std::size_t{0},
                           [](std::size_t sum, const auto& shard) { return sum + shard->work_off(); });
  };
  const auto is_idle = [this] {
    return std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard->log().is_idle(); });
  };
  while ((work() > 0 || !is_idle()) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
}

void Broker::close() {
  for (const auto& shard : shards_) {
    for (const auto& [id, queue] : shard->queues()) queue->store_exact_mark();
    shard->log().hand_over();
  }
  store_->close();
}

std::shared_ptr<VirtualHost> Broker::find_virtual_host(std::string_view name) const {
  const std::shared_lock lock{virtual_hosts_mutex_};
  const auto found = virtual_hosts_.find(name);
  return found == virtual_hosts_.end() ? nullptr : found->second;
}

bool Broker::is_loopback_user(std::string_view user) const {
  const auto& users = options_.loopback_users;
  return std::find(users.begin(), users.end(), user) != users.end();
}

std::size_t Broker::connection_count() const {
  return std::accumulate(connections_.begin(), connections_.end(), std::size_t{0},
                         [](std::size_t sum, const auto& count) { return sum + count.open.load(); });
}

Shard& Broker::least_loaded_shard() {
  const auto groups = [this](const ConnectionCounts& count) {
    return (count.expected.load() + count.open.load()) / options_.shard_group;
  };
  const auto least = std::min_element(connections_.begin(), connections_.end(),
                                      [&](const auto& a, const auto& b) { return groups(a) < groups(b); });
  return *shards_[static_cast<std::size_t>(least - connections_.begin())];
}

}  // namespace leveret::broker
