#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "broker/name_pattern.h"
#include "broker/policy.h"
#include "broker/queue_type.h"

namespace leveret::broker {

/// Which policies hold for one queue or exchange, and what they say together.
struct AppliedPolicies {
  std::string policy{};           // a name; empty: none
  std::string operator_policy{};  // a name; empty: none
  boost::json::object definition{};

  bool operator==(const AppliedPolicies&) const = default;
};

/// The policies and operator policies of a virtual host.  Guarded by its lock.
///
/// For each queue and exchange one of either kind holds: of those whose pattern and target fit, the one with the
/// highest priority; of several, the first by name.  A policy that says anything its queue's type knows nothing of does
/// not fit at all.
class Policies {
 public:
  /// In place of one of the same name.
  void put(PolicyKind kind, Policy policy);
  /// False when there was none.
  bool erase(PolicyKind kind, std::string_view name);
  std::vector<Policy> all(PolicyKind kind) const;

  AppliedPolicies of_queue(std::string_view name, QueueType type) const;
  AppliedPolicies of_exchange(std::string_view name) const;

 private:
  struct Entry {
    Policy policy;
    NamePattern pattern;
  };

  std::vector<Entry>& entries(PolicyKind kind) { return entries_[static_cast<std::size_t>(kind)]; }
  const std::vector<Entry>& entries(PolicyKind kind) const { return entries_[static_cast<std::size_t>(kind)]; }
  template <class Fits>
  AppliedPolicies applied(std::string_view name, Fits fits) const;

  std::array<std::vector<Entry>, 2> entries_{};  // each in the order in which they are tried
};

}  // namespace leveret::broker
