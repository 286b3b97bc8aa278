#pragma once
#include <cstdint>

namespace leveret::test {

/// Counts what threads take from the allocator: malloc in all its forms, and with it operator new.  The program has the
/// counter in place of the C library's functions.
class AllocationCounter {
 public:
  /// From here on the calling thread's allocations are counted, or are not.
  static void count_this_thread(bool is_counted);
  /// Of all threads that are counted.
  static std::uint64_t count();
};

}  // namespace leveret::test
