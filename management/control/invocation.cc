#include "management/control/invocation.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

namespace leveret::management::control {
namespace {

struct Option {
  std::string_view name{};
  std::string_view letter{};
  bool has_value = false;
};

constexpr std::array options{Option{"node", "n", true},
                             Option{"vhost", "p", true},
                             Option{"quiet", "q"},
                             Option{"silent", "s"},
                             Option{"timeout", "t", true},
                             Option{"longnames", "l"},
                             Option{"formatter", "", true},
                             Option{"no-table-headers"},
                             Option{"print-stacktrace"},
                             Option{"script-name", "", true},
                             Option{"dry-run"},
                             Option{"data-dir", "", true},
                             Option{"priority", "", true},
                             Option{"apply-to", "", true},
                             Option{"description", "", true},
                             Option{"tags", "", true},
                             Option{"default-queue-type", "", true},
                             Option{"if-empty", "e"},
                             Option{"if-unused", "u"},
                             Option{"format", "", true},
                             Option{"skip-if-unchanged"},
                             Option{"online"},
                             Option{"offline"},
                             Option{"local"},
                             Option{"all"},
                             Option{"enabled", "E"},
                             Option{"implicitly-enabled"},
                             Option{"minimal", "m"},
                             Option{"verbose", "v"},
                             Option{"unit", "", true},
                             Option{"help"},
                             Option{"version"}};

const Option* find(std::string_view word) {
  const bool is_long = word.starts_with("--");
  const std::string_view name = word.substr(is_long ? 2 : 1);
  for (const Option& option : options)
    if (!name.empty() && (is_long ? option.name : option.letter) == name) return &option;
  return nullptr;
}

}  // namespace

std::string Invocation::option(std::string_view name, std::string_view otherwise) const {
  const auto found = options.find(name);
  return found == options.end() ? std::string{otherwise} : found->second;
}

std::chrono::milliseconds Invocation::timeout(std::chrono::seconds otherwise) const {
  const std::string text = option("timeout");
  if (text.empty()) return otherwise;
  if (text == "infinity") return std::chrono::hours{24};
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr double most = 1e6;
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0 || seconds > most)
    throw Failure{Exit::usage, fmt::format("Error (argument validation): invalid value for --timeout: {}", text)};
  return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

std::string Invocation::node() const {
  const char* environment = std::getenv("RABBITMQ_NODENAME");
  const std::string name = option("node", environment && *environment ? environment : "rabbit");
  if (name.find('@') != std::string::npos) return name;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return name + "@localhost";
  return name + "@" + host.data();
}

Invocation parse_invocation(const std::vector<std::string>& words) {
  Invocation invocation;
  bool takes_options = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (takes_options && word == "--") {
      takes_options = false;
    } else if (takes_options && word.size() > 1 && word.starts_with('-')) {
      const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
      const Option* option = find(std::string_view{word}.substr(0, equals));
      if (!option) throw Failure{Exit::usage, fmt::format("Error:\nInvalid options for this command: {}", word)};
      std::string value;
      if (equals != std::string::npos)
        value = word.substr(equals + 1);
      else if (option->has_value && ++i < words.size())
        value = words[i];
      else if (option->has_value)
        throw Failure{Exit::usage, fmt::format("Error:\n{} needs a value", word)};
      invocation.options[std::string{option->name}] = value;
    } else if (invocation.command.empty()) {
      invocation.command = word;
    } else {
      invocation.arguments.push_back(word);
    }
  }
  return invocation;
}

}  // namespace leveret::management::control
