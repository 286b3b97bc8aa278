#pragma once
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "management/request.h"

namespace leveret::management {

json::object to_json(const broker::Parameter& parameter);
json::object to_json(const broker::GlobalParameter& parameter);

/// All of them.  RabbitMQ keeps the limits of virtual hosts and operator policies as parameters, and shows them as
/// such.
std::vector<broker::Parameter> all_parameters(const broker::BrokerQuery& broker);

/// Puts a parameter where it belongs: among parameters, limits or operator policies.
boost::asio::awaitable<protocol::Result<void>> put_any_parameter(broker::BrokerQuery& broker,
                                                                 broker::Parameter parameter);

}  // namespace leveret::management
