#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/counters.h"
#include "broker/counts_by_exchange.h"
#include "broker/ids.h"
#include "broker/tls.h"
#include "storage/store.h"

namespace leveret::broker {

/// What the broker tells of itself to whoever asks: plain values, copied on the shard they come from.  Field tables are
/// encoded.

/// Messages and consumers of a queue, as they are at this moment.
struct QueueNumbers {
  std::uint64_t ready = 0;
  std::uint64_t unacknowledged = 0;
  std::uint64_t delayed = 0;         // came back, and rest before they are ready again (delayed retry)
  std::uint64_t dead_lettering = 0;  // died, and kept until another queue has them (at-least-once)
  std::uint64_t consumers = 0;
  std::uint64_t octets_ready = 0;  // of bodies
  std::uint64_t octets_unacknowledged = 0;
  std::uint64_t octets_delayed = 0;
  std::uint64_t octets_dead_lettering = 0;
  std::uint64_t persistent = 0;  // of those that are ready, unacknowledged or delayed
  std::uint64_t octets_persistent = 0;
  std::uint64_t paged_out = 0;  // of those that are ready
  std::uint64_t octets_paged_out = 0;
  std::uint64_t unacknowledged_paged_out = 0;  // the same of those that are unacknowledged
  std::uint64_t octets_unacknowledged_paged_out = 0;

  std::uint64_t ready_in_memory() const { return ready - paged_out; }
  std::uint64_t unacknowledged_in_memory() const { return unacknowledged - unacknowledged_paged_out; }
  std::uint64_t in_memory() const { return ready_in_memory() + unacknowledged_in_memory(); }
  std::uint64_t out_of_memory() const { return paged_out + unacknowledged_paged_out; }
  std::uint64_t octets_out_of_memory() const { return octets_paged_out + octets_unacknowledged_paged_out; }
  std::uint64_t octets_in_memory() const { return octets_ready + octets_unacknowledged - octets_out_of_memory(); }
  std::uint64_t messages() const { return ready + unacknowledged + delayed + dead_lettering; }
  std::uint64_t octets() const { return octets_ready + octets_unacknowledged + octets_delayed + octets_dead_lettering; }

  QueueNumbers& operator+=(const QueueNumbers& more) {
    ready += more.ready;
    unacknowledged += more.unacknowledged;
    delayed += more.delayed;
    dead_lettering += more.dead_lettering;
    consumers += more.consumers;
    octets_ready += more.octets_ready;
    octets_unacknowledged += more.octets_unacknowledged;
    octets_delayed += more.octets_delayed;
    octets_dead_lettering += more.octets_dead_lettering;
    persistent += more.persistent;
    octets_persistent += more.octets_persistent;
    paged_out += more.paged_out;
    octets_paged_out += more.octets_paged_out;
    unacknowledged_paged_out += more.unacknowledged_paged_out;
    octets_unacknowledged_paged_out += more.octets_unacknowledged_paged_out;
    return *this;
  }
};

/// The tag of the consumer that gets all messages of a queue.
struct FavouredConsumer {
  std::optional<std::string> single_active{};
  std::optional<std::string> exclusive{};
};

struct QueueReport {
  QueueId id{};
  std::string virtual_host{};
  std::string name{};
  QueueType type = QueueType::classic;
  bool is_durable = false;
  bool is_auto_delete = false;
  bool is_exclusive = false;
  std::optional<ConnectionId> owner{};  // of an exclusive queue
  std::string arguments{};
  FavouredConsumer favoured{};
  std::optional<double> consumer_capacity{};      // see Consumers::capacity; nothing of a stream
  std::optional<std::uint64_t> head_timestamp{};  // of its first message, in seconds since 1970; see AnyQueue
  QueueNumbers numbers{};
  QueueCounters counters{};
  std::vector<CountsByExchange::Row> published_by{};
};

struct ExchangeReport {
  std::string virtual_host{};
  std::string name{};
  std::string type{};
  bool is_durable = false;
  bool is_auto_delete = false;
  bool is_internal = false;
  std::string arguments{};
  std::string user{};  // who has declared it
  ExchangeCounters counters{};
  std::shared_ptr<const DelayedNumbers> delayed{};  // of one that delays messages
};

struct BindingReport {
  std::string virtual_host{};
  std::string source{};
  bool is_to_queue = true;
  std::string destination{};
  std::string routing_key{};
  std::string arguments{};
  bool is_durable = false;
};

/// Whether a consumer is served: with a single active one, all others wait.
enum class ConsumerActivity : std::uint8_t { up, single_active, waiting };

/// Of the consumers of queues that have a single active one; all others are up.
using ConsumerActivities = std::unordered_map<ConsumerId, ConsumerActivity>;

struct ConsumerReport {
  ConsumerId id{};
  std::string tag{};
  std::string queue{};
  bool is_acknowledging = true;
  bool is_exclusive = false;
  std::uint16_t prefetch = 0;
  std::string arguments{};
};

struct ChannelReport {
  SessionId id{};
  std::uint16_t number = 0;
  bool is_confirming = false;
  bool is_transactional = false;
  std::uint16_t prefetch = 0;
  std::uint16_t global_prefetch = 0;
  std::uint64_t unacknowledged = 0;
  std::uint64_t unconfirmed = 0;
  std::uint64_t uncommitted_messages = 0;
  std::uint64_t uncommitted_settlements = 0;
  std::vector<ConsumerReport> consumers{};
  ChannelCounters counters{};

  /// Parts of `counters`.
  struct PublishesTo {
    std::string exchange{};
    PublishCounters counters{};
  };
  struct DeliveriesFrom {
    QueueId queue{};
    DeliveryCounters counters{};
  };
  std::vector<PublishesTo> publishes{};
  std::vector<DeliveriesFrom> deliveries{};
};

/// Whether resource alarms keep a connection from publishing: one that is blocking has not tried yet.
enum class Blocking : std::uint8_t { no, blocking, blocked };

struct ConnectionReport {
  ConnectionId id{};
  Blocking blocking = Blocking::no;
  std::string peer_host{};
  std::uint16_t peer_port = 0;
  std::string host{};
  std::uint16_t port = 0;
  std::string user{};
  std::string virtual_host{};
  std::string mechanism{};
  std::string client_properties{};
  std::uint32_t frame_max = 0;  // octets
  std::uint16_t channel_max = 0;
  std::chrono::seconds heartbeat{};
  std::chrono::system_clock::time_point connected_at{};
  std::vector<ChannelReport> channels{};
  TransferCounters transfers{};
  std::size_t octets_to_send = 0;  // that its client has not taken yet
  std::optional<TlsReport> tls{};

  /// "127.0.0.1:40000 -> 127.0.0.1:5672", by which RabbitMQ's tools know a connection.
  std::string name() const;
};

struct VirtualHostReport {
  std::string name{};
  std::string description{};
  std::vector<std::string> tags{};
  std::string default_queue_type{};
  bool is_traced = false;
  bool is_protected = false;
};

/// All that is counted, at one moment of each shard, without what it belongs to beside a number or name.
struct TrafficReport {
  struct OfQueue {
    QueueId id{};
    QueueNumbers numbers{};
    QueueCounters counters{};
  };
  struct OfExchange {
    std::string virtual_host{};
    std::string name{};
    ExchangeCounters counters{};
  };
  struct OfChannel {
    SessionId id{};
    ChannelCounters counters{};
  };
  struct OfConnection {
    ConnectionId id{};
    TransferCounters transfers{};
  };
  /// Channels, connections and queues that are gone are still counted here.
  struct OfVirtualHost {
    std::uint64_t queues = 0;
    QueueNumbers numbers{};  // of all of them
    ChannelCounters channels{};
    TransferCounters transfers{};
    QueueTraffic queue_traffic{};
  };

  std::vector<OfQueue> queues{};
  std::vector<OfExchange> exchanges{};  // without those that no message was published to
  std::vector<OfChannel> channels{};
  std::vector<OfConnection> connections{};
  std::map<std::string, OfVirtualHost, std::less<>> virtual_hosts{};
  ChurnCounters churn{};
};

struct UserReport {
  std::string name{};
  std::string password_hash{};
  std::string hashing_algorithm{};
  std::vector<std::string> tags{};
};

struct PermissionReport {
  std::string user{};
  std::string virtual_host{};
  std::string configure{};
  std::string write{};
  std::string read{};
};

struct TopicPermissionReport {
  std::string user{};
  std::string virtual_host{};
  std::string exchange{};
  std::string write{};
  std::string read{};
};

/// Who has shown a password to one of the protocols.
struct LoginReport {
  std::string_view protocol{};  // "amqp091", "http"
  LoginCounters counters{};
};

/// How busy a shard is, since the start.
struct ShardLoad {
  std::chrono::nanoseconds processor_time{};
  std::uint64_t turns = 0;
  std::uint64_t backlog = 0;        // octets, as its publishers see it
  std::uint64_t route_lookups = 0;  // routes that it did not remember
  DeathCounters deaths{};
};

using StoreLoad = storage::StoreLoad;

struct LoadReport {
  std::vector<ShardLoad> shards{};
  StoreLoad store{};
};

/// One that accepts clients.
struct ListenerReport {
  std::string protocol{};  // "amqp", "amqp/ssl", "http", "https" ...
  std::uint16_t port = 0;
  /// PEM files, with TLS.
  std::filesystem::path certificate{};
  std::filesystem::path authorities{};
};

}  // namespace leveret::broker
