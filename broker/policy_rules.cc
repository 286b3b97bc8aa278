#include "broker/policy_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "broker/erlang_json.h"
#include "broker/name_pattern.h"
#include "broker/queue_settings.h"

namespace leveret::broker {
namespace {

using boost::json::object;
using boost::json::value;

/// What is wrong, in RabbitMQ's words; nothing when all is right.
using Complaint = std::optional<std::string>;

// --- what a key takes

bool is_text(const value& checked) {
  return checked.is_string();
}

/// As large as Erlang has them, so those above 63 bits too.
bool is_integer(const value& checked) {
  return checked.is_int64() || checked.is_uint64();
}

bool is_count(const value& checked) {
  return is_integer(checked) && !(checked.is_int64() && checked.get_int64() < 0);
}

bool is_positive(const value& checked) {
  return is_count(checked) && checked != 0;
}

template <std::string_view const&... names>
bool is_one_of(const value& checked) {
  return checked.is_string() && ((checked.get_string() == names) || ...);
}

constexpr std::string_view at_most_once = "at-most-once", at_least_once = "at-least-once";
constexpr std::string_view drop_head = "drop-head", reject_publish = "reject-publish",
                           reject_publish_dlx = "reject-publish-dlx";
constexpr std::string_view default_mode = "default", lazy = "lazy";
constexpr std::string_view disabled = "disabled", all = "all", failed = "failed", returned = "returned";
constexpr std::string_view client_local = "client-local", random = "random", least_leaders = "least-leaders",
                           balanced = "balanced", min_masters = "min-masters";

bool is_queue_version(const value& checked) {
  return checked == 1 || checked == 2;
}

bool is_age(const value& checked) {
  return checked.is_string() && parse_max_age(std::string_view{checked.get_string()});
}

bool is_filter_size(const value& checked) {
  return checked.is_int64() && checked.get_int64() >= 16 && checked.get_int64() <= 255;
}

bool is_anything(const value&) {
  return true;  // the keys of mirrors are looked at together
}

enum class For { users, users_and_operators };

struct Key {
  std::string_view name;
  For allowed;
  bool (*is_valid)(const value&);
  std::string_view complaint;  // behind the value
};

constexpr std::array keys{
    Key{"alternate-exchange", For::users, is_text, "is not a valid alternate exchange name"},
    Key{"consumer-timeout", For::users_and_operators, is_count, "is not a valid consumer timeout"},
    Key{"dead-letter-exchange", For::users, is_text, "is not a valid dead letter exchange name"},
    Key{"dead-letter-routing-key", For::users, is_text, "is not a valid dead letter routing key"},
    Key{"dead-letter-strategy", For::users, is_one_of<at_most_once, at_least_once>,
        "is not a valid dead letter strategy"},
    Key{"delayed-retry-max", For::users_and_operators, is_count, "is not a valid maximum delay of retries"},
    Key{"delayed-retry-min", For::users_and_operators, is_count, "is not a valid minimum delay of retries"},
    Key{"delayed-retry-type", For::users, is_one_of<disabled, all, failed, returned>,
        "is not a valid type of delayed retry"},
    Key{"delivery-limit", For::users_and_operators, is_integer, "is not a valid delivery limit"},
    Key{"expires", For::users_and_operators, is_positive, "is not a valid queue expiry"},
    Key{"federation-upstream", For::users, is_text, "is not a valid federation upstream name"},
    Key{"federation-upstream-pattern", For::users, is_text, "is not a valid federation upstream pattern name"},
    Key{"federation-upstream-set", For::users, is_text, "is not a valid federation upstream set name"},
    Key{"ha-mode", For::users, is_anything, ""},
    Key{"ha-params", For::users, is_anything, ""},
    Key{"ha-promote-on-failure", For::users, is_anything, ""},
    Key{"ha-promote-on-shutdown", For::users, is_anything, ""},
    Key{"ha-sync-batch-size", For::users, is_anything, ""},
    Key{"ha-sync-mode", For::users, is_anything, ""},
    Key{"initial-cluster-size", For::users, is_count, "is not a valid cluster size"},
    Key{"max-age", For::users, is_age, "is not a valid max age"},
    Key{"max-in-memory-bytes", For::users_and_operators, is_count, "is not a valid maximum memory in bytes"},
    Key{"max-in-memory-length", For::users_and_operators, is_count, "is not a valid maximum memory in bytes"},
    Key{"max-length", For::users_and_operators, is_count, "is not a valid maximum length"},
    Key{"max-length-bytes", For::users_and_operators, is_count, "is not a valid maximum length in bytes"},
    Key{"message-ttl", For::users_and_operators, is_count, "is not a valid message TTL"},
    Key{"overflow", For::users, is_one_of<drop_head, reject_publish, reject_publish_dlx>,
        "is not a valid overflow value"},
    Key{"queue-leader-locator", For::users, is_one_of<client_local, balanced, random, least_leaders>,
        "is not a valid queue leader locator value"},
    Key{"queue-master-locator", For::users, is_one_of<client_local, min_masters, random>,
        "invalid queue-master-locator value"},
    Key{"queue-mode", For::users, is_one_of<default_mode, lazy>, "is not a valid queue-mode value"},
    Key{"queue-version", For::users, is_queue_version, "is not a valid queue-version value"},
    Key{"stream-filter-size-bytes", For::users, is_filter_size, "is not a valid filter size"},
    Key{"stream-max-segment-size-bytes", For::users, is_count, "is not a valid segment size"},
    Key{"target-group-size", For::users_and_operators, is_positive, "is not a valid qq target count value"},
};

const Key* find_key(PolicyKind kind, std::string_view name) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  if (found == keys.end()) return nullptr;
  return kind == PolicyKind::user || found->allowed == For::users_and_operators ? &*found : nullptr;
}

// --- mirrors: RabbitMQ 4 has none, and 3.x asks for a mode before anything else about them

std::string shown(const value* of) {
  return of ? erlang_text(*of) : "none";
}

Complaint mirror_parameters(const object& definition) {
  const value& mode = definition.at("ha-mode");
  const value* parameters = definition.if_contains("ha-params");
  if (mode == "all") return parameters ? Complaint{"ha-mode=\"all\" does not take parameters"} : std::nullopt;
  if (mode == "exactly") {
    if (parameters && is_positive(*parameters)) return {};
    return fmt::format("ha-mode=\"exactly\" takes an integer, {} given", shown(parameters));
  }
  if (mode != "nodes") return erlang_text(mode) + " is not a valid ha-mode value";
  if (!parameters || !parameters->is_array())
    return fmt::format("ha-mode=\"nodes\" takes a list, {} given", shown(parameters));
  const auto& nodes = parameters->get_array();
  if (nodes.empty()) return "ha-mode=\"nodes\" list must be non-empty";
  if (std::all_of(nodes.begin(), nodes.end(), is_text)) return {};
  boost::json::array others;
  std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(others), [](auto& node) { return !node.is_string(); });
  return fmt::format("ha-mode=\"nodes\" takes a list of strings, {} was not a string", erlang_text(others));
}

Complaint choice(const object& definition, std::string_view key, std::string_view first, std::string_view second) {
  const value* chosen = definition.if_contains(key);
  const std::string_view word = chosen && chosen->is_string() ? std::string_view{chosen->get_string()} : "";
  if (!chosen || word == first || word == second) return {};
  return fmt::format("{} must be \"{}\" or \"{}\", got {}", key, first, second, erlang_text(*chosen));
}

Complaint mirrors(const object& definition) {
  const bool has_any = std::any_of(definition.begin(), definition.end(),
                                   [](const auto& member) { return member.key().starts_with("ha-"); });
  if (!has_any) return {};
  if (!definition.contains("ha-mode"))
    return "ha-mode must be specified to specify ha-params, ha-sync-mode or ha-promote-on-shutdown";
  if (auto complaint = mirror_parameters(definition)) return complaint;
  if (auto complaint = choice(definition, "ha-sync-mode", "manual", "automatic")) return complaint;
  if (auto complaint = choice(definition, "ha-promote-on-shutdown", "always", "when-synced")) return complaint;
  if (auto complaint = choice(definition, "ha-promote-on-failure", "always", "when-synced")) return complaint;
  const value* size = definition.if_contains("ha-sync-batch-size");
  if (!size || is_positive(*size)) return {};
  return fmt::format("ha-sync-batch-size takes an integer greater than 0, {} given", erlang_text(*size));
}

Complaint federation(const object& definition) {
  const bool has_upstream = definition.contains("federation-upstream");
  if (has_upstream && definition.contains("federation-upstream-set"))
    return "cannot specify both federation-upstream-set and federation-upstream together";
  if (!definition.contains("federation-upstream-pattern")) return {};
  if (has_upstream || definition.contains("federation-upstream-set"))
    return "cannot specify federation-upstream-pattern together with federation-upstream or federation-upstream-set";
  return {};
}

// --- the members of a policy

Complaint definition_complaint(PolicyKind kind, const object& definition) {
  if (definition.empty()) return "no policy provided";
  object unknown;
  for (const auto& [name, given] : definition) {
    const Key* key = find_key(kind, name);
    if (!key)
      unknown.emplace(name, given);
    else if (!key->is_valid(given))
      return fmt::format("{} {}", erlang_text(given), key->complaint);
  }
  if (!unknown.empty()) return erlang_pairs(unknown) + " are not recognised policy settings";
  if (auto complaint = mirrors(definition)) return complaint;
  return federation(definition);
}

Complaint definition_member(PolicyKind kind, const value& definition) {
  if (definition.is_object()) return definition_complaint(kind, definition.get_object());
  return "definition must be a dictionary: " + erlang_text(definition);
}

Complaint target_member(const value* target) {
  if (!target || (target->is_string() && policy_target(std::string_view{target->get_string()}))) return {};
  return fmt::format(
      "apply-to '{}' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', 'streams', "
      "'exchanges', or 'all'",
      target->is_string() ? std::string{target->get_string()} : erlang_text(*target));
}

Complaint pattern_member(const value& pattern) {
  if (!pattern.is_string()) return "pattern should be a binary but was " + erlang_text(pattern);
  const std::string fault = NamePattern{std::string{pattern.get_string()}}.fault();
  return fault.empty() ? Complaint{} : "pattern should be regular expression but is invalid: " + fault;
}

/// RabbitMQ takes fractions over HTTP and refuses them on its command line; here a priority is an integer.
Complaint priority_member(const value* priority) {
  if (!priority || priority->is_int64()) return {};
  return "priority should be a number, actually was " + erlang_text(*priority);
}

protocol::AmqpError missing(std::string_view member) {
  return protocol::precondition_failed(fmt::format("[{{key_missing,{}}}]", member));
}

protocol::AmqpError validation_failure(const std::vector<std::string>& complaints) {
  return protocol::precondition_failed(fmt::format("Validation failed\n\n{}\n", fmt::join(complaints, "\n")));
}

}  // namespace

protocol::Result<void> check_policy_definition(PolicyKind kind, const object& definition) {
  if (auto complaint = definition_complaint(kind, definition)) return validation_failure({*complaint});
  return {};
}

protocol::Result<Policy> parse_policy(PolicyKind kind, std::string_view name, const object& policy) {
  const value* pattern = policy.if_contains("pattern");
  const value* definition = policy.if_contains("definition");
  const value* target = policy.if_contains("apply-to");
  const value* priority = policy.if_contains("priority");
  if (!pattern) return missing("pattern");
  if (!definition) return missing("definition");
  std::vector<std::string> complaints;
  // In RabbitMQ's order.
  for (auto& complaint : {definition_member(kind, *definition), target_member(target), pattern_member(*pattern),
                          priority_member(priority)})
    if (complaint) complaints.push_back(*complaint);
  if (!complaints.empty()) return validation_failure(complaints);
  return Policy{.name = std::string{name},
                .pattern = std::string{pattern->get_string()},
                .apply_to = target ? *policy_target(std::string_view{target->get_string()}) : PolicyTarget::all,
                .priority = priority ? priority->get_int64() : 0,
                .definition = definition->get_object()};
}

}  // namespace leveret::broker
