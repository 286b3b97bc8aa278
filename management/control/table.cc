#include "management/control/table.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/json/serialize.hpp>

namespace leveret::management::control {
namespace {

namespace json = boost::json;

/// As Erlang writes the entries of a table of arguments.
std::string term_of(const json::value& value) {
  if (const auto* object = value.if_object()) {
    std::vector<std::string> entries;
    for (const auto& entry : *object)
      entries.push_back(fmt::format("{{\"{}\",{}}}", std::string_view{entry.key()}, term_of(entry.value())));
    return "[" + boost::algorithm::join(entries, ",") + "]";
  }
  return json::serialize(value);
}

std::vector<std::vector<std::string>> texts_of(const Table& table, bool has_header) {
  std::vector<std::vector<std::string>> lines;
  if (has_header) lines.push_back(table.columns);
  for (const auto& row : table.rows) {
    lines.emplace_back();
    for (const auto& value : row) lines.back().push_back(text_of(value));
  }
  return lines;
}

void print_tabbed(const Table& table, bool has_header, std::ostream& output) {
  for (const auto& line : texts_of(table, has_header && !table.rows.empty()))
    output << boost::algorithm::join(line, "\t") << '\n';
}

std::string in_quotes(const std::string& text) {
  return '"' + boost::algorithm::replace_all_copy(text, "\"", "\"\"") + '"';
}

void print_csv(const Table& table, bool has_header, std::ostream& output) {
  for (auto line : texts_of(table, has_header)) {
    std::transform(line.begin(), line.end(), line.begin(), in_quotes);
    output << boost::algorithm::join(line, ",") << '\n';
  }
}

void print_pretty(const Table& table, std::ostream& output) {
  const auto lines = texts_of(table, true);
  std::vector<std::size_t> widths(table.columns.size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  const auto rule = [&](std::string_view left, std::string_view middle, std::string_view right) {
    output << left;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      for (std::size_t j = 0; j < widths[i] + 2; ++j) output << "─";
      output << (i + 1 < widths.size() ? middle : right);
    }
    output << '\n';
  };
  rule("┌", "┬", "┐");
  for (std::size_t row = 0; row < lines.size(); ++row) {
    if (row > 0) rule("├", "┼", "┤");
    for (std::size_t i = 0; i < widths.size(); ++i) output << fmt::format("│ {:<{}} ", lines[row][i], widths[i]);
    output << "│\n";
  }
  rule("└", "┴", "┘");
}

void print_json(const Table& table, std::ostream& output) {
  output << '[';
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    json::object object;
    for (std::size_t i = 0; i < table.columns.size(); ++i) object[table.columns[i]] = table.rows[row][i];
    output << (row == 0 ? "\n" : "\n,") << json::serialize(object);
  }
  output << "\n]\n";
}

}  // namespace

std::string text_of(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string{*text};
  if (value.is_null()) return {};
  const auto* list = value.if_array();
  if (!list) return term_of(value);
  std::vector<std::string> texts;
  for (const auto& one : *list) texts.push_back(text_of(one));
  return "[" + boost::algorithm::join(texts, ", ") + "]";
}

void print(const Table& table, const Invocation& invocation, std::ostream& output) {
  const std::string format = invocation.format();
  const bool has_header = !invocation.is_silent() && !invocation.has("no-table-headers");
  if (format == "table") return print_tabbed(table, has_header, output);
  if (format == "csv") return print_csv(table, has_header, output);
  if (format == "pretty_table") return print_pretty(table, output);
  if (format == "json") return print_json(table, output);
  throw Failure{Exit::usage, fmt::format("Error (argument validation): the formatter {} is not there; table, "
                                         "pretty_table, csv and json are",
                                         format)};
}

}  // namespace leveret::management::control
