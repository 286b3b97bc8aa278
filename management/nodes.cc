#include <boost/asio/awaitable.hpp>

#include "management/facts.h"
#include "management/handlers.h"
#include "management/listing.h"
#include "management/process_facts.h"

namespace leveret::management {
namespace {

/// The one there is.  Throws: Refusal when another is named.
void check_node(const Request& request) {
  if (request.parameter("node") != request.broker.node_name()) throw not_found();
}

json::object mechanism(std::string_view name, std::string_view description) {
  return {{"name", name}, {"description", description}, {"enabled", true}};
}

void put_with_rate(json::object& object, const std::string& name, std::uint64_t value) {
  object[name] = value;
  object[name + "_details"] = no_rate();
}

json::object to_json(const broker::BrokerQuery& broker) {
  const ProcessFacts facts = process_facts();
  json::object object{{"name", broker.node_name()},
                      {"type", "disc"},
                      {"running", true},
                      {"being_drained", false},
                      {"partitions", json::array{}},
                      {"cluster_links", json::array{}},
                      {"os_pid", std::to_string(facts.process_id)},
                      {"fd_total", facts.open_files_max},
                      {"sockets_total", facts.open_files_max},
                      // Alarms are not among what BrokerQuery tells yet: the limits are those of the machine.
                      {"mem_limit", facts.memory_octets},
                      {"mem_alarm", false},
                      {"mem_calculation_strategy", "rss"},
                      {"disk_free_limit", 0},
                      {"disk_free_alarm", false},
                      {"proc_total", facts.threads},
                      {"rates_mode", "basic"},
                      {"uptime", broker.uptime().count()},
                      {"run_queue", 0},
                      {"processors", facts.processors},
                      {"exchange_types", exchange_types()},
                      {"auth_mechanisms", json::array{mechanism("AMQPLAIN", "QPid AMQPLAIN mechanism"),
                                                      mechanism("PLAIN", "SASL PLAIN authentication mechanism")}},
                      {"applications", json::array{json::object{{"name", "leveret"},
                                                                {"description", "Leveret"},
                                                                {"version", json::string{broker.version()}}}}},
                      {"contexts", contexts(broker)},
                      {"log_files", json::array{"<stdout>"}},
                      {"config_files", json::array{}},
                      {"net_ticktime", 60},
                      {"enabled_plugins", json::array{"rabbitmq_management"}}};
  put_with_rate(object, "mem_used", facts.resident_octets);
  put_with_rate(object, "fd_used", facts.open_files);
  put_with_rate(object, "sockets_used", facts.sockets);
  put_with_rate(object, "proc_used", facts.threads);
  put_with_rate(object, "disk_free", facts.disk_free_octets);
  put_with_rate(object, "context_switches", facts.context_switches);
  return object;
}

/// RabbitMQ divides its memory among some twenty users; here the process is one.
json::object memory(const ProcessFacts& facts) {
  return {{"other_proc", facts.resident_octets},
          {"strategy", "rss"},
          {"total", json::object{{"rss", facts.resident_octets}, {"allocated", facts.resident_octets}}}};
}

}  // namespace

Response list_nodes(const Request& request) {
  return list(request, items_of({to_json(request.broker)}));
}

Response show_node(const Request& request) {
  check_node(request);
  json::object object = to_json(request.broker);
  if (request.has_query_flag("memory")) object["memory"] = memory(process_facts());
  return show(request, object);
}

Response show_node_memory(const Request& request) {
  check_node(request);
  return answer(json::object{{"memory", memory(process_facts())}});
}

Response show_relative_node_memory(const Request& request) {
  check_node(request);
  return answer(json::object{{"memory", json::object{{"total", 100}, {"other_proc", 100}}}});
}

}  // namespace leveret::management
