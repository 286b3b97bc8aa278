#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "broker/listener.h"

namespace leveret::configuration {

/// Whole numbers from one to another.
struct Number {
  std::uint64_t least = 0;
  std::uint64_t most = INT64_MAX;
  std::string_view unit{};  // "s", "ms"
};

constexpr Number port{.most = 65'535};

/// As `Number`, or the word infinity.
struct Limit {};

/// Octets, with a unit or without: 512, 10MB (10^6), 10MiB (2^20) ...
struct Octets {
  std::uint64_t least = 0;
  std::uint64_t most = INT64_MAX;
};

/// A part of something, above 0.
struct Share {
  double most = 1;
};

struct Flag {};

struct Text {};

/// A numeric address.
struct Host {};

/// A port, or a numeric address, a colon and a port.
struct Listener {};

/// A file or folder that must be there.
struct File {};

/// One of some words.
struct Word {
  std::string_view words{};  // separated by blanks
};

/// What a key's value has to be.
using Type = std::variant<Number, Limit, Octets, Share, Flag, Text, Host, Listener, File, Word>;

/// A value of any of these types; which member counts follows from the type.
struct Value {
  std::string text{};                     // as it was written
  std::optional<std::uint64_t> number{};  // nothing is infinity
  double share = 0;
  bool flag = false;
  broker::ListenAddress address{};
  std::string name{};  // what stands for the $word of the key

  std::chrono::milliseconds milliseconds() const { return std::chrono::milliseconds{*number}; }
  std::chrono::seconds seconds() const { return std::chrono::seconds{*number}; }
  template <class Integer>
  Integer as() const {
    return static_cast<Integer>(*number);
  }
};

/// Nothing when the text is no such value.
std::optional<Value> parse_value(const Type& type, std::string_view text);

/// "a whole number from 0 to 65535", to complete "expected ...".
std::string description_of(const Type& type);

}  // namespace leveret::configuration
