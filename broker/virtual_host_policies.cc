#include <mutex>

#include "broker/definitions.h"
#include "broker/virtual_host.h"

/// VirtualHost's policies: which hold for what, and what follows when that changes.
namespace leveret::broker {
namespace {

FieldTable arguments_of(const std::string& encoded) {
  return FieldTable{protocol::as_octets(encoded)};
}

/// The argument wins.
std::optional<std::string> alternate_exchange_of(const Exchange& exchange) {
  constexpr std::string_view key = "alternate-exchange";
  if (const auto argument = arguments_of(exchange.arguments).find(key))
    if (const auto name = argument->as_text()) return std::string{*name};
  const auto* of_policy = exchange.policies->definition.if_contains(key);
  return of_policy && of_policy->is_string() ? std::optional{std::string{of_policy->get_string()}} : std::nullopt;
}

}  // namespace

void VirtualHost::apply_policies(Exchange& exchange) {
  exchange.policies = std::make_shared<const AppliedPolicies>(policies_.of_exchange(exchange.name));
  auto alternate = alternate_exchange_of(exchange);
  if (alternate == exchange.alternate_exchange) return;
  exchange.alternate_exchange = std::move(alternate);
  changed();
}

bool VirtualHost::apply_policies(QueueRecord& queue) {
  AppliedPolicies applied = policies_.of_queue(queue.name, queue.type);
  if (queue.policies && *queue.policies == applied) return false;
  queue.policies = std::make_shared<const AppliedPolicies>(std::move(applied));
  return true;
}

void VirtualHost::apply_policies_to_all() {
  for (const auto& [name, exchange] : exchanges_) apply_policies(*exchange);
  for (const auto& [name, queue] : queues_)
    if (apply_policies(*queue) && settings_changed_)
      settings_changed_(queue->address,
                        make_queue_settings(arguments_of(queue->arguments), queue->policies->definition));
}

void VirtualHost::put_policy(PolicyKind kind, Policy policy) {
  const std::unique_lock lock{mutex_};
  store_definition(definitions::key_of(name_, kind, policy.name), definitions::value_of(policy));
  policies_.put(kind, std::move(policy));
  apply_policies_to_all();
}

bool VirtualHost::remove_policy(PolicyKind kind, std::string_view name) {
  const std::unique_lock lock{mutex_};
  if (!policies_.erase(kind, name)) return false;
  erase_definition(definitions::key_of(name_, kind, name));
  apply_policies_to_all();
  return true;
}

void VirtualHost::restore_policy(PolicyKind kind, Policy policy) {
  const std::unique_lock lock{mutex_};
  policies_.put(kind, std::move(policy));
  apply_policies_to_all();  // the predeclared exchanges are there already
}

std::vector<Policy> VirtualHost::policies(PolicyKind kind) const {
  const std::shared_lock lock{mutex_};
  return policies_.all(kind);
}

std::optional<AppliedPolicies> VirtualHost::policies_of_queue(std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const QueueRecord* queue = queue_named(name);
  return queue ? std::optional{*queue->policies} : std::nullopt;
}

std::optional<AppliedPolicies> VirtualHost::policies_of_exchange(std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const Exchange* exchange = exchange_named(name);
  return exchange ? std::optional{*exchange->policies} : std::nullopt;
}

QueueSettings VirtualHost::settings_of(const QueueRecord& queue) const {
  const std::shared_lock lock{mutex_};
  return make_queue_settings(arguments_of(queue.arguments), queue.policies->definition);
}

}  // namespace leveret::broker
