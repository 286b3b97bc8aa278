#include "management/process_facts.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>

namespace leveret::management {
namespace {

namespace fs = std::filesystem;

/// The number behind `name` in a file of lines like "VmRSS:    1234 kB".
std::uint64_t number_in(const fs::path& path, std::string_view name) {
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t begin = std::min(line.find_first_of("0123456789"), line.size());
    std::uint64_t number = 0;
    std::from_chars(line.data() + begin, line.data() + line.size(), number);
    return number;
  }
  return 0;
}

std::uint64_t count_files() {
  std::error_code error;
  const auto count = std::distance(fs::directory_iterator{"/proc/self/fd", error}, fs::directory_iterator{});
  return static_cast<std::uint64_t>(count);
}

}  // namespace

ProcessFacts process_facts() {
  constexpr std::uint64_t kibibyte = 1024;
  const fs::path status = "/proc/self/status";
  ProcessFacts facts{.resident_octets = number_in(status, "VmRSS:") * kibibyte,
                     .memory_octets = number_in("/proc/meminfo", "MemTotal:") * kibibyte,
                     .open_files = count_files(),
                     .threads = number_in(status, "Threads:"),
                     .context_switches = number_in(status, "voluntary_ctxt_switches:") +
                                         number_in(status, "nonvoluntary_ctxt_switches:"),
                     .octets_read = number_in("/proc/self/io", "read_bytes:"),
                     .octets_written = number_in("/proc/self/io", "write_bytes:"),
                     .processors = std::thread::hardware_concurrency(),
                     .process_id = ::getpid()};
  if (const std::uint64_t limit = number_in("/sys/fs/cgroup/memory.max", ""); limit > 0)
    facts.memory_octets = std::min(facts.memory_octets, limit);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) facts.open_files_max = files.rlim_cur;
  return facts;
}

}  // namespace leveret::management
