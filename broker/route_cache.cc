#include "broker/route_cache.h"

namespace leveret::broker {
namespace {

/// Routes kept at most; then all are dropped and asked for again, which bounds the memory of hostile routing keys.
constexpr std::size_t routes_max = 256 * 1024;

}  // namespace

const Route& RouteCache::route(std::string_view exchange, std::string_view routing_key, FieldTable headers) {
  // Read before the routes it vouches for: a change in between makes them stale one call too early, never too late.
  const std::uint64_t version = virtual_host_.topology_version();
  if (version != version_ || routes_.size() >= routes_max) {
    routes_.clear();
    version_ = version;
  }
  key_.assign(1, static_cast<char>(exchange.size()));
  key_.append(exchange).append(routing_key);
  if (const auto found = routes_.find(key_); found != routes_.end()) return found->second;
  Route route = virtual_host_.route(exchange, {routing_key}, headers);
  if (route.is_cacheable) return routes_.emplace(key_, std::move(route)).first->second;
  return uncached_ = std::move(route);
}

}  // namespace leveret::broker
