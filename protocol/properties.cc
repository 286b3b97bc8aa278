#include "protocol/properties.h"

#include <utility>

#include "protocol/byte_order.h"
#include "protocol/decoder.h"
#include "protocol/encoder.h"
#include "protocol/frame.h"

namespace leveret::protocol {
namespace {

constexpr std::size_t flags_size = 2;
constexpr std::size_t property_count = std::tuple_size_v<decltype(BasicProperties::fields)>;

constexpr std::uint16_t flag_of(std::size_t property) {
  return static_cast<std::uint16_t>(0x8000U >> property);
}

constexpr std::uint16_t flag_of(std::string_view name) {
  std::size_t index = 0;
  std::apply([&](auto... field) { (void)((field.name == name || (++index, false)) || ...); }, BasicProperties::fields);
  return flag_of(index);
}

constexpr std::uint16_t not_essential_flags = flag_of("headers") | flag_of("reply-to") | flag_of("user-id");

/// Calls `visit(property, flag)` for the pointer to each member, in the order of their flags.
template <class Visitor>
void for_each_property(Visitor&& visit) {
  [&]<std::size_t... index>(std::index_sequence<index...>) {
    (visit(std::get<index>(BasicProperties::fields).member, flag_of(index)), ...);
  }
  (std::make_index_sequence<property_count>{});
}

/// Reads all properties; `value_of(member)` says where each one that is present goes.
template <class ValueOf>
bool read_all(Octets octets, ValueOf&& value_of) {
  Decoder decoder{octets};
  std::uint16_t flags{};
  decoder.get(flags);
  for_each_property([&](auto member, std::uint16_t flag) {
    if (flags & flag) decoder.get(value_of(member));
  });
  return !decoder.has_failed() && decoder.is_at_end();
}

}  // namespace

Result<BasicProperties> decode_properties(Octets octets) {
  BasicProperties properties{};
  const auto value_of = [&](auto member) -> auto& {
    return (properties.*member).emplace();
  };
  if (!read_all(octets, value_of)) return internal_error("");
  return properties;
}

Result<EssentialProperties> decode_essential_properties(Octets octets) {
  EssentialProperties essential{};
  if (octets.size() < flags_size) return internal_error("");
  const auto flags = load<std::uint16_t>(octets.data());
  if (flags == 0 && octets.size() == flags_size) return essential;
  essential.are_not_all = (flags & not_essential_flags) != 0;
  std::tuple<std::uint8_t, std::uint64_t, ShortString, FieldTable> forgotten{};
  const auto value_of = [&]<class T>(std::optional<T> BasicProperties::*member) -> T& {
    if constexpr (std::is_same_v<T, std::uint8_t>)
      return (member == &BasicProperties::priority ? essential.priority : essential.delivery_mode).emplace();
    if constexpr (std::is_same_v<T, ShortString>)
      if (member == &BasicProperties::expiration) return essential.expiration.emplace();
    return std::get<T>(forgotten);
  };
  if (!read_all(octets, value_of)) return internal_error("");
  return essential;
}

std::string encode_properties(const BasicProperties& properties) {
  std::size_t size = flags_size;
  std::uint16_t flags = 0;
  for_each_property([&](auto member, std::uint16_t flag) {
    if (!(properties.*member)) return;
    size += encoded_size_max(*(properties.*member));
    flags |= flag;
  });
  std::string encoded(size, '\0');
  Encoder encoder{reinterpret_cast<std::uint8_t*>(encoded.data())};
  encoder.put(flags);
  for_each_property([&](auto member, std::uint16_t) {
    if (properties.*member) encoder.put(*(properties.*member));
  });
  return encoded;
}

std::optional<FieldTable> headers_of(Octets properties) {
  Decoder decoder{properties};
  std::uint16_t flags{};
  decoder.get(flags);
  if (!(flags & flag_of("headers"))) return {};
  for (const auto before : {flag_of("content-type"), flag_of("content-encoding")}) {
    ShortString stepped_over{};
    if (flags & before) decoder.get(stepped_over);
  }
  const FieldTable headers = decoder.get_unchecked_table();
  return decoder.has_failed() ? std::nullopt : std::optional{headers};
}

namespace {

/// Where the table of headers begins, or would: behind the properties before it.
std::size_t headers_at(Octets properties, std::uint16_t flags) {
  std::size_t at = flags_size;
  for (const auto before : {flag_of("content-type"), flag_of("content-encoding")})
    if (flags & before) at += 1u + properties[at];
  return at;
}

std::string entries_without(FieldTable table, std::string_view name) {
  FieldTableBuilder kept;
  for (const auto& entry : table)
    if (entry.name != name) kept.put_value(entry.name, entry.value);
  return kept.take();
}

}  // namespace

std::string with_header(Octets properties, std::string_view name, std::int64_t value) {
  const auto headers = headers_of(properties);
  const auto flags = load<std::uint16_t>(properties.data());
  const std::size_t at = headers_at(properties, flags);
  std::string entries;
  if (headers)
    entries = headers->find(name) ? entries_without(*headers, name) : std::string{as_text(headers->octets())};
  entries += FieldTableBuilder{}.put(name, value).take();

  std::string changed{as_text(properties.first(at))};
  changed[0] = static_cast<char>((flags | flag_of("headers")) >> 8);
  for (int shift = 24; shift >= 0; shift -= 8) changed.push_back(static_cast<char>(entries.size() >> shift));
  changed += entries;
  const std::size_t old_size = headers ? 4 + headers->octets().size() : 0;
  changed += as_text(properties.subspan(at + old_size));
  return changed;
}

Result<ContentHeader> decode_content_header(Octets payload) {
  if (payload.size() < content_header_size_min) return unknown_frame({.type = FrameType::header, .payload = payload});
  Decoder decoder{payload};
  ContentHeader header{.properties = payload.subspan(content_header_size_min)};
  decoder.get(header.class_id);
  decoder.get(header.weight);
  decoder.get(header.body_size);
  return header;
}

}  // namespace leveret::protocol
