#include "broker/policy.h"

#include <algorithm>
#include <array>
#include <utility>

namespace leveret::broker {
namespace {

using boost::json::value;

constexpr std::array<std::pair<PolicyTarget, std::string_view>, 6> target_names{
    {{PolicyTarget::all, "all"},
     {PolicyTarget::queues, "queues"},
     {PolicyTarget::classic_queues, "classic_queues"},
     {PolicyTarget::quorum_queues, "quorum_queues"},
     {PolicyTarget::streams, "streams"},
     {PolicyTarget::exchanges, "exchanges"}}};

/// A delivery limit below zero is none, and the larger for that.
value smaller_limit(std::string_view key, const value& left, const value& right) {
  if (!left.is_number() || !right.is_number()) return right;
  const auto number = [](const value& of) { return of.to_number<double>(); };
  const bool is_unlimited = key == "delivery-limit" && (number(left) < 0 || number(right) < 0);
  return is_unlimited == (number(left) < number(right)) ? right : left;
}

value merged(std::string_view key, const value& user, const value& limit) {
  // A group as large as anybody asks for.
  if (key == "target-group-size") return user.to_number<double>() > limit.to_number<double>() ? user : limit;
  return smaller_limit(key, user, limit);
}

}  // namespace

std::string_view name_of(PolicyTarget target) {
  return std::find_if(target_names.begin(), target_names.end(), [&](auto& row) { return row.first == target; })->second;
}

std::optional<PolicyTarget> policy_target(std::string_view name) {
  for (const auto& [target, target_name] : target_names)
    if (target_name == name) return target;
  return {};
}

boost::json::object merged_definition(const Policy* policy, const Policy* operator_policy) {
  boost::json::object definition = policy ? policy->definition : boost::json::object{};
  if (!operator_policy) return definition;
  for (const auto& [key, limit] : operator_policy->definition) {
    const auto [place, is_new] = definition.emplace(key, limit);
    if (!is_new) place->value() = merged(key, place->value(), limit);
  }
  return definition;
}

}  // namespace leveret::broker
