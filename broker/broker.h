#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "broker/access_control.h"
#include "broker/admission.h"
#include "broker/alarms.h"
#include "broker/clock.h"
#include "broker/definition_store.h"
#include "broker/limits.h"
#include "broker/parameters.h"
#include "broker/reply_consumers.h"
#include "broker/resource_limits.h"
#include "broker/shard.h"
#include "broker/virtual_host.h"

namespace leveret::broker {

struct BrokerOptions {
  std::size_t shards = 1;
  /// So many connections, or recovered queues, come to one shard before the next gets any: a few clients are served by
  /// one thread, which needs less time for it than two that write to each other.
  std::size_t shard_group = 4;
  std::string node_name{};     // the host's name follows where it has none; "rabbit" when empty
  std::string cluster_name{};  // taken where no other has been given; the node's name when empty

  std::uint16_t channel_max = 2047;
  std::uint32_t frame_max = 131'072;  // octets
  std::chrono::seconds heartbeat{60};
  std::chrono::milliseconds handshake_timeout{10'000};
  std::uint64_t message_size_max = 128ull * 1024 * 1024;  // octets of a body
  /// Ready messages may occupy so many octets of memory; what is above it is left to the store.
  std::size_t queued_memory_max = 64 * 1024 * 1024;
  /// How long a client may keep a delivery unacknowledged, where its queue does not say; 0 is as long as it likes.
  std::chrono::milliseconds consumer_timeout = std::chrono::minutes{30};
  std::optional<std::uint64_t> connection_max{};  // of the whole broker; nothing: no limit
  std::optional<std::uint64_t> channel_max_per_node{};

  /// Publishers wait while less is free where the store keeps its data, or the process occupies more.
  std::uint64_t disk_free_limit = 50'000'000;   // octets
  std::optional<double> disk_free_share{};      // of the memory, in place of the above
  double memory_high_watermark = 0.6;           // of the memory
  std::optional<std::uint64_t> memory_limit{};  // octets, in place of the above
  std::optional<std::uint64_t> memory_size{};   // octets; else what the machine, or the container, has

  /// Made when the store knows no user yet, unless definitions are to come in their place.
  bool makes_defaults = true;
  std::string default_user = "guest";
  std::string default_password = "guest";
  std::vector<std::string> default_user_tags{"administrator"};
  std::string default_virtual_host = "/";
  Permission default_permission{.configure = ".*", .write = ".*", .read = ".*"};
  /// Users who may log in from this machine only.
  std::vector<std::string> loopback_users{"guest"};

  /// As connection.start offers them; no other one is taken.
  std::vector<std::string> auth_mechanisms{"PLAIN", "AMQPLAIN", "ANONYMOUS"};
  /// Who logs in with ANONYMOUS, and the password that is tried; nobody when the name is empty.
  std::string anonymous_user = "guest";
  std::string anonymous_password = "guest";
};

/// The broker: its shards, virtual hosts and users, over one store.  Takes calls from any thread once `recover` is
/// done.
class Broker {
 public:
  /// `alarms` come from outside when the store raises them.
  Broker(BrokerOptions options, std::unique_ptr<storage::Store> store, const Clock& clock,
         std::shared_ptr<Alarms> alarms = std::make_shared<Alarms>());
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Takes up what the store has kept; on the first start makes the default virtual host and user.  Before the shards
  /// start.  Errors: StoreError.
  void recover();
  /// Stops the shards and lets them do what is still to be done, mail between them included, or for `patience`.
  void stop_shards(std::chrono::milliseconds patience);
  /// After that: stores what must be exact after a clean stop, and closes the store.
  void close();

  const BrokerOptions& options() const { return options_; }
  const Clock& clock() const { return clock_; }
  Alarms& alarms() { return *alarms_; }
  ResourceLimits& resource_limits() { return resource_limits_; }
  storage::StoreLoad store_load() const { return store_->load(); }
  AccessControl& access_control() { return access_control_; }
  SharedLoginCounters& http_logins() { return http_logins_; }
  ReplyConsumers& reply_consumers() { return reply_consumers_; }
  DefinitionChanges& definition_changes() { return definition_changes_; }
  const Limits& limits() const { return limits_; }
  Parameters& parameters() { return parameters_; }
  Admission& admission() { return admission_; }
  std::vector<std::unique_ptr<Shard>>& shards() { return shards_; }
  const std::string& node_name() const { return node_name_; }
  /// The global parameter cluster_name, else the node's name.
  std::string cluster_name() const;
  /// What tells this broker from all others.
  std::string cluster_id() const;

  /// Nothing when there is none of that name.
  std::shared_ptr<VirtualHost> find_virtual_host(std::string_view name) const;
  std::shared_ptr<VirtualHost> add_virtual_host(std::string_view name);
  std::vector<std::shared_ptr<VirtualHost>> virtual_hosts() const;

  // --- administration; in broker_administration.cc

  /// True when it is new; else its metadata is replaced.
  /// Errors: precondition_failed for a type of queue that does not exist.
  Result<bool> put_virtual_host(std::string_view name, const VirtualHostMetadata& metadata);
  /// With all that is in it and said about it.  Its connections are closed and its queues end soon after.
  /// Errors: not_found; precondition_failed when it is protected.
  Result<void> delete_virtual_host(std::string_view name);
  /// With its rights and limits.  Its connections are closed soon after.
  void delete_user(std::string_view name);
  /// Errors: those of Limits::put.
  Result<void> put_limit(LimitOf of, std::string_view subject, std::string_view name, const boost::json::value& value);
  void clear_limit(LimitOf of, std::string_view subject, std::string_view name);
  /// Those of them that are meant, soon.
  void close_connections(std::function<bool(const ConnectionReport&)> is_meant, const std::string& reason);

  bool is_loopback_user(std::string_view user) const;

  /// Where a new connection goes: to the first shard of those with the fewest groups.
  Shard& least_loaded_shard();
  /// A client is accepted, and its shard comes to it when it can: until then it counts for the next choice only.
  void connection_expected(ShardIndex shard) { ++connections_of(shard).expected; }
  void connection_arrived(ShardIndex shard) { --connections_of(shard).expected; }
  void connection_opened(ShardIndex shard) { ++connections_of(shard).open; }
  void connection_closed(ShardIndex shard) { --connections_of(shard).open; }
  std::size_t connection_count() const;

  ConnectionId next_connection_id() { return ConnectionId{next_id_.fetch_add(1)}; }
  SessionId next_session_id() { return SessionId{next_id_.fetch_add(1)}; }
  ConsumerId next_consumer_id() { return ConsumerId{next_id_.fetch_add(1)}; }

 private:
  struct Recovered;
  struct ConnectionCounts {
    std::atomic<std::size_t> expected = 0, open = 0;
  };

  ConnectionCounts& connections_of(ShardIndex shard) { return connections_[static_cast<std::size_t>(shard)]; }
  void make_defaults();
  std::shared_ptr<VirtualHost> make_virtual_host(const std::string& name);
  void apply_settings(QueueAddress queue, const QueueSettings& settings);
  void apply_queue_limit(LimitOf of, std::string_view subject);
  void recover_delay_store(VirtualHost& virtual_host, const std::string& exchange, QueueAddress address);
  void recover_queue(const std::shared_ptr<VirtualHost>& virtual_host, QueueRecord record,
                     const std::unordered_set<QueueId>& stored, std::vector<StreamSegment> segments);

  const BrokerOptions options_;
  const std::string node_name_;
  std::unique_ptr<storage::Store> store_;
  const Clock& clock_;
  std::shared_ptr<Alarms> alarms_;
  ResourceLimits resource_limits_;
  std::atomic<std::uint64_t> next_id_{1};
  std::atomic<std::uint64_t> next_queue_id_{1};
  AccessControl access_control_;
  SharedLoginCounters http_logins_{};
  ReplyConsumers reply_consumers_{};
  DefinitionChanges definition_changes_{};
  DefinitionStore definitions_;
  Parameters parameters_;
  Limits limits_;
  Admission admission_;
  mutable std::shared_mutex virtual_hosts_mutex_{};
  std::map<std::string, std::shared_ptr<VirtualHost>, std::less<>> virtual_hosts_{};
  std::vector<ConnectionCounts> connections_;  // by shard
  std::vector<std::unique_ptr<Shard>> shards_{};
};

}  // namespace leveret::broker
