#include "perf/topology.h"

#include <boost/lexical_cast/try_lexical_convert.hpp>

#include "protocol/field_table.h"

namespace leveret::perf {
namespace {

namespace exchange = protocol::exchange;
namespace queue = protocol::queue;

/// So many bindings are under way at most.
constexpr std::size_t bindings_at_once = 1'000;

}  // namespace

void Topology::declare() {
  if (!options_.exchange_type.empty())
    connection_.call<exchange::DeclareOk>(
        exchange::Declare{.exchange = perf_exchange, .type = options_.exchange_type, .durable = options_.durable});
  for (std::size_t i = 0; i < options_.queues; ++i) declare_queue(queue_name(options_, i));
  bind_for_nothing();
}

void Topology::remove() {
  for (std::size_t i = 0; i < options_.queues; ++i)
    connection_.call<queue::DeleteOk>(queue::Delete{.queue = queue_name(options_, i)});
  if (!options_.exchange_type.empty())
    connection_.call<exchange::DeleteOk>(exchange::Delete{.exchange = perf_exchange});
}

void Topology::declare_queue(const std::string& name) {
  protocol::FieldTableBuilder arguments;
  for (const auto& [argument, value] : options_.queue_arguments) {
    std::int64_t number = 0;
    if (boost::conversion::try_lexical_convert(value, number))
      arguments.put(argument, number);
    else
      arguments.put(argument, value);
  }
  if (!options_.keep) connection_.call<queue::DeleteOk>(queue::Delete{.queue = name});
  connection_.call<queue::DeclareOk>(
      queue::Declare{.queue = name, .durable = options_.durable, .arguments = arguments.view()});
  if (!options_.exchange_type.empty()) bind(name, name);
}

void Topology::bind(const std::string& queue, const std::string& key) {
  protocol::FieldTableBuilder arguments;
  if (options_.exchange_type == "headers") arguments.put("x-match", "all").put(queue_header, key);
  connection_.send(queue::Bind{
      .queue = queue, .exchange = perf_exchange, .routing_key = key, .nowait = true, .arguments = arguments.view()});
}

/// A call comes back when the bindings before it are there.
void Topology::bind_for_nothing() {
  for (std::size_t i = 0; i < options_.bindings; ++i) {
    bind(queue_name(options_, i % options_.queues), "leveret-perf-unused." + std::to_string(i));
    if ((i + 1) % bindings_at_once == 0) connection_.call<protocol::basic::QosOk>(protocol::basic::Qos{});
  }
  connection_.call<protocol::basic::QosOk>(protocol::basic::Qos{});
}

}  // namespace leveret::perf
