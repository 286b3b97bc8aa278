#include "management/control/control.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ostream>

#include <fmt/format.h>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/replace.hpp>

#include "broker/version.h"
#include "management/control/command.h"

namespace leveret::management::control {
namespace {

constexpr std::string_view plugins_tool = "rabbitmq-plugins";
constexpr std::array<std::string_view, 4> tools{"rabbitmqctl", "rabbitmq-diagnostics", "rabbitmq-queues", plugins_tool};

std::vector<Command> commands_of(std::string_view tool) {
  std::vector<Command> commands;
  const auto add = [&](std::span<const Command> some) { commands.insert(commands.end(), some.begin(), some.end()); };
  if (tool == plugins_tool) {
    add(plugin_commands());
    return commands;
  }
  add(diagnostic_commands());
  add(resource_commands());
  add(listing_commands());
  add(user_commands());
  add(topology_commands());
  return commands;
}

std::string usage_of(std::string_view tool, const std::vector<Command>& commands) {
  std::string text = fmt::format(
      "Usage: {} [--data-dir <dir>] [--node <node>] [--timeout <seconds>] [--quiet] [--silent] [--formatter "
      "<table|pretty_table|csv|json>] <command> [<arguments>]\n\nCommands:\n",
      tool);
  for (const Command& command : commands) text += fmt::format("  {} {}\n", command.name, command.usage);
  return text + "  version\n";
}

std::filesystem::path socket_path(const Invocation& invocation) {
  const char* environment = std::getenv("LEVERET_DATA_DIR");
  return std::filesystem::path{invocation.option("data-dir", environment ? environment : "data")} / "control.sock";
}

std::string banner_of(const Command& command, const Invocation& invocation) {
  std::string text = expanded(command.banner, invocation);
  boost::algorithm::replace_all(text, "{priority}", invocation.option("priority", "0"));
  if (text.find("{tags}") != std::string::npos) {
    const std::vector<std::string> tags(invocation.arguments.begin() + 1, invocation.arguments.end());
    boost::algorithm::replace_all(text, "{tags}", "[" + boost::algorithm::join(tags, ", ") + "]");
  }
  return text;
}

const Command& find_command(const std::vector<Command>& commands, const Invocation& invocation) {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const Command& command) { return command.name == invocation.command; });
  if (found == commands.end())
    throw Failure{Exit::usage, fmt::format("\nCommand '{}' not found.\n", invocation.command)};
  const std::size_t given = invocation.arguments.size();
  if (given >= found->least && given <= found->most) return *found;
  throw Failure{Exit::usage, fmt::format("Error ({}): {}\n\nUsage\n\n{} {}\n", "argument validation",
                                         given < found->least ? "not enough arguments." : "too many arguments.",
                                         found->name, found->usage)};
}

}  // namespace

bool is_tool(std::string_view program_name) {
  return std::find(tools.begin(), tools.end(), program_name) != tools.end();
}

int run(std::string_view tool, const std::vector<std::string>& words, std::ostream& output, std::ostream& errors) {
  constexpr std::chrono::seconds timeout{60};
  const auto commands = commands_of(tool);
  std::string node;
  try {
    const Invocation invocation = parse_invocation(words);
    node = invocation.node();
    if (invocation.command == "version" || invocation.has("version")) {
      output << broker::rabbitmq_version << '\n';
      return static_cast<int>(Exit::ok);
    }
    if (invocation.command.empty() || invocation.command == "help" || invocation.has("help")) {
      output << usage_of(tool, commands);
      const bool was_asked_for = invocation.command == "help" || invocation.has("help");
      return static_cast<int>(was_asked_for ? Exit::ok : Exit::usage);
    }
    const Command& command = find_command(commands, invocation);
    const Api api{socket_path(invocation), invocation.timeout(timeout)};
    const std::string banner = banner_of(command, invocation);
    if (!banner.empty() && !invocation.is_quiet()) output << banner << '\n';
    command.run({.invocation = invocation, .api = api, .output = output});
    return static_cast<int>(Exit::ok);
  } catch (const Unavailable& error) {
    errors << fmt::format("Error: unable to perform an operation on node '{}'. It does not answer: {}\n", node,
                          error.what());
    return static_cast<int>(Exit::unavailable);
  } catch (const Failure& failure) {
    if (*failure.what()) errors << failure.what() << '\n';
    return static_cast<int>(failure.status());
  } catch (const std::exception& error) {
    errors << fmt::format("Error:\nthe broker's answer is not understood: {}\n", error.what());
    return static_cast<int>(Exit::software);
  }
}

}  // namespace leveret::management::control
