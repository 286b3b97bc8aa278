#pragma once
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "broker/virtual_host.h"

namespace leveret::broker {

/// The routes one shard has asked a virtual host for, valid for one version of its topology.  Belongs to its shard.
class RouteCache {
 public:
  explicit RouteCache(const VirtualHost& virtual_host) : virtual_host_(virtual_host) {}

  /// The queues for a message with one routing key; headers and properties are for exchanges that look at them.
  /// Stands until the next call.
  const Route& route(std::string_view exchange, std::string_view routing_key, FieldTable headers,
                     const protocol::BasicProperties* properties = nullptr);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };

  const VirtualHost& virtual_host_;
  std::uint64_t version_ = 0;
  boost::unordered_flat_map<std::string, Route, Hash, std::equal_to<>> routes_{};
  std::string key_{};
  Route uncached_{};
};

}  // namespace leveret::broker
