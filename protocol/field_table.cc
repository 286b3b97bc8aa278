#include "protocol/field_table.h"

#include <algorithm>
#include <array>
#include <bit>

#include "protocol/byte_order.h"

namespace leveret::protocol {
namespace {

constexpr std::size_t size_octets = 4;
constexpr int nesting_max = 128;

/// How many octets a value takes after its type octet.
enum class Width : std::uint8_t {
  none = 0,
  one = 1,
  two = 2,
  four = 4,
  five = 5,
  eight = 8,
  sized = 254,
  unknown = 255
};

constexpr auto widths = [] {
  std::array<Width, 256> table{};
  table.fill(Width::unknown);
  table['V'] = Width::none;
  table['t'] = table['b'] = table['B'] = Width::one;
  table['s'] = table['u'] = Width::two;
  table['I'] = table['i'] = table['f'] = Width::four;
  table['D'] = Width::five;
  table['l'] = table['L'] = table['d'] = table['T'] = Width::eight;
  table['S'] = table['x'] = table['F'] = table['A'] = Width::sized;
  return table;
}();

/// The size of the value of that type at the start of `rest`; nothing when it is unknown or does not fit.
std::optional<std::size_t> value_size(std::uint8_t type, Octets rest) {
  const Width width = widths[type];
  if (width == Width::unknown) return {};
  std::size_t size = static_cast<std::size_t>(width);
  if (width == Width::sized) {
    if (rest.size() < size_octets) return {};
    size = size_octets + load<std::uint32_t>(rest.data());
  }
  if (size > rest.size()) return {};
  return size;
}

template <auto take>
bool is_valid(Octets octets, int depth);

bool is_valid(const FieldValue& value, int depth) {
  if (value.type() == 'F') return is_valid<take_field_entry>(value.contents(), depth + 1);
  if (value.type() == 'A') return is_valid<take_field_value>(value.contents(), depth + 1);
  return true;
}

bool is_valid(const FieldEntry& entry, int depth) {
  return is_valid(entry.value, depth);
}

template <auto take>
bool is_valid(Octets octets, int depth) {
  if (depth > nesting_max) return false;
  while (!octets.empty()) {
    const auto item = take(octets);
    if (!item || !is_valid(*item, depth)) return false;
  }
  return true;
}

/// Types that RabbitMQ decodes to the same thing are one.
char decoded_type(char type) {
  return type == 'L' ? 'l' : type;
}

bool same_nested(const FieldValue& left, const FieldValue& right) {
  return decoded_type(left.type()) == decoded_type(right.type()) && equivalent(left, right);
}

bool same_nested(const FieldEntry& left, const FieldEntry& right) {
  return left.name == right.name && same_nested(left.value, right.value);
}

template <class Items>
bool same_items(const Items& left, const Items& right) {
  auto l = left.begin();
  auto r = right.begin();
  for (; l != left.end() && r != right.end(); ++l, ++r)
    if (!same_nested(*l, *r)) return false;
  return l == left.end() && r == right.end();
}

/// Wide enough to hold any int64, uint64 and double exactly.
using Number = long double;

std::optional<Number> as_number(const FieldValue& value) {
  if (const auto integer = value.as_integer()) return static_cast<Number>(*integer);
  if (const auto real = value.as_double()) return static_cast<Number>(*real);
  if (const auto time = value.as_timestamp()) return static_cast<Number>(*time);
  return {};
}

char type_class(char type) {
  switch (type) {
    case 'b':
    case 'B':
    case 's':
    case 'u':
    case 'I':
    case 'i':
    case 'l':
    case 'L':
    case 'D':
      return 'l';
    case 'f':
    case 'd':
      return 'd';
    default:
      return type;
  }
}

template <class Items>
std::string describe_items(const Items& items, const char* open, const char* close) {
  std::string text = open;
  for (const auto& item : items) {
    if (text.size() > 1) text += ", ";
    if constexpr (requires { item.name; })
      text.append(item.name).append("=").append(describe(item.value));
    else
      text += describe(item);
  }
  return text += close;
}

}  // namespace

std::optional<FieldValue> take_field_value(Octets& rest) {
  if (rest.empty()) return {};
  const std::uint8_t type = rest.front();
  const auto size = value_size(type, rest.subspan(1));
  if (!size) return {};
  const FieldValue value{static_cast<char>(type), rest.subspan(1, *size)};
  rest = rest.subspan(1 + *size);
  return value;
}

std::optional<FieldEntry> take_field_entry(Octets& rest) {
  if (rest.empty() || rest.front() >= rest.size()) return {};
  const std::size_t name_size = rest.front();
  Octets after_name = rest.subspan(1 + name_size);
  const auto value = take_field_value(after_name);
  if (!value) return {};
  const FieldEntry entry{.name = as_text(rest.subspan(1, name_size)), .value = *value};
  rest = after_name;
  return entry;
}

std::optional<bool> FieldValue::as_bool() const {
  if (type_ != 't') return {};
  return octets_.front() != 0;
}

std::optional<std::int64_t> FieldValue::as_integer() const {
  const std::uint8_t* at = octets_.data();
  switch (type_) {
    case 'b':
      return static_cast<std::int8_t>(*at);
    case 'B':
      return *at;
    case 's':
      return static_cast<std::int16_t>(load<std::uint16_t>(at));
    case 'u':
      return load<std::uint16_t>(at);
    case 'I':
      return static_cast<std::int32_t>(load<std::uint32_t>(at));
    case 'i':
      return load<std::uint32_t>(at);
    case 'l':
    case 'L':
      return static_cast<std::int64_t>(load<std::uint64_t>(at));
    default:
      return {};
  }
}

std::optional<double> FieldValue::as_double() const {
  if (type_ == 'f') return std::bit_cast<float>(load<std::uint32_t>(octets_.data()));
  if (type_ == 'd') return std::bit_cast<double>(load<std::uint64_t>(octets_.data()));
  return {};
}

std::optional<Timestamp> FieldValue::as_timestamp() const {
  if (type_ != 'T') return {};
  return Timestamp{load<std::uint64_t>(octets_.data())};
}

std::optional<std::string_view> FieldValue::as_text() const {
  if (type_ != 'S') return {};
  return protocol::as_text(contents());
}

std::optional<FieldTable> FieldValue::as_table() const {
  if (type_ != 'F') return {};
  return FieldTable{contents()};
}

std::optional<FieldArray> FieldValue::as_array() const {
  if (type_ != 'A') return {};
  return FieldArray{contents()};
}

Octets FieldValue::contents() const {
  return widths[static_cast<std::uint8_t>(type_)] == Width::sized ? octets_.subspan(size_octets) : Octets{};
}

Result<void> FieldTable::validate(Octets entries) {
  if (!is_valid<take_field_entry>(entries, 1)) return frame_error("malformed field table");
  return {};
}

std::optional<FieldValue> FieldTable::find(std::string_view name) const {
  for (const FieldEntry& entry : *this)
    if (entry.name == name) return entry.value;
  return {};
}

bool equivalent(const FieldValue& left, const FieldValue& right) {
  const auto left_number = as_number(left);
  const auto right_number = as_number(right);
  if (left_number && right_number) return *left_number == *right_number;
  if (left.as_table() && right.as_table()) return same_items(*left.as_table(), *right.as_table());
  if (left.as_array() && right.as_array()) return same_items(*left.as_array(), *right.as_array());
  if (left.as_bool() && right.as_bool()) return *left.as_bool() == *right.as_bool();
  const auto is_binary = [](const FieldValue& value) { return value.type() == 'S' || value.type() == 'x'; };
  if (!(is_binary(left) && is_binary(right)) && left.type() != right.type()) return false;
  return std::ranges::equal(left.octets(), right.octets());
}

bool same_type_class(const FieldValue& left, const FieldValue& right) {
  return type_class(left.type()) == type_class(right.type());
}

std::string describe(const FieldTable& table) {
  return describe_items(table, "{", "}");
}

std::string describe(const FieldValue& value) {
  if (const auto flag = value.as_bool()) return *flag ? "true" : "false";
  if (const auto integer = value.as_integer()) return std::to_string(*integer);
  if (const auto real = value.as_double()) return std::to_string(*real);
  if (const auto time = value.as_timestamp()) return std::to_string(static_cast<std::uint64_t>(*time));
  if (const auto text = value.as_text()) return '"' + std::string{*text} + '"';
  if (const auto table = value.as_table()) return describe(*table);
  if (const auto array = value.as_array()) return describe_items(*array, "[", "]");
  if (value.type() == 'x') return '(' + std::to_string(value.contents().size()) + " octets)";
  if (value.type() == 'D')
    return std::to_string(load<std::uint32_t>(value.octets().data() + 1)) + "e-" +
           std::to_string(value.octets().front());
  return "void";
}

template <std::unsigned_integral T>
void FieldEncoder::append_fixed(char type, T value) {
  std::array<std::uint8_t, 1 + sizeof(T)> octets{static_cast<std::uint8_t>(type)};
  store<T>(octets.data() + 1, value);
  encoded_ += as_text(octets);
}

template void FieldEncoder::append_fixed(char type, std::uint8_t value);
template void FieldEncoder::append_fixed(char type, std::uint16_t value);
template void FieldEncoder::append_fixed(char type, std::uint32_t value);
template void FieldEncoder::append_fixed(char type, std::uint64_t value);
template void FieldEncoder::append_fixed(char type, unsigned long long value);

void FieldEncoder::append_sized(char type, Octets contents) {
  append_fixed(type, static_cast<std::uint32_t>(contents.size()));
  encoded_ += as_text(contents);
}

void FieldEncoder::append_name(std::string_view name) {
  const std::string_view cut = name.substr(0, 255);
  encoded_ += static_cast<char>(static_cast<std::uint8_t>(cut.size()));
  encoded_ += cut;
}

void FieldEncoder::append(const FieldValue& value) {
  encoded_ += value.type();
  encoded_ += as_text(value.octets());
}

void FieldEncoder::append(std::string_view text) {
  append_sized('S', as_octets(text));
}
void FieldEncoder::append(Octets byte_array) {
  append_sized('x', byte_array);
}
void FieldEncoder::append(double value) {
  append_fixed('d', std::bit_cast<std::uint64_t>(value));
}
void FieldEncoder::append(float value) {
  append_fixed('f', std::bit_cast<std::uint32_t>(value));
}
void FieldEncoder::append(Timestamp value) {
  append_fixed('T', static_cast<std::uint64_t>(value));
}
void FieldEncoder::append(std::nullptr_t) {
  encoded_ += 'V';
}
void FieldEncoder::append(const FieldTable& table) {
  append_sized('F', table.octets());
}
void FieldEncoder::append(const FieldArray& array) {
  append_sized('A', array.octets());
}

}  // namespace leveret::protocol
