#include "broker/block_pool.h"

#include <array>
#include <cstdlib>
#include <utility>

namespace leveret::broker {
namespace {

constexpr std::size_t step = 64;  // blocks are multiples of it
#ifdef LEVERET_SANITIZED
constexpr std::size_t kept_octets_max = 0;
#else
constexpr std::size_t kept_octets_max = 2 * 1024 * 1024;
#endif

struct KeptBlock {
  KeptBlock* next = nullptr;
};

/// Needs neither constructor nor destructor, so that every access is a plain one.
struct Kept {
  std::array<KeptBlock*, BlockPool::block_size_max / step> lists{};
  std::size_t octets = 0;
  bool has_ended = false;  // the thread ends, and keeps nothing any more
};

constinit thread_local Kept kept;

/// Frees what the thread has kept when it ends.
struct AtThreadEnd {
  ~AtThreadEnd() {
    kept.has_ended = true;
    for (KeptBlock* block : kept.lists)
      while (block) std::free(std::exchange(block, block->next));
    kept = {.has_ended = true};
  }
  void touch() {}
};

thread_local AtThreadEnd at_thread_end;

std::size_t list_of(std::size_t size) {
  return (size - 1) / step;
}

void* allocate(std::size_t size) {
  void* block = std::malloc(size);
  if (!block) throw std::bad_alloc{};
  return block;
}

}  // namespace

void* BlockPool::take(std::size_t size) {
  if (size == 0 || size > block_size_max) return allocate(size);
  const std::size_t list = list_of(size);
  const std::size_t rounded = (list + 1) * step;
  KeptBlock* block = kept.lists[list];
  if (!block) return allocate(rounded);
  kept.lists[list] = block->next;
  kept.octets -= rounded;
  return block;
}

void BlockPool::give_back(void* block, std::size_t size) noexcept {
  const std::size_t list = size == 0 ? 0 : list_of(size);
  const std::size_t rounded = (list + 1) * step;
  if (size == 0 || size > block_size_max || kept.octets + rounded > kept_octets_max || kept.has_ended)
    return std::free(block);
  if (kept.octets == 0) at_thread_end.touch();
  kept.lists[list] = new (block) KeptBlock{kept.lists[list]};
  kept.octets += rounded;
}

}  // namespace leveret::broker
