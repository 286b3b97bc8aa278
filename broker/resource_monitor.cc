#include "broker/resource_monitor.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include <malloc.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "broker/broker.h"

namespace leveret::broker {
namespace {

constexpr auto interval = std::chrono::seconds{1};

std::optional<std::uint64_t> free_octets(const std::filesystem::path& directory) {
  struct statvfs status {};
  if (statvfs(directory.c_str(), &status) != 0) return {};
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

std::optional<std::uint64_t> resident_octets() {
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(std::ifstream{"/proc/self/statm"} >> total >> resident)) return {};
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

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

Resources resources_of(const BrokerOptions& options, const std::filesystem::path& directory) {
  const std::uint64_t memory = options.memory_size.value_or(memory_size());
  const auto share_of_memory = [memory](double share) {
    return static_cast<std::uint64_t>(std::floor(static_cast<double>(memory) * share));
  };
  Resources resources;
  if (!directory.empty()) {
    resources.free_disk = [directory] { return free_octets(directory); };
    resources.free_disk_min =
        options.disk_free_share ? share_of_memory(*options.disk_free_share) : options.disk_free_limit;
  }
  resources.used_memory = resident_octets;
  resources.used_memory_max = options.memory_limit.value_or(share_of_memory(options.memory_high_watermark));
  return resources;
}

ResourceMonitor::ResourceMonitor(boost::asio::io_context& context, Alarms& alarms, Resources resources)
    : alarms_(alarms), resources_(std::move(resources)), timer_(context) {}

void ResourceMonitor::start() {
  look();
  timer_.expires_after(interval);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) start();
  });
}

void ResourceMonitor::look() {
  const auto set = [this](Alarm alarm, bool is_short) { is_short ? alarms_.raise(alarm) : alarms_.clear(alarm); };
  if (const auto free = resources_.free_disk()) set(Alarm::disk, *free < resources_.free_disk_min);
  // What the allocator keeps for later counts as used, and would keep the alarm on after all messages have gone.
  if (alarms_.raised().has(Alarm::memory)) malloc_trim(0);
  if (const auto used = resources_.used_memory()) set(Alarm::memory, *used > resources_.used_memory_max);
}

}  // namespace leveret::broker
