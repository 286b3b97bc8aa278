#include "management/parameters.h"

#include <algorithm>
#include <functional>

#include <boost/asio/awaitable.hpp>

#include "management/bindings.h"
#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/policies.h"

namespace leveret::management {
namespace {

using broker::GlobalParameter;
using broker::Parameter;

/// The component, and the only parameter of it.
constexpr std::string_view limits_component = "vhost-limits";
constexpr std::string_view limits_parameter = "limits";

/// Policies are parameters too, which RabbitMQ shows only to those who ask for this component.
constexpr std::string_view policy_component = "policy";

std::vector<Parameter> parameters_of(const broker::BrokerQuery& broker, std::string_view component) {
  std::vector<Parameter> parameters = all_parameters(broker);
  std::erase_if(parameters, [&](const auto& parameter) { return parameter.component != component; });
  if (component != policy_component) return parameters;
  for (const auto& virtual_host : broker.virtual_hosts())
    for (const auto& policy : broker.policies(broker::PolicyKind::user, virtual_host.name))
      parameters.push_back({virtual_host.name, std::string{policy_component}, policy.name, definition_of(policy)});
  return parameters;
}

/// Of virtual hosts that the user sees.
Response list_where(const Request& request, const std::vector<Parameter>& parameters,
                    const std::function<bool(const Parameter&)>& is_meant) {
  const std::vector<std::string> visible = request.listed_virtual_hosts();
  std::vector<json::object> objects;
  for (const Parameter& parameter : parameters)
    if (is_meant(parameter) && std::find(visible.begin(), visible.end(), parameter.virtual_host) != visible.end())
      objects.push_back(to_json(parameter));
  return list(request, items_of(std::move(objects)));
}

std::optional<Parameter> in_path(const Request& request) {
  for (Parameter& parameter : parameters_of(request.broker, request.parameter("component")))
    if (parameter.virtual_host == request.virtual_host() && parameter.name == request.parameter("name"))
      return std::move(parameter);
  return {};
}

std::optional<GlobalParameter> global_in_path(const Request& request) {
  for (GlobalParameter& parameter : request.broker.global_parameters())
    if (parameter.name == request.parameter("name")) return std::move(parameter);
  return {};
}

}  // namespace

json::object to_json(const Parameter& parameter) {
  return {{"value", parameter.value},
          {"vhost", to_json_text(parameter.virtual_host)},
          {"component", parameter.component},
          {"name", to_json_text(parameter.name)}};
}

json::object to_json(const GlobalParameter& parameter) {
  return {{"value", parameter.value}, {"name", to_json_text(parameter.name)}};
}

std::vector<Parameter> all_parameters(const broker::BrokerQuery& broker) {
  std::vector<Parameter> all = broker.parameters();
  for (const auto& [virtual_host, limits] : broker.limits(broker::LimitOf::virtual_host)) {
    json::object values;
    for (const auto& [name, limit] : limits) values[name] = limit;
    all.push_back({virtual_host, std::string{limits_component}, std::string{limits_parameter}, std::move(values)});
  }
  for (const auto& virtual_host : broker.virtual_hosts())
    for (const auto& policy : broker.policies(broker::PolicyKind::operator_policy, virtual_host.name))
      all.push_back({virtual_host.name, std::string{operator_policy_component}, policy.name, definition_of(policy)});
  return all;
}

namespace {

/// Those that are not named are none any more.
boost::asio::awaitable<protocol::Result<void>> put_limits(broker::BrokerQuery& broker, Parameter parameter) {
  static const json::object none;
  const json::array* list = parameter.value.if_array();
  const json::object* limits = list && list->empty() ? &none : parameter.value.if_object();
  if (!limits) co_return protocol::precondition_failed("Validation failed\n\nlimits should be an object\n");
  for (const auto& [name, limit] : *limits) {
    std::string virtual_host = parameter.virtual_host;
    std::string limit_name{name};
    auto put =
        co_await broker.put_limit(broker::LimitOf::virtual_host, std::move(virtual_host), std::move(limit_name), limit);
    if (!put) co_return put;
  }
  const auto all = broker.limits(broker::LimitOf::virtual_host);
  const auto found = all.find(parameter.virtual_host);
  if (found == all.end()) co_return protocol::Result<void>{};
  for (const auto& [name, limit] : found->second)
    if (!limits->contains(name))
      co_await broker.clear_limit(broker::LimitOf::virtual_host, parameter.virtual_host, std::string{name});
  co_return protocol::Result<void>{};
}

}  // namespace

boost::asio::awaitable<protocol::Result<void>> put_any_parameter(broker::BrokerQuery& broker, Parameter parameter) {
  if (parameter.component == limits_component) return put_limits(broker, std::move(parameter));
  if (parameter.component != operator_policy_component) return broker.put_parameter(std::move(parameter));
  if (!parameter.value.is_object()) throw bad_request(json::array{"not_an_object", "value"});
  return broker.put_policy(broker::PolicyKind::operator_policy, std::move(parameter.virtual_host),
                           std::move(parameter.name), std::move(parameter.value.get_object()));
}

Response list_parameters(const Request& request) {
  return list_where(request, all_parameters(request.broker), [](auto&) { return true; });
}

Response list_parameters_of_component(const Request& request) {
  return list_where(request, parameters_of(request.broker, request.parameter("component")), [](auto&) { return true; });
}

Response list_parameters_in_virtual_host(const Request& request) {
  return list_where(request, parameters_of(request.broker, request.parameter("component")),
                    [&](auto& parameter) { return parameter.virtual_host == request.virtual_host(); });
}

Response show_parameter(const Request& request) {
  const auto parameter = in_path(request);
  if (!parameter) throw not_found();
  return show(request, to_json(*parameter));
}

Asking put_parameter(const Request& request) {
  const JsonBody body{request};
  const std::string& component = request.parameter("component");
  body.require({"value"});
  if (component == policy_component) throw bad_request("policies may not be set using this method");
  if (component == limits_component && request.parameter("name") != limits_parameter)
    throw bad_request(json::array{"unknown_parameter", request.parameter("name")});
  const bool is_new = !in_path(request);
  Parameter parameter{.virtual_host = request.virtual_host(),
                      .component = component,
                      .name = checked_name(request.parameter("name")),
                      .value = *body.find("value")};
  accepted(co_await put_any_parameter(request.broker, std::move(parameter)));
  co_return is_new ? created() : no_content();
}

Asking delete_parameter(const Request& request) {
  const auto parameter = in_path(request);
  if (!parameter) throw not_found();
  if (parameter->component == policy_component) throw bad_request("policies may not be cleared using this method");
  if (parameter->component == operator_policy_component) {
    std::string virtual_host = parameter->virtual_host;
    std::string name = parameter->name;
    co_await request.broker.remove_policy(broker::PolicyKind::operator_policy, std::move(virtual_host),
                                          std::move(name));
    co_return no_content();
  }
  if (parameter->component == limits_component) {
    for (const auto& [name, limit] : parameter->value.get_object())
      co_await request.broker.clear_limit(broker::LimitOf::virtual_host, parameter->virtual_host, std::string{name});
    co_return no_content();
  }
  co_await request.broker.remove_parameter(*parameter);
  co_return no_content();
}

Response list_global_parameters(const Request& request) {
  std::vector<json::object> objects;
  for (const GlobalParameter& parameter : request.broker.global_parameters()) objects.push_back(to_json(parameter));
  return list(request, items_of(std::move(objects)));
}

Response show_global_parameter(const Request& request) {
  const auto parameter = global_in_path(request);
  if (!parameter) throw not_found();
  return show(request, to_json(*parameter));
}

Asking put_global_parameter(const Request& request) {
  const JsonBody body{request};
  body.require({"value"});
  const bool is_new = !global_in_path(request);
  GlobalParameter parameter{.name = checked_name(request.parameter("name")), .value = *body.find("value")};
  co_await request.broker.put_global_parameter(std::move(parameter));
  co_return is_new ? created() : no_content();
}

Asking delete_global_parameter(const Request& request) {
  if (!global_in_path(request)) throw not_found();
  std::string name = request.parameter("name");
  co_await request.broker.remove_global_parameter(std::move(name));
  co_return no_content();
}

}  // namespace leveret::management
