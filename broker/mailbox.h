#pragma once
#include <mutex>
#include <vector>

#include "broker/mail.h"

namespace leveret::broker {

/// What other shards have sent to one shard.  Takes calls from any thread; locks once per batch.
class Mailbox {
 public:
  /// Adds a batch and leaves `batch` empty, its memory kept.  True when the box was empty: the owner must be woken.
  bool put(std::vector<Mail>& batch);
  bool put(Mail mail);

  /// Moves all there is into `batch`, which must be empty.
  void take(std::vector<Mail>& batch);

 private:
  std::mutex mutex_{};
  std::vector<Mail> mail_{};
};

}  // namespace leveret::broker
