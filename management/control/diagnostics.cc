#include <algorithm>
#include <ostream>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json.hpp>

#include "management/control/command.h"

/// Whether the broker is there and well, as health checks ask.
namespace leveret::management::control {
namespace {

namespace json = boost::json;
using boost::asio::ip::tcp;

std::vector<std::uint16_t> listening_ports(const Session& session) {
  std::vector<std::uint16_t> ports;
  const json::value overview = session.get("/api/overview");
  for (const auto& listener : overview.at("listeners").as_array())
    ports.push_back(listener.at("port").to_number<std::uint16_t>());
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

void ping(const Session& session) {
  session.get("/api/health/checks/virtual-hosts");
  session.output << "Ping succeeded\n";
}

void check_running(const Session& session) {
  session.get("/api/health/checks/virtual-hosts");
  session.output << fmt::format("RabbitMQ on node {} is fully booted and running\n", session.invocation.node());
}

void report(const Session& session, std::string_view success) {
  if (!session.invocation.is_silent()) session.output << expanded(success, session.invocation) << '\n';
}

/// Throws: Failure with what the check has found.
void check(const Session& session, const std::string& target, std::string_view success) {
  const auto answer = session.api.get(target);
  if (!answer.is_success()) throw Failure{Exit::unavailable, fmt::format("Error:\n{}", answer.reason())};
  report(session, success);
}

void check_virtual_hosts(const Session& session) {
  check(session, "/api/health/checks/virtual-hosts", "Node {node} reported all vhosts as running");
}

bool accepts_connections(std::uint16_t port) {
  boost::asio::io_context context;
  for (const auto host : {"127.0.0.1", "::1"}) {
    tcp::socket socket{context};
    boost::system::error_code error;
    socket.connect({boost::asio::ip::make_address(host), port}, error);
    if (!error) return true;
  }
  return false;
}

void check_port_connectivity(const Session& session) {
  const auto ports = listening_ports(session);
  for (const auto port : ports)
    if (!accepts_connections(port))
      throw Failure{Exit::unavailable, fmt::format("Error:\nConnection to port {} failed", port)};
  session.output << fmt::format("Successfully connected to ports {} on node {}.\n", fmt::join(ports, ", "),
                                session.invocation.node());
}

void check_port_listener(const Session& session) {
  const auto ports = listening_ports(session);
  const bool is_open =
      std::any_of(ports.begin(), ports.end(), [&](auto port) { return std::to_string(port) == session.argument(0); });
  if (!is_open)
    throw Failure{Exit::unavailable, fmt::format("Error:\nNo listener for port {} is active on node {}",
                                                 session.argument(0), session.invocation.node())};
  session.output << fmt::format("A listener for port {} is running on node {}.\n", session.argument(0),
                                session.invocation.node());
}

void check_protocol_listener(const Session& session) {
  const auto answer = session.api.get("/api/health/checks/protocol-listener/" + session.encoded(0));
  if (!answer.is_success())
    throw Failure{Exit::unavailable, fmt::format("Error:\nNo listener for protocol {} is active on node {}",
                                                 session.argument(0), session.invocation.node())};
  session.output << fmt::format("A listener for protocol {} is running on node {}.\n", session.argument(0),
                                session.invocation.node());
}

/// Until the broker answers, which it does when it has started.
void await_startup(const Session& session) {
  constexpr std::chrono::milliseconds interval{10};
  const auto deadline = std::chrono::steady_clock::now() + session.invocation.timeout(std::chrono::minutes{5});
  while (true) {
    try {
      session.get("/api/health/checks/virtual-hosts");
      return;
    } catch (const Unavailable&) {
      if (std::chrono::steady_clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(interval);
  }
}

void show_version(const Session& session) {
  session.output << std::string_view{session.get("/api/overview").at("rabbitmq_version").as_string()} << '\n';
}

double gibibytes(const json::value& octets) {
  constexpr double gibibyte = 1024.0 * 1024 * 1024;
  return octets.to_number<double>() / gibibyte;
}

std::string listed(std::string_view title, const std::vector<std::string>& lines) {
  std::string text = fmt::format("\n{}\n\n", title);
  for (const auto& line : lines) text += line + '\n';
  return lines.empty() ? text + "(none)\n" : text;
}

std::vector<std::string> alarms_of(const json::value& node) {
  std::vector<std::string> alarms;
  const auto name = std::string{node.at("name").as_string()};
  if (node.at("mem_alarm").as_bool()) alarms.push_back("Memory alarm on node " + name);
  if (node.at("disk_free_alarm").as_bool()) alarms.push_back("Free disk space alarm on node " + name);
  return alarms;
}

/// As RabbitMQ does it: what `check_alarms` has found it says on standard output, `check_local_alarms` as an error.
void check_alarms(const Session& session) {
  const auto alarms = alarms_of(session.get("/api/nodes").at(0));
  for (const auto& alarm : alarms) session.output << alarm << '\n';
  if (!alarms.empty()) throw Failure{Exit::unavailable, ""};
  report(session, "Node {node} reported no alarms, local or clusterwide");
}

void check_local_alarms(const Session& session) {
  const auto alarms = alarms_of(session.get("/api/nodes").at(0));
  if (!alarms.empty()) throw Failure{Exit::unavailable, fmt::format("Error:\n{}", fmt::join(alarms, "\n"))};
  report(session, "Node {node} reported no local alarms");
}

void check_health(const Session& session) {
  const auto answer = session.api.get("/api/healthchecks/node");
  if (!answer.is_success())
    throw Failure{Exit::software, fmt::format("Error:\nError: health check failed. Message: {}", answer.reason())};
  report(session, "Health check passed");
}

void show_status(const Session& session) {
  const json::value overview = session.get("/api/overview");
  const json::value node = session.get("/api/nodes").at(0);
  if (session.invocation.format() == "json") {
    session.output << json::serialize(json::object{{"os_pid", node.at("os_pid")},
                                                   {"pid", node.at("os_pid")},
                                                   {"rabbitmq_version", overview.at("rabbitmq_version")},
                                                   {"product_name", overview.at("product_name")},
                                                   {"product_version", overview.at("product_version")},
                                                   {"uptime", node.at("uptime").to_number<std::uint64_t>() / 1000},
                                                   {"is_under_maintenance", false},
                                                   {"alarms", json::value_from(alarms_of(node))},
                                                   {"listeners", overview.at("listeners")},
                                                   {"totals", overview.at("object_totals")}})
                   << '\n';
    return;
  }
  const auto text = [](const json::value& value) {
    return value.is_string() ? std::string{value.get_string()} : json::serialize(value);
  };
  std::vector<std::string> listeners;
  for (const auto& one : overview.at("listeners").as_array())
    listeners.push_back(
        fmt::format("Interface: [::], port: {}, protocol: {}", text(one.at("port")), text(one.at("protocol"))));
  const auto& totals = overview.at("object_totals");
  session.output
      << "Runtime\n\n"
      << "OS PID: " << text(node.at("os_pid")) << "\nOS: Linux\n"
      << "Uptime (seconds): " << node.at("uptime").to_number<std::uint64_t>() / 1000 << '\n'
      << "Is under maintenance?: false\n"
      << "RabbitMQ version: " << text(overview.at("rabbitmq_version")) << '\n'
      << "Product name: Leveret\nProduct version: " << text(overview.at("product_version")) << '\n'
      << "Node name: " << session.invocation.node() << '\n'
      << listed("Alarms", alarms_of(node))
      << listed("Memory",
                {fmt::format("Total memory used: {:.4f} gb", gibibytes(node.at("mem_used"))),
                 fmt::format("Memory high watermark computed to: {:.4f} gb", gibibytes(node.at("mem_limit")))})
      << listed("Free Disk Space",
                {fmt::format("Low free disk space watermark: {:.4f} gb", gibibytes(node.at("disk_free_limit"))),
                 fmt::format("Free disk space: {:.4f} gb", gibibytes(node.at("disk_free")))})
      << listed("Totals",
                {"Connection count: " + text(totals.at("connections")), "Queue count: " + text(totals.at("queues")),
                 fmt::format("Virtual host count: {}", session.get("/api/vhosts").as_array().size())})
      << listed("Listeners", listeners);
}

void show_listeners(const Session& session) {
  const json::value overview = session.get("/api/overview");
  for (const auto& one : overview.at("listeners").as_array())
    session.output << fmt::format("Interface: [::], port: {}, protocol: {}\n", one.at("port").to_number<int>(),
                                  std::string_view{one.at("protocol").as_string()});
}

const Command commands[]{
    {"ping", "", 0, 0,
     "Will ping {node}. This only checks if the OS process is running and registered with epmd. Timeout: 60000 ms.",
     ping},
    {"check_running", "", 0, 0, "Checking if RabbitMQ is running on node {node} ...", check_running},
    {"check_alarms", "", 0, 0, "Asking node {node} to report any known resource alarms ...", check_alarms},
    {"check_local_alarms", "", 0, 0, "Asking node {node} to report any local resource alarms ...", check_local_alarms},
    {"check_port_connectivity", "", 0, 0, "Testing TCP connections to all active listeners on node {node} ...",
     check_port_connectivity},
    {"check_port_listener", "<port>", 1, 1, "Asking node {node} if there's an active listener on port {0} ...",
     check_port_listener},
    {"check_protocol_listener", "<protocol>", 1, 1,
     "Asking node {node} if there's an active listener for protocol {0} ...", check_protocol_listener},
    {"check_virtual_hosts", "", 0, 0, "Checking if all vhosts are running on node {node} ...", check_virtual_hosts},
    {"node_health_check", "", 0, 0, "Timeout: 70 seconds ...\nChecking health of node {node} ...", check_health},
    {"is_running", "", 0, 0, "Asking node {node} for its status ...", check_running},
    {"await_startup", "[--timeout <seconds>]", 0, 0, "", await_startup},
    {"wait", "<pidfile> [--timeout <seconds>]", 0, 2, "", await_startup},
    {"status", "", 0, 0, "Status of node {node} ...", show_status},
    {"listeners", "", 0, 0, "Asking node {node} to report its protocol listeners ...", show_listeners},
    {"server_version", "", 0, 0, "Asking node {node} for its RabbitMQ version...", show_version},
};

}  // namespace

std::span<const Command> diagnostic_commands() {
  return commands;
}

}  // namespace leveret::management::control
