#include "perf/options.h"

#include <stdexcept>

#include <CLI/CLI.hpp>

namespace leveret::perf {
namespace {

std::pair<std::string, std::string> parse_argument(const std::string& text) {
  const auto middle = text.find('=');
  if (middle == 0 || middle == std::string::npos)
    throw CLI::ValidationError{"--queue-argument", text + " is not NAME=VALUE"};
  return {text.substr(0, middle), text.substr(middle + 1)};
}

void add_topology(CLI::App& app, Options& options) {
  app.add_option("--queues", options.queues, "How many")->check(CLI::Range(1, 1'000'000))->option_text("N=1");
  app.add_option("--queue", options.queue, "Name, of several NAME-1 ...; deleted before and after the run")
      ->capture_default_str();
  app.add_flag("--durable", options.durable, "Queues are durable");
  app.add_option_function<std::vector<std::string>>(
         "--queue-argument",
         [&options](const std::vector<std::string>& texts) {
           for (const auto& text : texts) options.queue_arguments.push_back(parse_argument(text));
         },
         "NAME=VALUE, x-queue-type=quorum for one; may be given again")
      ->allow_extra_args(false);
  CLI::Option* exchange = app.add_option("--exchange-type", options.exchange_type,
                                         "Messages go through an exchange: direct, topic, headers")
                              ->check(CLI::IsMember({"direct", "topic", "headers", "fanout"}))
                              ->option_text("TYPE");
  app.add_option("--bindings", options.bindings, "So many more bindings of that exchange, which no message takes")
      ->option_text("N")
      ->needs(exchange);
  app.add_flag_callback(
         "--fan-out", [&options] { options.exchange_type = "fanout"; }, "Each message goes to all queues")
      ->excludes(exchange);
  app.add_flag("--keep", options.keep, "Delete no queue, and use what is there");
}

void add_publishing(CLI::App& app, Options& options) {
  app.add_option("--producers", options.producers, "How many, a connection each")->capture_default_str();
  app.add_option("--size", options.size, "Octets (or 64KB) of a message's body; latencies need 8")
      ->transform(CLI::AsSizeValue{false})
      ->option_text("N=1024");
  app.add_flag("--persistent", options.persistent, "Messages are persistent");
  app.add_option("--confirm", options.confirm, "Publisher confirms, with at most so many outstanding a producer");
  app.add_option("--rate", options.rate, "Messages a second, of all producers together; default: as many as possible")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("N");
}

void add_consuming(CLI::App& app, Options& options) {
  app.add_option("--consumers", options.consumers, "How many, a connection each")->capture_default_str();
  app.add_option("--prefetch", options.prefetch, "Unacknowledged messages a consumer may have")->capture_default_str();
  CLI::Option* auto_ack = app.add_flag("--auto-ack", options.auto_ack, "Consume without acknowledgements");
  app.add_flag("--ack-each", options.ack_each, "Acknowledge one by one")->excludes(auto_ack);
}

void add_running(CLI::App& app, Options& options) {
  app.add_option("--messages", options.messages, "How many in all; default: until the time is up");
  app.add_option_function<double>(
         "--duration", [&options](double seconds) { options.duration = std::chrono::duration<double>{seconds}; },
         "Seconds of publishing")
      ->check(CLI::Range(0.1, 1e6))
      ->option_text("S=10");
  app.add_option("--threads", options.threads, "Threads of this program")
      ->check(CLI::Range(1, 256))
      ->option_text("N=1");
  app.add_flag("--json", options.json, "Print the figures as JSON");
  app.add_flag("--quiet", options.quiet, "Show no progress");
}

}  // namespace

ParsedOptions parse_options(const std::vector<std::string>& words) {
  Options options;
  CLI::App app{"Measure a broker of AMQP 0-9-1, this one or another: rates and latencies.", "leveret perf"};
  app.add_option_function<std::string>(
         "--uri",
         [&options](const std::string& uri) {
           try {
             options.broker = parse_address(uri);
           } catch (const std::invalid_argument& error) {
             throw CLI::ValidationError{"--uri", error.what()};
           }
         },
         "The broker")
      ->default_str("amqp://guest:guest@localhost:5672/%2F");
  add_publishing(app, options);
  add_consuming(app, options);
  add_topology(app, options);
  add_running(app, options);
  std::vector<std::string> reversed{words.rbegin(), words.rend()};
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return {.exit_status = app.exit(error)};
  }
  if (options.messages > 0 && app.count("--duration") == 0) options.duration = options.duration.max();
  return {.options = std::move(options)};
}

std::string queue_name(const Options& options, std::size_t number) {
  return options.queues == 1 ? options.queue : options.queue + "-" + std::to_string(number + 1);
}

}  // namespace leveret::perf
