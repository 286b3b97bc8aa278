#pragma once
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace leveret::protocol {

/// Bytes somewhere else, most often in a connection's read buffer; valid as long as they are.
using Octets = std::span<const std::uint8_t>;

inline Octets as_octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Octets octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

/// Text of at most 255 octets, preceded by its size in one octet.  A view; the encoder cuts what is longer.
/// AMQP 0-9-1, section 4.2.5.3.
struct ShortString : std::string_view {
  constexpr ShortString() = default;
  constexpr ShortString(std::string_view text) : std::string_view{text} {}
  constexpr ShortString(const char* text) : std::string_view{text} {}
  ShortString(const std::string& text) : std::string_view{text} {}
};

/// Octets of any kind, preceded by their size in four octets.  A view.  AMQP 0-9-1, section 4.2.5.3.
struct LongString : std::string_view {
  constexpr LongString() = default;
  constexpr LongString(std::string_view text) : std::string_view{text} {}
  constexpr LongString(const char* text) : std::string_view{text} {}
  LongString(const std::string& text) : std::string_view{text} {}
};

/// A channel within its connection; 0 is the connection itself.
enum class ChannelNumber : std::uint16_t {};

/// One hand-over of a message, counted from 1 on its channel; 0 with `multiple` means all of them.
enum class DeliveryTag : std::uint64_t {};

/// Seconds since 1970, in UTC.
enum class Timestamp : std::uint64_t {};

/// A method's place in the specification: `queue.declare` is {50, 10}; {0, 0} is no method.
struct MethodId {
  std::uint16_t class_id{};
  std::uint16_t method_id{};

  friend constexpr auto operator<=>(const MethodId&, const MethodId&) = default;
};

}  // namespace leveret::protocol
