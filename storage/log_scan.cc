#include "storage/log_scan.h"

#include <cstdint>

#include "storage/crc32c.h"

namespace leveret::storage {
namespace {

constexpr std::size_t header_size = 7;
constexpr std::size_t type_at = 6;

enum class FragmentType : std::uint8_t { whole = 1, first = 2, middle = 3, last = 4 };

std::uint32_t number_at(std::string_view octets, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < size; ++i) number |= std::uint32_t{static_cast<std::uint8_t>(octets[at + i])} << (8 * i);
  return number;
}

std::uint32_t masked(std::uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

}  // namespace

void LogScan::take_block(std::string_view block) {
  while (block.size() >= header_size) {
    const std::size_t size = header_size + number_at(block, 4, 2);
    const auto type = static_cast<FragmentType>(block[type_at]);
    if (type < FragmentType::whole || type > FragmentType::last || size > block.size()) {
      has_met_end_ = true;
      return;
    }
    const bool begins_write = type == FragmentType::whole || type == FragmentType::first;
    if (number_at(block, 0, 4) != masked(crc32c(block.substr(type_at, size - type_at))))
      has_met_end_ = true;
    else if (has_met_end_ && begins_write)
      has_found_damage_ = true;
    block.remove_prefix(size);
  }
}

}  // namespace leveret::storage
