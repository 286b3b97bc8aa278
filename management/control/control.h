#pragma once
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::management::control {

/// The names under which the program behaves as one of RabbitMQ's tools, all of which know every command but
/// rabbitmq-plugins, which has its own.
bool is_tool(std::string_view program_name);

/// Runs one command of a tool against the broker whose data directory is named by --data-dir or $LEVERET_DATA_DIR.
/// The exit status is RabbitMQ's.
int run(std::string_view tool, const std::vector<std::string>& words, std::ostream& output, std::ostream& errors);

}  // namespace leveret::management::control
