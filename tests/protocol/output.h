#pragma once
#include <array>
#include <string>

#include "protocol/output_buffer.h"

namespace leveret::protocol {

/// Everything that waits to be written, in one string; nothing is consumed.
inline std::string unwritten(const OutputBuffer& output) {
  std::array<iovec, 1024> pieces{};
  std::string text;
  for (std::size_t i = 0, count = output.fill(pieces); i < count; ++i)
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return text;
}

}  // namespace leveret::protocol
