#pragma once
#include <boost/asio/awaitable.hpp>

#include "management/router.h"

namespace leveret::management::prometheus {

/// Answers Prometheus, which needs no password:
///
///     /metrics               one sample of each metric, summed over queues, connections and channels
///     /metrics/per-object    one for each queue, connection and channel
///     /metrics/detailed      the same for the families (?family=..., may come again) and virtual hosts (?vhost=...)
///                            that are asked for, with the prefix rabbitmq_detailed_
boost::asio::awaitable<Response> scrape(broker::BrokerQuery& broker, RawRequest request);

}  // namespace leveret::management::prometheus
