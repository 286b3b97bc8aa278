#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "protocol/byte_order.h"
#include "protocol/field_table.h"
#include "protocol/octets.h"

namespace leveret::protocol {

/// Reads values one after the other from the arguments of a method or the properties of a content header.
///
/// Ask has_failed() once, at the end: what does not fit, or is a malformed table, leaves its value as it was and
/// fails everything after it.
class Decoder {
 public:
  explicit Decoder(Octets octets) : at_{octets.data()}, end_{octets.data() + octets.size()} {}

  bool has_failed() const { return has_failed_; }
  bool is_at_end() const { return at_ == end_; }

  /// Neighbouring bits share an octet, the first one in its lowest bit.
  void get(bool& value) {
    if (bit_ == 0 || bit_ == 0x100) {
      bit_ = 1;
      if (!has(1)) return;
      bits_ = *at_++;
    }
    value = (bits_ & bit_) != 0;
    bit_ <<= 1;
  }

  template <std::unsigned_integral T>
  void get(T& value) {
    bit_ = 0;
    if (!has(sizeof(T))) return;
    value = load<T>(at_);
    at_ += sizeof(T);
  }

  void get(DeliveryTag& value) {
    std::uint64_t tag{};
    get(tag);
    value = DeliveryTag{tag};
  }

  void get(ShortString& value) { value = as_text(get_sized<std::uint8_t>()); }
  void get(LongString& value) { value = as_text(get_sized<std::uint32_t>()); }

  void get(FieldTable& value) {
    const Octets entries = get_sized<std::uint32_t>();
    if (FieldTable::validate(entries))
      value = FieldTable{entries};
    else
      fail();
  }

  /// A field table as it stands, validated or not.
  FieldTable get_unchecked_table() { return FieldTable{get_sized<std::uint32_t>()}; }

 private:
  void fail() {
    has_failed_ = true;
    at_ = end_;
  }

  bool has(std::size_t size) {
    if (size <= static_cast<std::size_t>(end_ - at_)) [[likely]]
      return true;
    fail();
    return false;
  }

  template <std::unsigned_integral Size>
  Octets get_sized() {
    Size size{};
    get(size);
    if (!has(size)) return {};
    const Octets octets{at_, size};
    at_ += size;
    return octets;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::uint8_t bits_ = 0;
  unsigned bit_ = 0;  // the next one in `bits_`; 0 where a new octet starts
  bool has_failed_ = false;
};

}  // namespace leveret::protocol
