#pragma once
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace leveret::test {

/// What keeps a test from going on: an event that did not come, or another one that came instead.
class TestFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How long an event may take; far longer than any does, sanitizers included.
inline constexpr std::chrono::seconds event_patience{20};

/// Waits until `holds()` is true, for what no frame tells.  Errors: TestFailure when it does not become true.
template <class Condition>
void wait_until(Condition holds, const std::string& what) {
  const auto deadline = std::chrono::steady_clock::now() + event_patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) throw TestFailure{"waited in vain until " + what};
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

}  // namespace leveret::test
