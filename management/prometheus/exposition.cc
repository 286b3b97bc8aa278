#include "management/prometheus/exposition.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace leveret::management::prometheus {
namespace {

std::string_view name_of(Type type) {
  switch (type) {
    case Type::counter:
      return "counter";
    case Type::gauge:
      return "gauge";
    case Type::histogram:
      return "histogram";
    default:
      return "untyped";
  }
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
  add("", value, labels);
}

void Exposition::add(const broker::TimeHistogram& times, Labels labels) {
  std::uint64_t up_to_here = 0;
  labels.emplace_back("le", "");
  for (std::size_t i = 0; i < times.counts.size(); ++i) {
    up_to_here += times.counts[i];
    labels.back().second = i < times.bounds.size() ? fmt::format("{}", times.bounds[i]) : "+Inf";
    add("_bucket", static_cast<double>(up_to_here), labels);
  }
  labels.pop_back();
  add("_sum", times.sum, labels);
  add("_count", static_cast<double>(up_to_here), labels);
}

void Exposition::add(std::string_view suffix, double value, const Labels& labels) {
  text_ += name_;
  text_ += suffix;
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
  if (std::isnan(value))
    text_ += " NaN\n";
  else if (std::floor(value) == value && std::abs(value) < exact)
    fmt::format_to(std::back_inserter(text_), " {}\n", static_cast<std::int64_t>(value));
  else
    fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

}  // namespace leveret::management::prometheus
