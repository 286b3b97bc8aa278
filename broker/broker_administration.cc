#include <mutex>

#include <fmt/format.h>

#include "broker/broker.h"
#include "broker/definitions.h"
#include "broker/log.h"

/// What Broker does for administrators: virtual hosts and users that come and go, and their limits.
namespace leveret::broker {

using definitions::Kind;
using definitions::make_key;

namespace {

Result<void> check_default_queue_type(const VirtualHostMetadata& metadata) {
  const std::string& type = metadata.default_queue_type;
  if (type.empty() || type == "classic" || type == "quorum" || type == "stream") return {};
  return protocol::precondition_failed(fmt::format("Unsupported default queue type '{}'", type));
}

}  // namespace

// --- virtual hosts

std::vector<std::shared_ptr<VirtualHost>> Broker::virtual_hosts() const {
  const std::shared_lock lock{virtual_hosts_mutex_};
  std::vector<std::shared_ptr<VirtualHost>> all;
  for (const auto& [name, virtual_host] : virtual_hosts_) all.push_back(virtual_host);
  return all;
}

std::shared_ptr<VirtualHost> Broker::make_virtual_host(const std::string& name) {
  auto made = std::make_shared<VirtualHost>(name, *store_, next_queue_id_, definition_changes_, options_.shards);
  made->on_settings_changed(
      [this](QueueAddress queue, const QueueSettings& settings) { apply_settings(queue, settings); });
  made->limit_queues(limits_.find(LimitOf::virtual_host, name, "max-queues"));
  return made;
}

void Broker::apply_settings(QueueAddress address, const QueueSettings& settings) {
  Shard& shard = *shards_[static_cast<std::size_t>(address.shard)];
  shard.run_here([&shard, id = address.queue, settings] {
    if (AnyQueue* queue = shard.find_queue(id)) queue->apply(settings);
  });
}

Result<bool> Broker::put_virtual_host(std::string_view name, const VirtualHostMetadata& metadata) {
  if (auto valid = check_default_queue_type(metadata); !valid) return valid.error();
  const std::unique_lock lock{virtual_hosts_mutex_};
  auto& virtual_host = virtual_hosts_[std::string{name}];
  const bool is_new = !virtual_host;
  if (is_new) virtual_host = make_virtual_host(std::string{name});
  virtual_host->set_metadata(metadata);
  definitions_.put(make_key(Kind::virtual_host, {name}), definitions::value_of(metadata));
  return is_new;
}

std::shared_ptr<VirtualHost> Broker::add_virtual_host(std::string_view name) {
  if (auto virtual_host = find_virtual_host(name)) return virtual_host;
  static_cast<void>(put_virtual_host(name, {}));  // only a queue type could be refused
  return find_virtual_host(name);
}

Result<void> Broker::delete_virtual_host(std::string_view name) {
  std::shared_ptr<VirtualHost> virtual_host;
  {
    const std::unique_lock lock{virtual_hosts_mutex_};
    const auto found = virtual_hosts_.find(name);
    if (found == virtual_hosts_.end()) return protocol::not_found(fmt::format("no vhost '{}'", name));
    if (found->second->metadata().is_protected_from_deletion)
      return protocol::precondition_failed(
          fmt::format("Refusing to delete virtual host '{}' because it is protected from deletion", name));
    virtual_host = std::move(found->second);
    virtual_hosts_.erase(found);
    virtual_host->erase_definitions();
    definitions_.erase(make_key(Kind::virtual_host, {name}));
    access_control_.remove_virtual_host(name);
    parameters_.erase_all_of(name);
    limits_.erase_all_of(LimitOf::virtual_host, name);
  }
  log::info("virtual host deleted: virtual_host={}", name);
  for (const auto& shard : shards_)
    shard->run_here([&shard, virtual_host] { shard->forget_virtual_host(*virtual_host); });
  return {};
}

// --- users

void Broker::delete_user(std::string_view name) {
  access_control_.remove_user(name);
  limits_.erase_all_of(LimitOf::user, name);
  log::info("user deleted: user={}", name);
  for (const auto& shard : shards_)
    shard->run_here([&shard, user = std::string{name}] {
      shard->force_close(fmt::format("user '{}' is deleted", user),
                         [&](const TurnMember& member) { return member.is_of_user(user); });
    });
}

void Broker::close_connections(std::function<bool(const ConnectionReport&)> is_meant, const std::string& reason) {
  for (const auto& shard : shards_)
    shard->run_here([&shard, is_meant, reason] {
      shard->force_close(reason, [&](const TurnMember& member) {
        const auto report = member.report();
        return report && is_meant(*report);
      });
    });
}

// --- limits

Result<void> Broker::put_limit(LimitOf of, std::string_view subject, std::string_view name,
                               const boost::json::value& value) {
  if (auto put = limits_.put(of, subject, name, value); !put) return put;
  apply_queue_limit(of, subject);
  return {};
}

void Broker::clear_limit(LimitOf of, std::string_view subject, std::string_view name) {
  limits_.erase(of, subject, name);
  apply_queue_limit(of, subject);
}

void Broker::apply_queue_limit(LimitOf of, std::string_view subject) {
  if (of != LimitOf::virtual_host) return;
  if (const auto virtual_host = find_virtual_host(subject))
    virtual_host->limit_queues(limits_.find(of, subject, "max-queues"));
}

}  // namespace leveret::broker
