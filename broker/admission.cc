#include "broker/admission.h"

#include <fmt/format.h>

namespace leveret::broker {
namespace {

using protocol::not_allowed;

bool is_reached(const std::optional<std::uint64_t>& limit, std::uint64_t count) {
  return limit && count >= *limit;
}

}  // namespace

std::uint64_t Admission::Counts::of(std::string_view name) const {
  const auto found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

void Admission::Counts::add(std::string_view name) {
  ++counts_[std::string{name}];
  ++total_;
}

void Admission::Counts::remove(std::string_view name) {
  const auto found = counts_.find(name);
  if (--found->second == 0) counts_.erase(found);
  --total_;
}

protocol::Result<Admission::Place> Admission::open_connection(std::string_view user, std::string_view virtual_host) {
  const auto of_virtual_host = limits_.find(LimitOf::virtual_host, virtual_host, "max-connections");
  const auto of_user = limits_.find(LimitOf::user, user, "max-connections");
  const std::lock_guard lock{mutex_};
  if (is_reached(node_limits_.connections, connections_of_users_.total()))
    return not_allowed(
        fmt::format("connection refused: node connection limit ({}) is reached", *node_limits_.connections));
  if (is_reached(of_virtual_host, connections_of_virtual_hosts_.of(virtual_host)))
    return not_allowed(fmt::format("access to vhost '{}' refused for user '{}': connection limit ({}) is reached",
                                   virtual_host, user, *of_virtual_host));
  if (is_reached(of_user, connections_of_users_.of(user)))
    return not_allowed(
        fmt::format("connection refused for user '{}': user connection limit ({}) is reached", user, *of_user));
  connections_of_virtual_hosts_.add(virtual_host);
  connections_of_users_.add(user);
  return Place{*this, user, std::string{virtual_host}};
}

protocol::Result<Admission::Place> Admission::open_channel(std::string_view user) {
  const auto of_user = limits_.find(LimitOf::user, user, "max-channels");
  const std::lock_guard lock{mutex_};
  if (is_reached(of_user, channels_of_users_.of(user)))
    return not_allowed(fmt::format(
        "number of channels opened for user '{}' has reached the maximum allowed user limit of ({})", user, *of_user));
  if (is_reached(node_limits_.channels, channels_of_users_.total()))
    return not_allowed(
        fmt::format("number of channels opened on node '{}' has reached the maximum allowed limit of ({})", node_,
                    *node_limits_.channels));
  channels_of_users_.add(user);
  return Place{*this, user, std::nullopt};
}

void Admission::leave(const Place& place) {
  const std::lock_guard lock{mutex_};
  if (!place.virtual_host_) return channels_of_users_.remove(place.user_);
  connections_of_virtual_hosts_.remove(*place.virtual_host_);
  connections_of_users_.remove(place.user_);
}

std::uint64_t Admission::connections_of_virtual_host(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  return connections_of_virtual_hosts_.of(name);
}

std::uint64_t Admission::connections_of_user(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  return connections_of_users_.of(name);
}

std::uint64_t Admission::channels_of_user(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  return channels_of_users_.of(name);
}

}  // namespace leveret::broker
