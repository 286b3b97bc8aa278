#pragma once
#include <string_view>

#include "management/request.h"

namespace leveret::management {

/// What several answers tell alike.

json::array exchange_types();
/// "amqp" and "http", as the overview and the node list them.
json::array listeners(const broker::BrokerQuery& broker);
json::array contexts(const broker::BrokerQuery& broker);

}  // namespace leveret::management
