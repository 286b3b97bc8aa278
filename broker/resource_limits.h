#pragma once
#include <atomic>
#include <cstdint>

namespace leveret::broker {

struct BrokerOptions;

/// Octets of memory the machine has, or the control group we are in where that has less.
std::uint64_t memory_size();

/// Where the alarms of disk and memory begin, in octets.  May be changed on any thread while the broker runs.
struct ResourceLimits {
  explicit ResourceLimits(const BrokerOptions& options);

  /// That share of the memory there is.
  std::uint64_t share_of_memory(double share) const;

  const std::uint64_t memory;
  std::atomic<std::uint64_t> free_disk_min;
  std::atomic<std::uint64_t> used_memory_max;
};

}  // namespace leveret::broker
