#pragma once
#include <string>

#include "management/request.h"

namespace leveret::management {

/// A policy as it is shown, exported and imported.
json::object to_json(const std::string& virtual_host, const broker::Policy& policy);

/// An operator policy as the parameter that RabbitMQ keeps it in: definitions are exported with it.
inline constexpr std::string_view operator_policy_component = "operator_policy";
json::object definition_of(const broker::Policy& policy);

/// Of a queue: `policy`, `operator_policy` and `effective_policy_definition`.
void add_policies(json::object& object, const std::optional<broker::AppliedPolicies>& applied);

}  // namespace leveret::management
