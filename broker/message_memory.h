#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace leveret::broker {

/// What all messages of the process occupy, each counted once however many queues have it.  Any thread.
///
/// A thread adds to the sum when it has 64 KiB to add, so the sum is off by that for each thread.
class MessageMemory {
 public:
  static void add(std::int64_t octets) {
    of_thread_ += octets;
    if (of_thread_ > kept_max || of_thread_ < -kept_max) tell();
  }
  static std::size_t octets() {
    const std::int64_t sum = sum_.load(std::memory_order_relaxed);
    return sum > 0 ? static_cast<std::size_t>(sum) : 0;
  }

 private:
  static constexpr std::int64_t kept_max = 64 * 1024;

  static void tell() {
    sum_.fetch_add(of_thread_, std::memory_order_relaxed);
    of_thread_ = 0;
  }

  static inline std::atomic<std::int64_t> sum_{0};
  static inline constinit thread_local std::int64_t of_thread_ = 0;
};

}  // namespace leveret::broker
