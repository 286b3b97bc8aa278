#pragma once
#include <string>

#include "management/json_body.h"
#include "management/request.h"

namespace leveret::management {

json::object to_json(const broker::PermissionReport& permission);
json::object to_json(const broker::TopicPermissionReport& permission);

/// What a body says of a permission, as PUT and definitions have it.  Throws: Refusal, also when there is no such user
/// or virtual host.
broker::PermissionReport permission_from(const broker::BrokerQuery& broker, std::string user, std::string virtual_host,
                                         const JsonBody& body);
broker::TopicPermissionReport topic_permission_from(const broker::BrokerQuery& broker, std::string user,
                                                    std::string virtual_host, const JsonBody& body);

}  // namespace leveret::management
