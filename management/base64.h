#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace leveret::management {

std::string encode_base64(std::string_view octets);

/// Nothing for text that is no base64 (RFC 4648, with its padding).
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace leveret::management
