#include "broker/block_pool.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace leveret::broker {
namespace {

constexpr std::size_t step = 64;  // blocks are multiples of it
constexpr std::size_t list_count = BlockPool::block_size_max / step;
#ifdef LEVERET_SANITIZED
constexpr bool keeps_blocks = false;
#else
constexpr bool keeps_blocks = true;
#endif

struct KeptBlock {
  KeptBlock* next = nullptr;
  KeptBlock* next_chain = nullptr;  // in the depot, of the first of a chain
};

constexpr std::size_t octets_of(std::size_t list) {
  return (list + 1) * step;
}

/// How many blocks of a list go together from thread to thread: a table, so that no block costs a division.
constexpr auto chain_lengths = [] {
  constexpr std::size_t octets = 8 * 1024;
  std::array<std::size_t, list_count> lengths{};
  for (std::size_t list = 0; list < list_count; ++list)
    lengths[list] = std::max<std::size_t>(4, octets / octets_of(list));
  return lengths;
}();

std::size_t chain_octets(std::size_t list) {
  return chain_lengths[list] * octets_of(list);
}

void free_chain(KeptBlock* chain) noexcept {
  while (chain) std::free(std::exchange(chain, chain->next));
}

/// Where threads that give back more than they take leave whole chains for those that take more.
class Depot {
 public:
  void put(std::size_t list, KeptBlock* chain) noexcept {
    {
      const std::lock_guard lock{mutex_};
      const std::size_t octets = chain_octets(list);
      if (octets_ + octets <= octets_max) {
        octets_ += octets;
        chain->next_chain = std::exchange(chains_[list], chain);
        return;
      }
    }
    free_chain(chain);
  }

  /// Nothing when there is none.
  KeptBlock* take(std::size_t list) {
    const std::lock_guard lock{mutex_};
    KeptBlock* const chain = chains_[list];
    if (!chain) return nullptr;
    chains_[list] = chain->next_chain;
    octets_ -= chain_octets(list);
    return chain;
  }

 private:
  static constexpr std::size_t octets_max = 4 * 1024 * 1024;

  std::mutex mutex_{};
  std::array<KeptBlock*, list_count> chains_{};
  std::size_t octets_ = 0;
};

constinit Depot depot;

/// What a thread has of one size: the chain it takes from and gives to, and a whole one.
struct List {
  KeptBlock* open = nullptr;
  std::size_t open_length = 0;
  KeptBlock* whole = nullptr;
};

/// Needs neither constructor nor destructor, so that every access is a plain one.
struct Kept {
  std::array<List, list_count> lists{};
  bool is_in_use = false;
  bool has_ended = false;  // the thread ends, and keeps nothing any more
};

constinit thread_local Kept kept;

/// Frees what the thread has kept when it ends.
struct AtThreadEnd {
  ~AtThreadEnd() {
    kept.has_ended = true;
    for (List& list : kept.lists) {
      free_chain(list.open);
      free_chain(list.whole);
      list = {};
    }
  }
  void touch() { kept.is_in_use = true; }
};

thread_local AtThreadEnd at_thread_end;

std::size_t list_of(std::size_t size) {
  return (size - 1) / step;
}

bool is_kept(std::size_t size) {
  return keeps_blocks && size > 0 && size <= BlockPool::block_size_max;
}

void* allocate(std::size_t size) {
  void* block = std::malloc(size);
  if (!block) throw std::bad_alloc{};
  return block;
}

/// Of an open chain without blocks.
void refill(List& list, std::size_t index) {
  list.open = list.whole ? std::exchange(list.whole, nullptr) : depot.take(index);
  list.open_length = list.open ? chain_lengths[index] : 0;
}

}  // namespace

void* BlockPool::take(std::size_t size) {
  if (!is_kept(size)) return allocate(size);
  const std::size_t index = list_of(size);
  List& list = kept.lists[index];
  if (!list.open) refill(list, index);
  if (!list.open) return allocate(octets_of(index));
  --list.open_length;
  return std::exchange(list.open, list.open->next);
}

void BlockPool::give_back(void* block, std::size_t size) noexcept {
  if (!is_kept(size) || kept.has_ended) return std::free(block);
  if (!kept.is_in_use) at_thread_end.touch();
  const std::size_t index = list_of(size);
  List& list = kept.lists[index];
  list.open = new (block) KeptBlock{.next = list.open};
  if (++list.open_length < chain_lengths[index]) return;
  if (list.whole) depot.put(index, list.whole);
  list.whole = std::exchange(list.open, nullptr);
  list.open_length = 0;
}

}  // namespace leveret::broker
