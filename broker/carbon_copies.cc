#include "broker/carbon_copies.h"

#include <array>

#include <fmt/format.h>

#include "broker/argument_rules.h"

namespace leveret::broker {
namespace {

constexpr std::array<std::string_view, 2> carbon_copy_headers{"CC", hidden_copies_header};

}  // namespace

protocol::Result<void> check_carbon_copies(protocol::FieldTable headers) {
  for (const auto name : carbon_copy_headers) {
    const auto copies = headers.find(name);
    if (copies && !copies->as_array())
      return protocol::precondition_failed(
          fmt::format("invalid message: {{unacceptable_type_in_header,\"{}\",{}}}", name, type_name(*copies)));
  }
  return {};
}

std::vector<std::string_view> routing_keys_of(std::string_view routing_key, protocol::FieldTable headers) {
  std::vector<std::string_view> keys{routing_key};
  for (const auto name : carbon_copy_headers) {
    const auto copies = headers.find(name);
    for (const auto& key : copies ? copies->as_array().value_or(protocol::FieldArray{}) : protocol::FieldArray{})
      if (const auto text = key.as_text()) keys.push_back(*text);
  }
  return keys;
}

}  // namespace leveret::broker
