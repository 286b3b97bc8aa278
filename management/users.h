#pragma once
#include <string>

#include "management/json_body.h"
#include "management/request.h"

namespace leveret::management {

/// With the limits that hold for the user.
json::object to_json(const broker::BrokerQuery& broker, const broker::UserReport& user);

/// What a body says of a user, as PUT /api/users and definitions have it.  Throws: Refusal.
broker::UserReport user_from(const broker::BrokerQuery& broker, std::string name, const JsonBody& body);

}  // namespace leveret::management
