#pragma once
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "management/control/api.h"
#include "management/control/invocation.h"

namespace leveret::management::control {

/// A command at work: what it was asked, whom it asks and where it prints.
struct Session {
  const Invocation& invocation;
  const Api& api;
  std::ostream& output;

  const std::string& argument(std::size_t index) const { return invocation.arguments.at(index); }
  /// As part of a path.
  std::string encoded(std::size_t index) const;
  std::string virtual_host() const;  // encoded

  /// The answer to a question that has to succeed.  Throws: Failure with RabbitMQ's exit status and the reason.
  Api::Answer ask(const Api::Request& request) const;
  boost::json::value get(std::string target) const { return ask({.target = std::move(target)}).body; }
  void put(std::string target, const boost::json::value& body) const;
  void remove(std::string target) const;
  void post(std::string target, const boost::json::value& body) const;
};

/// One of the things to do.
struct Command {
  std::string_view name{};
  std::string_view usage{};  // its arguments and options
  std::size_t least = 0;     // arguments
  std::size_t most = 0;
  std::string_view banner{};  // {node}, {vhost} and {0}, {1} are replaced; not printed when quiet
  void (*run)(const Session&) = nullptr;
};

std::span<const Command> diagnostic_commands();
std::span<const Command> user_commands();
std::span<const Command> topology_commands();
std::span<const Command> listing_commands();
std::span<const Command> plugin_commands();
std::span<const Command> resource_commands();

/// `text` with {node}, {vhost} and {0}, {1} in it replaced.
std::string expanded(std::string_view text, const Invocation& invocation);
/// What a user who is asked for nothing on the command line writes on standard input.
std::string line_from_standard_input(std::string_view question);

}  // namespace leveret::management::control
