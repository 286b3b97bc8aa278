#pragma once
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "broker/ids.h"
#include "broker/queue_type.h"

namespace leveret::broker {

struct AppliedPolicies;
struct Binding;

/// What the topology knows of a queue; its messages and consumers are in the Queue on its shard.
/// Guarded by its virtual host's lock; all but `bindings` and `policies` never changes and may be read without.
struct QueueRecord {
  QueueAddress address{};
  std::string name{};
  QueueType type = QueueType::classic;
  bool is_declared_durable = false;
  bool is_auto_delete = false;
  std::optional<ConnectionId> exclusive_owner{};
  std::string arguments{};  // an encoded field table

  std::unordered_set<const Binding*> bindings{};
  std::shared_ptr<const AppliedPolicies> policies{};

  bool is_exclusive() const { return exclusive_owner.has_value(); }
  /// Kept over a restart.  An exclusive queue ends with its connection, so it never is.
  bool is_durable() const { return is_declared_durable && !is_exclusive(); }
};

}  // namespace leveret::broker
