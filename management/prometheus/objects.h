#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/broker_query.h"

/// What metrics are told of one by one.  All refer to the reports that they were made of.
namespace leveret::management::prometheus {

struct ChannelOfConnection {
  const broker::ConnectionReport& connection;
  const broker::ChannelReport& channel;
};

/// What a channel has published to an exchange; without one, to those that are gone or that it does not tell apart.
struct PublishesOfChannel {
  ChannelOfConnection of;
  std::optional<std::string_view> exchange{};
  broker::PublishCounters counters{};
};

/// What a channel was given of a queue; without one, of those that are gone or that it does not tell apart.
struct DeliveriesOfChannel {
  ChannelOfConnection of;
  const broker::QueueReport* queue = nullptr;
  broker::DeliveryCounters counters{};
};

/// What came into a queue by an exchange.
struct QueueOfExchange {
  const broker::QueueReport& queue;
  std::string_view exchange{};
  std::uint64_t messages = 0;
};

using Connections = std::span<const broker::ConnectionReport>;
using Queues = std::span<const broker::QueueReport>;
using Exchanges = std::span<const broker::ExchangeReport>;

std::vector<ChannelOfConnection> channels_of(Connections connections);
std::vector<PublishesOfChannel> publishes_of(std::span<const ChannelOfConnection> channels, Exchanges exchanges);
std::vector<DeliveriesOfChannel> deliveries_of(std::span<const ChannelOfConnection> channels, Queues queues);
std::vector<QueueOfExchange> origins_of(Queues queues);

}  // namespace leveret::management::prometheus
