#include "protocol/take_all.h"

#include <array>

namespace leveret::protocol {

std::string take_all(OutputBuffer& output) {
  std::string octets;
  octets.reserve(output.size());
  while (!output.empty()) {
    std::array<iovec, 64> pieces;
    std::size_t size = 0;
    for (std::size_t i = 0, count = output.fill(pieces); i < count; ++i) {
      octets.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
      size += pieces[i].iov_len;
    }
    output.consume(size);
  }
  return octets;
}

}  // namespace leveret::protocol
