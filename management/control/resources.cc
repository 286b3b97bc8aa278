#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ostream>

#include <fmt/format.h>
#include <boost/json/object.hpp>

#include "management/control/command.h"

/// Where resource alarms begin: set while the broker runs, and until it ends.
namespace leveret::management::control {
namespace {

namespace json = boost::json;

struct Unit {
  std::string_view name;
  std::uint64_t octets;
};

constexpr std::array<Unit, 13> units{{{"", 1},
                                      {"k", 1 << 10},
                                      {"kB", 1000},
                                      {"KB", 1000},
                                      {"kiB", 1 << 10},
                                      {"KiB", 1 << 10},
                                      {"M", 1 << 20},
                                      {"MB", 1'000'000},
                                      {"MiB", 1 << 20},
                                      {"G", 1 << 30},
                                      {"GB", 1'000'000'000},
                                      {"GiB", 1 << 30},
                                      {"TB", 1'000'000'000'000}}};

Failure bad_argument(std::string_view why = {}) {
  return {Exit::data, fmt::format("Error (argument validation): Bad argument{}{}.", why.empty() ? "" : ": ", why)};
}

/// "50MB", "2GiB", "1000".
std::uint64_t octets_in(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  const auto found = std::ranges::find(units, unit, &Unit::name);
  if (error != std::errc{} || found == units.end() || count > INT64_MAX / found->octets) throw bad_argument();
  return count * found->octets;
}

double share_in(std::string_view text) {
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error != std::errc{} || end != text.data() + text.size()) throw bad_argument();
  return share;
}

void set_limits(const Session& session, const json::object& limits, std::string_view banner) {
  const std::string node{session.get("/api/overview").at("node").as_string()};
  session.put(fmt::format("/api/nodes/{}/resource-limits", node), limits);
  if (!session.invocation.is_quiet()) session.output << banner;
}

/// RabbitMQ's two ways of saying a limit: one argument, or a word and another.
bool has_word(const Session& session, std::string_view word) {
  const auto& arguments = session.invocation.arguments;
  if (arguments.size() == 2 && arguments[0] != word)
    throw Failure{Exit::usage, "Error (argument validation): too many arguments."};
  return arguments.size() == 2;
}

void set_memory_watermark(const Session& session) {
  const auto banner = [&](std::string_view limit) {
    return fmt::format("Setting memory threshold on {} to {} ...\n", session.invocation.node(), limit);
  };
  if (has_word(session, "absolute"))
    return set_limits(session, {{"memory_limit", octets_in(session.argument(1))}},
                      banner(session.argument(1) + " bytes"));
  const double share = share_in(session.argument(0));
  if (!(share >= 0 && share <= 1)) throw bad_argument("The threshold should be a fraction between 0.0 and 1.0");
  set_limits(session, {{"memory_high_watermark", share}}, banner(session.argument(0)));
}

void set_disk_limit(const Session& session) {
  const auto banner = [&](std::string_view limit) {
    return fmt::format("Setting disk free limit on {} to {} ...\n", session.invocation.node(), limit);
  };
  if (!has_word(session, "mem_relative"))
    return set_limits(session, {{"disk_free_limit", octets_in(session.argument(0))}},
                      banner(session.argument(0) + " bytes"));
  const double share = share_in(session.argument(1));
  if (!(share >= 0)) throw bad_argument();
  set_limits(session, {{"disk_free_share", share}}, banner(session.argument(1) + " times the total RAM"));
}

const Command commands[]{
    {"set_vm_memory_high_watermark", "<fraction> | absolute <value>", 1, 2, "", set_memory_watermark},
    {"set_disk_free_limit", "<disk_limit> | mem_relative <fraction>", 1, 2, "", set_disk_limit},
};

}  // namespace

std::span<const Command> resource_commands() {
  return commands;
}

}  // namespace leveret::management::control
