#pragma once
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "broker/virtual_host.h"

namespace leveret::broker {

/// The routes one shard has asked a virtual host for, valid for one version of its topology.  Belongs to its shard.
class RouteCache {
 public:
  /// Counts in `lookups` what it has to ask for.
  RouteCache(const VirtualHost& virtual_host, std::uint64_t& lookups)
      : virtual_host_(virtual_host), lookups_(lookups) {}

  /// The queues for every message with this routing key, where they are known: stands as `stands` says.
  const Route* find(std::string_view exchange, std::string_view routing_key);
  /// Read when `find` has answered: its answer may be used again as long as `stands(generation)`.
  std::uint64_t generation() const { return generation_; }
  bool stands(std::uint64_t generation) const {
    return generation == generation_ && version_ == virtual_host_.topology_version();
  }

  /// The queues for a message with one routing key; headers and properties are for exchanges that look at them.
  /// Stands until the next call.
  const Route& route(std::string_view exchange, std::string_view routing_key, FieldTable headers,
                     const protocol::BasicProperties* properties = nullptr);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };

  void forget_stale();

  const VirtualHost& virtual_host_;
  std::uint64_t& lookups_;
  std::uint64_t version_ = 0;
  std::uint64_t generation_ = 0;  // rises whenever a known route may have moved
  boost::unordered_flat_map<std::string, Route, Hash, std::equal_to<>> routes_{};
  std::string key_{};
  Route uncached_{};
};

}  // namespace leveret::broker
