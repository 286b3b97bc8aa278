#include "broker/exchanges/exchange_rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "broker/argument_rules.h"

namespace leveret::broker {
namespace {

using protocol::FieldTable;
using protocol::precondition_failed;
using protocol::Result;

constexpr std::array<std::string_view, 3> hash_properties{"message_id", "correlation_id", "timestamp"};

Result<void> check_consistent_hash(FieldTable arguments) {
  const auto header = arguments.find("hash-header");
  const auto property = arguments.find("hash-property");
  for (const auto name : {"hash-header", "hash-property"})
    if (const auto value = arguments.find(name); value && !value->as_text())
      return precondition_failed(fmt::format("Invalid type '{}' for arg '{}'", type_name(*value), name));
  if (header && property) return precondition_failed("hash-header and hash-property are mutually exclusive");
  if (property && std::ranges::find(hash_properties, *property->as_text()) == hash_properties.end())
    return precondition_failed(fmt::format("Unsupported property: {}", *property->as_text()));
  return {};
}

/// As Erlang prints it.
std::string erlang_text(const protocol::FieldValue& value) {
  if (const auto text = value.as_text()) return text->empty() ? "<<>>" : fmt::format("<<\"{}\">>", *text);
  return describe(value);
}

Result<void> check_recent_history(FieldTable arguments) {
  const auto length = arguments.find("x-recent-history-length");
  if (!length || length->as_integer().value_or(0) > 0) return {};
  return precondition_failed(
      fmt::format("Invalid argument {}, 'x-recent-history-length' must be a positive integer", erlang_text(*length)));
}

Result<void> check_delayed(FieldTable arguments) {
  const auto type = delayed_type(arguments);
  if (!type) return precondition_failed("Invalid argument, 'x-delayed-type' must be an existing exchange type");
  return check_exchange_arguments(*type, arguments);
}

Result<void> check_weight(std::string_view key) {
  const auto weight = binding_weight(key);
  if (!weight)
    return precondition_failed(
        fmt::format("The binding key must be an integer: {}", key.empty() ? "<<>>" : fmt::format("<<\"{}\">>", key)));
  if (*weight <= 0) return precondition_failed("The binding key must be greater than 0");
  return {};
}

}  // namespace

Result<void> check_exchange_arguments(ExchangeType type, FieldTable arguments) {
  switch (type) {
    case ExchangeType::consistent_hash:
      return check_consistent_hash(arguments);
    case ExchangeType::recent_history:
      return check_recent_history(arguments);
    case ExchangeType::delayed:
      return check_delayed(arguments);
    default:
      return {};
  }
}

Result<void> check_binding(ExchangeType routing_type, std::string_view key, FieldTable arguments) {
  if (routing_type == ExchangeType::headers) return check_headers_binding(arguments);
  if (routing_type == ExchangeType::consistent_hash) return check_weight(key);
  return {};
}

std::optional<ExchangeType> delayed_type(FieldTable arguments) {
  const auto name = arguments.find("x-delayed-type");
  const auto type = name && name->as_text() ? exchange_type(*name->as_text()) : std::nullopt;
  return type == ExchangeType::delayed ? std::nullopt : type;
}

std::optional<double> binding_weight(std::string_view key) {
  const bool is_negative = key.starts_with('-');
  if (is_negative || key.starts_with('+')) key.remove_prefix(1);
  if (key.empty()) return {};
  double weight = 0;  // of any number of digits, as a key has at most 255
  for (const char digit : key) {
    if (digit < '0' || digit > '9') return {};
    weight = weight * 10 + (digit - '0');
  }
  return is_negative ? -weight : weight;
}

}  // namespace leveret::broker
