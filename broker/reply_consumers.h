#pragma once
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "broker/reply_address.h"

namespace leveret::broker {

/// Who waits for answers to direct reply-to requests.  Takes calls from any thread; asked only about
/// routing keys that are such a name.
class ReplyConsumers {
 public:
  void add(ConsumerId consumer) {
    const std::lock_guard lock{mutex_};
    consumers_.insert(consumer);
  }
  void remove(ConsumerId consumer) {
    const std::lock_guard lock{mutex_};
    consumers_.erase(consumer);
  }
  /// Where the answer with this routing key goes; nothing when nobody waits for it.
  std::optional<ReplyAddress> find(std::string_view routing_key) const {
    const auto address = parse_reply_address(routing_key);
    if (!address) return {};
    const std::lock_guard lock{mutex_};
    return consumers_.contains(address->consumer) ? address : std::nullopt;
  }

 private:
  mutable std::mutex mutex_{};
  std::unordered_set<ConsumerId> consumers_{};
};

}  // namespace leveret::broker
