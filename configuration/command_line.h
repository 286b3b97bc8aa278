#pragma once
#include <optional>

#include "configuration/options.h"

namespace leveret::configuration {

/// The options, or the exit status when there is nothing to serve: after --help, or for a wrong line.
class ParsedOptions {
 public:
  ParsedOptions(Options options) : options_(std::move(options)) {}
  static ParsedOptions exit_with(int status) {
    ParsedOptions parsed;
    parsed.exit_status_ = status;
    return parsed;
  }

  explicit operator bool() const { return options_.has_value(); }
  const Options& operator*() const { return *options_; }
  const Options* operator->() const { return &*options_; }
  int exit_status() const { return exit_status_; }

 private:
  ParsedOptions() = default;
  std::optional<Options> options_{};
  int exit_status_ = 0;
};

/// Prints help and complaints itself.  What the line says wins over what the files say that it names.
/// Errors: std::runtime_error with one line about a file.
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace leveret::configuration
