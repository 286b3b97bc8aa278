#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace leveret::broker {

/// Which kinds of things a policy is for; a queue type's own, all queues, exchanges, or both.
enum class PolicyTarget { all, queues, classic_queues, quorum_queues, streams, exchanges };

/// "all", "classic_queues" ...: RabbitMQ's values of `apply-to`.
std::string_view name_of(PolicyTarget target);
std::optional<PolicyTarget> policy_target(std::string_view name);

/// A user's policy, or an operator's.
enum class PolicyKind { user, operator_policy };

/// Optional arguments for all queues and exchanges of a virtual host whose names fit a pattern.
///
/// Keys of the definition are those of the arguments without their "x-".  An operator policy is one as well: it limits
/// what the policies of users say.
struct Policy {
  std::string name{};
  std::string pattern{};  // Perl's regular expressions, found anywhere in the name
  PolicyTarget apply_to = PolicyTarget::all;
  std::int64_t priority = 0;
  boost::json::object definition{};
};

/// What a policy and an operator policy say together: for a limit that both name, the smaller one holds.  Either may be
/// absent.
boost::json::object merged_definition(const Policy* policy, const Policy* operator_policy);

}  // namespace leveret::broker
