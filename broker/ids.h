#pragma once
#include <cstdint>

#include "storage/store.h"

namespace leveret::broker {

/// Which thread something belongs to; counts from 0.
enum class ShardIndex : std::uint16_t {};

/// A client's connection; unique in the life of the process.
enum class ConnectionId : std::uint64_t {};

/// A publisher and consumer of messages as the model sees it (an AMQP channel); unique in the life of the process.
enum class SessionId : std::uint64_t {};

/// A consumer; unique in the life of the process.  `none` stands for basic.get, which has no consumer.
enum class ConsumerId : std::uint64_t { none = 0 };

/// A queue; never used again for another one, not even after a restart.
using storage::QueueId;

/// A message's place in its queue.  Rises by arrival; a requeued message keeps its own.
using storage::Position;

/// Where a delayed message stands among those of its exchange.
using storage::DelayedPlace;
using storage::DueTime;

/// Where a queue lives.
struct QueueAddress {
  QueueId queue{};
  ShardIndex shard{};
  friend bool operator==(const QueueAddress&, const QueueAddress&) = default;
};

}  // namespace leveret::broker
