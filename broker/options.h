#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace leveret::broker {

/// What `leveret server` is told on its command line.
struct Options {
  std::filesystem::path data_directory = "data";
  bool is_ephemeral = false;
  std::uint16_t amqp_port = 5672;   // 0: any free one
  std::uint16_t http_port = 15672;  // 0: any free one
  std::vector<std::string> http_cors_origins{};
  std::string log_level = "info";
  BrokerOptions broker{};
};

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
  int exit_status() const { return exit_status_; }

 private:
  ParsedOptions() = default;
  std::optional<Options> options_{};
  int exit_status_ = 0;
};

/// Prints help and complaints itself.
ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace leveret::broker
