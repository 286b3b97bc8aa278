#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/alarms.h"
#include "broker/resource_limits.h"

namespace leveret::broker {

/// How much of something there is, in octets; nothing when the system does not tell.
using Gauge = std::function<std::optional<std::uint64_t>()>;

/// What is watched.
struct Resources {
  Gauge free_disk = [] { return std::nullopt; };
  Gauge used_memory = [] { return std::nullopt; };
};

/// Disk and memory of this process.  `directory` is where the store keeps its data; with an empty path no disk is
/// watched.
Resources resources_of(const std::filesystem::path& directory);

/// Raises and clears the alarms of disk and memory, by what there is now.
void set_alarms(Alarms& alarms, const Resources& resources, const ResourceLimits& limits);

/// Raises and clears the alarms of disk and memory: looks about once a second.  Belongs to the thread of `context`,
/// which is no shard's, for the system may take its time to answer.
class ResourceMonitor {
 public:
  /// All but `resources` outlive it.
  ResourceMonitor(boost::asio::io_context& context, Alarms& alarms, const ResourceLimits& limits, Resources resources);

  void start();
  /// Looks once.
  void look();

 private:
  Alarms& alarms_;
  const ResourceLimits& limits_;
  const Resources resources_;
  boost::asio::steady_timer timer_;
};

}  // namespace leveret::broker
