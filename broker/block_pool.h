#pragma once
#include <cstddef>
#include <new>

#include <boost/container/deque.hpp>

namespace leveret::broker {

/// Small blocks of memory that a thread keeps for next time instead of giving them back: a busy shard asks the
/// allocator for nothing.  A block may go back on another thread than the one that took it, as messages do that one
/// shard receives and another delivers: chains of them are passed on, at one lock for some 8 KiB.
///
/// A thread keeps at most 16 KiB of each size (a size above 2 KiB: eight blocks), all together 4 MiB besides.  Under a
/// sanitizer, which could not tell a kept block from a used one, nothing is kept.
class BlockPool {
 public:
  /// Larger ones come from the allocator and go there.
  static constexpr std::size_t block_size_max = 4096;

  /// Errors: std::bad_alloc.
  static void* take(std::size_t size);
  /// `size` as it was asked for.
  static void give_back(void* block, std::size_t size) noexcept;
};

/// The pool, for the standard's containers.
template <class T>
struct PoolAllocator {
  using value_type = T;

  PoolAllocator() = default;
  template <class Other>
  PoolAllocator(const PoolAllocator<Other>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(BlockPool::take(count * sizeof(T))); }
  void deallocate(T* block, std::size_t count) noexcept { BlockPool::give_back(block, count * sizeof(T)); }

  friend bool operator==(const PoolAllocator&, const PoolAllocator&) { return true; }
};

/// A double-ended queue of the pool's blocks; unlike the standard's it has none as long as nothing was ever put in.
template <class T>
using PooledDeque = boost::container::deque<T, PoolAllocator<T>,
                                            boost::container::deque_options_t<boost::container::block_bytes<512u>>>;

}  // namespace leveret::broker
