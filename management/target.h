#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leveret::management {

/// A request's target, taken apart and decoded.
struct Target {
  std::vector<std::string> segments{};  // of the path; a slash at its end adds none
  std::vector<std::pair<std::string, std::string>> query{};
};

/// Nothing for a target with a malformed percent-encoding.
std::optional<Target> parse_target(std::string_view target);

/// Members of a form (application/x-www-form-urlencoded), which is encoded as a query is.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

/// Encodes all but letters, digits and "-_.~", which is how RabbitMQ writes property keys.
std::string percent_encoded(std::string_view octets);

}  // namespace leveret::management
