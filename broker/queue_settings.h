#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "protocol/field_table.h"

namespace leveret::broker {

struct Policy;

/// How long a quorum queue keeps what has come back to it from being delivered again (RabbitMQ 4.3): the n-th time
/// `min` times n, and at most `max`.
struct DelayedRetry {
  enum Of { all, failed, returned };  // after which returns: all, those of failed attempts, the others

  Of of = all;
  std::chrono::milliseconds min{};
  std::optional<std::chrono::milliseconds> max{};

  friend bool operator==(const DelayedRetry&, const DelayedRetry&) = default;
};

/// What applies to a queue now: its arguments, its policy and its operator policy merged, as its type of queue merges
/// them.  Nothing stands for "not limited", "not set".
struct QueueSettings {
  enum Overflow { drop_head, reject_publish, reject_publish_dlx };

  std::optional<std::chrono::milliseconds> message_ttl{};
  std::optional<std::chrono::milliseconds> expires{};
  std::optional<std::chrono::milliseconds> consumer_timeout{};
  std::optional<std::uint64_t> max_length{};
  std::optional<std::uint64_t> max_length_bytes{};
  Overflow overflow = drop_head;
  std::optional<std::string> dead_letter_exchange{};
  std::optional<std::string> dead_letter_routing_key{};
  /// dead-letter-strategy, where RabbitMQ heeds it: in a quorum queue with a dead letter exchange that rejects
  /// publishes.
  bool is_at_least_once = false;
  std::uint8_t max_priority = 0;            // 0: none; an argument only
  bool has_single_active_consumer = false;  // an argument only
  /// Of quorum queues, which always have one; a negative one is no limit.
  std::optional<std::int64_t> delivery_limit{};
  std::optional<DelayedRetry> delayed_retry{};  // of quorum queues
  std::optional<std::chrono::seconds> max_age{};
  std::optional<std::uint64_t> segment_bytes_max{};

  friend bool operator==(const QueueSettings&, const QueueSettings&) = default;
};

/// `arguments` are those of the declaration; their x-queue-type says whose rules hold.  Either policy may be absent.
///
/// Of a limit in arguments and policies the smallest holds.  Of anything else the argument does, but for the overflow
/// of a quorum queue, where it is the policy.
QueueSettings make_queue_settings(protocol::FieldTable arguments, const Policy* policy, const Policy* operator_policy);
/// The same with what the policies say together: see `merged_definition`.
QueueSettings make_queue_settings(protocol::FieldTable arguments, const boost::json::object& definition);

/// The span of time in "7D", "12h", "30s" (years Y, months M, days D, hours h, minutes m, seconds s; of 365 and 30
/// days); nothing for any other text.
std::optional<std::chrono::seconds> parse_max_age(std::string_view text);

}  // namespace leveret::broker
