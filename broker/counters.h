#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/death_reason.h"
#include "broker/ids.h"
#include "broker/queue_type.h"

namespace leveret::broker {

/// How often something has happened, since its channel, queue, connection or exchange exists.  Plain numbers: each is
/// counted on one shard and nowhere else, and who wants to read it asks that shard (`BrokerQuery::traffic`).
///
/// Every kind lists its numbers under RabbitMQ's names: adding up, the HTTP API and metrics walk that list.
template <class Counters>
struct CounterField {
  std::string_view name{};
  std::uint64_t Counters::*member = nullptr;
};

template <class Counters>
Counters& add(Counters& sum, const Counters& more) {
  for (const auto& field : Counters::fields) sum.*field.member += more.*field.member;
  return sum;
}

/// What publishers of a channel have seen.
struct PublishCounters {
  std::uint64_t published = 0;
  std::uint64_t confirmed = 0;
  std::uint64_t returned = 0;  // had no queue, and were mandatory
  std::uint64_t dropped = 0;   // had no queue

  static constexpr std::array<CounterField<PublishCounters>, 4> fields{
      {{"publish", &PublishCounters::published},
       {"confirm", &PublishCounters::confirmed},
       {"return_unroutable", &PublishCounters::returned},
       {"drop_unroutable", &PublishCounters::dropped}}};
};

/// What consumers of a channel, or of a queue, have been given and have acknowledged.
struct DeliveryCounters {
  std::uint64_t delivered = 0;
  std::uint64_t delivered_no_ack = 0;
  std::uint64_t gotten = 0;
  std::uint64_t gotten_no_ack = 0;
  std::uint64_t gotten_nothing = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t redelivered = 0;  // of those delivered or gotten

  std::uint64_t all() const { return delivered + delivered_no_ack + gotten + gotten_no_ack; }

  static constexpr std::array<CounterField<DeliveryCounters>, 7> fields{
      {{"deliver", &DeliveryCounters::delivered},
       {"deliver_no_ack", &DeliveryCounters::delivered_no_ack},
       {"get", &DeliveryCounters::gotten},
       {"get_no_ack", &DeliveryCounters::gotten_no_ack},
       {"get_empty", &DeliveryCounters::gotten_nothing},
       {"ack", &DeliveryCounters::acknowledged},
       {"redeliver", &DeliveryCounters::redelivered}}};
};

struct ChannelCounters {
  PublishCounters publishes{};
  DeliveryCounters deliveries{};
  std::uint64_t received = 0;  // with those of transactions that are open or were rolled back
  std::uint64_t received_to_be_confirmed = 0;
  std::uint64_t routed = 0;  // once for each queue that a message went to

  ChannelCounters& operator+=(const ChannelCounters& more) {
    add(publishes, more.publishes);
    add(deliveries, more.deliveries);
    received += more.received;
    received_to_be_confirmed += more.received_to_be_confirmed;
    routed += more.routed;
    return *this;
  }
};

/// Messages that have died in queues of a shard, by the type of queue, by what it does with them, and by reason.
struct DeathCounters {
  enum Strategy : std::uint8_t { disabled, at_most_once, at_least_once };  // disabled: they go nowhere

  std::uint64_t& of(bool is_quorum, Strategy strategy, DeathReason reason) {
    return died[is_quorum][strategy][static_cast<std::size_t>(reason)];
  }
  std::uint64_t of(bool is_quorum, Strategy strategy, DeathReason reason) const {
    return died[is_quorum][strategy][static_cast<std::size_t>(reason)];
  }

  DeathCounters& operator+=(const DeathCounters& more) {
    for (std::size_t type = 0; type < died.size(); ++type)
      for (std::size_t strategy = 0; strategy < died[type].size(); ++strategy)
        for (std::size_t reason = 0; reason < died[type][strategy].size(); ++reason)
          died[type][strategy][reason] += more.died[type][strategy][reason];
    confirmed += more.confirmed;
    return *this;
  }

  std::array<std::array<std::array<std::uint64_t, 4>, 3>, 2> died{};
  std::uint64_t confirmed = 0;  // at least once, and every queue they went to has them
};

/// Messages of a queue that its shard has handed to the store, and those that have come back from there.
struct DiskCounters {
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;

  static constexpr std::array<CounterField<DiskCounters>, 2> fields{
      {{"disk_reads", &DiskCounters::reads}, {"disk_writes", &DiskCounters::writes}}};
};

struct QueueCounters {
  std::uint64_t published = 0;  // messages that came in, dead letters and delayed ones among them
  DeliveryCounters deliveries{};
  DiskCounters disk{};
};

/// Of many queues together.
struct QueueTraffic {
  static constexpr std::size_t types = 3;

  const DeliveryCounters& deliveries_of(QueueType type) const { return deliveries[static_cast<std::size_t>(type)]; }
  void count(QueueType type, const QueueCounters& queue) {
    add(deliveries[static_cast<std::size_t>(type)], queue.deliveries);
    add(disk, queue.disk);
  }
  QueueTraffic& operator+=(const QueueTraffic& more) {
    for (std::size_t type = 0; type < types; ++type) add(deliveries[type], more.deliveries[type]);
    add(disk, more.disk);
    return *this;
  }

  std::array<DeliveryCounters, types> deliveries{};  // by `QueueType`
  DiskCounters disk{};
};

/// What has passed through an exchange that messages were published to.
struct ExchangeCounters {
  std::uint64_t in = 0;
  std::uint64_t out = 0;  // once for each queue that a message went to
  std::uint64_t confirmed = 0;
  std::uint64_t returned = 0;
  std::uint64_t dropped = 0;

  static constexpr std::array<CounterField<ExchangeCounters>, 2> fields{
      {{"publish_in", &ExchangeCounters::in}, {"publish_out", &ExchangeCounters::out}}};
};

/// Who has shown a password.
struct LoginCounters {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;

  std::uint64_t all() const { return accepted + refused; }
  void count(bool is_accepted) { ++(is_accepted ? accepted : refused); }
  void operator+=(const LoginCounters& more) {
    accepted += more.accepted;
    refused += more.refused;
  }
};

/// The same, counted by several threads.
class SharedLoginCounters {
 public:
  void count(bool is_accepted) { ++(is_accepted ? accepted_ : refused_); }
  LoginCounters now() const { return {.accepted = accepted_, .refused = refused_}; }
  void forget() {
    accepted_ = 0;
    refused_ = 0;
  }

 private:
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
};

/// What a connection's socket has carried.
struct TransferCounters {
  std::uint64_t octets_received = 0;
  std::uint64_t reads = 0;
  std::uint64_t octets_sent = 0;
  std::uint64_t writes = 0;

  static constexpr std::array<CounterField<TransferCounters>, 4> fields{
      {{"recv_oct", &TransferCounters::octets_received},
       {"recv_cnt", &TransferCounters::reads},
       {"send_oct", &TransferCounters::octets_sent},
       {"send_cnt", &TransferCounters::writes}}};
};

/// How much comes and goes.
struct ChurnCounters {
  std::uint64_t connections_created = 0;
  std::uint64_t connections_closed = 0;
  std::uint64_t channels_created = 0;
  std::uint64_t channels_closed = 0;
  std::uint64_t queues_declared = 0;  // those that were there already as well
  std::uint64_t queues_created = 0;
  std::uint64_t queues_deleted = 0;

  static constexpr std::array<CounterField<ChurnCounters>, 7> fields{
      {{"connection_created", &ChurnCounters::connections_created},
       {"connection_closed", &ChurnCounters::connections_closed},
       {"channel_created", &ChurnCounters::channels_created},
       {"channel_closed", &ChurnCounters::channels_closed},
       {"queue_declared", &ChurnCounters::queues_declared},
       {"queue_created", &ChurnCounters::queues_created},
       {"queue_deleted", &ChurnCounters::queues_deleted}}};
};

/// The counters of an exchange.  It belongs to no shard, so each shard has a place of its own to count in; any thread
/// may add them up.
class ExchangeTraffic {
 public:
  explicit ExchangeTraffic(std::size_t shards) : places_(shards) {}

  /// On that shard: a message has come, and went to so many queues.
  void count(ShardIndex shard, std::size_t queues) {
    Place& place = places_[static_cast<std::size_t>(shard)];
    grow(place.in, 1);
    grow(place.out, queues);
  }
  /// Its publisher has been told that so many are safe.
  void count_confirmed(ShardIndex shard, std::uint64_t messages) {
    grow(places_[static_cast<std::size_t>(shard)].confirmed, messages);
  }
  /// One had no queue.
  void count_lost(ShardIndex shard, bool is_returned) {
    Place& place = places_[static_cast<std::size_t>(shard)];
    grow(is_returned ? place.returned : place.dropped, 1);
  }

  ExchangeCounters counters() const {
    ExchangeCounters sum;
    for (const Place& place : places_) {
      sum.in += place.in.load(std::memory_order_relaxed);
      sum.out += place.out.load(std::memory_order_relaxed);
      sum.confirmed += place.confirmed.load(std::memory_order_relaxed);
      sum.returned += place.returned.load(std::memory_order_relaxed);
      sum.dropped += place.dropped.load(std::memory_order_relaxed);
    }
    return sum;
  }

 private:
  static constexpr std::size_t cache_line = 64;
  struct alignas(cache_line) Place {
    std::atomic<std::uint64_t> in = 0;
    std::atomic<std::uint64_t> out = 0;
    std::atomic<std::uint64_t> confirmed = 0;
    std::atomic<std::uint64_t> returned = 0;
    std::atomic<std::uint64_t> dropped = 0;
  };

  /// Nobody else writes there, so this needs no locked instruction.
  static void grow(std::atomic<std::uint64_t>& number, std::uint64_t by) {
    number.store(number.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::vector<Place> places_;
};

/// How much an exchange delays.  Its delay store sets them; any thread may read them.
class DelayedNumbers {
 public:
  void set(std::uint64_t messages, std::uint64_t octets) {
    messages_.store(messages, std::memory_order_relaxed);
    octets_.store(octets, std::memory_order_relaxed);
  }
  std::uint64_t messages() const { return messages_.load(std::memory_order_relaxed); }
  /// Of bodies.
  std::uint64_t octets() const { return octets_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> messages_ = 0;
  std::atomic<std::uint64_t> octets_ = 0;
};

}  // namespace leveret::broker
