#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "management/request.h"

namespace leveret::management {

/// A queue's consumers, as they stand in its details.
boost::asio::awaitable<json::array> consumers_of(const Request& request,
                                                 const std::vector<broker::ConnectionReport>& connections,
                                                 std::string_view virtual_host, std::string_view queue);

/// The connection that an exclusive queue belongs to; empty for any other queue.
json::object owner_of(const std::vector<broker::ConnectionReport>& connections,
                      std::optional<broker::ConnectionId> owner);

}  // namespace leveret::management
