#include "management/listing.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <numeric>

#include <fmt/format.h>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/regex.hpp>

namespace leveret::management {
namespace {

constexpr std::int64_t page_size_default = 100;
constexpr std::int64_t page_size_max = 500;

using Column = std::vector<std::string>;  // "message_stats.publish" in two

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  const std::string joined{text};
  boost::algorithm::split(parts, joined, [separator](char c) { return c == separator; });
  return parts;
}

const json::value* find(const json::object& object, const Column& column) {
  const json::object* in = &object;
  for (std::size_t i = 0; i < column.size(); ++i) {
    const json::value* value = in->if_contains(column[i]);
    if (!value || i + 1 == column.size()) return value;
    in = value->if_object();
    if (!in) return nullptr;
  }
  return nullptr;
}

/// Numbers come before text, and what is absent counts as 0: so do RabbitMQ's.
bool comes_before(const json::value* left, const json::value* right) {
  static const json::value zero = 0;
  const json::value& a = left ? *left : zero;
  const json::value& b = right ? *right : zero;
  if (a.is_number() && b.is_number()) return a.to_number<double>() < b.to_number<double>();
  if (a.is_string() && b.is_string()) return a.get_string() < b.get_string();
  if (a.is_bool() && b.is_bool()) return a.get_bool() < b.get_bool();
  if (a.is_number() != b.is_number()) return a.is_number();
  return a.is_string() < b.is_string();
}

json::object with_columns(const json::object& object, const std::vector<Column>& columns) {
  if (columns.empty()) return object;
  json::object picked;
  for (const Column& column : columns) {
    const json::value* value = find(object, column);
    if (!value) continue;
    json::object* in = &picked;
    for (std::size_t i = 0; i + 1 < column.size(); ++i) {
      json::value& next = (*in)[column[i]];
      if (!next.is_object()) next = json::object{};
      in = &next.get_object();
    }
    (*in)[column.back()] = *value;
  }
  return picked;
}

std::vector<Column> columns_of(const Request& request) {
  std::vector<Column> columns;
  for (const auto& name : split(request.query_value("columns").value_or(""), ',')) columns.push_back(split(name, '.'));
  std::erase_if(columns, [](const Column& column) { return column.empty(); });
  return columns;
}

// --- pages

Refusal invalid_paging() {
  return bad_request("Pagination parameters are invalid");
}

std::optional<std::int64_t> number(const Request& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text) return {};
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size()) throw invalid_paging();
  return value;
}

struct Page {
  std::int64_t number = 1;
  std::int64_t size = page_size_default;
};

std::optional<Page> page_of(const Request& request) {
  const auto wanted = number(request, "page");
  if (!wanted) return {};
  const auto size = number(request, "page_size");
  const bool is_valid = *wanted > 0 && size.value_or(1) > 0 && size.value_or(1) <= page_size_max;
  if (!is_valid)
    throw Refusal{400, "invalid_pagination_parameters",
                  json::string{fmt::format("Invalid pagination parameters: page number {}, page size {}", *wanted,
                                           size ? std::to_string(*size) : "undefined")}};
  return Page{.number = *wanted, .size = size.value_or(page_size_default)};
}

/// Keeps the items whose names hold the text, in either case, or match the pattern.
void filter(const Request& request, const Items& items, std::vector<std::size_t>& shown) {
  const auto wanted = request.query_value("name");
  if (!wanted || wanted->empty()) return;
  if (request.has_query_flag("use_regex")) {
    const boost::regex pattern{std::string{*wanted},
                               boost::regex::perl | boost::regex::icase | boost::regex::no_except};
    if (pattern.status() != 0) throw invalid_paging();
    const auto matches = [&](std::size_t i) {
      const std::string_view name = items.name(i);
      try {
        return boost::regex_search(name.begin(), name.end(), pattern);
      } catch (const std::runtime_error&) {
        throw invalid_paging();  // too costly to evaluate
      }
    };
    std::erase_if(shown, [&](std::size_t i) { return !matches(i); });
    return;
  }
  const std::string text = boost::algorithm::to_lower_copy(std::string{*wanted});
  std::erase_if(shown, [&](std::size_t i) {
    return boost::algorithm::to_lower_copy(std::string{items.name(i)}).find(text) == std::string::npos;
  });
}

using SortKey = std::optional<json::value>;

/// Of those that are shown, at their places.
std::vector<SortKey> sort_keys(const Items& items, const std::vector<std::size_t>& shown, const Column& column) {
  std::vector<SortKey> keys(items.size);
  for (const std::size_t i : shown) {
    const json::object object = items.make_part ? items.make_part(i, column.front()) : items.make(i);
    if (const json::value* value = find(object, column)) keys[i] = *value;
  }
  return keys;
}

void sort(const Request& request, const Items& items, std::vector<std::size_t>& shown) {
  const Column column = split(request.query_value("sort").value_or(""), '.');
  if (column.empty()) return;
  const bool is_reversed = request.has_query_flag("sort_reverse");
  const std::vector<SortKey> keys = sort_keys(items, shown, column);
  const auto key = [&](std::size_t i) { return keys[i] ? &*keys[i] : nullptr; };
  std::stable_sort(shown.begin(), shown.end(), [&](std::size_t left, std::size_t right) {
    if (is_reversed) std::swap(left, right);
    return comes_before(key(left), key(right));
  });
}

}  // namespace

Items items_of(std::vector<json::object> objects) {
  const auto kept = std::make_shared<std::vector<json::object>>(std::move(objects));
  return {.size = kept->size(),
          .name =
              [kept](std::size_t i) {
                const json::value* name = (*kept)[i].if_contains("name");
                return name && name->is_string() ? std::string_view{name->get_string()} : std::string_view{};
              },
          .make = [kept](std::size_t i) { return (*kept)[i]; }};
}

Response list(const Request& request, const Items& items, Paging paging) {
  const auto page = paging == Paging::offered ? page_of(request) : std::nullopt;
  std::vector<std::size_t> shown(items.size);
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  if (page) filter(request, items, shown);
  sort(request, items, shown);

  const auto filtered = static_cast<std::int64_t>(shown.size());
  std::int64_t first = 0;
  std::int64_t last = filtered;
  if (page) {
    first = (page->number - 1) * page->size;
    if (page->number > 1 && (page->number > filtered || first >= filtered))
      throw Refusal{400, "page_out_of_range",
                    json::string{fmt::format("Page out of range, page: {} page size: {}, len: {}", page->number,
                                             page->size, filtered)}};
    last = std::min(filtered, first + page->size);
  }
  const std::vector<Column> columns = columns_of(request);
  json::array listed;
  for (std::int64_t i = first; i < last; ++i)
    listed.push_back(with_columns(items.make(shown[static_cast<std::size_t>(i)]), columns));
  if (!page) return answer(listed);
  return answer(json::object{{"filtered_count", filtered},
                             {"item_count", last - first},
                             {"items", std::move(listed)},
                             {"page", page->number},
                             {"page_count", (filtered + page->size - 1) / page->size},
                             {"page_size", page->size},
                             {"total_count", items.size}});
}

Response show(const Request& request, const json::object& object) {
  return answer(with_columns(object, columns_of(request)));
}

}  // namespace leveret::management
