#pragma once
#include <string_view>

#include <boost/json/object.hpp>

#include "broker/policy.h"
#include "protocol/reply_code.h"

namespace leveret::broker {

/// The policy in a JSON object of `pattern`, `definition` and, optional, `priority` and `apply-to`.
///
/// Errors: precondition_failed with RabbitMQ's whole reason ("Validation failed\n\n..."): a member of the wrong kind, a
/// pattern that is no regular expression, a key that no policy or no operator policy takes, a value that the key does
/// not take.
protocol::Result<Policy> parse_policy(PolicyKind kind, std::string_view name, const boost::json::object& policy);

/// The same for the definition alone.
protocol::Result<void> check_policy_definition(PolicyKind kind, const boost::json::object& definition);

}  // namespace leveret::broker
