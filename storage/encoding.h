#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leveret::storage {

/// Seven bits an octet, lowest first; the highest bit says that another one follows.
inline void append_varint(std::string& output, std::uint64_t value) {
  while (value >= 0x80) {
    output.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  output.push_back(static_cast<char>(value));
}

/// Takes a varint off the front of `input`; nothing when it does not end or is too large.
inline std::optional<std::uint64_t> take_varint(std::string_view& input) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < input.size() && i < 10; ++i) {
    const auto octet = static_cast<std::uint8_t>(input[i]);
    if (i == 9 && octet > 1) return std::nullopt;
    value |= std::uint64_t{octet & 0x7Fu} << (7 * i);
    if (octet < 0x80) {
      input.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

/// Eight octets, highest first, so that octets sort like numbers.
inline void put_big_endian(char* output, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) output[i] = static_cast<char>(value >> (56 - 8 * i));
}

inline std::uint64_t big_endian(const char* input) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<std::uint8_t>(input[i]);
  return value;
}

}  // namespace leveret::storage
