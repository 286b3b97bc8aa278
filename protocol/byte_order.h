#pragma once
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace leveret::protocol {

/// The integer of type `T` that stands at `octets` in network byte order; the caller knows there is room for it.
template <std::unsigned_integral T>
T load(const std::uint8_t* octets) {
  T value;
  std::memcpy(&value, octets, sizeof value);
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

/// Writes `value` at `octets` in network byte order; returns where the next octet goes.
template <std::unsigned_integral T>
std::uint8_t* store(std::uint8_t* octets, T value) {
  const T swapped = load<T>(reinterpret_cast<const std::uint8_t*>(&value));
  std::memcpy(octets, &swapped, sizeof swapped);
  return octets + sizeof swapped;
}

}  // namespace leveret::protocol
