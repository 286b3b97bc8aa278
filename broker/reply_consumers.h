#pragma once
#include <mutex>
#include <unordered_set>

#include "broker/ids.h"

namespace leveret::broker {

/// Who waits for answers to direct reply-to requests.  Takes calls from any thread; asked only where an answer's sender
/// wants to know whether anybody is still there.
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
  bool contains(ConsumerId consumer) const {
    const std::lock_guard lock{mutex_};
    return consumers_.contains(consumer);
  }

 private:
  mutable std::mutex mutex_{};
  std::unordered_set<ConsumerId> consumers_{};
};

}  // namespace leveret::broker
