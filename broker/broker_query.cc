#include "broker/broker_query.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include <boost/asio/co_spawn.hpp>

#include "broker/broker.h"
#include "broker/password_hash.h"
#include "broker/policy_rules.h"
#include "broker/resource_monitor.h"
#include "broker/shard_questions.h"
#include "broker/version.h"

namespace leveret::broker {

template <class T>
using Answer = BrokerQuery::Answer<T>;

namespace {

UserReport report_of(const User& user) {
  return {.name = user.name,
          .password_hash = user.password_hash,
          .hashing_algorithm = user.hashing_algorithm,
          .tags = user.tags};
}

VirtualHostReport report_of(const VirtualHost& virtual_host) {
  const VirtualHostMetadata metadata = virtual_host.metadata();
  return {.name = virtual_host.name(),
          .description = metadata.description,
          .tags = metadata.tags,
          .default_queue_type = metadata.default_queue_type,
          .is_traced = metadata.is_traced,
          .is_protected = metadata.is_protected_from_deletion};
}

struct QueueState {
  QueueNumbers numbers{};
  QueueCounters counters{};
  std::vector<CountsByExchange::Row> published_by{};
  FavouredConsumer favoured{};
  std::optional<double> consumer_capacity{};
  std::optional<std::uint64_t> head_timestamp{};
};

using StatesOfQueues = std::unordered_map<QueueId, QueueState>;

/// An exclusive consumer has its queue for itself.
FavouredConsumer favoured_among(const Consumers& consumers) {
  FavouredConsumer favoured;
  if (const Consumer* const active = consumers.single_active()) favoured.single_active = active->request.tag;
  if (consumers.size() == 1)
    consumers.for_each([&](const Consumer& consumer) {
      if (consumer.request.exclusive) favoured.exclusive = consumer.request.tag;
    });
  return favoured;
}

StatesOfQueues look_at_queues(Shard& shard) {
  StatesOfQueues states;
  states.reserve(shard.queues().size());
  for (const auto& [id, queue] : shard.queues()) {
    QueueState& state = states.emplace(id, QueueState{queue->numbers(), queue->counters()}).first->second;
    state.published_by = queue->published_by().rows();
    state.head_timestamp = queue->head_timestamp();
    const Consumers* const consumers = queue->consumers();
    if (!consumers) continue;
    state.favoured = favoured_among(*consumers);
    state.consumer_capacity = consumers->capacity(shard.wall_now());
  }
  return states;
}

QueueReport report_of(const VirtualHost& virtual_host, const QueueRecord& record) {
  return {.id = record.address.queue,
          .virtual_host = virtual_host.name(),
          .name = record.name,
          .type = record.type,
          .is_durable = record.is_declared_durable,
          .is_auto_delete = record.is_auto_delete,
          .is_exclusive = record.is_exclusive(),
          .owner = record.exclusive_owner,
          .arguments = record.arguments};
}

ConsumerActivities activities_of(Shard& shard) {
  ConsumerActivities activities;
  for (const auto& [id, queue] : shard.queues()) {
    const Consumers* const consumers = queue->consumers();
    if (!consumers || !consumers->has_single_active()) continue;
    consumers->for_each([&](const Consumer& consumer) {
      const bool is_active = &consumer == consumers->single_active();
      activities.emplace(consumer.request.id, is_active ? ConsumerActivity::single_active : ConsumerActivity::waiting);
    });
  }
  return activities;
}

std::vector<ConnectionReport> report_connections(Shard& shard) {
  std::vector<ConnectionReport> reports;
  for (const TurnMember* member : shard.members())
    if (auto report = member->report()) reports.push_back(*std::move(report));
  return reports;
}

/// A shard has done what it had to do before this.
struct Done {};

}  // namespace

std::string ConnectionReport::name() const {
  return peer_host + ":" + std::to_string(peer_port) + " -> " + host + ":" + std::to_string(port);
}

BrokerQuery::BrokerQuery(Broker& broker) : broker_(broker) {}

Shard& BrokerQuery::next_shard() {
  return *broker_.shards()[next_shard_++ % broker_.shards().size()];
}

Answer<void> BrokerQuery::stored() {
  Shard& shard = *broker_.shards().front();
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      [&shard](auto handler) {
        using Handler = decltype(handler);
        const auto waiting = std::make_shared<Handler>(std::move(handler));
        const auto work = boost::asio::make_work_guard(boost::asio::get_associated_executor(*waiting));
        shard.run_here([&shard, waiting, work] {
          shard.begin_turn();
          shard.log().when_written(
              [waiting, work] { boost::asio::post(work.get_executor(), [waiting] { std::move (*waiting)(); }); });
        });
      },
      boost::asio::use_awaitable);
}

// --- the broker as a whole

std::string BrokerQuery::node_name() const {
  return broker_.node_name();
}

std::string BrokerQuery::cluster_name() const {
  return broker_.cluster_name();
}

Answer<void> BrokerQuery::set_cluster_name(std::string name) {
  broker_.parameters().put_global({.name = "cluster_name", .value = boost::json::string(name)});
  co_await stored();
}

std::string_view BrokerQuery::version() const {
  return leveret_version;
}

std::string_view BrokerQuery::rabbitmq_version() const {
  return broker::rabbitmq_version;
}

std::chrono::milliseconds BrokerQuery::uptime() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_at_);
}

ResourceReport BrokerQuery::resources() const {
  const ResourceLimits& limits = broker_.resource_limits();
  const AlarmSet alarms = broker_.alarms().raised();
  return {.memory_limit = limits.used_memory_max,
          .disk_free = resources_of(data_directory_).free_disk(),
          .disk_free_limit = limits.free_disk_min,
          .has_memory_alarm = alarms.has(Alarm::memory),
          .has_disk_alarm = alarms.has(Alarm::disk) || alarms.has(Alarm::store),
          .data_directory = data_directory_.string(),
          .connections = broker_.connection_count(),
          .store = broker_.store_load()};
}

void BrokerQuery::limit_resources(const LimitCommand& command) {
  ResourceLimits& limits = broker_.resource_limits();
  const auto set = [&](std::atomic<std::uint64_t>& limit, const auto& octets, const auto& share) {
    if (octets) limit = *octets;
    if (share) limit = limits.share_of_memory(*share);
  };
  set(limits.used_memory_max, command.memory, command.memory_share);
  set(limits.free_disk_min, command.free_disk, command.free_disk_share);
  set_alarms(broker_.alarms(), resources_of(data_directory_), limits);
}

std::string BrokerQuery::cluster_id() const {
  return broker_.cluster_id();
}

Answer<LoadReport> BrokerQuery::load() {
  LoadReport report;
  report.shards = co_await ask_all<ShardLoad>(broker_.shards(), [](Shard& shard) { return shard.load(); });
  report.store = broker_.store_load();
  co_return report;
}

// --- who may do what

std::optional<UserReport> BrokerQuery::log_in(std::string_view user, std::string_view password) {
  const bool is_accepted = broker_.access_control().password_matches(user, password);
  broker_.http_logins().count(is_accepted);
  return is_accepted ? find_user(user) : std::nullopt;
}

Answer<std::vector<LoginReport>> BrokerQuery::logins() {
  LoginCounters amqp;
  for (const auto& of_shard :
       co_await ask_all<LoginCounters>(broker_.shards(), [](Shard& shard) { return shard.logins(); }))
    amqp += of_shard;
  co_return std::vector<LoginReport>{{"amqp091", amqp}, {"http", broker_.http_logins().now()}};
}

Answer<void> BrokerQuery::forget_logins() {
  broker_.http_logins().forget();
  co_await ask_all<Done>(broker_.shards(), [](Shard& shard) {
    shard.logins() = {};
    return Done{};
  });
}

bool BrokerQuery::is_loopback_user(std::string_view user) const {
  return broker_.is_loopback_user(user);
}

bool BrokerQuery::may_enter(std::string_view user, std::string_view virtual_host) const {
  return broker_.access_control().may_enter(user, virtual_host);
}

std::vector<UserReport> BrokerQuery::users() const {
  std::vector<UserReport> reports;
  for (const User& user : broker_.access_control().users()) reports.push_back(report_of(user));
  return reports;
}

std::optional<UserReport> BrokerQuery::find_user(std::string_view name) const {
  const auto user = broker_.access_control().find_user(name);
  return user ? std::optional{report_of(*user)} : std::nullopt;
}

std::string BrokerQuery::hash_password(std::string_view password) const {
  return broker::hash_password(password);
}

bool BrokerQuery::is_known_hashing(std::string_view name) {
  return is_hashing_algorithm(name);
}

Answer<void> BrokerQuery::put_user(UserReport user) {
  broker_.access_control().put_user({.name = user.name,
                                     .password_hash = user.password_hash,
                                     .hashing_algorithm = user.hashing_algorithm,
                                     .tags = user.tags});
  co_await stored();
}

Answer<void> BrokerQuery::remove_user(std::string name) {
  broker_.delete_user(name);
  co_await stored();
}

std::vector<PermissionReport> BrokerQuery::permissions() const {
  std::vector<PermissionReport> reports;
  for (const auto& [user, virtual_host, permission] : broker_.access_control().permissions())
    reports.push_back({.user = user,
                       .virtual_host = virtual_host,
                       .configure = permission.configure,
                       .write = permission.write,
                       .read = permission.read});
  return reports;
}

Answer<void> BrokerQuery::put_permission(PermissionReport permission) {
  broker_.access_control().put_permission(
      permission.user, permission.virtual_host,
      {.configure = permission.configure, .write = permission.write, .read = permission.read});
  co_await stored();
}

Answer<void> BrokerQuery::remove_permission(std::string user, std::string virtual_host) {
  broker_.access_control().remove_permission(user, virtual_host);
  co_await stored();
}

std::vector<TopicPermissionReport> BrokerQuery::topic_permissions() const {
  std::vector<TopicPermissionReport> reports;
  for (const auto& [user, virtual_host, exchange, permission] : broker_.access_control().topic_permissions())
    reports.push_back({.user = user,
                       .virtual_host = virtual_host,
                       .exchange = exchange,
                       .write = permission.write,
                       .read = permission.read});
  return reports;
}

Answer<void> BrokerQuery::put_topic_permission(TopicPermissionReport permission) {
  broker_.access_control().put_topic_permission(permission.user, permission.virtual_host, permission.exchange,
                                                {.write = permission.write, .read = permission.read});
  co_await stored();
}

Answer<void> BrokerQuery::remove_topic_permissions(std::string user, std::string virtual_host, std::string exchange) {
  if (exchange.empty())
    broker_.access_control().remove_topic_permissions(user, virtual_host);
  else
    broker_.access_control().remove_topic_permission(user, virtual_host, exchange);
  co_await stored();
}

// --- topology

std::vector<VirtualHostReport> BrokerQuery::virtual_hosts() const {
  std::vector<VirtualHostReport> reports;
  for (const auto& virtual_host : broker_.virtual_hosts()) reports.push_back(report_of(*virtual_host));
  return reports;
}

std::optional<VirtualHostReport> BrokerQuery::find_virtual_host(std::string_view name) const {
  const auto virtual_host = broker_.find_virtual_host(name);
  return virtual_host ? std::optional{report_of(*virtual_host)} : std::nullopt;
}

Answer<BrokerQuery::Result<void>> BrokerQuery::put_virtual_host(VirtualHostReport wanted, std::string creator) {
  const auto is_new = broker_.put_virtual_host(wanted.name, {.description = wanted.description,
                                                             .tags = wanted.tags,
                                                             .default_queue_type = wanted.default_queue_type,
                                                             .is_protected_from_deletion = wanted.is_protected,
                                                             .is_traced = wanted.is_traced});
  if (!is_new) co_return is_new.error();
  if (*is_new && !creator.empty())
    broker_.access_control().put_permission(creator, wanted.name, {.configure = ".*", .write = ".*", .read = ".*"});
  co_await stored();
  co_return Result<void>{};
}

Answer<BrokerQuery::Result<void>> BrokerQuery::remove_virtual_host(std::string name) {
  if (auto deleted = broker_.delete_virtual_host(name); !deleted) co_return deleted.error();
  // Its queues have gone when every shard has done what it was told before.
  co_await ask_all<Done>(broker_.shards(), [](Shard&) { return Done{}; });
  co_await stored();
  co_return Result<void>{};
}

std::vector<ExchangeReport> BrokerQuery::exchanges(std::string_view name) const {
  const auto virtual_host = broker_.find_virtual_host(name);
  return virtual_host ? virtual_host->exchange_reports() : std::vector<ExchangeReport>{};
}

std::vector<BindingReport> BrokerQuery::bindings(std::string_view name) const {
  const auto virtual_host = broker_.find_virtual_host(name);
  if (!virtual_host) return {};
  std::vector<BindingReport> reports = virtual_host->binding_reports();
  for (const auto& queue : virtual_host->queues())
    reports.push_back({.virtual_host = virtual_host->name(),
                       .destination = queue->name,
                       .routing_key = queue->name,
                       .is_durable = queue->is_durable()});
  return reports;
}

Answer<std::vector<QueueReport>> BrokerQuery::queues(std::vector<std::string> virtual_hosts) {
  const auto states = co_await ask_all<StatesOfQueues>(broker_.shards(), look_at_queues);
  std::vector<QueueReport> reports;
  for (const std::string& name : virtual_hosts) {
    const auto virtual_host = broker_.find_virtual_host(name);
    if (!virtual_host) continue;
    for (const auto& record : virtual_host->queues()) {
      QueueReport& report = reports.emplace_back(report_of(*virtual_host, *record));
      const StatesOfQueues& of_shard = states[static_cast<std::size_t>(record->address.shard)];
      if (const auto found = of_shard.find(report.id); found != of_shard.end()) {
        report.numbers = found->second.numbers;
        report.counters = found->second.counters;
        report.published_by = found->second.published_by;
        report.favoured = found->second.favoured;
        report.consumer_capacity = found->second.consumer_capacity;
        report.head_timestamp = found->second.head_timestamp;
      }
    }
  }
  co_return reports;
}

Answer<BrokerQuery::TimesOfQueues> BrokerQuery::message_times() {
  auto times = co_await ask_all<TimesOfQueues>(broker_.shards(), [](Shard& shard) {
    TimesOfQueues of_shard;
    for (const auto& [id, queue] : shard.queues())
      if (const MessageTimes* const times_of_queue = queue->times()) of_shard.emplace(id, times_of_queue->report());
    return of_shard;
  });
  TimesOfQueues all;
  for (auto& of_shard : times) all.merge(of_shard);
  co_return all;
}

bool BrokerQuery::has_queue(std::string_view virtual_host, std::string_view name) const {
  const auto found = broker_.find_virtual_host(virtual_host);
  return found && found->has_queue(name);
}

// --- policies, parameters, limits

std::vector<Policy> BrokerQuery::policies(PolicyKind kind, std::string_view name) const {
  const auto virtual_host = broker_.find_virtual_host(name);
  return virtual_host ? virtual_host->policies(kind) : std::vector<Policy>{};
}

std::optional<AppliedPolicies> BrokerQuery::policies_of_queue(std::string_view name, std::string_view queue) const {
  const auto virtual_host = broker_.find_virtual_host(name);
  return virtual_host ? virtual_host->policies_of_queue(queue) : std::nullopt;
}

std::optional<AppliedPolicies> BrokerQuery::policies_of_exchange(std::string_view name,
                                                                 std::string_view exchange) const {
  const auto virtual_host = broker_.find_virtual_host(name);
  return virtual_host ? virtual_host->policies_of_exchange(exchange) : std::nullopt;
}

Answer<BrokerQuery::Result<void>> BrokerQuery::put_policy(PolicyKind kind, std::string virtual_host_name,
                                                          std::string name, boost::json::object policy) {
  const auto virtual_host = broker_.find_virtual_host(virtual_host_name);
  if (!virtual_host) co_return protocol::not_found("vhost_not_found");
  auto parsed = parse_policy(kind, name, policy);
  if (!parsed) co_return parsed.error();
  virtual_host->put_policy(kind, *std::move(parsed));
  co_await stored();
  co_return Result<void>{};
}

Answer<bool> BrokerQuery::remove_policy(PolicyKind kind, std::string virtual_host_name, std::string name) {
  const auto virtual_host = broker_.find_virtual_host(virtual_host_name);
  const bool was_there = virtual_host && virtual_host->remove_policy(kind, name);
  if (was_there) co_await stored();
  co_return was_there;
}

std::vector<Parameter> BrokerQuery::parameters() const {
  return broker_.parameters().all();
}

Answer<BrokerQuery::Result<void>> BrokerQuery::put_parameter(Parameter parameter) {
  if (auto put = broker_.parameters().put(std::move(parameter)); !put) co_return put.error();
  co_await stored();
  co_return Result<void>{};
}

Answer<void> BrokerQuery::remove_parameter(Parameter parameter) {
  broker_.parameters().erase(parameter.virtual_host, parameter.component, parameter.name);
  co_await stored();
}

std::vector<GlobalParameter> BrokerQuery::global_parameters() const {
  return broker_.parameters().all_global();
}

Answer<void> BrokerQuery::put_global_parameter(GlobalParameter parameter) {
  broker_.parameters().put_global(std::move(parameter));
  co_await stored();
}

Answer<void> BrokerQuery::remove_global_parameter(std::string name) {
  broker_.parameters().erase_global(name);
  co_await stored();
}

std::map<std::string, Limits::Named, std::less<>> BrokerQuery::limits(LimitOf of) const {
  return broker_.limits().all(of);
}

Answer<BrokerQuery::Result<void>> BrokerQuery::put_limit(LimitOf of, std::string subject, std::string name,
                                                         boost::json::value value) {
  if (auto put = broker_.put_limit(of, subject, name, value); !put) co_return put.error();
  co_await stored();
  co_return Result<void>{};
}

Answer<void> BrokerQuery::clear_limit(LimitOf of, std::string subject, std::string name) {
  broker_.clear_limit(of, subject, name);
  co_await stored();
}

// --- what is going on

namespace {

void merge(TrafficReport& all, TrafficReport part) {
  const auto append = [](auto& to, auto& from) { std::move(from.begin(), from.end(), std::back_inserter(to)); };
  append(all.queues, part.queues);
  append(all.channels, part.channels);
  append(all.connections, part.connections);
  for (const auto& [name, of_shard] : part.virtual_hosts) {
    auto& of_all = all.virtual_hosts[name];
    of_all.queues += of_shard.queues;
    of_all.numbers += of_shard.numbers;
    of_all.channels += of_shard.channels;
    add(of_all.transfers, of_shard.transfers);
    of_all.queue_traffic += of_shard.queue_traffic;
  }
  add(all.churn, part.churn);
}

}  // namespace

Answer<TrafficReport> BrokerQuery::traffic() {
  auto parts = co_await ask_all<TrafficReport>(broker_.shards(), [](Shard& shard) { return shard.traffic(); });
  TrafficReport all;
  for (auto& part : parts) merge(all, std::move(part));
  for (const auto& virtual_host : broker_.virtual_hosts())
    for (auto& exchange : virtual_host->exchange_reports())
      if (exchange.counters.in > 0) all.exchanges.push_back({exchange.virtual_host, exchange.name, exchange.counters});
  co_return all;
}

// --- connections

Answer<std::vector<ConnectionReport>> BrokerQuery::connections() {
  auto of_shards = co_await ask_all<std::vector<ConnectionReport>>(broker_.shards(), report_connections);
  std::vector<ConnectionReport> all;
  for (auto& connections : of_shards) std::ranges::move(connections, std::back_inserter(all));
  co_return all;
}

Answer<ConsumerActivities> BrokerQuery::consumer_activities() {
  auto of_shards = co_await ask_all<ConsumerActivities>(broker_.shards(), activities_of);
  ConsumerActivities all;
  for (auto& activities : of_shards) all.merge(activities);
  co_return all;
}

Answer<void> BrokerQuery::close_connections(std::function<bool(const ConnectionReport&)> is_meant, std::string reason) {
  broker_.close_connections(std::move(is_meant), reason);
  co_await ask_all<Done>(broker_.shards(), [](Shard&) { return Done{}; });
}

}  // namespace leveret::broker
