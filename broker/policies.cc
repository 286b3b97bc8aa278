#include "broker/policies.h"

#include <algorithm>
#include <span>
#include <tuple>

namespace leveret::broker {
namespace {

/// Keys that a type of queue knows nothing of, as in RabbitMQ 4; those of mirrors, which it has no more, as in 3.
constexpr std::array<std::string_view, 6> unknown_to_classic{
    "max-age",        "stream-max-segment-size-bytes", "initial-cluster-size",
    "delivery-limit", "dead-letter-strategy",          "target-group-size"};

constexpr std::array<std::string_view, 10> unknown_to_quorum{"queue-mode",
                                                             "queue-master-locator",
                                                             "max-age",
                                                             "stream-max-segment-size-bytes",
                                                             "ha-mode",
                                                             "ha-params",
                                                             "ha-sync-mode",
                                                             "initial-cluster-size",
                                                             "ha-promote-on-shutdown",
                                                             "ha-promote-on-failure"};

constexpr std::array<std::string_view, 18> unknown_to_streams{"expires",
                                                              "message-ttl",
                                                              "dead-letter-exchange",
                                                              "dead-letter-routing-key",
                                                              "dead-letter-strategy",
                                                              "max-length",
                                                              "max-in-memory-length",
                                                              "max-in-memory-bytes",
                                                              "overflow",
                                                              "queue-mode",
                                                              "ha-mode",
                                                              "ha-params",
                                                              "ha-sync-mode",
                                                              "ha-promote-on-shutdown",
                                                              "ha-promote-on-failure",
                                                              "queue-master-locator",
                                                              "delivery-limit",
                                                              "target-group-size"};

std::span<const std::string_view> unknown_to(QueueType type) {
  switch (type) {
    case QueueType::quorum:
      return unknown_to_quorum;
    case QueueType::stream:
      return unknown_to_streams;
    default:
      return unknown_to_classic;
  }
}

bool is_for(PolicyTarget target, QueueType type) {
  switch (target) {
    case PolicyTarget::all:
    case PolicyTarget::queues:
      return true;
    case PolicyTarget::classic_queues:
      return type == QueueType::classic;
    case PolicyTarget::quorum_queues:
      return type == QueueType::quorum;
    case PolicyTarget::streams:
      return type == QueueType::stream;
    case PolicyTarget::exchanges:
      return false;
  }
  return false;
}

bool is_known_to(QueueType type, const boost::json::object& definition) {
  const auto unknown = unknown_to(type);
  return std::none_of(unknown.begin(), unknown.end(), [&](auto key) { return definition.contains(key); });
}

}  // namespace

void Policies::put(PolicyKind kind, Policy policy) {
  erase(kind, policy.name);
  const auto is_before = [](const Entry& left, const Policy& right) {
    return std::tuple{-left.policy.priority, std::string_view{left.policy.name}} <
           std::tuple{-right.priority, std::string_view{right.name}};
  };
  auto& all = entries(kind);
  const auto place = std::lower_bound(all.begin(), all.end(), policy, is_before);
  NamePattern pattern{policy.pattern};
  all.insert(place, Entry{std::move(policy), std::move(pattern)});
}

bool Policies::erase(PolicyKind kind, std::string_view name) {
  return std::erase_if(entries(kind), [&](const Entry& entry) { return entry.policy.name == name; }) > 0;
}

std::vector<Policy> Policies::all(PolicyKind kind) const {
  std::vector<Policy> all;
  for (const Entry& entry : entries(kind)) all.push_back(entry.policy);
  return all;
}

template <class Fits>
AppliedPolicies Policies::applied(std::string_view name, Fits fits) const {
  const auto match = [&](PolicyKind kind) -> const Policy* {
    for (const Entry& entry : entries(kind))
      if (fits(entry.policy) && entry.pattern.matches(name)) return &entry.policy;
    return nullptr;
  };
  const Policy* user = match(PolicyKind::user);
  const Policy* limit = match(PolicyKind::operator_policy);
  return {.policy = user ? user->name : "",
          .operator_policy = limit ? limit->name : "",
          .definition = merged_definition(user, limit)};
}

AppliedPolicies Policies::of_queue(std::string_view name, QueueType type) const {
  return applied(name, [type](const Policy& policy) {
    return is_for(policy.apply_to, type) && is_known_to(type, policy.definition);
  });
}

AppliedPolicies Policies::of_exchange(std::string_view name) const {
  return applied(name, [](const Policy& policy) {
    return policy.apply_to == PolicyTarget::all || policy.apply_to == PolicyTarget::exchanges;
  });
}

}  // namespace leveret::broker
