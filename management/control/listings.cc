#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/algorithm/string/join.hpp>
#include <boost/json.hpp>

#include "management/control/command.h"
#include "management/control/table.h"

/// What there is: rabbitmqctl's columns, taken from the answers of the HTTP API.
namespace leveret::management::control {
namespace {

namespace json = boost::json;

/// A column, and where it stands in the HTTP API's JSON when it is not a member of the same name.
struct Column {
  std::string_view name{};
  std::string_view pointer{};
  bool is_json = false;          // shown as JSON in every format
  std::string_view otherwise{};  // where there is no such member
};

struct Listing {
  std::string_view target{};  // {vhost} is replaced
  std::vector<std::string_view> default_columns{};
  std::vector<Column> columns{};
};

json::value value_of(const Column& column, const json::value& item) {
  const std::string pointer = column.pointer.empty() ? fmt::format("/{}", column.name) : std::string{column.pointer};
  boost::system::error_code error;
  const json::value* found = item.find_pointer(pointer, error);
  if (found && column.is_json) return json::string{json::serialize(*found)};
  if (!found && !column.otherwise.empty()) return json::string{column.otherwise};
  return found ? *found : json::value{};
}

/// Those that are asked for, else the default ones.  Throws: Failure for an unknown one.
std::vector<Column> wanted_columns(const Session& session, const Listing& listing) {
  std::vector<std::string_view> names(session.invocation.arguments.begin(), session.invocation.arguments.end());
  if (names.empty()) names = listing.default_columns;
  std::vector<Column> columns;
  for (const std::string_view name : names) {
    const auto found = std::find_if(listing.columns.begin(), listing.columns.end(),
                                    [&](const Column& column) { return column.name == name; });
    if (found == listing.columns.end()) {
      std::vector<std::string> known;
      for (const Column& column : listing.columns) known.emplace_back(column.name);
      throw Failure{Exit::usage,
                    fmt::format("Error (argument validation): Info key(s) {} are not supported\nThese are: {}", name,
                                boost::algorithm::join(known, " "))};
    }
    columns.push_back(*found);
  }
  return columns;
}

std::string target_of(const Session& session, std::string_view target) {
  std::string result{target};
  if (const auto at = result.find("{vhost}"); at != std::string::npos) result.replace(at, 7, session.virtual_host());
  return result;
}

void print_listing(const Session& session, const Listing& listing) {
  const auto columns = wanted_columns(session, listing);
  Table table;
  for (const Column& column : columns) table.columns.emplace_back(column.name);
  const json::value items = session.get(target_of(session, listing.target));
  for (const auto& item : items.as_array()) {
    table.rows.emplace_back();
    for (const Column& column : columns) table.rows.back().push_back(value_of(column, item));
  }
  print(table, session.invocation, session.output);
}

/// The columns that are named as in the HTTP API.
std::vector<Column> same(std::initializer_list<std::string_view> names, std::vector<Column> others = {}) {
  std::vector<Column> columns;
  for (const std::string_view name : names) columns.push_back({.name = name});
  columns.insert(columns.end(), others.begin(), others.end());
  return columns;
}

void list_queues(const Session& session) {
  print_listing(session, {.target = "/api/queues/{vhost}",
                          .default_columns = {"name", "messages"},
                          .columns = same({"name",
                                           "durable",
                                           "auto_delete",
                                           "exclusive",
                                           "arguments",
                                           "policy",
                                           "operator_policy",
                                           "effective_policy_definition",
                                           "type",
                                           "state",
                                           "messages",
                                           "messages_ready",
                                           "messages_unacknowledged",
                                           "messages_ram",
                                           "messages_persistent",
                                           "message_bytes",
                                           "message_bytes_ready",
                                           "message_bytes_unacknowledged",
                                           "consumers",
                                           "consumer_utilisation",
                                           "exclusive_consumer_tag",
                                           "memory",
                                           "leader",
                                           "members",
                                           "online",
                                           "head_message_timestamp"},
                                          {{"pid", "/node"}, {"owner_pid", "/owner_pid_details/name"}})});
}

void list_exchanges(const Session& session) {
  print_listing(session,
                {.target = "/api/exchanges/{vhost}",
                 .default_columns = {"name", "type"},
                 .columns = same({"name", "type", "durable", "auto_delete", "internal", "arguments", "policy"})});
}

void list_bindings(const Session& session) {
  print_listing(session, {.target = "/api/bindings/{vhost}",
                          .default_columns = {"source_name", "source_kind", "destination_name", "destination_kind",
                                              "routing_key", "arguments"},
                          .columns = same({"routing_key", "arguments"},
                                          {{.name = "source_name", .pointer = "/source"},
                                           {.name = "source_kind", .otherwise = "exchange"},
                                           {.name = "destination_name", .pointer = "/destination"},
                                           {.name = "destination_kind", .pointer = "/destination_type"}})});
}

void list_connections(const Session& session) {
  print_listing(session,
                {.target = "/api/connections",
                 .default_columns = {"user", "peer_host", "peer_port", "state"},
                 .columns = same({"name",           "user",      "vhost",     "host",        "port",
                                  "peer_host",      "peer_port", "state",     "channels",    "protocol",
                                  "auth_mechanism", "timeout",   "frame_max", "channel_max", "client_properties",
                                  "connected_at",   "ssl",       "recv_oct",  "recv_cnt",    "send_oct",
                                  "send_cnt",       "node"},
                                 {{"pid", "/name"}})});
}

void list_channels(const Session& session) {
  print_listing(session,
                {.target = "/api/channels",
                 .default_columns = {"pid", "user", "consumer_count", "messages_unacknowledged"},
                 .columns = same({"name", "number", "user", "vhost", "transactional", "confirm", "consumer_count",
                                  "messages_unacknowledged", "messages_uncommitted", "acks_uncommitted",
                                  "messages_unconfirmed", "prefetch_count", "global_prefetch_count", "state"},
                                 {{"pid", "/name"}, {"connection", "/connection_details/name"}})});
}

void list_consumers(const Session& session) {
  print_listing(session, {.target = "/api/consumers/{vhost}",
                          .default_columns = {"queue_name", "channel_pid", "consumer_tag", "ack_required",
                                              "prefetch_count", "active", "arguments"},
                          .columns = same({"consumer_tag", "ack_required", "prefetch_count", "active",
                                           "activity_status", "exclusive", "arguments"},
                                          {{"queue_name", "/queue/name"}, {"channel_pid", "/channel_details/name"}})});
}

void list_virtual_hosts(const Session& session) {
  print_listing(session,
                {.target = "/api/vhosts",
                 .default_columns = {"name"},
                 .columns = same({"name", "tracing", "description", "tags", "default_queue_type", "cluster_state"})});
}

void list_policies(const Session& session) {
  print_listing(session, {.target = "/api/policies/{vhost}",
                          .default_columns = {"vhost", "name", "pattern", "apply-to", "definition", "priority"},
                          .columns = same({"vhost", "name", "pattern", "apply-to", "priority"},
                                          {{.name = "definition", .is_json = true}})});
}

void list_operator_policies(const Session& session) {
  print_listing(session, {.target = "/api/operator-policies/{vhost}",
                          .default_columns = {"vhost", "name", "pattern", "apply-to", "definition", "priority"},
                          .columns = same({"vhost", "name", "pattern", "apply-to", "priority"},
                                          {{.name = "definition", .is_json = true}})});
}

/// These take no columns; an argument, where there is one, is a name in the path.
void list_users(const Session& session) {
  Table table{.columns = {"user", "tags"}};
  const json::value users = session.get("/api/users");
  for (const auto& user : users.as_array()) table.rows.push_back({user.at("name"), user.at("tags")});
  print(table, session.invocation, session.output);
}

void print_members(const Session& session, const std::string& target, std::initializer_list<std::string> members) {
  Table table{.columns = members};
  const json::value items = session.get(target);
  for (const auto& item : items.as_array()) {
    table.rows.emplace_back();
    for (const auto& member : members) table.rows.back().push_back(item.at(member));
  }
  print(table, session.invocation, session.output);
}

std::string path_of_user(const Session& session, std::string_view kind) {
  if (session.api.get("/api/users/" + session.encoded(0)).status == 404)
    throw Failure{Exit::no_user, fmt::format("Error:\nUser \"{}\" does not exist", session.argument(0))};
  return fmt::format("/api/users/{}/{}", session.encoded(0), kind);
}

void list_permissions(const Session& session) {
  print_members(session, fmt::format("/api/vhosts/{}/permissions", session.virtual_host()),
                {"user", "configure", "write", "read"});
}

void list_user_permissions(const Session& session) {
  print_members(session, path_of_user(session, "permissions"), {"vhost", "configure", "write", "read"});
}

void list_topic_permissions(const Session& session) {
  print_members(session, fmt::format("/api/vhosts/{}/topic-permissions", session.virtual_host()),
                {"user", "exchange", "write", "read"});
}

void list_user_topic_permissions(const Session& session) {
  print_members(session, path_of_user(session, "topic-permissions"), {"vhost", "exchange", "write", "read"});
}

constexpr std::string_view columns_usage = "[<column> ...]";
constexpr std::string_view columns_in_virtual_host_usage = "[-p <vhost>] [<column> ...]";

const Command commands[]{
    {"list_queues", columns_in_virtual_host_usage, 0, SIZE_MAX,
     "Timeout: 60.0 seconds ...\nListing queues for vhost {vhost} ...", list_queues},
    {"list_exchanges", columns_in_virtual_host_usage, 0, SIZE_MAX, "Listing exchanges for vhost {vhost} ...",
     list_exchanges},
    {"list_bindings", columns_in_virtual_host_usage, 0, SIZE_MAX, "Listing bindings for vhost {vhost}...",
     list_bindings},
    {"list_connections", columns_usage, 0, SIZE_MAX, "Listing connections ...", list_connections},
    {"list_channels", columns_usage, 0, SIZE_MAX, "Listing channels ...", list_channels},
    {"list_consumers", columns_in_virtual_host_usage, 0, SIZE_MAX, "Listing consumers in vhost {vhost} ...",
     list_consumers},
    {"list_vhosts", columns_usage, 0, SIZE_MAX, "Listing vhosts ...", list_virtual_hosts},
    {"list_policies", "[-p <vhost>]", 0, 0, "Listing policies for vhost \"{vhost}\" ...", list_policies},
    {"list_operator_policies", "[-p <vhost>]", 0, 0, "Listing operator policy overrides for vhost \"{vhost}\" ...",
     list_operator_policies},
    {"list_users", "", 0, 0, "Listing users ...", list_users},
    {"list_permissions", "[-p <vhost>]", 0, 0, "Listing permissions for vhost \"{vhost}\" ...", list_permissions},
    {"list_user_permissions", "<username>", 1, 1, "Listing permissions for user \"{0}\" ...", list_user_permissions},
    {"list_topic_permissions", "[-p <vhost>]", 0, 0, "Listing topic permissions for vhost \"{vhost}\" ...",
     list_topic_permissions},
    {"list_user_topic_permissions", "<username>", 1, 1, "Listing topic permissions for user \"{0}\" ...",
     list_user_topic_permissions},
};

}  // namespace

std::span<const Command> listing_commands() {
  return commands;
}

}  // namespace leveret::management::control
