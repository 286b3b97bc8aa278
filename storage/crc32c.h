#pragma once
#include <cstdint>
#include <string_view>

namespace leveret::storage {

/// The CRC-32C (Castagnoli) of `octets`, or of what `crc` was taken from with `octets` behind it.  RFC 3720, section
/// B.4.
std::uint32_t crc32c(std::string_view octets, std::uint32_t crc = 0);

/// The same without the processor's instruction for it, where there is none.
std::uint32_t crc32c_portable(std::string_view octets, std::uint32_t crc = 0);

}  // namespace leveret::storage
