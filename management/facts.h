#pragma once
#include <string_view>

#include "management/request.h"

namespace leveret::management {

/// What several answers tell alike.

json::array exchange_types();
/// "amqp" and "http", as the overview and the node list them.
json::array listeners(const broker::BrokerQuery& broker);
json::array contexts(const broker::BrokerQuery& broker);

/// A figure that is not measured yet: RabbitMQ's shape, so that who adds rates up finds numbers.
json::object no_rate();

}  // namespace leveret::management
