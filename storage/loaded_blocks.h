#pragma once
#include <algorithm>
#include <cstddef>

namespace leveret::storage {

/// How many states of blocks a queue may have in memory: the queues that have any share a number.
class LoadedBlocks {
 public:
  std::size_t of_queue_max() const { return std::clamp(together_max / std::max<std::size_t>(1, queues_), min, max); }

  /// A queue that had so many in memory has another number of them now.
  void changed(std::size_t before, std::size_t now) {
    queues_ += now > 0;
    queues_ -= before > 0;
  }

 private:
  static constexpr std::size_t together_max = 64 << 10;
  static constexpr std::size_t max = 512;
  static constexpr std::size_t min = 16;

  std::size_t queues_ = 0;
};

}  // namespace leveret::storage
