#include "storage/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace leveret::storage {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82F63B78u : 0);
    table[i] = value;
  }
  return table;
}
constexpr auto table = make_table();

#ifdef __x86_64__
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::string_view octets, std::uint32_t crc) {
  std::uint64_t value = ~crc;
  const char* at = octets.data();
  std::size_t left = octets.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    value = __builtin_ia32_crc32di(value, word);
  }
  auto short_value = static_cast<std::uint32_t>(value);
  for (; left > 0; --left, ++at) short_value = __builtin_ia32_crc32qi(short_value, static_cast<std::uint8_t>(*at));
  return ~short_value;
}
#endif

}  // namespace

std::uint32_t crc32c_portable(std::string_view octets, std::uint32_t crc) {
  crc = ~crc;
  for (const char octet : octets) crc = (crc >> 8) ^ table[(crc ^ static_cast<std::uint8_t>(octet)) & 0xFF];
  return ~crc;
}

std::uint32_t crc32c(std::string_view octets, std::uint32_t crc) {
#ifdef __x86_64__
  static const bool has_sse42 = __builtin_cpu_supports("sse4.2");
  if (has_sse42) return crc32c_sse42(octets, crc);
#endif
  return crc32c_portable(octets, crc);
}

}  // namespace leveret::storage

#ifdef __x86_64__
/// In the place of `rocksdb::crc32c::Extend`, which the linker leads here (see CMakeLists.txt): the distribution's
/// RocksDB is built without the processor's instruction for it, and spent a quarter of the time of filling a queue on
/// it.
extern "C" std::uint32_t __wrap__ZN7rocksdb6crc32c6ExtendEjPKcm(std::uint32_t crc, const char* octets,
                                                                std::size_t size) {
  return leveret::storage::crc32c({octets, size}, crc);
}
#endif
