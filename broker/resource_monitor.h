#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/alarms.h"

namespace leveret::broker {

struct BrokerOptions;

/// How much of something there is, in octets; nothing when the system does not tell.
using Gauge = std::function<std::optional<std::uint64_t>()>;

/// What is watched, and the limits.
struct Resources {
  Gauge free_disk = [] { return std::nullopt; };
  std::uint64_t free_disk_min = 0;
  Gauge used_memory = [] { return std::nullopt; };
  std::uint64_t used_memory_max = UINT64_MAX;
};

/// Disk and memory of this process, under the limits of `options`.  `directory` is where the store keeps its data; with
/// an empty path no disk is watched.
Resources resources_of(const BrokerOptions& options, const std::filesystem::path& directory);

/// Octets of memory the machine has, or the control group we are in where that has less.
std::uint64_t memory_size();

/// Raises and clears the alarms of disk and memory: looks about once a second.  Belongs to the thread of `context`,
/// which is no shard's, for the system may take its time to answer.
class ResourceMonitor {
 public:
  /// `context` and `alarms` outlive it.
  ResourceMonitor(boost::asio::io_context& context, Alarms& alarms, Resources resources);

  void start();
  /// Looks once.
  void look();

 private:
  Alarms& alarms_;
  const Resources resources_;
  boost::asio::steady_timer timer_;
};

}  // namespace leveret::broker
