#pragma once
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace leveret::management::control {

/// Exit statuses, as RabbitMQ's tools have them (sysexits.h).
enum class Exit { ok = 0, usage = 64, data = 65, no_user = 67, unavailable = 69, software = 70, temporary = 75 };

/// Ends a command: what is printed on standard error, and the status.
class Failure : public std::runtime_error {
 public:
  Failure(Exit status, const std::string& text) : std::runtime_error(text), status_(status) {}
  Exit status() const { return status_; }

 private:
  Exit status_;
};

/// A command line of rabbitmqctl and its sisters, taken apart.
struct Invocation {
  std::string command{};
  std::vector<std::string> arguments{};
  std::map<std::string, std::string, std::less<>> options{};  // by their long names; a flag has an empty value

  bool has(std::string_view option) const { return options.contains(option); }
  std::string option(std::string_view name, std::string_view otherwise = {}) const;

  bool is_silent() const { return has("silent"); }
  /// No word about what is being done.
  bool is_quiet() const { return has("quiet") || is_silent() || format() == "json" || format() == "csv"; }
  std::string virtual_host() const { return option("vhost", "/"); }
  std::string format() const { return option("formatter", "table"); }
  /// Nothing said: `otherwise`.
  std::chrono::milliseconds timeout(std::chrono::seconds otherwise) const;
  /// "rabbit@host", as it was named or as the broker would call itself.
  std::string node() const;
};

/// Throws: Failure for options that do not exist or have no value.
Invocation parse_invocation(const std::vector<std::string>& words);

}  // namespace leveret::management::control
