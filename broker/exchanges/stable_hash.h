#pragma once
#include <cstdint>
#include <string_view>

namespace leveret::broker {

/// Spreads what differs in few bits over all of them.
constexpr std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

/// A hash that stays the same over restarts and versions: where messages go must not change with them.
constexpr std::uint64_t stable_hash(std::string_view octets, std::uint64_t seed = 0) {
  std::uint64_t hash = 0xcbf29ce484222325u ^ mixed(seed);
  for (const char octet : octets) hash = (hash ^ static_cast<unsigned char>(octet)) * 0x100000001b3u;
  return mixed(hash);
}

}  // namespace leveret::broker
