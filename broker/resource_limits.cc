#include "broker/resource_limits.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "broker/broker.h"

namespace leveret::broker {
namespace {

/// A file of a control group: a number, or the word "max" for none.
std::uint64_t limit_in(const std::filesystem::path& file) {
  std::uint64_t limit = 0;
  return std::ifstream{file} >> limit ? limit : UINT64_MAX;
}

/// The least of our control group's limit and those of the groups it is in.
std::uint64_t control_group_limit() {
  const std::filesystem::path root = "/sys/fs/cgroup";
  std::uint64_t limit = std::min(limit_in(root / "memory.max"), limit_in(root / "memory/memory.limit_in_bytes"));
  std::ifstream groups{"/proc/self/cgroup"};
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::filesystem::path group = line.substr(4); !group.empty(); group = group.parent_path())
      limit = std::min(limit, limit_in(root / group / "memory.max"));
  }
  return limit;
}

}  // namespace

std::uint64_t memory_size() {
  const auto pages = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES));
  return std::min(pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)), control_group_limit());
}

std::uint64_t ResourceLimits::share_of_memory(double share) const {
  return static_cast<std::uint64_t>(std::floor(static_cast<double>(memory) * share));
}

ResourceLimits::ResourceLimits(const BrokerOptions& options)
    : memory(options.memory_size.value_or(memory_size())),
      free_disk_min(options.disk_free_share ? share_of_memory(*options.disk_free_share) : options.disk_free_limit),
      used_memory_max(options.memory_limit.value_or(share_of_memory(options.memory_high_watermark))) {}

}  // namespace leveret::broker
