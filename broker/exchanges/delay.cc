#include "broker/exchanges/delay.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "broker/carbon_copies.h"

namespace leveret::broker {
namespace {

using protocol::FieldTable;
using std::chrono::milliseconds;

constexpr std::string_view delay_header = "x-delay";

/// A hundred years: later than anybody waits for, and early enough to be counted in any clock's ticks.
constexpr milliseconds delay_max = std::chrono::hours{24} * 36'525;

std::optional<std::int64_t> decimal(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

std::optional<std::int64_t> milliseconds_in(const protocol::FieldValue& value) {
  if (const auto text = value.as_text()) return decimal(*text);
  return value.as_integer();
}

void put_negated(protocol::FieldTableBuilder& headers, const protocol::FieldValue& delay) {
  const std::int64_t negated = -milliseconds_in(delay).value_or(0);
  if (delay.type() == 'I')
    headers.put(delay_header, static_cast<std::int32_t>(negated));
  else
    headers.put(delay_header, negated);
}

}  // namespace

std::optional<milliseconds> delay_of(FieldTable headers) {
  const auto delay = headers.find(delay_header);
  const auto count = delay ? milliseconds_in(*delay) : std::nullopt;
  if (!count || *count <= 0) return {};
  return std::min(milliseconds{*count}, delay_max);
}

MessageRef after_delay(const Message& message, const protocol::BasicProperties& properties, WallTime now) {
  protocol::FieldTableBuilder headers;
  bool is_first = true;
  for (const auto& [name, value] : properties.headers.value_or(FieldTable{})) {
    if (name == delay_header && std::exchange(is_first, false))
      put_negated(headers, value);
    else if (name != hidden_copies_header)
      headers.put_value(name, value);
  }
  protocol::BasicProperties changed = properties;
  changed.headers = headers.view();
  return with_properties(message, changed,
                         {.exchange = message.exchange(), .routing_key = message.routing_key(), .arrival = now});
}

}  // namespace leveret::broker
