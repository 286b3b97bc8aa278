#pragma once
#include <optional>
#include <string>
#include <vector>

#include "broker/clock.h"
#include "broker/ids.h"
#include "broker/message.h"
#include "protocol/field_table.h"

namespace leveret::broker {

/// Where in a stream a consumer begins.
struct StreamOffset {
  enum class From {
    first,     // the oldest message there is
    last,      // the newest one
    next,      // the first to come
    position,  // `position`, or the first message behind it
    time       // the first message that came at `time` or later
  };
  From from = From::next;
  Position position = 0;
  WallTime time{};

  friend bool operator==(const StreamOffset&, const StreamOffset&) = default;
};

/// Nothing when RabbitMQ does not take the value, or answers it with a crash.  A span of time ("7D") counts from `now`.
std::optional<StreamOffset> parse_stream_offset(const protocol::FieldValue& value, WallTime now);

/// Which of a stream's messages a consumer wants: those whose header `x-stream-filter-value` it names.
struct StreamFilter {
  std::vector<std::string> values{};
  bool matches_unfiltered = false;  // those without the header as well

  bool matches(const Message& message) const;
  friend bool operator==(const StreamFilter&, const StreamFilter&) = default;
};

/// What basic.consume of a stream says in its arguments.
struct StreamSubscription {
  StreamOffset start{};
  std::optional<StreamFilter> filter{};
};

/// The arguments have been checked (`check_consumer_arguments`).
StreamSubscription parse_subscription(protocol::FieldTable arguments, WallTime now);

}  // namespace leveret::broker
