#include "tests/allocation/allocation_counter.h"

#include <atomic>
#include <cstddef>

// The allocator of the C library under its other names.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace leveret::test {
namespace {

constinit std::atomic<std::uint64_t> allocations{0};
constinit thread_local bool is_this_thread_counted = false;

void note() {
  if (is_this_thread_counted) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void AllocationCounter::count_this_thread(bool is_counted) {
  is_this_thread_counted = is_counted;
}

std::uint64_t AllocationCounter::count() {
  return allocations.load();
}

}  // namespace leveret::test

extern "C" {

void* malloc(std::size_t size) {
  leveret::test::note();
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  leveret::test::note();
  return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) {
  leveret::test::note();
  return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  leveret::test::note();
  return __libc_memalign(alignment, size);
}

}  // extern "C"
