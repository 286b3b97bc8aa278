#include "broker/allocator.h"

#include <cstddef>

#include <malloc.h>

/// Of jemalloc, which the program is linked with; tests have the allocator of the C library or of a sanitizer.
extern "C" {
[[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value,
                          std::size_t new_size);

/// Read before the program begins.  What has been free for half a second goes back to the system, given back by a thread
/// of its own, so that no shard is kept waiting.
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:0";
}

namespace leveret::broker {

void release_free_memory() {
  constexpr auto purge_all_arenas = "arena.4096.purge";
  if (mallctl)
    mallctl(purge_all_arenas, nullptr, nullptr, nullptr, 0);
  else
    malloc_trim(0);
}

}  // namespace leveret::broker
