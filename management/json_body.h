#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "management/request.h"
#include "protocol/field_table.h"

namespace leveret::management {

/// A request's JSON body: an object whose members are asked for by name and type.  No body at all is an empty object.
///
/// Throws: Refusal for a body that is no JSON object ("not_json"), and in each question for a member of another type.
class JsonBody {
 public:
  explicit JsonBody(const Request& request);
  explicit JsonBody(json::object members) : members_(std::move(members)) {}

  /// Refuses when one of them is missing, and names all that are: "[{key_missing,name}]".
  const JsonBody& require(std::initializer_list<std::string_view> names) const;

  bool has(std::string_view name) const;
  /// A member that is absent or null is empty.
  std::string text(std::string_view name) const;
  /// true, false, "true" and "false".
  bool flag(std::string_view name, bool otherwise = false) const;
  /// A number, or text that holds one.
  std::optional<std::int64_t> integer(std::string_view name) const;
  /// An object as an encoded field table; `[]` stands for an empty one.
  std::string table(std::string_view name) const;
  /// Text with commas, or an array of texts.
  std::vector<std::string> list(std::string_view name) const;

  const json::value* find(std::string_view name) const { return members_.if_contains(name); }
  const json::object& members() const { return members_; }

 private:
  json::object members_{};
};

/// JSON as RabbitMQ takes it: a mark of the byte order in front, comments and commas at the end of lists are passed
/// over. Nothing for what is no JSON, and for numbers that are none.
std::optional<json::value> parse_json(std::string_view text);

/// An encoded field table.  Throws: Refusal for null, which AMQP could hold, but RabbitMQ's API does not take.
std::string encode_table(const json::object& object);

json::object to_json(protocol::FieldTable table);
json::object table_to_json(const std::string& encoded);

/// Text for JSON: octets that are no UTF-8 are replaced.
json::string to_json_text(std::string_view octets);

/// RFC 3339 in UTC with milliseconds, as RabbitMQ writes times.
std::string time_text(std::chrono::system_clock::time_point time);

}  // namespace leveret::management
