#include "broker/queue_settings.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "broker/policy.h"
#include "broker/queue_type.h"

namespace leveret::broker {
namespace {

using protocol::FieldTable;
using std::chrono::milliseconds;

/// RabbitMQ's since 4.0.
constexpr std::int64_t default_delivery_limit = 20;

/// Reads each setting from the argument and from the policies, and chooses.
class SettingsReader {
 public:
  SettingsReader(FieldTable arguments, const boost::json::object& definition)
      : arguments_(arguments), definition_(definition) {}

  std::optional<std::int64_t> policy_integer(std::string_view key) const {
    const auto* found = definition_.if_contains(key);
    if (!found) return {};
    if (const auto* number = found->if_int64()) return *number;
    if (found->is_uint64()) return std::numeric_limits<std::int64_t>::max();
    return {};
  }

  std::optional<std::string> policy_text(std::string_view key) const {
    const auto* found = definition_.if_contains(key);
    if (!found || !found->is_string()) return {};
    return std::string{found->get_string()};
  }

  std::optional<std::int64_t> argument_integer(std::string_view key) const {
    const auto found = argument(key);
    return found ? found->as_integer() : std::nullopt;
  }

  std::optional<std::string> argument_text(std::string_view key) const {
    const auto found = argument(key);
    const auto text = found ? found->as_text() : std::nullopt;
    return text ? std::optional{std::string{*text}} : std::nullopt;
  }

  bool argument_flag(std::string_view key) const {
    const auto found = argument(key);
    return found && found->as_bool().value_or(false);
  }

  std::optional<std::int64_t> smaller_integer(std::string_view key) const {
    const auto of_argument = argument_integer(key);
    const auto of_policy = policy_integer(key);
    return of_argument && of_policy ? std::min(*of_argument, *of_policy) : of_argument ? of_argument : of_policy;
  }

  std::optional<std::uint64_t> limit(std::string_view key) const {
    const auto number = smaller_integer(key);
    return number ? std::optional{static_cast<std::uint64_t>(*number)} : std::nullopt;
  }

  std::optional<milliseconds> duration(std::string_view key) const {
    const auto number = smaller_integer(key);
    return number ? std::optional{milliseconds{*number}} : std::nullopt;
  }

  std::optional<std::string> text(std::string_view key) const {
    auto of_argument = argument_text(key);
    return of_argument ? of_argument : policy_text(key);
  }

 private:
  std::optional<protocol::FieldValue> argument(std::string_view key) const {
    return arguments_.find(std::string{"x-"}.append(key));
  }

  FieldTable arguments_;
  const boost::json::object& definition_;
};

QueueSettings::Overflow overflow_named(std::string_view name) {
  return name == "reject-publish"       ? QueueSettings::reject_publish
         : name == "reject-publish-dlx" ? QueueSettings::reject_publish_dlx
                                        : QueueSettings::drop_head;
}

QueueSettings::Overflow overflow_of(const SettingsReader& reader, QueueType type) {
  const std::string key = "overflow";
  if (type != QueueType::quorum) return overflow_named(reader.text(key).value_or(""));
  const auto of_policy = reader.policy_text(key);
  const auto overflow = overflow_named(of_policy ? *of_policy : reader.argument_text(key).value_or(""));
  // Quorum queues know no rejection with dead letters: RabbitMQ then drops the oldest.
  return overflow == QueueSettings::reject_publish_dlx ? QueueSettings::drop_head : overflow;
}

/// A negative limit is none, and the larger for that.
std::int64_t delivery_limit_of(const SettingsReader& reader) {
  const auto of_argument = reader.argument_integer("delivery-limit");
  const auto of_policy = reader.policy_integer("delivery-limit");
  if (!of_argument || !of_policy) return of_argument.value_or(of_policy.value_or(default_delivery_limit));
  const bool is_unlimited = *of_argument < 0 || *of_policy < 0;
  return is_unlimited ? std::max(*of_argument, *of_policy) : std::min(*of_argument, *of_policy);
}

std::optional<DelayedRetry> delayed_retry_of(const SettingsReader& reader) {
  const std::string type = reader.text("delayed-retry-type").value_or("disabled");
  const auto min = reader.duration("delayed-retry-min");
  if (!min || (type != "all" && type != "failed" && type != "returned")) return {};
  return DelayedRetry{.of = type == "all"      ? DelayedRetry::all
                            : type == "failed" ? DelayedRetry::failed
                                               : DelayedRetry::returned,
                      .min = *min,
                      .max = reader.duration("delayed-retry-max")};
}

std::optional<std::chrono::seconds> max_age_of(const SettingsReader& reader) {
  const auto of_argument = parse_max_age(reader.argument_text("max-age").value_or(""));
  const auto of_policy = parse_max_age(reader.policy_text("max-age").value_or(""));
  return of_argument && of_policy ? std::min(of_argument, of_policy) : of_argument ? of_argument : of_policy;
}

/// Of what limits a stream, the policy holds, be it smaller than the argument or not (RabbitMQ 4).
void prefer_policy(QueueSettings& settings, const SettingsReader& reader) {
  const auto prefer = [&](auto& limit, std::string_view key) {
    if (const auto number = reader.policy_integer(key)) limit = static_cast<std::uint64_t>(*number);
  };
  prefer(settings.max_length_bytes, "max-length-bytes");
  prefer(settings.segment_bytes_max, "stream-max-segment-size-bytes");
  if (const auto age = parse_max_age(reader.policy_text("max-age").value_or(""))) settings.max_age = age;
}

}  // namespace

std::optional<std::chrono::seconds> parse_max_age(std::string_view text) {
  using std::chrono::days;
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  constexpr std::int64_t count_max = 1'000'000'000;  // so that no unit overflows
  std::int64_t count = 0;
  const auto [unit, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool has_one_letter = text.data() + text.size() - unit == 1;
  if (error != std::errc{} || !has_one_letter || count < 0) return {};
  count = std::min(count, count_max);
  switch (*unit) {
    case 'Y':
      return days{365} * count;
    case 'M':
      return days{30} * count;
    case 'D':
      return days{1} * count;
    case 'h':
      return hours{1} * count;
    case 'm':
      return minutes{1} * count;
    case 's':
      return seconds{1} * count;
    default:
      return {};
  }
}

QueueSettings make_queue_settings(FieldTable arguments, const Policy* policy, const Policy* operator_policy) {
  return make_queue_settings(arguments, merged_definition(policy, operator_policy));
}

QueueSettings make_queue_settings(FieldTable arguments, const boost::json::object& definition) {
  const SettingsReader reader{arguments, definition};
  const QueueType type = queue_type_of(arguments);
  QueueSettings settings{.message_ttl = reader.duration("message-ttl"),
                         .expires = reader.duration("expires"),
                         .consumer_timeout = reader.duration("consumer-timeout"),
                         .max_length = reader.limit("max-length"),
                         .max_length_bytes = reader.limit("max-length-bytes"),
                         .overflow = overflow_of(reader, type),
                         .dead_letter_exchange = reader.text("dead-letter-exchange"),
                         .dead_letter_routing_key = reader.text("dead-letter-routing-key"),
                         .max_priority = static_cast<std::uint8_t>(reader.argument_integer("max-priority").value_or(0)),
                         .has_single_active_consumer = reader.argument_flag("single-active-consumer"),
                         .max_age = max_age_of(reader),
                         .segment_bytes_max = reader.limit("stream-max-segment-size-bytes")};
  if (type == QueueType::stream) prefer_policy(settings, reader);
  if (type == QueueType::quorum) {
    settings.delivery_limit = delivery_limit_of(reader);
    settings.delayed_retry = delayed_retry_of(reader);
    settings.is_at_least_once = reader.text("dead-letter-strategy") == "at-least-once" &&
                                settings.dead_letter_exchange && settings.overflow == QueueSettings::reject_publish;
  }
  return settings;
}

}  // namespace leveret::broker
