#include "broker/argument_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "broker/queue_settings.h"
#include "broker/streams/subscription.h"
#include "broker/virtual_host.h"

namespace leveret::broker {
namespace {

using protocol::FieldTable;
using protocol::FieldValue;
using protocol::precondition_failed;

/// The largest number of milliseconds that RabbitMQ's timers take: ten years in days of 24 hours, and two to spare.
constexpr std::int64_t milliseconds_max = 315'360'000'000;

std::string value_text(const FieldValue& value) {
  if (const auto text = value.as_text()) return std::string{*text};
  if (const auto number = value.as_integer()) return std::to_string(*number);
  if (const auto flag = value.as_bool()) return *flag ? "true" : "false";
  if (const auto real = value.as_double()) {
    const std::string text = fmt::format("{}", *real);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }
  return std::string{type_name(value)};
}

std::string presence_text(const std::optional<FieldValue>& value) {
  return value ? fmt::format("the value '{}' of type '{}'", value_text(*value), type_name(*value)) : "none";
}

// A rule says what is wrong with a value, in RabbitMQ's words; nothing when it is right.
using Complaint = std::optional<std::string>;

Complaint expect_integer(const FieldValue& value) {
  if (value.is_integer()) return {};
  return fmt::format("\"expected integer, got {}\"", type_name(value));
}

Complaint non_negative(const FieldValue& value) {
  if (auto complaint = expect_integer(value)) return complaint;
  if (*value.as_integer() < 0) return fmt::format("{{value_negative,{}}}", *value.as_integer());
  return {};
}

Complaint milliseconds(const FieldValue& value) {
  if (auto complaint = non_negative(value)) return complaint;
  if (*value.as_integer() > milliseconds_max) return fmt::format("{{value_too_large,{}}}", *value.as_integer());
  return {};
}

Complaint expiry(const FieldValue& value) {
  if (auto complaint = expect_integer(value)) return complaint;
  if (*value.as_integer() == 0) return "{value_zero,0}";
  return milliseconds(value);
}

Complaint priority_count(const FieldValue& value) {
  if (auto complaint = non_negative(value)) return complaint;
  if (*value.as_integer() > 255) return fmt::format("{{max_value_exceeded,{}}}", *value.as_integer());
  return {};
}

Complaint string(const FieldValue& value) {
  if (value.as_text()) return {};
  return fmt::format("{{unacceptable_type,{}}}", type_name(value));
}

Complaint boolean(const FieldValue& value) {
  if (value.as_bool()) return {};
  return fmt::format("{{unacceptable_type,{}}}", type_name(value));
}

Complaint overflow(const FieldValue& value) {
  if (auto complaint = string(value)) return complaint;
  const auto text = *value.as_text();
  if (text == "drop-head" || text == "reject-publish" || text == "reject-publish-dlx") return {};
  return "invalid_overflow";
}

Complaint dead_letter_strategy(const FieldValue& value) {
  if (auto complaint = string(value)) return complaint;
  const auto text = *value.as_text();
  if (text == "at-most-once" || text == "at-least-once") return {};
  return "invalid_dlx_strategy";
}

Complaint delayed_retry_type(const FieldValue& value) {
  if (auto complaint = string(value)) return complaint;
  const auto type = *value.as_text();
  if (type == "disabled" || type == "all" || type == "failed" || type == "returned") return {};
  return fmt::format("\"unsupported delayed retry type '{}'\"", type);
}

Complaint queue_mode(const FieldValue& value) {
  if (auto complaint = string(value)) return complaint;
  if (*value.as_text() == "default" || *value.as_text() == "lazy") return {};
  return fmt::format("\"unsupported queue mode '{}'\"", *value.as_text());
}

Complaint queue_version(const FieldValue& value) {
  if (auto complaint = expect_integer(value)) return complaint;
  const auto version = *value.as_integer();
  if (version == 1 || version == 2) return {};
  return fmt::format("\"unsupported queue version '{}'\"", version);
}

Complaint queue_type(const FieldValue& value) {
  if (auto complaint = string(value)) return complaint;
  const auto type = *value.as_text();
  if (type == "classic" || type == "quorum" || type == "stream") return {};
  return fmt::format("\"unsupported queue type '{}'\"", type);
}

Complaint master_locator(const FieldValue& value) {
  if (auto complaint = string(value)) return complaint;
  const auto locator = *value.as_text();
  if (locator == "client-local" || locator == "min-masters" || locator == "random") return {};
  return fmt::format("\"unsupported queue master locator '{}'\"", locator);
}

Complaint cluster_size(const FieldValue& value) {
  if (auto complaint = non_negative(value)) return complaint;
  if (*value.as_integer() == 0) return "{value_zero,0}";
  return {};
}

Complaint leader_locator(const FieldValue& value) {
  if (auto complaint = string(value)) return complaint;
  const auto locator = *value.as_text();
  if (locator == "client-local" || locator == "balanced" || locator == "least-leaders" || locator == "random")
    return {};
  return "invalid_queue_locator_arg";
}

Complaint max_age(const FieldValue& value) {
  if (auto complaint = string(value)) return complaint;
  const auto age = parse_max_age(*value.as_text());
  if (age && *age > std::chrono::seconds{0}) return {};
  return "invalid_max_age";
}

/// Which queue types take an argument.
enum QueueTypes : unsigned { classic = 1, quorum = 2, stream = 4, any = classic | quorum | stream };

struct ArgumentRule {
  std::string_view name;
  unsigned types;
  Complaint (*complaint)(const FieldValue&);
};

/// In the order in which RabbitMQ looks at them.
constexpr std::array argument_rules{
    ArgumentRule{"x-expires", classic | quorum, expiry},
    ArgumentRule{"x-message-ttl", classic | quorum, milliseconds},
    ArgumentRule{"x-dead-letter-exchange", classic | quorum, string},
    ArgumentRule{"x-dead-letter-routing-key", classic | quorum, string},
    ArgumentRule{"x-dead-letter-strategy", quorum, dead_letter_strategy},
    ArgumentRule{"x-max-length", classic | quorum, non_negative},
    ArgumentRule{"x-max-length-bytes", any, non_negative},
    ArgumentRule{"x-max-in-memory-length", quorum, non_negative},
    ArgumentRule{"x-max-in-memory-bytes", quorum, non_negative},
    ArgumentRule{"x-max-priority", classic, priority_count},
    ArgumentRule{"x-overflow", classic | quorum, overflow},
    ArgumentRule{"x-queue-mode", classic, queue_mode},
    ArgumentRule{"x-queue-version", classic, queue_version},
    ArgumentRule{"x-single-active-consumer", classic | quorum, boolean},
    ArgumentRule{"x-queue-type", any, queue_type},
    ArgumentRule{"x-queue-master-locator", classic, master_locator},
    ArgumentRule{"x-delivery-limit", quorum, expect_integer},
    ArgumentRule{"x-delayed-retry-type", quorum, delayed_retry_type},
    ArgumentRule{"x-delayed-retry-min", quorum, milliseconds},
    ArgumentRule{"x-delayed-retry-max", quorum, milliseconds},
    ArgumentRule{"x-quorum-initial-group-size", quorum, cluster_size},
    ArgumentRule{"x-initial-cluster-size", stream, cluster_size},
    ArgumentRule{"x-queue-leader-locator", quorum | stream, leader_locator},
    ArgumentRule{"x-max-age", stream, max_age},
    ArgumentRule{"x-stream-max-segment-size-bytes", stream, non_negative},
};

/// Of classic queues those up to x-queue-type: what it lets a queue have has been compared by then.
constexpr std::array<std::string_view, 22> queue_arguments{"x-expires",
                                                           "x-message-ttl",
                                                           "x-dead-letter-exchange",
                                                           "x-dead-letter-routing-key",
                                                           "x-max-length",
                                                           "x-max-length-bytes",
                                                           "x-max-priority",
                                                           "x-overflow",
                                                           "x-queue-mode",
                                                           "x-queue-version",
                                                           "x-single-active-consumer",
                                                           "x-queue-master-locator",
                                                           "x-queue-type",
                                                           "x-dead-letter-strategy",
                                                           "x-max-in-memory-length",
                                                           "x-max-in-memory-bytes",
                                                           "x-quorum-initial-group-size",
                                                           "x-delivery-limit",
                                                           "x-delayed-retry-type",
                                                           "x-delayed-retry-min",
                                                           "x-delayed-retry-max",
                                                           "x-queue-leader-locator"};
constexpr std::size_t classic_argument_count = 13;
static_assert(queue_arguments[classic_argument_count - 1] == "x-queue-type");

constexpr std::array<std::string_view, 6> stream_arguments{
    "x-max-length-bytes",     "x-queue-type",          "x-max-age", "x-stream-max-segment-size-bytes",
    "x-initial-cluster-size", "x-queue-leader-locator"};

constexpr std::array<std::string_view, 1> exchange_arguments{"alternate-exchange"};

unsigned flag_of(QueueType type) {
  switch (type) {
    case QueueType::quorum:
      return quorum;
    case QueueType::stream:
      return stream;
    case QueueType::classic:
      break;
  }
  return classic;
}

std::string_view module_of(unsigned type) {
  return type == quorum ? "rabbit_quorum_queue" : type == stream ? "rabbit_stream_queue" : "rabbit_classic_queue";
}

const ArgumentRule* find_rule(std::string_view name) {
  const auto found =
      std::find_if(argument_rules.begin(), argument_rules.end(), [&](auto& rule) { return rule.name == name; });
  return found == argument_rules.end() ? nullptr : &*found;
}

/// Quorum queues and streams are durable and belong to nobody.  Each has its order of looking.
protocol::Result<void> check_replicated_attributes(const QueueDeclaration& declaration, unsigned type,
                                                   std::string_view queue) {
  const auto invalid = [&](std::string_view property) {
    return precondition_failed(fmt::format("invalid property '{}' for queue {}", property, queue));
  };
  if (type == stream && declaration.auto_delete) return invalid("auto-delete");
  if (type == quorum && !declaration.durable) return invalid("non-durable");
  if (declaration.exclusive) return invalid("exclusive-owner");
  if (declaration.auto_delete) return invalid("auto-delete");
  if (!declaration.durable) return invalid("non-durable");
  return {};
}

protocol::Result<void> check_stream_sizes(FieldTable arguments) {
  constexpr std::int64_t segment_octets_max = 3'000'000'000;
  const auto segment = arguments.find("x-stream-max-segment-size-bytes");
  if (segment && segment->as_integer() > segment_octets_max)
    return precondition_failed("Exceeded max value for x-stream-max-segment-size-bytes");
  const auto filter = arguments.find("x-stream-filter-size-bytes");
  if (!filter) return {};
  const auto size = filter->as_integer();
  if (size && *size >= 16 && *size <= 255) return {};
  return precondition_failed("Invalid value for  x-stream-filter-size-bytes");  // with both blanks
}

}  // namespace

std::string_view type_name(const FieldValue& value) {
  switch (value.type()) {
    case 't':
      return "bool";
    case 'b':
      return "byte";
    case 'B':
      return "unsignedbyte";
    case 's':
      return "short";
    case 'u':
      return "unsignedshort";
    case 'I':
      return "signedint";
    case 'i':
      return "unsignedint";
    case 'l':
    case 'L':
      return "long";
    case 'f':
      return "float";
    case 'd':
      return "double";
    case 'D':
      return "decimal";
    case 'T':
      return "timestamp";
    case 'F':
      return "table";
    case 'A':
      return "array";
    case 'S':
      return "longstr";
    case 'x':
      return "binary";
    default:
      return "void";
  }
}

const std::span<const std::string_view> compared_exchange_arguments{exchange_arguments};

std::span<const std::string_view> compared_queue_arguments(QueueType type) {
  switch (type) {
    case QueueType::quorum:
      return queue_arguments;
    case QueueType::stream:
      return stream_arguments;
    case QueueType::classic:
      break;
  }
  return std::span{queue_arguments}.first(classic_argument_count);
}

protocol::AmqpError EquivalenceCheck::refusal(std::string_view name, std::string_view current,
                                              std::string_view received) const {
  return precondition_failed(
      fmt::format("inequivalent arg '{}' for {}: received {} but current is {}", name, subject_, received, current));
}

protocol::Result<void> EquivalenceCheck::text(std::string_view name, std::string_view current,
                                              std::string_view received) const {
  if (current == received) return {};
  return refusal(name, fmt::format("'{}'", current), fmt::format("'{}'", received));
}

protocol::Result<void> EquivalenceCheck::flag(std::string_view name, bool current, bool received) const {
  return text(name, current ? "true" : "false", received ? "true" : "false");
}

protocol::Result<void> EquivalenceCheck::arguments(FieldTable current, FieldTable received,
                                                   std::span<const std::string_view> names) const {
  for (const auto name : names) {
    const auto held = current.find(name);
    const auto asked = received.find(name);
    if (!held && !asked) continue;
    if (held && asked) {
      if (protocol::same_type_class(*held, *asked) && protocol::equivalent(*held, *asked)) continue;
      return refusal(name, fmt::format("'{}'", value_text(*held)), fmt::format("'{}'", value_text(*asked)));
    }
    const auto is_classic = [](const auto& value) { return !value || value->as_text() == "classic"; };
    if (name == "x-queue-type" && is_classic(held) && is_classic(asked)) continue;
    return refusal(name, presence_text(held), presence_text(asked));
  }
  return {};
}

protocol::Result<void> check_queue_declaration(const QueueDeclaration& declaration, std::string_view queue) {
  const FieldTable arguments = declaration.arguments;
  const auto invalid = [&](std::string_view name, std::string_view complaint) {
    return precondition_failed(fmt::format("invalid arg '{}' for queue {}: {}", name, queue, complaint));
  };
  if (const auto type = arguments.find("x-queue-type"))
    if (const auto complaint = queue_type(*type)) return invalid("x-queue-type", *complaint);
  const unsigned type = flag_of(queue_type_of(arguments));
  for (const auto& rule : argument_rules) {
    const auto value = rule.types & type ? arguments.find(rule.name) : std::nullopt;
    if (!value) continue;
    if (const auto complaint = rule.complaint(*value)) return invalid(rule.name, *complaint);
    if (rule.name == "x-dead-letter-routing-key" && !arguments.find("x-dead-letter-exchange"))
      return invalid(rule.name, "routing_key_but_no_dlx_defined");
  }
  for (const auto& [name, value] : arguments) {
    const ArgumentRule* rule = find_rule(name);
    if (rule && !(rule->types & type))
      return precondition_failed(
          fmt::format("invalid arg '{}' for queue {} of queue type {}", name, queue, module_of(type)));
  }
  if (type != classic)
    if (auto valid = check_replicated_attributes(declaration, type, queue); !valid) return valid;
  return type == stream ? check_stream_sizes(arguments) : protocol::Result<void>{};
}

protocol::Result<void> check_name_argument(FieldTable arguments, std::string_view name, std::string_view subject) {
  const auto value = arguments.find(name);
  if (!value || value->as_text()) return {};
  return precondition_failed(fmt::format("invalid type '{}' for arg '{}' in {}", type_name(*value), name, subject));
}

namespace {

Complaint stream_offset(const FieldValue& value) {
  if (parse_stream_offset(value, WallTime{})) return {};
  const std::string shown = value.as_text() ? fmt::format("<<\"{}\">>", *value.as_text()) : value_text(value);
  return fmt::format("{{invalid_stream_offset_arg,{{{},{}}}}}", type_name(value), shown);
}

constexpr std::array consumer_argument_rules{
    ArgumentRule{"x-priority", classic | quorum, expect_integer},
    ArgumentRule{"x-cancel-on-ha-failover", classic | quorum, boolean},
    ArgumentRule{"x-consumer-timeout", classic | quorum, milliseconds},
    ArgumentRule{"x-stream-offset", stream, stream_offset},
};

}  // namespace

protocol::Result<void> check_consumer_arguments(FieldTable arguments, QueueType queue_type, std::string_view queue) {
  const unsigned type = flag_of(queue_type);
  for (const auto& [name, value] : arguments) {
    const auto rule = std::ranges::find(consumer_argument_rules, name, &ArgumentRule::name);
    if (rule == consumer_argument_rules.end()) continue;
    if (!(rule->types & type))
      return precondition_failed(
          fmt::format("invalid arg '{}' for queue {} of queue type {}", name, queue, module_of(type)));
    if (const auto complaint = rule->complaint(value))
      return precondition_failed(fmt::format("invalid arg '{}' for queue {}: {}", name, queue, *complaint));
  }
  return {};
}

protocol::Result<void> check_expiration(std::string_view expiration) {
  const auto invalid = [&](std::string_view why) {
    return precondition_failed(fmt::format("invalid expiration '{}': {}", expiration, why));
  };
  std::string_view digits = expiration;
  const bool is_negative = digits.starts_with('-');
  if (is_negative || digits.starts_with('+')) digits.remove_prefix(1);
  const std::size_t size = std::min(digits.find_first_not_of("0123456789"), digits.size());
  if (size == 0) return invalid("no_integer");
  if (size < digits.size()) return invalid(fmt::format("{{leftover_string,\"{}\"}}", digits.substr(size)));
  const std::string_view significant = digits.substr(std::min(digits.find_first_not_of('0'), size));
  if (is_negative && !significant.empty()) return invalid(fmt::format("{{value_negative,-{}}}", significant));
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + size, value);
  if (error != std::errc{} || value > milliseconds_max)
    return invalid(fmt::format("{{value_too_large,{}}}", significant));
  return {};
}

protocol::AmqpError exclusive_refusal(std::string_view queue) {
  return protocol::resource_locked(
      fmt::format("cannot obtain exclusive access to locked queue {}. It could be originally declared on another "
                  "connection or the exclusive property value does not match that of the original declaration.",
                  queue));
}

protocol::AmqpError unknown_exchange_type(std::string_view type) {
  // To RabbitMQ a word is invalid when it means something else in its program, by chance, and unknown when it does not.
  // These are the likely ones among the former.
  constexpr std::array<std::string_view, 12> invalid{"",       "Direct", "classic", "default", "durable", "exchange",
                                                     "header", "match",  "none",    "queue",   "quorum",  "stream"};
  const bool is_invalid = std::find(invalid.begin(), invalid.end(), type) != invalid.end();
  return protocol::command_invalid(fmt::format("{} exchange type '{}'", is_invalid ? "invalid" : "unknown", type));
}

protocol::Result<void> check_headers_binding(FieldTable arguments) {
  const auto x_match = arguments.find("x-match");
  if (!x_match) return {};
  const auto mode = x_match->as_text();
  if (!mode)
    return precondition_failed(fmt::format("Invalid x-match field type {} (value {}); expected longstr",
                                           type_name(*x_match), value_text(*x_match)));
  if (*mode == "all" || *mode == "any" || *mode == "all-with-x" || *mode == "any-with-x") return {};
  const std::string shown = mode->empty() ? "<<>>" : fmt::format("<<\"{}\">>", *mode);
  return precondition_failed(
      fmt::format("Invalid x-match field value {}; expected all, any, all-with-x, or any-with-x", shown));
}

}  // namespace leveret::broker
