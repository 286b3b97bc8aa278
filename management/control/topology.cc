#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <ostream>
#include <thread>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "management/control/command.h"
#include "management/target.h"

/// Queues, policies, definitions, and the end.
namespace leveret::management::control {
namespace {

namespace json = boost::json;

std::string queue_path(const Session& session) {
  return fmt::format("/api/queues/{}/{}", session.virtual_host(), session.encoded(0));
}

void purge_queue(const Session& session) {
  session.remove(queue_path(session) + "/contents");
}

void delete_queue(const Session& session) {
  const auto& invocation = session.invocation;
  std::string path = queue_path(session);
  const auto queue = session.api.get(path);
  if (queue.status == 404) throw Failure{Exit::usage, "Error:\nQueue not found"};
  path += fmt::format("?if-empty={}&if-unused={}", invocation.has("if-empty"), invocation.has("if-unused"));
  session.remove(path);
  if (!invocation.is_quiet())
    session.output << fmt::format("Queue was successfully deleted with {} ready messages\n",
                                  json::serialize(queue.body.at("messages_ready")));
}

std::string policy_path(const Session& session, std::string_view kind) {
  return fmt::format("/api/{}/{}/{}", kind, session.virtual_host(), session.encoded(0));
}

void put_policy(const Session& session, std::string_view kind) {
  boost::system::error_code error;
  const json::value definition = json::parse(session.argument(2), error);
  if (error) throw Failure{Exit::unavailable, "Error:\nJSON decoding error. Reason: " + error.message()};
  const std::string priority = session.invocation.option("priority", "0");
  const json::value number = json::parse(priority, error);
  if (error || !number.is_int64())
    throw Failure{Exit::usage, fmt::format("Error (argument validation): invalid value for --priority: {}", priority)};
  session.put(policy_path(session, kind), {{"pattern", session.argument(1)},
                                           {"definition", definition},
                                           {"priority", number},
                                           {"apply-to", session.invocation.option("apply-to", "all")}});
}

void set_policy(const Session& session) {
  put_policy(session, "policies");
}

void clear_policy(const Session& session) {
  session.remove(policy_path(session, "policies"));
}

void set_operator_policy(const Session& session) {
  put_policy(session, "operator-policies");
}

void clear_operator_policy(const Session& session) {
  session.remove(policy_path(session, "operator-policies"));
}

void set_cluster_name(const Session& session) {
  session.put("/api/cluster-name", {{"name", session.argument(0)}});
}

/// "-" is standard output or input.
void export_definitions(const Session& session) {
  const std::string text = json::serialize(session.get("/api/definitions"));
  const std::string file = session.invocation.arguments.empty() ? "-" : session.argument(0);
  if (file == "-") {
    session.output << text << '\n';
    return;
  }
  if (!(std::ofstream{file} << text << '\n')) throw Failure{Exit::data, fmt::format("Error:\ncannot write {}", file)};
}

void import_definitions(const Session& session) {
  const std::string file = session.invocation.arguments.empty() ? "-" : session.argument(0);
  std::ifstream stream{file, std::ios::binary};
  std::istream& input = file == "-" ? std::cin : stream;
  if (!input) throw Failure{Exit::data, fmt::format("Error:\ncannot read {}", file)};
  session.ask({.method = "POST", .target = "/api/definitions", .body = {std::istreambuf_iterator<char>{input}, {}}});
  if (!session.invocation.is_quiet()) session.output << "Successfully started definition import.\n";
}

void close_all_connections(const Session& session) {
  const bool is_of_one = session.invocation.has("vhost");
  const json::value connections =
      session.get(is_of_one ? fmt::format("/api/vhosts/{}/connections", session.virtual_host()) : "/api/connections");
  for (const auto& connection : connections.as_array())
    session.remove("/api/connections/" + percent_encoded(connection.at("name").as_string()));
}

/// Tells the process to end, and waits until it does not answer any more.
void stop(const Session& session) {
  constexpr std::chrono::milliseconds interval{10};
  const json::value nodes = session.get("/api/nodes");
  const std::string process{nodes.at(0).at("os_pid").as_string()};
  if (kill(std::atoi(process.c_str()), SIGTERM) != 0)
    throw Failure{Exit::software, fmt::format("Error:\ncannot end process {}", process)};
  const auto deadline = std::chrono::steady_clock::now() + session.invocation.timeout(std::chrono::seconds{30});
  while (std::filesystem::exists(session.api.socket()) || kill(std::atoi(process.c_str()), 0) == 0) {
    if (std::chrono::steady_clock::now() > deadline) throw Failure{Exit::temporary, "Error:\nit is still there"};
    std::this_thread::sleep_for(interval);
  }
}

void do_nothing(const Session&) {}

[[noreturn]] void refuse(const Session& session) {
  throw Failure{Exit::software, fmt::format("Error:\n{} is about clusters and Erlang nodes, which Leveret has not; "
                                            "stop the broker and delete its data directory to begin anew",
                                            session.invocation.command)};
}

const Command commands[]{
    {"purge_queue", "[-p <vhost>] <queue>", 1, 1, "Purging queue '{0}' in vhost '{vhost}' ...", purge_queue},
    {"delete_queue", "[-p <vhost>] <queue> [--if-empty|-e] [--if-unused|-u]", 1, 1,
     "Deleting queue '{0}' on vhost '{vhost}' ...", delete_queue},
    {"set_policy", "[-p <vhost>] [--priority <priority>] [--apply-to <apply-to>] <name> <pattern> <definition>", 3, 3,
     "Setting policy \"{0}\" for pattern \"{1}\" to \"{2}\" with priority \"{priority}\" for vhost \"{vhost}\" ...",
     set_policy},
    {"clear_policy", "[-p <vhost>] <name>", 1, 1, "Clearing policy \"{0}\" on vhost \"{vhost}\" ...", clear_policy},
    {"set_operator_policy",
     "[-p <vhost>] [--priority <priority>] [--apply-to <apply-to>] <name> <pattern> <definition>", 3, 3,
     "Setting operator policy override \"{0}\" for pattern \"{1}\" to \"{2}\" with priority \"{priority}\" for vhost "
     "\"{vhost}\" ...",
     set_operator_policy},
    {"clear_operator_policy", "[-p <vhost>] <name>", 1, 1, "Clearing operator policy \"{0}\" on vhost \"{vhost}\" ...",
     clear_operator_policy},
    {"set_cluster_name", "<name>", 1, 1, "Setting cluster name to {0} ...", set_cluster_name},
    {"export_definitions", "<file_path | \"-\"> [--format <json>]", 0, 1,
     "Exporting definitions in JSON to a file at \"{0}\" ...", export_definitions},
    {"import_definitions", "<file_path | \"-\"> [--format <json>]", 0, 1,
     "Importing definitions in JSON from a file at \"{0}\" ...", import_definitions},
    {"close_all_connections", "[-p <vhost>] <explanation>", 1, 1, "Closing all connections (reason: {0}) ...",
     close_all_connections},
    {"enable_feature_flag", "<all | name>", 1, 1, "Enabling feature flag \"{0}\" ...", do_nothing},
    {"rotate_logs", "", 0, 0, "Rotating logs for node {node} ...", do_nothing},
    {"force_gc", "", 0, 0, "Will force garbage collection on node {node} ...", do_nothing},
    {"stop", "[<pidfile>]", 0, 1, "Stopping and halting node {node} ...", stop},
    {"shutdown", "", 0, 0, "Shutting down RabbitMQ node {node} ...", stop},
    {"stop_app", "", 0, 0, "", refuse},
    {"start_app", "", 0, 0, "", refuse},
    {"reset", "", 0, 0, "", refuse},
    {"force_reset", "", 0, 0, "", refuse},
    {"join_cluster", "<node>", 1, 1, "", refuse},
    {"eval", "<expression>", 1, 1, "", refuse},
};

}  // namespace

std::span<const Command> topology_commands() {
  return commands;
}

}  // namespace leveret::management::control
