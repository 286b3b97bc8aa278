#include "broker/route_cache.h"

namespace leveret::broker {
namespace {

/// Routes kept at most; then all are dropped and asked for again, which bounds the memory of hostile routing keys.
constexpr std::size_t routes_max = 256 * 1024;

}  // namespace

void RouteCache::forget_stale() {
  // Read before the routes it vouches for: a change in between makes them stale one call too early, never too late.
  const std::uint64_t version = virtual_host_.topology_version();
  if (version == version_ && routes_.size() < routes_max) return;
  routes_.clear();
  version_ = version;
  ++generation_;
}

const Route* RouteCache::find(std::string_view exchange, std::string_view routing_key) {
  forget_stale();
  key_.assign(1, static_cast<char>(exchange.size()));
  key_.append(exchange).append(routing_key);
  const auto found = routes_.find(key_);
  return found == routes_.end() ? nullptr : &found->second;
}

const Route& RouteCache::route(std::string_view exchange, std::string_view routing_key, FieldTable headers,
                               const protocol::BasicProperties* properties) {
  if (const Route* known = find(exchange, routing_key)) return *known;
  ++lookups_;
  virtual_host_.route(exchange, {.routing_keys = {&routing_key, 1}, .headers = headers, .properties = properties},
                      uncached_);
  if (!uncached_.is_cacheable) return uncached_;
  ++generation_;
  return routes_.emplace(key_, uncached_).first->second;
}

}  // namespace leveret::broker
