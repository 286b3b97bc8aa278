#include "protocol/utf8.h"

#include <cstdint>

#include "protocol/octets.h"

namespace leveret::protocol {
namespace {

/// How many octets follow the first one of a character, and the least character worth that many.
struct Lead {
  int following;
  std::uint32_t bits, least;
};

constexpr Lead lead_of(std::uint8_t octet) {
  if (octet < 0x80) return {0, octet, 0};
  if ((octet & 0xE0) == 0xC0) return {1, octet & 0x1FU, 0x80};
  if ((octet & 0xF0) == 0xE0) return {2, octet & 0x0FU, 0x800};
  if ((octet & 0xF8) == 0xF0) return {3, octet & 0x07U, 0x10000};
  return {-1, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) {
  const Octets octets = as_octets(text);
  for (std::size_t at = 0; at < octets.size();) {
    const auto [following, bits, least] = lead_of(octets[at++]);
    if (following < 0 || octets.size() - at < static_cast<std::size_t>(following)) return false;
    std::uint32_t character = bits;
    for (int i = 0; i < following; ++i, ++at) {
      if ((octets[at] & 0xC0) != 0x80) return false;
      character = character << 6 | (octets[at] & 0x3FU);
    }
    const bool is_surrogate = character >= 0xD800 && character <= 0xDFFF;
    if (character < least || character > 0x10FFFF || is_surrogate) return false;
  }
  return true;
}

}  // namespace leveret::protocol
