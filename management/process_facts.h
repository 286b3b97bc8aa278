#pragma once
#include <cstdint>
#include <string>

namespace leveret::management {

/// What the system says of this process and its machine; 0 for what cannot be read.
struct ProcessFacts {
  std::uint64_t resident_octets = 0;
  std::uint64_t memory_octets = 0;  // of the machine, or of the container's limit where that is less
  std::uint64_t open_files = 0;
  std::uint64_t open_files_max = 0;
  std::uint64_t threads = 0;
  std::uint64_t context_switches = 0;
  std::uint64_t octets_read = 0;  // from disks, as `octets_written`
  std::uint64_t octets_written = 0;
  unsigned processors = 0;
  int process_id = 0;
};

ProcessFacts process_facts();

}  // namespace leveret::management
