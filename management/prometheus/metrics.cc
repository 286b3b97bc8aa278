#include "management/prometheus/metrics.h"

#include <array>
#include <cmath>

namespace leveret::management::prometheus {
namespace {

using broker::ConnectionReport;
using broker::QueueReport;
using enum Type;

template <class Integer>
double number(Integer value) {
  return static_cast<double>(value);
}

// --- queues

using OfQueue = Metric<QueueReport>;
using Queue = const QueueReport&;

const std::array queue_coarse{
    OfQueue{"queue_messages_ready", gauge, "Messages ready to be delivered to consumers",
            [](Queue q) { return number(q.numbers.ready); }},
    OfQueue{"queue_messages_unacked", gauge, "Messages delivered to consumers but not yet acknowledged",
            [](Queue q) { return number(q.numbers.unacknowledged); }},
    OfQueue{"queue_messages", gauge, "Sum of ready and unacknowledged messages - total queue depth",
            [](Queue q) { return number(q.numbers.messages()); }},
};

const std::array queue_consumers{
    OfQueue{"queue_consumers", gauge, "Consumers on a queue", [](Queue q) { return number(q.numbers.consumers); }},
};

const std::array queue_details{
    OfQueue{"queue_messages_bytes", gauge, "Size in bytes of ready and unacknowledged messages",
            [](Queue q) { return number(q.numbers.octets()); }},
    OfQueue{"queue_messages_ready_bytes", gauge, "Size in bytes of ready messages",
            [](Queue q) { return number(q.numbers.octets_ready); }},
    OfQueue{"queue_messages_unacked_bytes", gauge, "Size in bytes of all unacknowledged messages",
            [](Queue q) { return number(q.numbers.octets_unacknowledged); }},
    OfQueue{"queue_head_message_timestamp", gauge, "Timestamp of the first message in the queue, if any",
            [](Queue q) { return q.head_timestamp ? number(*q.head_timestamp) : std::nan(""); }, false},
    OfQueue{"queue_consumer_capacity", gauge, "Consumer capacity",
            [](Queue q) { return q.consumer_capacity.value_or(0); }, false},
    OfQueue{"queue_consumer_utilisation", gauge, "Same as consumer capacity",
            [](Queue q) { return q.consumer_capacity.value_or(0); }, false},
    OfQueue{"queue_messages_ram", gauge, "Ready and unacknowledged messages stored in memory",
            [](Queue q) { return number(q.numbers.in_memory()); }},
    OfQueue{"queue_messages_ram_bytes", gauge, "Size of ready and unacknowledged messages stored in memory",
            [](Queue q) { return number(q.numbers.octets_in_memory()); }},
    OfQueue{"queue_messages_ready_ram", gauge, "Ready messages stored in memory",
            [](Queue q) { return number(q.numbers.ready_in_memory()); }},
    OfQueue{"queue_messages_unacked_ram", gauge, "Unacknowledged messages stored in memory",
            [](Queue q) { return number(q.numbers.unacknowledged_in_memory()); }},
    OfQueue{"queue_messages_persistent", gauge, "Persistent messages",
            [](Queue q) { return number(q.numbers.persistent); }},
    OfQueue{"queue_messages_persistent_bytes", gauge, "Size in bytes of persistent messages",
            [](Queue q) { return number(q.numbers.octets_persistent); }, false},
    OfQueue{"queue_messages_paged_out", gauge, "Messages paged out to disk",
            [](Queue q) { return number(q.numbers.out_of_memory()); }},
    OfQueue{"queue_messages_paged_out_bytes", gauge, "Size in bytes of messages paged out to disk",
            [](Queue q) { return number(q.numbers.octets_out_of_memory()); }},
    OfQueue{"queue_disk_reads_total", counter, "Total number of times queue read messages from disk",
            [](Queue q) { return number(q.counters.disk.reads); }},
    OfQueue{"queue_disk_writes_total", counter, "Total number of times queue wrote messages to disk",
            [](Queue q) { return number(q.counters.disk.writes); }},
};

const std::array queue_deliveries{
    OfQueue{"queue_get_ack_total", counter,
            "Total number of messages fetched from a queue with basic.get in manual acknowledgement mode",
            [](Queue q) { return number(q.counters.deliveries.gotten); }},
    OfQueue{"queue_get_total", counter,
            "Total number of messages fetched from a queue with basic.get in automatic acknowledgement mode",
            [](Queue q) { return number(q.counters.deliveries.gotten_no_ack); }},
    OfQueue{"queue_messages_delivered_ack_total", counter,
            "Total number of messages delivered from a queue to consumers in manual acknowledgement mode",
            [](Queue q) { return number(q.counters.deliveries.delivered); }},
    OfQueue{"queue_messages_delivered_total", counter,
            "Total number of messages delivered from a queue to consumers in automatic acknowledgement mode",
            [](Queue q) { return number(q.counters.deliveries.delivered_no_ack); }},
    OfQueue{"queue_messages_redelivered_total", counter,
            "Total number of messages redelivered from a queue to consumers",
            [](Queue q) { return number(q.counters.deliveries.redelivered); }},
    OfQueue{"queue_messages_acked_total", counter, "Total number of messages acknowledged by consumers on a queue",
            [](Queue q) { return number(q.counters.deliveries.acknowledged); }},
    OfQueue{"queue_get_empty_total", counter,
            "Total number of times basic.get operations fetched no message on a queue",
            [](Queue q) { return number(q.counters.deliveries.gotten_nothing); }},
};

const std::array queue_table{
    Family<QueueReport>{"queue_coarse_metrics", queue_coarse},
    Family<QueueReport>{"queue_consumer_count", queue_consumers},
    Family<QueueReport>{"queue_metrics", queue_consumers},
    Family<QueueReport>{"queue_metrics", queue_details},
    Family<QueueReport>{"queue_delivery_metrics", queue_deliveries},
};

// --- exchanges

using OfOrigin = Metric<QueueOfExchange>;
using Origin = const QueueOfExchange&;

const std::array origins{
    OfOrigin{"queue_messages_published_total", counter,
             "Total number of messages published into a queue through an exchange on a channel",
             [](Origin o) { return number(o.messages); }},
};

const std::array origin_table{Family<QueueOfExchange>{"channel_queue_exchange_metrics", origins}};

const std::array queue_origins{
    OfOrigin{"queue_exchange_messages_published_total", counter,
             "Total number of messages published into a queue through an exchange",
             [](Origin o) { return number(o.messages); }},
};

const std::array queue_origin_table{Family<QueueOfExchange>{"queue_exchange_metrics", queue_origins}};

using broker::ExchangeReport;
using OfExchange = Metric<ExchangeReport>;
using Exchange = const ExchangeReport&;

const std::array exchange_publishes{
    OfExchange{"exchange_messages_published_total", counter, "Total number of messages published into an exchange",
               [](Exchange e) { return number(e.counters.in); }},
    OfExchange{"exchange_messages_confirmed_total", counter,
               "Total number of messages published into an exchange and confirmed",
               [](Exchange e) { return number(e.counters.confirmed); }},
    OfExchange{"exchange_messages_unroutable_returned_total", counter,
               "Total number of messages published as mandatory into an exchange and returned to the publisher as "
               "unroutable",
               [](Exchange e) { return number(e.counters.returned); }},
    OfExchange{"exchange_messages_unroutable_dropped_total", counter,
               "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
               [](Exchange e) { return number(e.counters.dropped); }},
};

const std::array exchange_table{Family<ExchangeReport>{"exchange_metrics", exchange_publishes}};

// --- connections

using OfConnection = Metric<ConnectionReport>;
using Connection = const ConnectionReport&;

const std::array connection_coarse{
    OfConnection{"connection_incoming_bytes_total", counter, "Total number of bytes received on a connection",
                 [](Connection c) { return number(c.transfers.octets_received); }},
    OfConnection{"connection_outgoing_bytes_total", counter, "Total number of bytes sent on a connection",
                 [](Connection c) { return number(c.transfers.octets_sent); }},
};

const std::array connection_details{
    OfConnection{"connection_incoming_packets_total", counter, "Total number of packets received on a connection",
                 [](Connection c) { return number(c.transfers.reads); }},
    OfConnection{"connection_outgoing_packets_total", counter, "Total number of packets sent on a connection",
                 [](Connection c) { return number(c.transfers.writes); }},
    OfConnection{"connection_pending_packets", gauge, "Number of packets waiting to be sent on a connection",
                 [](Connection c) { return number(c.octets_to_send); }},
    OfConnection{"connection_channels", gauge, "Channels on a connection",
                 [](Connection c) { return number(c.channels.size()); }},
};

const std::array connection_table{
    Family<ConnectionReport>{"connection_coarse_metrics", connection_coarse},
    Family<ConnectionReport>{"connection_metrics", connection_details},
};

// --- channels

using OfChannel = Metric<ChannelOfConnection>;
using Channel = const ChannelOfConnection&;

const std::array channel_details{
    OfChannel{"channel_consumers", gauge, "Consumers on a channel",
              [](Channel c) { return number(c.channel.consumers.size()); }},
    OfChannel{"channel_messages_unacked", gauge, "Delivered but not yet acknowledged messages",
              [](Channel c) { return number(c.channel.unacknowledged); }},
    OfChannel{"channel_messages_unconfirmed", gauge, "Published but not yet confirmed messages",
              [](Channel c) { return number(c.channel.unconfirmed); }},
    OfChannel{"channel_messages_uncommitted", gauge, "Messages received in a transaction but not yet committed",
              [](Channel c) { return number(c.channel.uncommitted_messages); }},
    OfChannel{"channel_acks_uncommitted", gauge, "Message acknowledgements in a transaction not yet committed",
              [](Channel c) { return number(c.channel.uncommitted_settlements); }},
    OfChannel{"consumer_prefetch", gauge, "Limit of unacknowledged messages for each consumer",
              [](Channel c) { return number(c.channel.prefetch); }},
    OfChannel{"channel_prefetch", gauge, "Total limit of unacknowledged messages for all consumers on a channel",
              [](Channel c) { return number(c.channel.global_prefetch); }},
};

using OfPublishes = Metric<PublishesOfChannel>;
using Publishes = const PublishesOfChannel&;

const std::array channel_publishes{
    OfPublishes{"channel_messages_published_total", counter,
                "Total number of messages published into an exchange on a channel",
                [](Publishes p) { return number(p.counters.published); }},
    OfPublishes{"channel_messages_confirmed_total", counter,
                "Total number of messages published into an exchange and confirmed on the channel",
                [](Publishes p) { return number(p.counters.confirmed); }},
    OfPublishes{"channel_messages_unroutable_returned_total", counter,
                "Total number of messages published as mandatory into an exchange and returned to the publisher as "
                "unroutable",
                [](Publishes p) { return number(p.counters.returned); }},
    OfPublishes{"channel_messages_unroutable_dropped_total", counter,
                "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
                [](Publishes p) { return number(p.counters.dropped); }},
};

using OfDeliveries = Metric<DeliveriesOfChannel>;
using Deliveries = const DeliveriesOfChannel&;

const std::array channel_deliveries{
    OfDeliveries{"channel_get_ack_total", counter,
                 "Total number of messages fetched with basic.get in manual acknowledgement mode",
                 [](Deliveries d) { return number(d.counters.gotten); }},
    OfDeliveries{"channel_get_total", counter,
                 "Total number of messages fetched with basic.get in automatic acknowledgement mode",
                 [](Deliveries d) { return number(d.counters.gotten_no_ack); }},
    OfDeliveries{"channel_messages_delivered_ack_total", counter,
                 "Total number of messages delivered to consumers in manual acknowledgement mode",
                 [](Deliveries d) { return number(d.counters.delivered); }},
    OfDeliveries{"channel_messages_delivered_total", counter,
                 "Total number of messages delivered to consumers in automatic acknowledgement mode",
                 [](Deliveries d) { return number(d.counters.delivered_no_ack); }},
    OfDeliveries{"channel_messages_redelivered_total", counter, "Total number of messages redelivered to consumers",
                 [](Deliveries d) { return number(d.counters.redelivered); }},
    OfDeliveries{"channel_messages_acked_total", counter, "Total number of messages acknowledged by consumers",
                 [](Deliveries d) { return number(d.counters.acknowledged); }},
    OfDeliveries{"channel_get_empty_total", counter, "Total number of times basic.get operations fetched no message",
                 [](Deliveries d) { return number(d.counters.gotten_nothing); }},
};

const std::array channel_table{Family<ChannelOfConnection>{"channel_metrics", channel_details}};
const std::array publish_table{Family<PublishesOfChannel>{"channel_exchange_metrics", channel_publishes}};
const std::array delivery_table{Family<DeliveriesOfChannel>{"channel_queue_metrics", channel_deliveries}};

// --- the node

using OfNode = Metric<NodeFacts>;
using Node = const NodeFacts&;

using Seconds = std::chrono::duration<double>;

const std::array churn{
    OfNode{"connections_opened_total", counter, "Total number of connections opened",
           [](Node n) { return number(n.churn.connections_created); }},
    OfNode{"connections_closed_total", counter, "Total number of connections closed or terminated",
           [](Node n) { return number(n.churn.connections_closed); }},
    OfNode{"channels_opened_total", counter, "Total number of channels opened",
           [](Node n) { return number(n.churn.channels_created); }},
    OfNode{"channels_closed_total", counter, "Total number of channels closed",
           [](Node n) { return number(n.churn.channels_closed); }},
    OfNode{"queues_declared_total", counter, "Total number of queues declared",
           [](Node n) { return number(n.churn.queues_declared); }},
    OfNode{"queues_created_total", counter, "Total number of queues created",
           [](Node n) { return number(n.churn.queues_created); }},
    OfNode{"queues_deleted_total", counter, "Total number of queues deleted",
           [](Node n) { return number(n.churn.queues_deleted); }},
};

using broker::LoginReport;
using OfLogins = Metric<LoginReport>;

const std::array logins{
    OfLogins{"auth_attempts_total", counter, "Total number of authorization attempts",
             [](const LoginReport& l) { return number(l.counters.all()); }},
    OfLogins{"auth_attempts_succeeded_total", counter, "Total number of successful authentication attempts",
             [](const LoginReport& l) { return number(l.counters.accepted); }},
    OfLogins{"auth_attempts_failed_total", counter, "Total number of failed authentication attempts",
             [](const LoginReport& l) { return number(l.counters.refused); }},
};

const std::array login_table{Family<LoginReport>{"auth_attempt_metrics", logins}};

const std::array node_coarse{
    OfNode{"process_open_fds", gauge, "Open file descriptors", [](Node n) { return number(n.process.open_files); }},
    OfNode{"process_open_tcp_sockets", gauge, "Open TCP sockets",
           [](Node n) { return number(n.resources.connections); }},
    OfNode{"process_resident_memory_bytes", gauge, "Memory used in bytes",
           [](Node n) { return number(n.process.resident_octets); }},
    OfNode{"disk_space_available_bytes", gauge, "Disk space available in bytes",
           [](Node n) { return number(n.resources.disk_free.value_or(0)); }},
};

const std::array node_details{
    OfNode{"process_max_fds", gauge, "Open file descriptors limit",
           [](Node n) { return number(n.process.open_files_max); }},
    OfNode{"process_max_tcp_sockets", gauge, "Open TCP sockets limit",
           [](Node n) { return number(n.process.open_files_max); }},
    OfNode{"resident_memory_limit_bytes", gauge, "Memory high watermark in bytes",
           [](Node n) { return number(n.resources.memory_limit); }},
    OfNode{"disk_space_available_limit_bytes", gauge, "Free disk space low watermark in bytes",
           [](Node n) { return number(n.resources.disk_free_limit); }},
    OfNode{"erlang_uptime_seconds", gauge, "Node uptime", [](Node n) { return Seconds{n.uptime}.count(); }},
};

const std::array persister{
    OfNode{"io_read_bytes_total", counter, "Total number of I/O bytes read",
           [](Node n) { return number(n.process.octets_read); }},
    OfNode{"io_write_ops_total", counter, "Total number of I/O write operations",
           [](Node n) { return number(n.store.writes); }},
    OfNode{"io_write_bytes_total", counter, "Total number of I/O bytes written",
           [](Node n) { return number(n.process.octets_written); }},
    OfNode{"msg_store_write_total", counter, "Total number of Message Store write operations",
           [](Node n) { return number(n.store.appends); }},
    OfNode{"io_sync_ops_total", counter, "Total number of I/O sync operations",
           [](Node n) { return number(n.store.writes); }},
    OfNode{"io_sync_time_seconds_total", counter, "Total I/O sync time",
           [](Node n) { return Seconds{n.store.write_time}.count(); }},
};

const std::array alarms{
    OfNode{"alarms_file_descriptor_limit", untyped, "is 1 if file descriptor limit alarm is in effect",
           [](Node) { return 0.0; }},
    OfNode{"alarms_free_disk_space_watermark", untyped, "is 1 if free disk space watermark alarm is in effect",
           [](Node n) { return number(n.resources.has_disk_alarm); }},
    OfNode{"alarms_memory_used_watermark", untyped, "is 1 if VM memory watermark alarm is in effect",
           [](Node n) { return number(n.resources.has_memory_alarm); }},
};

const std::array totals{
    OfNode{"connections", gauge, "Connections currently open", [](Node n) { return number(n.connections); }},
    OfNode{"channels", gauge, "Channels currently open", [](Node n) { return number(n.open_channels); }},
    OfNode{"consumers", gauge, "Consumers currently connected", [](Node n) { return number(n.consumers); }},
    OfNode{"queues", gauge, "Queues available", [](Node n) { return number(n.queues); }},
};

const std::array node_table{
    Family<NodeFacts>{"connection_churn_metrics", churn},
    Family<NodeFacts>{"node_coarse_metrics", node_coarse},
    Family<NodeFacts>{"node_metrics", node_details},
    Family<NodeFacts>{"node_persister_metrics", persister},
    Family<NodeFacts>{"alarms", alarms},
    Family<NodeFacts>{"totals", totals},
};

const std::array global_table{
    OfNode{"global_messages_received_total", counter, "Total number of messages received from publishers",
           [](Node n) { return number(n.channels.received); }},
    OfNode{"global_messages_received_confirm_total", counter,
           "Total number of messages received from publishers expecting confirmations",
           [](Node n) { return number(n.channels.received_to_be_confirmed); }},
    OfNode{"global_messages_confirmed_total", counter, "Total number of messages confirmed to publishers",
           [](Node n) { return number(n.channels.publishes.confirmed); }},
    OfNode{"global_messages_routed_total", counter, "Total number of messages routed to queues or streams",
           [](Node n) { return number(n.channels.routed); }},
    OfNode{"global_messages_unroutable_dropped_total", counter,
           "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
           [](Node n) { return number(n.channels.publishes.dropped); }},
    OfNode{
        "global_messages_unroutable_returned_total", counter,
        "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable",
        [](Node n) { return number(n.channels.publishes.returned); }},
    OfNode{"global_publishers", gauge, "Current number of publishers", [](Node n) { return number(n.publishers); }},
    OfNode{"global_consumers", gauge, "Current number of consumers", [](Node n) { return number(n.consumers); }},
};

using broker::DeliveryCounters;
using OfQueueType = Metric<DeliveryCounters>;

const std::array global_table_by_queue_type{
    OfQueueType{"global_messages_delivered_total", counter, "Total number of messages delivered to consumers",
                [](const DeliveryCounters& d) { return number(d.all()); }},
    OfQueueType{"global_messages_delivered_consume_manual_ack_total", counter,
                "Total number of messages delivered to consumers using basic.consume with manual acknowledgment",
                [](const DeliveryCounters& d) { return number(d.delivered); }},
    OfQueueType{"global_messages_delivered_consume_auto_ack_total", counter,
                "Total number of messages delivered to consumers using basic.consume with automatic acknowledgment",
                [](const DeliveryCounters& d) { return number(d.delivered_no_ack); }},
    OfQueueType{"global_messages_delivered_get_manual_ack_total", counter,
                "Total number of messages delivered to consumers using basic.get with manual acknowledgment",
                [](const DeliveryCounters& d) { return number(d.gotten); }},
    OfQueueType{"global_messages_delivered_get_auto_ack_total", counter,
                "Total number of messages delivered to consumers using basic.get with automatic acknowledgment",
                [](const DeliveryCounters& d) { return number(d.gotten_no_ack); }},
    OfQueueType{"global_messages_get_empty_total", counter,
                "Total number of times basic.get operations fetched no message",
                [](const DeliveryCounters& d) { return number(d.gotten_nothing); }},
    OfQueueType{"global_messages_redelivered_total", counter, "Total number of messages redelivered to consumers",
                [](const DeliveryCounters& d) { return number(d.redelivered); }},
    OfQueueType{"global_messages_acknowledged_total", counter, "Total number of messages acknowledged by consumers",
                [](const DeliveryCounters& d) { return number(d.acknowledged); }},
};

// --- ours

using OfShard = Metric<broker::ShardLoad>;
using OfStore = Metric<broker::StoreLoad>;

const std::array shard_table{
    OfShard{"shard_cpu_seconds_total", counter, "Processor time that a shard has used",
            [](const broker::ShardLoad& s) { return Seconds{s.processor_time}.count(); }},
    OfShard{"shard_turns_total", counter,
            "Turns of a shard's loop; processor time divided by them is the length of a turn",
            [](const broker::ShardLoad& s) { return number(s.turns); }},
    OfShard{"shard_route_lookups_total", counter,
            "Routes that had to be looked up; all other messages found theirs in the shard's cache",
            [](const broker::ShardLoad& s) { return number(s.route_lookups); }},
    OfShard{"shard_backlog_bytes", gauge, "Octets that a shard has been sent and not worked off",
            [](const broker::ShardLoad& s) { return number(s.backlog); }},
};

const std::array store_table{
    OfStore{"store_syncs_total", counter, "Groups of batches that were written and synced",
            [](const broker::StoreLoad& s) { return number(s.writes); }},
    OfStore{"store_sync_seconds_total", counter, "Time that writing and syncing them took",
            [](const broker::StoreLoad& s) { return Seconds{s.write_time}.count(); }},
    OfStore{"store_batches_total", counter, "Batches in them; divided by the groups, what one sync is shared by",
            [](const broker::StoreLoad& s) { return number(s.batches); }},
    OfStore{"store_synced_messages_total", counter, "Messages that were appended in them",
            [](const broker::StoreLoad& s) { return number(s.appends); }},
};

}  // namespace

std::span<const Family<QueueReport>> queue_families() {
  return queue_table;
}

std::span<const Family<ConnectionReport>> connection_families() {
  return connection_table;
}

std::span<const Family<ChannelOfConnection>> channel_families() {
  return channel_table;
}

std::span<const Family<PublishesOfChannel>> publish_families() {
  return publish_table;
}

std::span<const Family<DeliveriesOfChannel>> delivery_families() {
  return delivery_table;
}

std::span<const Family<QueueOfExchange>> origin_families() {
  return origin_table;
}

std::span<const Family<QueueOfExchange>> queue_origin_families() {
  return queue_origin_table;
}

std::span<const Family<ExchangeReport>> exchange_families() {
  return exchange_table;
}

std::span<const Family<LoginReport>> login_families() {
  return login_table;
}

std::span<const Family<NodeFacts>> node_families() {
  return node_table;
}

std::span<const Metric<NodeFacts>> global_metrics() {
  return global_table;
}

std::span<const Metric<broker::DeliveryCounters>> global_metrics_by_queue_type() {
  return global_table_by_queue_type;
}

std::span<const Metric<broker::ShardLoad>> shard_metrics() {
  return shard_table;
}

std::span<const Metric<broker::StoreLoad>> store_metrics() {
  return store_table;
}

}  // namespace leveret::management::prometheus
