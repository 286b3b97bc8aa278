#include "broker/erlang_json.h"

#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leveret::broker {
namespace {

using boost::json::value;

std::string binary(std::string_view text) {
  return text.empty() ? "<<>>" : fmt::format("<<\"{}\">>", text);
}

std::string real(double number) {
  const std::string text = fmt::format("{}", number);
  if (text.find('.') != std::string::npos) return text;
  const std::size_t exponent = std::min(text.find('e'), text.size());
  return text.substr(0, exponent) + ".0" + text.substr(exponent);
}

/// Erlang keeps small maps in order of their keys, and so does RabbitMQ show them.
std::map<std::string_view, const value*> sorted(const boost::json::object& object) {
  std::map<std::string_view, const value*> members;
  for (const auto& [name, member] : object) members.emplace(name, &member);
  return members;
}

}  // namespace

std::string erlang_text(const value& shown) {
  std::vector<std::string> parts;
  switch (shown.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return shown.get_bool() ? "true" : "false";
    case boost::json::kind::int64:
      return std::to_string(shown.get_int64());
    case boost::json::kind::uint64:
      return std::to_string(shown.get_uint64());
    case boost::json::kind::double_:
      return real(shown.get_double());
    case boost::json::kind::string:
      return binary(std::string_view{shown.get_string()});
    case boost::json::kind::array:
      for (const value& element : shown.get_array()) parts.push_back(erlang_text(element));
      return fmt::format("[{}]", fmt::join(parts, ","));
    case boost::json::kind::object:
      for (const auto& [name, member] : sorted(shown.get_object()))
        parts.push_back(fmt::format("{} => {}", binary(name), erlang_text(*member)));
      return fmt::format("#{{{}}}", fmt::join(parts, ","));
  }
  return {};
}

std::string erlang_pairs(const boost::json::object& object) {
  std::vector<std::string> pairs;
  for (const auto& [name, member] : sorted(object))
    pairs.push_back(fmt::format("{{{},{}}}", binary(name), erlang_text(*member)));
  return fmt::format("[{}]", fmt::join(pairs, ","));
}

}  // namespace leveret::broker
