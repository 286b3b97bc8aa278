#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "broker/limits.h"
#include "broker/message_times.h"
#include "broker/parameters.h"
#include "broker/policies.h"
#include "broker/reports.h"
#include "protocol/method.h"
#include "protocol/reply_code.h"

namespace leveret::broker {

class Broker;
class Shard;

/// On whose behalf, and where, a command of the model is given: rights and limits are this user's.
struct Asker {
  std::string user{};
  std::string virtual_host{};
  bool has_all_rights = false;  // the machine's administrator, who is no user of the broker
};

struct ExchangeCommand {
  std::string name{};
  std::string type{};
  bool is_durable = false;
  bool is_auto_delete = false;
  bool is_internal = false;
  std::string arguments{};  // an encoded field table, as everywhere here
  std::string user{};       // who has declared it, where that is not who asks
};

struct QueueCommand {
  std::string name{};
  bool is_durable = false;
  bool is_auto_delete = false;
  std::string arguments{};
};

struct BindingCommand {
  std::string source{};
  bool is_to_queue = true;
  std::string destination{};
  std::string routing_key{};
  std::string arguments{};
};

struct PublishCommand {
  std::string exchange{};
  std::string routing_key{};
  std::string properties{};  // flags and properties, as in a content header
  std::string body{};
};

/// What becomes of messages that were looked at.
enum class AfterGet { requeue, acknowledge, reject };

struct GottenMessage {
  std::string exchange{};
  std::string routing_key{};
  bool is_redelivered = false;
  std::uint32_t messages_left = 0;
  std::string properties{};
  std::string body{};
};

/// What may run short, and whether it has.  Amounts in octets.
struct ResourceReport {
  std::uint64_t memory_limit = 0;
  std::optional<std::uint64_t> disk_free{};  // nothing where nothing is kept on disk
  std::uint64_t disk_free_limit = 0;
  bool has_memory_alarm = false;
  bool has_disk_alarm = false;  // a store that cannot write is one as well
  std::string data_directory{};
  std::uint64_t connections = 0;  // sockets of AMQP clients
  StoreLoad store{};
};

/// Where the alarms of memory and disk are to begin, in octets or as a share of the memory; what is not said stays.
struct LimitCommand {
  std::optional<std::uint64_t> memory{};
  std::optional<double> memory_share{};
  std::optional<std::uint64_t> free_disk{};
  std::optional<double> free_disk_share{};
};

/// The questions and commands that management may put, from its own thread.
///
/// What lives on shards is asked of each of them and answered later, so no question waits for a queue, and no queue for
/// a question.  Commands about topology and messages are given by a client inside the process (amqp/local_client.h), so
/// they pass the same checks as any client's and are refused with the same errors.  A change is on disk when its answer
/// comes.
class BrokerQuery {
 public:
  template <class T>
  using Answer = boost::asio::awaitable<T>;
  template <class T>
  using Result = protocol::Result<T>;

  explicit BrokerQuery(Broker& broker);
  BrokerQuery(const BrokerQuery&) = delete;
  BrokerQuery& operator=(const BrokerQuery&) = delete;

  // --- the broker as a whole

  std::string node_name() const;
  std::string cluster_name() const;
  std::string cluster_id() const;
  Answer<void> set_cluster_name(std::string name);
  std::string_view version() const;           // of this program
  std::string_view rabbitmq_version() const;  // whose behaviour clients may count on
  std::chrono::milliseconds uptime() const;
  /// Those that were announced with `add_listener`, before management started.
  const std::vector<ListenerReport>& listeners() const { return listeners_; }
  void add_listener(ListenerReport listener) { listeners_.push_back(std::move(listener)); }
  /// Where what is stored lies; empty when nothing is.  Before management starts.
  void set_data_directory(std::filesystem::path directory) { data_directory_ = std::move(directory); }
  ResourceReport resources() const;
  /// Holds at once, until the broker ends.
  void limit_resources(const LimitCommand& command);

  // --- who may do what

  /// The user, when the password is right.
  std::optional<UserReport> log_in(std::string_view user, std::string_view password);
  /// Since the start, or since they were forgotten.
  Answer<std::vector<LoginReport>> logins();
  Answer<void> forget_logins();
  /// Whether the user may come from this machine only.
  bool is_loopback_user(std::string_view user) const;
  bool may_enter(std::string_view user, std::string_view virtual_host) const;

  std::vector<UserReport> users() const;
  std::optional<UserReport> find_user(std::string_view name) const;
  /// A hash of SHA-256, for `UserReport::password_hash`.
  std::string hash_password(std::string_view password) const;
  static bool is_known_hashing(std::string_view name);
  Answer<void> put_user(UserReport user);
  /// His connections are closed.
  Answer<void> remove_user(std::string name);

  std::vector<PermissionReport> permissions() const;
  Answer<void> put_permission(PermissionReport permission);
  Answer<void> remove_permission(std::string user, std::string virtual_host);
  std::vector<TopicPermissionReport> topic_permissions() const;
  Answer<void> put_topic_permission(TopicPermissionReport permission);
  /// Of one exchange, or of all when `exchange` is empty.
  Answer<void> remove_topic_permissions(std::string user, std::string virtual_host, std::string exchange);

  // --- topology

  std::vector<VirtualHostReport> virtual_hosts() const;
  std::optional<VirtualHostReport> find_virtual_host(std::string_view name) const;
  /// Makes it when there is none of that name; who made it may do everything there.
  Answer<Result<void>> put_virtual_host(VirtualHostReport virtual_host, std::string creator);
  /// With all that is in it; its connections are closed.
  Answer<Result<void>> remove_virtual_host(std::string name);

  /// Of one virtual host; nothing in one that does not exist.
  std::vector<ExchangeReport> exchanges(std::string_view virtual_host) const;
  /// With those that the default exchange has of itself.
  std::vector<BindingReport> bindings(std::string_view virtual_host) const;
  Answer<std::vector<QueueReport>> queues(std::vector<std::string> virtual_hosts);
  /// Of the queues that have any.
  using TimesOfQueues = std::unordered_map<QueueId, MessageTimesReport>;
  Answer<TimesOfQueues> message_times();
  bool has_queue(std::string_view virtual_host, std::string_view name) const;

  Answer<Result<void>> declare_exchange(Asker asker, ExchangeCommand command);
  Answer<Result<void>> delete_exchange(Asker asker, std::string name, bool if_unused);
  Answer<Result<void>> declare_queue(Asker asker, QueueCommand command);
  Answer<Result<void>> delete_queue(Asker asker, std::string name, bool if_unused, bool if_empty);
  Answer<Result<void>> purge_queue(Asker asker, std::string name);
  Answer<Result<void>> bind(Asker asker, BindingCommand command);
  Answer<Result<void>> unbind(Asker asker, BindingCommand command);

  /// Whether it was routed to any queue; answered when it is safe there.
  Answer<Result<bool>> publish(Asker asker, PublishCommand command);
  /// At most `count` of the ready messages, in their order.
  Answer<Result<std::vector<GottenMessage>>> get(Asker asker, std::string queue, std::size_t count, AfterGet after);

  // --- policies, parameters, limits

  /// Of one virtual host, in the order in which they are tried; nothing in one that does not exist.
  std::vector<Policy> policies(PolicyKind kind, std::string_view virtual_host) const;
  /// Which of them hold; nothing when there is no such queue or exchange.
  std::optional<AppliedPolicies> policies_of_queue(std::string_view virtual_host, std::string_view name) const;
  std::optional<AppliedPolicies> policies_of_exchange(std::string_view virtual_host, std::string_view name) const;
  /// `policy` has its pattern, definition, priority and apply-to.  Errors: those of parse_policy; not_found.
  Answer<Result<void>> put_policy(PolicyKind kind, std::string virtual_host, std::string name,
                                  boost::json::object policy);
  /// False when there was none.
  Answer<bool> remove_policy(PolicyKind kind, std::string virtual_host, std::string name);

  std::vector<Parameter> parameters() const;
  Answer<Result<void>> put_parameter(Parameter parameter);
  Answer<void> remove_parameter(Parameter parameter);
  std::vector<GlobalParameter> global_parameters() const;
  Answer<void> put_global_parameter(GlobalParameter parameter);
  Answer<void> remove_global_parameter(std::string name);

  /// By the name of the virtual host or user.
  std::map<std::string, Limits::Named, std::less<>> limits(LimitOf of) const;
  /// Errors: those of Limits::put.
  Answer<Result<void>> put_limit(LimitOf of, std::string subject, std::string name, boost::json::value value);
  Answer<void> clear_limit(LimitOf of, std::string subject, std::string name);

  // --- definitions: brought in past all rights, and what is there already stays as it is

  Answer<Result<void>> import_queue(std::string virtual_host, QueueCommand command);
  Answer<Result<void>> import_exchange(std::string virtual_host, ExchangeCommand command);
  /// Does nothing when there is no such exchange or destination.
  void import_binding(std::string_view virtual_host, const BindingCommand& command);
  /// Waits until all definitions that were changed until now are on disk.
  Answer<void> stored();

  // --- what is going on

  /// All that has been counted: cheap enough to be asked for every few seconds.
  Answer<TrafficReport> traffic();

  /// How busy the shards and the store are.
  Answer<LoadReport> load();

  // --- connections

  Answer<std::vector<ConnectionReport>> connections();
  /// Of whosever consumers; looks through all queues.
  Answer<ConsumerActivities> consumer_activities();
  /// Ends those that are meant: 320 CONNECTION_FORCED and the reason.
  Answer<void> close_connections(std::function<bool(const ConnectionReport&)> is_meant, std::string reason);

 private:
  template <protocol::Method M>
  Answer<Result<void>> give(Asker asker, M method);
  Shard& next_shard();

  Broker& broker_;
  const std::chrono::steady_clock::time_point started_at_ = std::chrono::steady_clock::now();
  std::vector<ListenerReport> listeners_{};
  std::filesystem::path data_directory_{};
  std::size_t next_shard_ = 0;
};

}  // namespace leveret::broker
