#include "broker/route_cache.h"

namespace leveret::broker {
namespace {

/// Routes kept at most; then all are dropped and asked for again, which bounds the memory of hostile routing keys.
constexpr std::size_t routes_max = 256 * 1024;

}  // namespace

const Route& RouteCache::route(std::string_view exchange, std::string_view routing_key, FieldTable headers,
                               const protocol::BasicProperties* properties) {
  // Read before the routes it vouches for: a change in between makes them stale one call too early, never too late.
  const std::uint64_t version = virtual_host_.topology_version();
  if (version != version_ || routes_.size() >= routes_max) {
    routes_.clear();
    version_ = version;
  }
  key_.assign(1, static_cast<char>(exchange.size()));
  key_.append(exchange).append(routing_key);
  if (const auto found = routes_.find(key_); found != routes_.end()) return found->second;
  virtual_host_.route(exchange, {.routing_keys = {&routing_key, 1}, .headers = headers, .properties = properties},
                      uncached_);
  if (uncached_.is_cacheable) return routes_.emplace(key_, uncached_).first->second;
  return uncached_;
}

}  // namespace leveret::broker
