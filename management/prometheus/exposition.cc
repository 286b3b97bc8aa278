#include "management/prometheus/exposition.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace leveret::management::prometheus {
namespace {

std::string_view name_of(Type type) {
  return type == Type::counter ? "counter" : type == Type::gauge ? "gauge" : "untyped";
}

void append_escaped(std::string& text, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
}

}  // namespace

void Exposition::begin(std::string name, Type type, std::string_view help) {
  name_ = std::move(name);
  fmt::format_to(std::back_inserter(text_), "# TYPE {} {}\n# HELP {} {}\n", name_, name_of(type), name_, help);
}

void Exposition::add(double value, const Labels& labels) {
  text_ += name_;
  char separator = '{';
  for (const auto& [label, text] : labels) {
    text_ += separator;
    text_ += label;
    text_ += "=\"";
    append_escaped(text_, text);
    text_ += '"';
    separator = ',';
  }
  if (!labels.empty()) text_ += '}';
  constexpr double exact = 9e15;  // whole numbers up to here are exact
  if (std::floor(value) == value && std::abs(value) < exact)
    fmt::format_to(std::back_inserter(text_), " {}\n", static_cast<std::int64_t>(value));
  else
    fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

}  // namespace leveret::management::prometheus
