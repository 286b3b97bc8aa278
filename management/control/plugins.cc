#include <algorithm>
#include <array>
#include <ostream>

#include <fmt/format.h>

#include "management/control/command.h"

/// RabbitMQ's plugins: what some of them do is built in, and the others are missing.
namespace leveret::management::control {
namespace {

constexpr std::array<std::string_view, 9> built_in{"rabbitmq_consistent_hash_exchange",
                                                   "rabbitmq_delayed_message_exchange",
                                                   "rabbitmq_management",
                                                   "rabbitmq_management_agent",
                                                   "rabbitmq_prometheus",
                                                   "rabbitmq_random_exchange",
                                                   "rabbitmq_recent_history_exchange",
                                                   "rabbitmq_sharding",
                                                   "rabbitmq_web_dispatch"};

bool is_built_in(std::string_view plugin) {
  return std::find(built_in.begin(), built_in.end(), plugin) != built_in.end();
}

void list_plugins(const Session& session) {
  const bool is_minimal = session.invocation.has("minimal") || session.invocation.is_quiet();
  if (!is_minimal) session.output << "Built into Leveret, and always on:\n";
  for (const auto plugin : built_in) session.output << (is_minimal ? "" : "[E*] ") << plugin << '\n';
}

/// Throws: Failure naming those that are missing.
void enable_plugins(const Session& session) {
  for (const auto& plugin : session.invocation.arguments)
    if (!is_built_in(plugin))
      throw Failure{Exit::data, fmt::format("Error:\n{} is not there: Leveret takes no plugins, and does not do this "
                                            "by itself",
                                            plugin)};
  for (const auto& plugin : session.invocation.arguments)
    if (!session.invocation.is_quiet())
      session.output << fmt::format("{} is built into Leveret, and always on\n", plugin);
}

void disable_plugins(const Session& session) {
  for (const auto& plugin : session.invocation.arguments)
    if (is_built_in(plugin)) session.output << fmt::format("{} is built into Leveret, and stays on\n", plugin);
}

void is_enabled(const Session& session) {
  for (const auto& plugin : session.invocation.arguments)
    if (!is_built_in(plugin))
      throw Failure{Exit::unavailable,
                    fmt::format("Error:\nPlugin {} is not enabled on node {}", plugin, session.invocation.node())};
  for (const auto& plugin : session.invocation.arguments)
    session.output << fmt::format("Plugin {} is enabled on node {}\n", plugin, session.invocation.node());
}

const Command commands[]{
    {"list", "[pattern] [--verbose] [--minimal] [--enabled]", 0, 1, "", list_plugins},
    {"enable", "<plugin> [...] [--offline] [--online]", 1, SIZE_MAX, "", enable_plugins},
    {"disable", "<plugin> [...] [--offline] [--online]", 1, SIZE_MAX, "", disable_plugins},
    {"set", "<plugin> [...]", 0, SIZE_MAX, "", enable_plugins},
    {"is_enabled", "<plugin> [...]", 1, SIZE_MAX, "", is_enabled},
};

}  // namespace

std::span<const Command> plugin_commands() {
  return commands;
}

}  // namespace leveret::management::control
