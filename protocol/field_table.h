#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "protocol/octets.h"
#include "protocol/reply_code.h"

namespace leveret::protocol {

class FieldArray;
class FieldTable;

/// One value of a field table or array: its type octet and a view of its encoded octets.
///
/// RabbitMQ's dialect of the types, which differs from the specification's:
///
///     t bool    b int8    B uint8   s int16   u uint16   I int32   i uint32   l and L int64
///     f float   d double  D decimal (scale : octet | value : long)   T timestamp
///     S long string   x byte array   F table   A array   V void
///
/// The types `S`, `x`, `F` and `A` start with their size in four octets.  AMQP 0-9-1, section 4.2.5.5.
class FieldValue {
 public:
  FieldValue() = default;
  FieldValue(char type, Octets encoded) : type_{type}, octets_{encoded} {}

  char type() const { return type_; }

  /// The value as encoded, without the type octet and with its own size, where it has one.
  Octets octets() const { return octets_; }

  bool is_integer() const { return as_integer().has_value(); }

  /// Each of these is nothing when the value is of another type.
  std::optional<bool> as_bool() const;
  std::optional<std::int64_t> as_integer() const;  // any of the integer types
  std::optional<double> as_double() const;         // float and double
  std::optional<Timestamp> as_timestamp() const;
  std::optional<std::string_view> as_text() const;  // long string
  std::optional<FieldTable> as_table() const;
  std::optional<FieldArray> as_array() const;

  /// What a long string, byte array, table or array holds, without its size; empty for the other types.
  Octets contents() const;

 private:
  char type_ = 'V';
  Octets octets_{};
};

struct FieldEntry {
  std::string_view name{};
  FieldValue value{};
};

/// Take the first entry or value off `rest`; nothing when it is malformed or cut short.
std::optional<FieldEntry> take_field_entry(Octets& rest);
std::optional<FieldValue> take_field_value(Octets& rest);

/// Walks encoded entries or values; ends where they end, or at the first malformed one.
template <auto take>
class FieldIterator {
 public:
  using value_type = typename decltype(take(std::declval<Octets&>()))::value_type;
  using difference_type = std::ptrdiff_t;
  using reference = const value_type&;
  using pointer = const value_type*;
  using iterator_category = std::input_iterator_tag;

  FieldIterator() = default;
  explicit FieldIterator(Octets encoded) : rest_{encoded} { ++*this; }

  reference operator*() const { return *current_; }
  pointer operator->() const { return &*current_; }
  FieldIterator& operator++() {
    current_ = rest_.empty() ? std::nullopt : take(rest_);
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const FieldIterator& iterator, std::default_sentinel_t) { return !iterator.current_; }

 private:
  Octets rest_{};
  std::optional<value_type> current_{};
};

/// A view of an encoded field table, without the four octets of its size.  Entries are decoded only when asked for.
///
/// What the codec hands out has been validated.  Any other octets are safe to walk too, up to the first fault; to
/// describe or compare tables is to descend into them, which asks for valid ones.
class FieldTable {
 public:
  using Iterator = FieldIterator<take_field_entry>;

  FieldTable() = default;
  explicit FieldTable(Octets entries) : octets_{entries} {}

  /// Whether `entries` are a well-formed table, nested ones included.
  /// Errors: frame_error for an unknown type, what does not fit, or tables and arrays nested more than 128 deep.
  static Result<void> validate(Octets entries);

  Octets octets() const { return octets_; }
  bool empty() const { return octets_.empty(); }
  Iterator begin() const { return Iterator{octets_}; }
  std::default_sentinel_t end() const { return {}; }

  /// The first value of that name, as RabbitMQ looks one up.
  std::optional<FieldValue> find(std::string_view name) const;

 private:
  Octets octets_{};
};

/// The same for the values of a field array.
class FieldArray {
 public:
  using Iterator = FieldIterator<take_field_value>;

  FieldArray() = default;
  explicit FieldArray(Octets values) : octets_{values} {}

  Octets octets() const { return octets_; }
  bool empty() const { return octets_.empty(); }
  Iterator begin() const { return Iterator{octets_}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  Octets octets_{};
};

/// Whether two values are equal as Erlang's `==` sees them once RabbitMQ has decoded them, which is how a headers
/// exchange compares: numbers by value whatever their type (1 equals 1.0), strings and byte arrays by their octets,
/// tables and arrays entry by entry, where the types must agree as well.
bool equivalent(const FieldValue& left, const FieldValue& right);

/// Whether the types are of one kind for the comparison of arguments: all integers and decimals are one, float and
/// double another, any other type is its own.  Arguments are equal when their kinds are and `equivalent` holds.
bool same_type_class(const FieldValue& left, const FieldValue& right);

/// `{x-max-length=10, x-overflow="drop-head"}`, for a log line.
std::string describe(const FieldTable& table);
std::string describe(const FieldValue& value);

/// What the builders share: a string of encoded values that grows.
class FieldEncoder {
 protected:
  void append_name(std::string_view name);  // cut to 255 octets
  void append(const FieldValue& value);
  void append(std::string_view text);
  void append(Octets byte_array);
  void append(double value);
  void append(float value);
  void append(Timestamp value);
  void append(std::nullptr_t);
  void append(const FieldTable& table);
  void append(const FieldArray& array);

  template <std::same_as<bool> T>
  void append(T value) {
    append_fixed('t', static_cast<std::uint8_t>(value));
  }

  /// Each integer type has a type octet, but for uint64: it goes as int64, for the dialect has no larger one.
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) void append(T value) {
    constexpr bool is_signed = std::is_signed_v<T>;
    constexpr char type = sizeof(T) == 1   ? (is_signed ? 'b' : 'B')
                          : sizeof(T) == 2 ? (is_signed ? 's' : 'u')
                          : sizeof(T) == 4 ? (is_signed ? 'I' : 'i')
                                           : 'l';
    append_fixed(type, static_cast<std::make_unsigned_t<T>>(value));
  }

  std::string encoded_{};

 private:
  template <std::unsigned_integral T>
  void append_fixed(char type, T value);
  void append_sized(char type, Octets contents);
};

/// Builds the values of a field array: `FieldArrayBuilder{}.add("a").add(1).add(table.view())`.
class FieldArrayBuilder : private FieldEncoder {
 public:
  template <class T>
  FieldArrayBuilder& add(const T& value) {
    append(value);
    return *this;
  }
  FieldArrayBuilder& add(const class FieldTableBuilder& table);

  /// Valid until the builder changes or ends.
  FieldArray view() const { return FieldArray{as_octets(encoded_)}; }
};

/// Builds a field table: `FieldTableBuilder{}.put("x-max-length", 10).put("x-overflow", "drop-head")`.
///
/// A value is text, a bool, any integer, float or double, Timestamp, Octets (a byte array), nullptr (void), a
/// FieldValue, FieldTable or FieldArray, or another builder.  Names are cut to 255 octets and are not made unique.
class FieldTableBuilder : private FieldEncoder {
 public:
  template <class T>
  FieldTableBuilder& put(std::string_view name, const T& value) {
    append_name(name);
    append(value);
    return *this;
  }
  FieldTableBuilder& put(std::string_view name, const FieldTableBuilder& table) { return put(name, table.view()); }
  FieldTableBuilder& put(std::string_view name, const FieldArrayBuilder& array) { return put(name, array.view()); }
  FieldTableBuilder& put_value(std::string_view name, const FieldValue& value) { return put(name, value); }

  bool empty() const { return encoded_.empty(); }

  /// Valid until the builder changes or ends.
  FieldTable view() const { return FieldTable{as_octets(encoded_)}; }

  /// The encoded entries; the builder is empty again.
  std::string take() { return std::exchange(encoded_, {}); }
};

inline FieldArrayBuilder& FieldArrayBuilder::add(const FieldTableBuilder& table) {
  return add(table.view());
}

}  // namespace leveret::protocol
