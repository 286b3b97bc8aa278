#pragma once
#include <cstddef>

namespace leveret::broker {

/// What messages occupy, in octets.
struct QueuedMemory {
  std::size_t ready = 0;
  std::size_t held = 0;  // by those who are to settle them, or until they are tried again

  bool is_any() const { return ready + held > 0; }
  void operator+=(const QueuedMemory& more) {
    ready += more.ready;
    held += more.held;
  }
  void operator-=(const QueuedMemory& less) {
    ready -= less.ready;
    held -= less.held;
  }
};

}  // namespace leveret::broker
