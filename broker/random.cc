#include "broker/random.h"

#include <cerrno>
#include <system_error>

#include <sys/random.h>

namespace leveret::broker {

void fill_with_random(std::span<unsigned char> octets) {
  while (!octets.empty()) {
    const auto filled = getrandom(octets.data(), octets.size(), 0);
    if (filled < 0 && errno == EINTR) continue;
    if (filled < 0) throw std::system_error{errno, std::generic_category(), "no random numbers"};
    octets = octets.subspan(static_cast<std::size_t>(filled));
  }
}

}  // namespace leveret::broker
