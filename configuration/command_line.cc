#include "configuration/command_line.h"

#include <algorithm>
#include <limits>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "broker/version.h"
#include "configuration/configuration_file.h"

namespace leveret::configuration {
namespace {

struct CommandLine {
  Options options{};
  std::vector<std::filesystem::path> files{};
};

void add_listener_options(CLI::App& server, Options& options) {
  server
      .add_option_function<std::uint16_t>(
          "--amqp-port", [&options](std::uint16_t port) { options.amqp = {{.port = port}}; },
          "TCP port of AMQP; 0 picks a free one")
      ->default_str("5672");
  const auto add_http = [&server](const char* name, HttpListeners& listeners, const char* meaning) {
    server
        .add_option_function<std::uint16_t>(
            name,
            [&listeners](std::uint16_t port) {
              listeners.plain.port = port;
              listeners.has_plain = true;
            },
            meaning)
        ->default_str(std::to_string(listeners.plain.port));
  };
  add_http("--http-port", options.http, "TCP port of the HTTP API; 0 picks a free one");
  add_http("--prometheus-port", options.prometheus, "TCP port of the metrics; 0 picks a free one");
  server
      .add_option("--http-cors-origin", options.http_cors_origins,
                  "Origin whose pages may use the HTTP API, * for all; may be given again")
      ->allow_extra_args(false);
}

void add_limit_options(CLI::App& server, broker::BrokerOptions& options) {
  server
      .add_option_function<std::uint64_t>(
          "--disk-free-limit",
          [&options](std::uint64_t octets) {
            options.disk_free_limit = octets;
            options.disk_free_share.reset();
          },
          "Octets (or 5GB) free for the data; with less, publishers wait")
      ->transform(CLI::AsSizeValue{true})
      ->default_str("50MB");
  server
      .add_option_function<double>(
          "--memory-high-watermark",
          [&options](double share) {
            options.memory_high_watermark = share;
            options.memory_limit.reset();
          },
          "Share of the machine's memory; with more in use, publishers wait")
      ->check(CLI::Range(0.0, 1.0))
      ->default_str("0.6");
  server.add_option("--connection-max", options.connection_max, "Connections of all clients together; default: any");
  server.add_option("--channel-max-per-node", options.channel_max_per_node,
                    "Channels of all connections together; default: any");
}

/// Lays what the line says over what `line` holds already.  The exit status when there is nothing to serve.
std::optional<int> read(int argc, const char* const* argv, CommandLine& line) {
  Options& options = line.options;
  CLI::App app{"Leveret, a message broker compatible with RabbitMQ (AMQP 0-9-1).", "leveret"};
  app.set_version_flag("--version", fmt::format("leveret {}", broker::leveret_version));
  app.require_subcommand(1);
  CLI::App& server = *app.add_subcommand("server", "Run the broker until SIGTERM or SIGINT.");
  app.add_subcommand("ctl", "Ask or tell a running broker, as rabbitmqctl does; `leveret ctl help` lists what.");
  app.add_subcommand("perf", "Measure a broker, this one or another; `leveret perf --help` says how.");
  server
      .add_option("--config", line.files, "File in the format of rabbitmq.conf, or folder of such; may be given again")
      ->allow_extra_args(false);
  server.add_option("--data-dir", options.data_directory, "Folder that keeps what survives a restart")
      ->envname("LEVERET_DATA_DIR")
      ->capture_default_str();
  server.add_flag("--ephemeral", options.is_ephemeral, "Keep nothing on disk");
  add_listener_options(server, options);
  server.add_option("--node-name", options.broker.node_name, "What the node is called; default: rabbit@ the host");
  server.add_option("--shards", options.broker.shards, "Threads that carry connections and queues")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  server
      .add_option("--shard-group", options.broker.shard_group,
                  "Connections that come to one shard before the next gets any")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  add_limit_options(server, options.broker);
  server.add_option("--log-level", options.log_level, "What is logged")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "critical", "off"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return {};
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  CommandLine line;
  line.options.broker.shards = std::max(1u, std::thread::hardware_concurrency());
  CommandLine named = line;
  if (const auto status = read(argc, argv, named)) return ParsedOptions::exit_with(*status);
  read_configuration_files(named.files, line.options);
  if (const auto status = read(argc, argv, line)) return ParsedOptions::exit_with(*status);
  Options& options = line.options;
  // A store that keeps everything in memory is no place to leave messages to.
  if (options.is_ephemeral) options.broker.queued_memory_max = std::numeric_limits<std::size_t>::max();
  options.broker.makes_defaults = options.definitions.empty();
  return options;
}

}  // namespace leveret::configuration
