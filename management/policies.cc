#include <algorithm>

#include <boost/algorithm/string/replace.hpp>
#include <boost/asio/awaitable.hpp>

#include "management/bindings.h"
#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/policies.h"

namespace leveret::management {
namespace {

using broker::Policy;
using broker::PolicyKind;

std::vector<json::object> policies_in(const Request& request, PolicyKind kind,
                                      const std::vector<std::string>& virtual_hosts) {
  std::vector<json::object> objects;
  for (const auto& name : virtual_hosts)
    for (const Policy& policy : request.broker.policies(kind, name)) objects.push_back(to_json(name, policy));
  const auto name_in = [](const json::object& object) { return object.at("name").get_string(); };
  std::stable_sort(objects.begin(), objects.end(),
                   [&](const auto& left, const auto& right) { return name_in(left) < name_in(right); });
  return objects;
}

Response list_kind(const Request& request, PolicyKind kind) {
  return list(request, items_of(policies_in(request, kind, request.listed_virtual_hosts())));
}

Response list_kind_in_virtual_host(const Request& request, PolicyKind kind) {
  return list(request, items_of(policies_in(request, kind, {request.virtual_host()})));
}

std::optional<Policy> in_path(const Request& request, PolicyKind kind) {
  for (Policy& policy : request.broker.policies(kind, request.virtual_host()))
    if (policy.name == request.parameter("name")) return std::move(policy);
  return {};
}

Response show_kind(const Request& request, PolicyKind kind) {
  const auto policy = in_path(request, kind);
  if (!policy) throw not_found();
  return show(request, to_json(request.virtual_host(), *policy));
}

/// RabbitMQ answers a policy's text so that a page can show it as it is; that of an operator policy it leaves alone.
std::string for_pages(PolicyKind kind, std::string text) {
  if (kind == PolicyKind::operator_policy) return text;
  boost::algorithm::replace_all(text, "<", "&lt;");
  boost::algorithm::replace_all(text, ">", "&gt;");
  return text;
}

Asking put_kind(const Request& request, PolicyKind kind) {
  const JsonBody body{request};
  body.require({"pattern", "definition"});
  const bool is_new = !in_path(request, kind);
  std::string virtual_host = request.virtual_host();
  std::string name = checked_name(request.parameter("name"));
  json::object policy = body.members();
  const auto put =
      co_await request.broker.put_policy(kind, std::move(virtual_host), std::move(name), std::move(policy));
  if (!put) throw bad_request(json::string{for_pages(kind, put.error().text)});
  co_return is_new ? created() : no_content();
}

Asking delete_kind(const Request& request, PolicyKind kind) {
  std::string virtual_host = request.virtual_host();
  std::string name = request.parameter("name");
  const bool was_there = co_await request.broker.remove_policy(kind, std::move(virtual_host), std::move(name));
  if (!was_there) throw not_found();
  co_return no_content();
}

}  // namespace

json::object definition_of(const Policy& policy) {
  return {{"pattern", policy.pattern},
          {"apply-to", name_of(policy.apply_to)},
          {"definition", policy.definition},
          {"priority", policy.priority}};
}

json::object to_json(const std::string& virtual_host, const Policy& policy) {
  json::object object{{"vhost", to_json_text(virtual_host)}, {"name", to_json_text(policy.name)}};
  for (auto& member : definition_of(policy)) object.insert(member);
  return object;
}

void add_policies(json::object& object, const std::optional<broker::AppliedPolicies>& applied) {
  const auto name_or_null = [](const std::string& name) {
    return name.empty() ? json::value{} : json::value(to_json_text(name));
  };
  const broker::AppliedPolicies shown = applied.value_or(broker::AppliedPolicies{});
  object["policy"] = name_or_null(shown.policy);
  object["operator_policy"] = name_or_null(shown.operator_policy);
  object["effective_policy_definition"] = shown.definition;
}

Response list_policies(const Request& request) {
  return list_kind(request, PolicyKind::user);
}

Response list_policies_in_virtual_host(const Request& request) {
  return list_kind_in_virtual_host(request, PolicyKind::user);
}

Response show_policy(const Request& request) {
  return show_kind(request, PolicyKind::user);
}

Asking put_policy(const Request& request) {
  return put_kind(request, PolicyKind::user);
}

Asking delete_policy(const Request& request) {
  return delete_kind(request, PolicyKind::user);
}

Response list_operator_policies(const Request& request) {
  return list_kind(request, PolicyKind::operator_policy);
}

Response list_operator_policies_in_virtual_host(const Request& request) {
  return list_kind_in_virtual_host(request, PolicyKind::operator_policy);
}

Response show_operator_policy(const Request& request) {
  return show_kind(request, PolicyKind::operator_policy);
}

Asking put_operator_policy(const Request& request) {
  return put_kind(request, PolicyKind::operator_policy);
}

Asking delete_operator_policy(const Request& request) {
  return delete_kind(request, PolicyKind::operator_policy);
}

}  // namespace leveret::management
