#include "broker/amqp/sasl.h"

#include <array>
#include <utility>

#include "protocol/field_table.h"

namespace leveret::broker::amqp {
namespace {

constexpr std::array<std::pair<SaslMechanism, std::string_view>, 3> mechanism_names{
    {{SaslMechanism::plain, "PLAIN"}, {SaslMechanism::amqplain, "AMQPLAIN"}, {SaslMechanism::anonymous, "ANONYMOUS"}}};

}  // namespace

std::optional<SaslMechanism> sasl_mechanism(std::string_view name) {
  for (const auto& [mechanism, mechanism_name] : mechanism_names)
    if (mechanism_name == name) return mechanism;
  return {};
}

std::string_view name_of(SaslMechanism mechanism) {
  return mechanism_names[static_cast<std::size_t>(mechanism)].second;
}

std::optional<Credentials> parse_plain(std::string_view response) {
  if (!response.starts_with('\0')) return {};  // to act for somebody else is not offered
  response.remove_prefix(1);
  const std::size_t separator = response.find('\0');
  if (separator == std::string_view::npos) return {};
  const std::string_view password = response.substr(separator + 1);
  if (password.find('\0') != std::string_view::npos) return {};
  return Credentials{.user = std::string{response.substr(0, separator)}, .password = std::string{password}};
}

std::optional<Credentials> parse_amqplain(std::string_view response) {
  const protocol::FieldTable table{protocol::as_octets(response)};
  if (!protocol::FieldTable::validate(table.octets())) return {};
  const auto login = table.find("LOGIN");
  const auto password = table.find("PASSWORD");
  if (!login || !password) return {};
  // A value that is no string belongs to nobody: the login is refused, the response well-formed.
  return Credentials{.user = std::string{login->as_text().value_or("")},
                     .password = std::string{password->as_text().value_or("")}};
}

}  // namespace leveret::broker::amqp
