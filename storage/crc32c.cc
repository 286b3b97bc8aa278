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
/// So many octets are taken from each of three places at once: the instruction answers after three cycles, and can be
/// begun in each.
constexpr std::size_t stride = 256;

/// What becomes of a register while `stride` zeros pass, by each of its octets.
using Passing = std::array<std::array<std::uint32_t, 256>, 4>;
constexpr Passing make_passing() {
  std::array<std::uint32_t, 32> of_bit{};
  for (std::uint32_t bit = 0; bit < 32; ++bit) {
    std::uint32_t value = std::uint32_t{1} << bit;
    for (std::size_t i = 0; i < stride; ++i) value = (value >> 8) ^ table[value & 0xFF];
    of_bit[bit] = value;
  }
  Passing passing{};
  for (std::uint32_t place = 0; place < 4; ++place) {
    for (std::uint32_t octet = 0; octet < 256; ++octet) {
      for (std::uint32_t bit = 0; bit < 8; ++bit) {
        if (octet >> bit & 1) passing[place][octet] ^= of_bit[8 * place + bit];
      }
    }
  }
  return passing;
}
constexpr Passing passing = make_passing();

std::uint64_t pass_stride(std::uint64_t value) {
  return passing[0][value & 0xFF] ^ passing[1][value >> 8 & 0xFF] ^ passing[2][value >> 16 & 0xFF] ^
         passing[3][value >> 24 & 0xFF];
}

std::uint64_t word_at(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::string_view octets, std::uint32_t crc) {
  std::uint64_t value = ~crc;
  const char* at = octets.data();
  std::size_t left = octets.size();
  for (; left >= 3 * stride; left -= 3 * stride, at += 3 * stride) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < stride; i += 8) {
      value = __builtin_ia32_crc32di(value, word_at(at + i));
      second = __builtin_ia32_crc32di(second, word_at(at + stride + i));
      third = __builtin_ia32_crc32di(third, word_at(at + 2 * stride + i));
    }
    value = pass_stride(pass_stride(value) ^ second) ^ third;
  }
  for (; left >= 8; left -= 8, at += 8) value = __builtin_ia32_crc32di(value, word_at(at));
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
