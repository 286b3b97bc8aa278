#include <mutex>

#include "broker/virtual_host.h"

/// What a virtual host tells of its topology.
namespace leveret::broker {

std::vector<ExchangeReport> VirtualHost::exchange_reports() const {
  std::shared_lock lock{mutex_};
  std::vector<ExchangeReport> reports;
  reports.reserve(exchanges_.size());
  for (const auto& [name, exchange] : exchanges_)
    reports.push_back({.virtual_host = name_,
                       .name = name,
                       .type = std::string{name_of(exchange->type)},
                       .is_durable = exchange->is_durable,
                       .is_auto_delete = exchange->is_auto_delete,
                       .is_internal = exchange->is_internal,
                       .arguments = exchange->arguments,
                       .user = exchange->user,
                       .counters = exchange->traffic->counters(),
                       .delayed = exchange->delayed});
  return reports;
}

std::vector<BindingReport> VirtualHost::binding_reports() const {
  std::shared_lock lock{mutex_};
  std::vector<BindingReport> reports;
  for (const auto& [name, exchange] : exchanges_)
    for (const Binding& binding : exchange->bindings) {
      const auto& [queue, to_exchange] = binding.destination;
      reports.push_back({.virtual_host = name_,
                         .source = name,
                         .is_to_queue = queue != nullptr,
                         .destination = queue ? queue->name : to_exchange->name,
                         .routing_key = binding.key,
                         .arguments = binding.arguments,
                         .is_durable = binding.is_durable()});
    }
  return reports;
}

}  // namespace leveret::broker
