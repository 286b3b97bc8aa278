#include "broker/startup_pages.h"

#include <cstddef>
#include <cstdint>

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace leveret::broker {
namespace {

/// Those that can be written, or were when the program was linked, are not in the file as they are in memory.
bool is_as_in_file(const ElfW(Phdr) & segment) {
  return segment.p_type == PT_LOAD && (segment.p_flags & PF_W) == 0;
}

int release(dl_phdr_info* object, std::size_t, void*) {
  const auto page_size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (!is_as_in_file(segment)) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) / page_size * page_size;
    const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void release_startup_pages() {
  dl_iterate_phdr(release, nullptr);
}

}  // namespace leveret::broker
