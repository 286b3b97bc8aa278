#include <array>

#include <boost/asio/awaitable.hpp>

#include "management/facts.h"
#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/process_facts.h"
#include "management/rates.h"
#include "management/statistics_columns.h"

namespace leveret::management {
namespace {

/// More than that is a mistake: no disk has to have so much more than there is memory.
constexpr double share_max = 1000;

/// The one there is.  Throws: Refusal when another is named.
void check_node(const Request& request) {
  if (request.parameter("node") != request.broker.node_name()) throw not_found();
}

json::object mechanism(std::string_view name, std::string_view description) {
  return {{"name", name}, {"description", description}, {"enabled", true}};
}

/// What RabbitMQ counts of parts that are not here: its collector, its tables, its files.  The web UI adds them up.  Of
/// the time of syncs no samples are taken.
constexpr std::array<std::string_view, 14> counted_nowhere{"gc_num",
                                                           "gc_bytes_reclaimed",
                                                           "io_read_count",
                                                           "io_read_avg_time",
                                                           "io_write_avg_time",
                                                           "io_sync_avg_time",
                                                           "io_seek_count",
                                                           "io_seek_avg_time",
                                                           "io_reopen_count",
                                                           "mnesia_ram_tx_count",
                                                           "mnesia_disk_tx_count",
                                                           "msg_store_read_count",
                                                           "queue_index_write_count",
                                                           "queue_index_read_count"};

/// RabbitMQ's limit for what it calls processes, of which we have threads; checks look at how much of it is used.
constexpr std::uint64_t processes_max = 1'048'576;

/// How long a write of the store takes with its sync, in milliseconds.
double average_time(const broker::StoreLoad& store) {
  if (store.writes == 0) return 0;
  return std::chrono::duration<double, std::milli>{store.write_time}.count() / static_cast<double>(store.writes);
}

void add_gauges(json::object& object, const Request& request, const ProcessFacts& facts,
                const broker::ResourceReport& resources) {
  using Columns = columns::Node;
  const SampleRanges ranges{request};
  const Series* series = request.statistics.node();
  const auto put = [&](std::string_view name, std::uint64_t value, std::size_t column) {
    put_with_details(object, name, value, Line{series, column}, ranges.resources);
  };
  put("mem_used", facts.resident_octets, Columns::memory);
  put("fd_used", facts.open_files, Columns::open_files);
  put("sockets_used", resources.connections, Columns::sockets);
  put("proc_used", facts.threads, Columns::threads);
  put("disk_free", resources.disk_free.value_or(0), Columns::disk_free);
  put("context_switches", facts.context_switches, Columns::context_switches);
  put("io_read_bytes", facts.octets_read, Columns::octets_read);
  put("io_write_bytes", facts.octets_written, Columns::octets_written);
  put("io_write_count", resources.store.writes, Columns::store_writes);
  put("io_sync_count", resources.store.writes, Columns::store_writes);
  put("msg_store_write_count", resources.store.appends, Columns::store_appends);
  for (const auto name : counted_nowhere) put_with_details(object, name, 0, {}, ranges.resources);
  object["io_sync_avg_time"] = average_time(resources.store);
}

json::object to_json(const Request& request, const broker::ChurnCounters& churn) {
  const broker::BrokerQuery& broker = request.broker;
  const ProcessFacts facts = process_facts();
  const broker::ResourceReport resources = broker.resources();
  json::object object{{"name", broker.node_name()},
                      {"type", "disc"},
                      {"running", true},
                      {"being_drained", false},
                      {"partitions", json::array{}},
                      {"cluster_links", json::array{}},
                      {"os_pid", std::to_string(facts.process_id)},
                      {"fd_total", facts.open_files_max},
                      {"sockets_total", facts.open_files_max},
                      {"mem_limit", resources.memory_limit},
                      {"mem_alarm", resources.has_memory_alarm},
                      {"mem_calculation_strategy", "rss"},
                      {"disk_free_limit", resources.disk_free_limit},
                      {"disk_free_alarm", resources.has_disk_alarm},
                      {"proc_total", processes_max},
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
                      {"db_dir", resources.data_directory},
                      {"log_files", json::array{"<stdout>"}},
                      {"config_files", json::array{}},
                      {"net_ticktime", 60},
                      {"ra_open_file_metrics", json::object{}},
                      {"metrics_gc_queue_length", json::object{}},
                      {"enabled_plugins", json::array{"rabbitmq_management"}}};
  add_gauges(object, request, facts, resources);
  const Series* series = request.statistics.churn();
  put_counters(object, churn, {&series, 1}, 0, SampleRanges{request}.resources);
  return object;
}

/// RabbitMQ divides its memory among some twenty users; here the process is one.
json::object memory(const ProcessFacts& facts) {
  return {{"other_proc", facts.resident_octets},
          {"strategy", "rss"},
          {"total", json::object{{"rss", facts.resident_octets}, {"allocated", facts.resident_octets}}}};
}

}  // namespace

Asking list_nodes(const Request& request) {
  const auto traffic = co_await request.broker.traffic();
  co_return list(request, items_of({to_json(request, traffic.churn)}));
}

Asking show_node(const Request& request) {
  check_node(request);
  const auto traffic = co_await request.broker.traffic();
  json::object object = to_json(request, traffic.churn);
  if (request.has_query_flag("memory")) object["memory"] = memory(process_facts());
  co_return show(request, object);
}

Response put_resource_limits(const Request& request) {
  check_node(request);
  const JsonBody body{request};
  const auto octets = [&](std::string_view name) -> std::optional<std::uint64_t> {
    const auto number = body.integer(name);
    if (number && *number < 0) throw bad_request(json::array{"not_positive", name});
    return number ? std::optional{static_cast<std::uint64_t>(*number)} : std::nullopt;
  };
  const auto share = [&](std::string_view name) -> std::optional<double> {
    const json::value* value = body.find(name);
    if (!value) return {};
    const double number = value->is_number() ? value->to_number<double>() : -1;
    if (!(number >= 0 && number <= share_max)) throw bad_request(json::array{"not_a_share", name});
    return number;
  };
  request.broker.limit_resources({.memory = octets("memory_limit"),
                                  .memory_share = share("memory_high_watermark"),
                                  .free_disk = octets("disk_free_limit"),
                                  .free_disk_share = share("disk_free_share")});
  return no_content();
}

Response show_node_memory(const Request& request) {
  check_node(request);
  return answer(json::object{{"memory", memory(process_facts())}});
}

Response show_relative_node_memory(const Request& request) {
  check_node(request);
  return answer(json::object{{"memory", json::object{{"total", 100}, {"other_proc", 100}}}});
}

/// The tables of Erlang's virtual machine: RabbitMQ says so, too, when it has none to show.
Response show_node_tables(const Request& request) {
  check_node(request);
  return answer(json::object{{"ets_tables", "no_data"}});
}

}  // namespace leveret::management
