#include "broker/options.h"

#include <algorithm>
#include <limits>
#include <thread>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "broker/version.h"

namespace leveret::broker {

ParsedOptions parse_options(int argc, const char* const* argv) {
  Options options;
  options.broker.shards = std::max(1u, std::thread::hardware_concurrency());

  CLI::App app{"Leveret, a message broker compatible with RabbitMQ (AMQP 0-9-1).", "leveret"};
  app.set_version_flag("--version", fmt::format("leveret {}", leveret_version));
  app.require_subcommand(1);
  CLI::App& server = *app.add_subcommand("server", "Run the broker until SIGTERM or SIGINT.");
  server.add_option("--data-dir", options.data_directory, "Folder that keeps what survives a restart")
      ->envname("LEVERET_DATA_DIR")
      ->capture_default_str();
  server.add_flag("--ephemeral", options.is_ephemeral, "Keep nothing on disk");
  server.add_option("--amqp-port", options.amqp_port, "TCP port of AMQP; 0 picks a free one")->capture_default_str();
  server.add_option("--http-port", options.http_port, "TCP port of the HTTP API; 0 picks a free one")
      ->capture_default_str();
  server.add_option("--http-cors-origin", options.http_cors_origins,
                    "Origin whose pages may use the HTTP API, * for all; may be given again")
      ->allow_extra_args(false);
  server.add_option("--shards", options.broker.shards, "Threads that carry connections and queues")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  server
      .add_option("--disk-free-limit", options.broker.disk_free_limit,
                  "Octets (or 5GB) free for the data; with less, publishers wait")
      ->transform(CLI::AsSizeValue{true})
      ->capture_default_str();
  server
      .add_option("--memory-high-watermark", options.broker.memory_high_watermark,
                  "Share of the machine's memory; with more in use, publishers wait")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  server.add_option("--connection-max", options.broker.connection_max,
                    "Connections of all clients together; default: any");
  server.add_option("--channel-max-per-node", options.broker.channel_max_per_node,
                    "Channels of all connections together; default: any");
  server.add_option("--log-level", options.log_level, "What is logged")
      ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "critical", "off"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ParsedOptions::exit_with(app.exit(error));
  }
  // A store that keeps everything in memory is no place to leave messages to.
  if (options.is_ephemeral) options.broker.queued_memory_max = std::numeric_limits<std::size_t>::max();
  return options;
}

}  // namespace leveret::broker
