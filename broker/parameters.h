#pragma once
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <boost/json/value.hpp>

#include "broker/definition_store.h"
#include "protocol/field_table.h"
#include "protocol/reply_code.h"

namespace leveret::broker {

namespace definitions {
struct Key;
}

/// A setting of a component in a virtual host, as "federation-upstream" or "shovel": kept and shown, without effect
/// here.
struct Parameter {
  std::string virtual_host{};
  std::string component{};
  std::string name{};
  boost::json::value value{};
};

/// A setting of the whole broker, as "cluster_name".
struct GlobalParameter {
  std::string name{};
  boost::json::value value{};
};

/// RabbitMQ's runtime parameters, but for policies and limits, which have classes of their own.  Kept in the store.
/// Takes calls from any thread.
class Parameters {
 public:
  explicit Parameters(DefinitionStore definitions) : definitions_(definitions) {}

  /// Errors: precondition_failed with RabbitMQ's whole reason for a component that nobody knows.
  protocol::Result<void> put(Parameter parameter);
  /// False when there was none.
  bool erase(std::string_view virtual_host, std::string_view component, std::string_view name);
  void erase_all_of(std::string_view virtual_host);
  std::optional<Parameter> find(std::string_view virtual_host, std::string_view component, std::string_view name) const;
  std::vector<Parameter> all() const;

  void put_global(GlobalParameter parameter);
  bool erase_global(std::string_view name);
  std::optional<GlobalParameter> find_global(std::string_view name) const;
  std::vector<GlobalParameter> all_global() const;

  /// Takes up one of the store's definitions; false when it is about something else.
  bool restore(const definitions::Key& key, protocol::FieldTable value);

 private:
  using Id = std::tuple<std::string, std::string, std::string>;

  DefinitionStore definitions_;
  mutable std::shared_mutex mutex_{};
  std::map<Id, boost::json::value> parameters_{};
  std::map<std::string, boost::json::value, std::less<>> global_{};
};

}  // namespace leveret::broker
