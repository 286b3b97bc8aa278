#pragma once
#include <atomic>
#include <cstdint>

namespace leveret::broker {

/// How many definitions have been handed to the store, and how many of them are known to be on disk.  Takes calls from
/// any thread.
///
/// Whoever answers a client that something durable is there first sees to it that it cannot be lost: also when it was
/// another client that asked for it a moment ago.
class DefinitionChanges {
 public:
  /// After a definition has been handed to the store.
  void add() { handed_over_.fetch_add(1, std::memory_order_release); }
  std::uint64_t handed_over() const { return handed_over_.load(std::memory_order_acquire); }

  /// All up to that count, which `handed_over` gave before the store was asked to write, are on disk.
  void written(std::uint64_t count) {
    std::uint64_t known = written_.load(std::memory_order_relaxed);
    while (known < count && !written_.compare_exchange_weak(known, count, std::memory_order_release)) {
    }
  }
  bool are_written() const { return written_.load(std::memory_order_acquire) >= handed_over(); }

 private:
  std::atomic<std::uint64_t> handed_over_{0};
  std::atomic<std::uint64_t> written_{0};
};

}  // namespace leveret::broker
