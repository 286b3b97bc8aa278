#include "broker/resource_monitor.h"

#include <fstream>

#include <sys/statvfs.h>
#include <unistd.h>

#include "broker/allocator.h"

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

}  // namespace

Resources resources_of(const std::filesystem::path& directory) {
  Resources resources{.used_memory = resident_octets};
  if (!directory.empty()) resources.free_disk = [directory] { return free_octets(directory); };
  return resources;
}

void set_alarms(Alarms& alarms, const Resources& resources, const ResourceLimits& limits) {
  const auto set = [&](Alarm alarm, bool is_short) { is_short ? alarms.raise(alarm) : alarms.clear(alarm); };
  if (const auto free = resources.free_disk()) set(Alarm::disk, *free < limits.free_disk_min);
  // What the allocator keeps for later counts as used, and would keep the alarm on after all messages have gone.
  if (alarms.raised().has(Alarm::memory)) release_free_memory();
  if (const auto used = resources.used_memory()) set(Alarm::memory, *used > limits.used_memory_max);
}

ResourceMonitor::ResourceMonitor(boost::asio::io_context& context, Alarms& alarms, const ResourceLimits& limits,
                                 Resources resources)
    : alarms_(alarms), limits_(limits), resources_(std::move(resources)), timer_(context) {}

void ResourceMonitor::start() {
  look();
  timer_.expires_after(interval);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) start();
  });
}

void ResourceMonitor::look() {
  set_alarms(alarms_, resources_, limits_);
}

}  // namespace leveret::broker
