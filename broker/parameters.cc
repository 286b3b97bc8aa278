#include "broker/parameters.h"

#include <algorithm>
#include <array>
#include <mutex>

#include <fmt/format.h>

#include "broker/definitions.h"

namespace leveret::broker {
namespace {

using definitions::Kind;
using definitions::make_key;

constexpr std::array<std::string_view, 3> components{"federation-upstream", "federation-upstream-set", "shovel"};

}  // namespace

protocol::Result<void> Parameters::put(Parameter parameter) {
  if (std::find(components.begin(), components.end(), parameter.component) == components.end())
    return protocol::precondition_failed(
        fmt::format("Validation failed\n\ncomponent {} not found\n", parameter.component));
  const std::unique_lock lock{mutex_};
  definitions_.put(make_key(Kind::parameter, {parameter.virtual_host, parameter.component, parameter.name}),
                   definitions::json_value(parameter.value));
  parameters_[Id{parameter.virtual_host, parameter.component, parameter.name}] = std::move(parameter.value);
  return {};
}

bool Parameters::erase(std::string_view virtual_host, std::string_view component, std::string_view name) {
  const std::unique_lock lock{mutex_};
  if (parameters_.erase(Id{virtual_host, component, name}) == 0) return false;
  definitions_.erase(make_key(Kind::parameter, {virtual_host, component, name}));
  return true;
}

void Parameters::erase_all_of(std::string_view virtual_host) {
  for (const Parameter& parameter : all())
    if (parameter.virtual_host == virtual_host) erase(virtual_host, parameter.component, parameter.name);
}

std::optional<Parameter> Parameters::find(std::string_view virtual_host, std::string_view component,
                                          std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const auto found = parameters_.find(Id{virtual_host, component, name});
  if (found == parameters_.end()) return {};
  return Parameter{std::string{virtual_host}, std::string{component}, std::string{name}, found->second};
}

std::vector<Parameter> Parameters::all() const {
  const std::shared_lock lock{mutex_};
  std::vector<Parameter> all;
  for (const auto& [id, value] : parameters_) all.push_back({std::get<0>(id), std::get<1>(id), std::get<2>(id), value});
  return all;
}

void Parameters::put_global(GlobalParameter parameter) {
  const std::unique_lock lock{mutex_};
  definitions_.put(make_key(Kind::global_parameter, {parameter.name}), definitions::json_value(parameter.value));
  global_[parameter.name] = std::move(parameter.value);
}

bool Parameters::erase_global(std::string_view name) {
  const std::unique_lock lock{mutex_};
  const auto found = global_.find(name);
  if (found == global_.end()) return false;
  global_.erase(found);
  definitions_.erase(make_key(Kind::global_parameter, {name}));
  return true;
}

std::optional<GlobalParameter> Parameters::find_global(std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const auto found = global_.find(name);
  if (found == global_.end()) return {};
  return GlobalParameter{found->first, found->second};
}

std::vector<GlobalParameter> Parameters::all_global() const {
  const std::shared_lock lock{mutex_};
  std::vector<GlobalParameter> all;
  for (const auto& [name, value] : global_) all.push_back({name, value});
  return all;
}

bool Parameters::restore(const definitions::Key& key, protocol::FieldTable value) {
  const auto& parts = key.parts;
  if (key.kind == Kind::parameter)
    parameters_[Id{parts.at(0), parts.at(1), parts.at(2)}] = definitions::json_from(value);
  else if (key.kind == Kind::global_parameter)
    global_[parts.at(0)] = definitions::json_from(value);
  else
    return false;
  return true;
}

}  // namespace leveret::broker
