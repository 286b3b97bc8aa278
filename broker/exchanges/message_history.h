#pragma once
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "broker/message.h"
#include "protocol/field_table.h"

namespace leveret::broker {

/// The last messages that went through an exchange of type `x-recent-history`, for whoever is bound to it later.  Takes
/// calls from any thread.
///
/// They are in memory only, as RabbitMQ's are: a restart forgets them.
class MessageHistory {
 public:
  /// As many messages as `x-recent-history-length` says, or 20.
  explicit MessageHistory(protocol::FieldTable arguments);

  /// Whether a message's headers ask not to be kept: `x-recent-history-no-store`.
  static bool is_refused(protocol::FieldTable headers);

  void keep(const Message& message);
  /// Copies of all that are kept, oldest first.
  std::vector<MessageRef> messages() const;

 private:
  const std::size_t length_;
  mutable std::mutex mutex_{};
  std::deque<std::string> stored_{};  // a Message belongs to a shard: its octets do not
};

}  // namespace leveret::broker
