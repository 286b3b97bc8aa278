#include "broker/streams/subscription.h"

#include <algorithm>

#include "broker/queue_settings.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

using protocol::FieldTable;
using protocol::FieldValue;

std::optional<StreamFilter> parse_filter(FieldTable arguments) {
  const auto wanted = arguments.find("x-stream-filter");
  if (!wanted) return {};
  StreamFilter filter;
  if (const auto text = wanted->as_text()) {
    filter.values.emplace_back(*text);
  } else if (const auto array = wanted->as_array()) {
    for (const FieldValue& value : *array)
      if (const auto one = value.as_text()) filter.values.emplace_back(*one);
  } else {
    return {};
  }
  const auto unfiltered = arguments.find("x-stream-match-unfiltered");
  filter.matches_unfiltered = unfiltered && unfiltered->as_bool().value_or(false);
  return filter;
}

}  // namespace

std::optional<StreamOffset> parse_stream_offset(const FieldValue& value, WallTime now) {
  using From = StreamOffset::From;
  if (const auto text = value.as_text()) {
    if (*text == "first") return StreamOffset{.from = From::first};
    if (*text == "last") return StreamOffset{.from = From::last};
    if (*text == "next") return StreamOffset{.from = From::next};
    const auto age = parse_max_age(*text);
    if (!age || *age == std::chrono::seconds{0}) return {};
    return StreamOffset{.from = From::time, .time = now - *age};
  }
  if (const auto seconds = value.as_timestamp()) {
    constexpr std::uint64_t seconds_max = 1ull << 40;  // so that milliseconds do not overflow
    const auto count = std::min(static_cast<std::uint64_t>(*seconds), seconds_max);
    return StreamOffset{.from = From::time, .time = WallTime{std::chrono::seconds{count}}};
  }
  if (const auto number = value.as_integer())
    return StreamOffset{.from = From::position, .position = static_cast<Position>(std::max<std::int64_t>(*number, 0))};
  return {};
}

StreamSubscription parse_subscription(FieldTable arguments, WallTime now) {
  StreamSubscription subscription{.filter = parse_filter(arguments)};
  if (const auto offset = arguments.find("x-stream-offset"))
    subscription.start = parse_stream_offset(*offset, now).value_or(StreamOffset{});
  return subscription;
}

bool StreamFilter::matches(const Message& message) const {
  const auto headers = protocol::headers_of(message.properties());
  const auto value = headers ? headers->find("x-stream-filter-value") : std::nullopt;
  const auto text = value ? value->as_text() : std::nullopt;
  if (!text) return matches_unfiltered;
  return std::ranges::find(values, *text) != values.end();
}

}  // namespace leveret::broker
