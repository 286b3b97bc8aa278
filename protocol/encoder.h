#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocol/byte_order.h"
#include "protocol/field_table.h"
#include "protocol/octets.h"

namespace leveret::protocol {

inline constexpr std::size_t short_string_size_max = 255;

/// Room that is enough for a value.
inline std::size_t encoded_size_max(bool) {
  return 1;
}
template <std::unsigned_integral T>
std::size_t encoded_size_max(T) {
  return sizeof(T);
}
inline std::size_t encoded_size_max(DeliveryTag) {
  return 8;
}
inline std::size_t encoded_size_max(ShortString text) {
  return 1 + std::min(text.size(), short_string_size_max);
}
inline std::size_t encoded_size_max(LongString text) {
  return 4 + text.size();
}
inline std::size_t encoded_size_max(FieldTable table) {
  return 4 + table.octets().size();
}

/// Writes values one after the other.  Whoever makes one has asked encoded_size_max for the room: nothing is checked.
class Encoder {
 public:
  explicit Encoder(std::uint8_t* at) : at_{at} {}

  std::uint8_t* end() const { return at_; }

  /// Neighbouring bits share an octet, the first one in its lowest bit.
  void put(bool value) {
    if (bit_count_ % 8 == 0) *at_++ = 0;
    at_[-1] = static_cast<std::uint8_t>(at_[-1] | value << bit_count_ % 8);
    ++bit_count_;
  }

  template <std::unsigned_integral T>
  void put(T value) {
    bit_count_ = 0;
    at_ = store(at_, value);
  }

  void put(DeliveryTag value) { put(static_cast<std::uint64_t>(value)); }

  void put(ShortString text) {
    const std::size_t size = std::min(text.size(), short_string_size_max);
    put(static_cast<std::uint8_t>(size));
    put_octets(as_octets(text.substr(0, size)));
  }

  void put(LongString text) {
    put(static_cast<std::uint32_t>(text.size()));
    put_octets(as_octets(text));
  }

  void put(FieldTable table) {
    put(static_cast<std::uint32_t>(table.octets().size()));
    put_octets(table.octets());
  }

  void put_octets(Octets octets) {
    if (!octets.empty()) std::memcpy(at_, octets.data(), octets.size());
    at_ += octets.size();
  }

 private:
  std::uint8_t* at_;
  unsigned bit_count_ = 0;  // neighbouring bits so far
};

}  // namespace leveret::protocol
