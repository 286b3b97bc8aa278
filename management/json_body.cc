#include "management/json_body.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "protocol/utf8.h"

namespace leveret::management {
namespace {

constexpr std::size_t text_size_max = 255;

Refusal wrong_type(std::string_view what, const json::value& value) {
  return bad_request(json::array{what, value});
}

void add_value(protocol::FieldArrayBuilder& array, const json::value& value);

template <class Put>
void put_value(const json::value& value, Put put) {
  switch (value.kind()) {
    case json::kind::null:
      throw bad_request("null_not_allowed");
    case json::kind::bool_:
      return put(value.get_bool());
    case json::kind::int64:
      return put(value.get_int64());
    case json::kind::uint64:
      return put(value.get_uint64());
    case json::kind::double_:
      return put(value.get_double());
    case json::kind::string:
      return put(std::string_view{value.get_string()});
    case json::kind::array: {
      protocol::FieldArrayBuilder nested;
      for (const auto& member : value.get_array()) add_value(nested, member);
      return put(nested.view());
    }
    case json::kind::object: {
      const std::string nested = encode_table(value.get_object());
      return put(protocol::FieldTable{protocol::as_octets(nested)});
    }
  }
}

void add_value(protocol::FieldArrayBuilder& array, const json::value& value) {
  put_value(value, [&](const auto& encoded) { array.add(encoded); });
}

/// JSON has no word for those that are no numbers: they are shown as text.
json::value number_to_json(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return number;
}

json::value value_to_json(const protocol::FieldValue& value) {
  if (const auto flag = value.as_bool()) return *flag;
  if (const auto integer = value.as_integer()) return *integer;
  if (const auto number = value.as_double()) return number_to_json(*number);
  if (const auto time = value.as_timestamp()) return static_cast<std::uint64_t>(*time);
  if (const auto text = value.as_text()) return to_json_text(*text);
  if (const auto table = value.as_table()) return to_json(*table);
  if (const auto array = value.as_array()) {
    json::array values;
    for (const auto& member : *array) values.push_back(value_to_json(member));
    return values;
  }
  if (value.type() == 'x') return to_json_text(protocol::as_text(value.contents()));
  return nullptr;
}

/// 1E400 is read as an infinity, which JSON has not.
bool is_finite(const json::value& value) {
  if (const double* number = value.if_double()) return std::isfinite(*number);
  if (const json::array* array = value.if_array()) return std::all_of(array->begin(), array->end(), is_finite);
  if (const json::object* object = value.if_object())
    return std::all_of(object->begin(), object->end(), [](const auto& member) { return is_finite(member.value()); });
  return true;
}

}  // namespace

std::optional<json::value> parse_json(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, {.allow_comments = true, .allow_trailing_commas = true});
  if (error || !is_finite(value)) return {};
  return value;
}

JsonBody::JsonBody(const Request& request) {
  if (request.body.empty()) return;
  auto value = parse_json(request.body);
  if (!value || !value->is_object()) throw bad_request("not_json");
  members_ = std::move(value->get_object());
}

const JsonBody& JsonBody::require(std::initializer_list<std::string_view> names) const {
  std::string missing;
  for (const auto name : names)
    if (!members_.contains(name)) missing += fmt::format("{}{{key_missing,{}}}", missing.empty() ? "" : ",", name);
  if (!missing.empty()) throw bad_request(json::string{"[" + missing + "]"});
  return *this;
}

bool JsonBody::has(std::string_view name) const {
  const json::value* value = find(name);
  return value && !value->is_null();
}

std::string JsonBody::text(std::string_view name) const {
  const json::value* value = find(name);
  if (!value || value->is_null()) return {};
  if (!value->is_string()) throw bad_request(json::array{"not_string", name});
  return std::string{value->get_string()};
}

bool JsonBody::flag(std::string_view name, bool otherwise) const {
  const json::value* value = find(name);
  if (!value || value->is_null()) return otherwise;
  if (value->is_bool()) return value->get_bool();
  if (value->is_string() && value->get_string() == "true") return true;
  if (value->is_string() && value->get_string() == "false") return false;
  throw wrong_type("not_boolean", *value);
}

std::optional<std::int64_t> JsonBody::integer(std::string_view name) const {
  const json::value* value = find(name);
  if (!value || value->is_null()) return {};
  if (value->is_int64()) return value->get_int64();
  if (value->is_string()) {
    const auto& text = value->get_string();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return number;
  }
  throw wrong_type("not_integer", *value);
}

std::string JsonBody::table(std::string_view name) const {
  const json::value* value = find(name);
  if (!value || value->is_null()) return {};
  if (value->is_array() && value->get_array().empty()) return {};
  if (!value->is_object()) throw bad_request(json::array{"not_an_object", name});
  return encode_table(value->get_object());
}

std::vector<std::string> JsonBody::list(std::string_view name) const {
  const json::value* value = find(name);
  std::vector<std::string> texts;
  if (!value || value->is_null()) return texts;
  if (value->is_string()) {
    const std::string joined{value->get_string()};
    boost::algorithm::split(texts, joined, [](char c) { return c == ','; });
  } else if (value->is_array()) {
    for (const auto& member : value->get_array()) {
      if (!member.is_string()) throw bad_request(json::array{"not_string", name});
      texts.emplace_back(member.get_string());
    }
  } else {
    throw bad_request(json::array{"not_a_list", name});
  }
  for (auto& text : texts) boost::algorithm::trim(text);
  std::erase(texts, "");
  return texts;
}

std::string encode_table(const json::object& object) {
  protocol::FieldTableBuilder table;
  for (const auto& [name, value] : object) {
    if (name.size() > text_size_max) throw bad_request("argument names have at most 255 octets");
    put_value(value, [&table, key = std::string_view{name}](const auto& encoded) { table.put(key, encoded); });
  }
  return table.take();
}

json::object to_json(protocol::FieldTable table) {
  json::object object;
  for (const auto& [name, value] : table) object[to_json_text(name)] = value_to_json(value);
  return object;
}

json::object table_to_json(const std::string& encoded) {
  return to_json(protocol::FieldTable{protocol::as_octets(encoded)});
}

json::string to_json_text(std::string_view octets) {
  if (protocol::is_utf8(octets)) return json::string{octets};
  json::string text;
  while (!octets.empty()) {
    std::size_t size = 1;
    while (size <= 4 && size <= octets.size() && !protocol::is_utf8(octets.substr(0, size))) ++size;
    const bool is_character = size <= 4 && size <= octets.size();
    text.append(is_character ? octets.substr(0, size) : std::string_view{"\xEF\xBF\xBD"});
    octets.remove_prefix(is_character ? size : 1);
  }
  return text;
}

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}+00:00", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                     milliseconds % 1000);
}

}  // namespace leveret::management
