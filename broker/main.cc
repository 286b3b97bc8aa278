#include <algorithm>
#include <csignal>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

#include <fmt/ostream.h>
#include <sys/resource.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/broker.h"
#include "broker/broker_query.h"
#include "broker/log.h"
#include "broker/password_hash.h"
#include "broker/resource_monitor.h"
#include "broker/server.h"
#include "broker/startup_pages.h"
#include "broker/version.h"
#include "configuration/command_line.h"
#include "management/control/control.h"
#include "management/definition_file.h"
#include "management/http_server.h"
#include "management/prometheus/scraper.h"
#include "management/sampler.h"
#include "perf/run.h"
#include "storage/memory_store.h"
#include "storage/rocksdb_store.h"

namespace leveret {
namespace {

using configuration::Options;
namespace log = broker::log;

constexpr std::chrono::milliseconds answers_patience{1'000};
constexpr std::chrono::milliseconds connections_patience{3'000};
constexpr std::chrono::milliseconds store_patience{10'000};
constexpr std::chrono::milliseconds startup_pages_needed{1'000};  // the first connections find them in place

/// Ten thousand connections need more files than a shell's default.
void raise_open_files_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::unique_ptr<storage::Store> open_store(const Options& options, std::shared_ptr<broker::Alarms> alarms) {
  if (options.is_ephemeral) return storage::make_memory_store();
  return storage::open_rocksdb_store({.directory = options.data_directory,
                                      .on_alarm =
                                          [alarms](const storage::StoreError& error) {
                                            log::error("store cannot write: reason=\"{}\" confirms wait until it can",
                                                       error.what());
                                            alarms->raise(broker::Alarm::store);
                                          },
                                      .on_alarm_cleared =
                                          [alarms] {
                                            log::info("store writes again");
                                            alarms->clear(broker::Alarm::store);
                                          }});
}

std::vector<management::HttpListener> listeners_of(const configuration::HttpListeners& options) {
  std::vector<management::HttpListener> listeners;
  if (options.has_plain) listeners.push_back({.address = options.plain});
  if (options.secure) listeners.push_back({.address = *options.secure, .tls = broker::make_tls_context(options.tls)});
  return listeners;
}

management::HttpOptions http_options_of(const Options& options) {
  return {.listeners = listeners_of(options.http),
          .local_socket = options.is_ephemeral ? std::filesystem::path{} : options.data_directory / "control.sock",
          .cors_origins = options.http_cors_origins,
          .cors_max_age = options.http_cors_max_age,
          .body_size_max = options.http_body_size_max,
          .request_timeout = options.http_request_timeout,
          .idle_timeout = options.http_idle_timeout};
}

/// A folder stands for its JSON files, by name.
std::vector<std::filesystem::path> definition_files(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{path})
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void import_definitions(const Options& options, management::Router& router) {
  for (const auto& path : options.definitions)
    for (const auto& file : definition_files(path)) {
      management::import_definition_file(router, file);
      log::info("definitions imported: file={}", file.string());
    }
}

void add_listeners(broker::BrokerQuery& query, const broker::Server& server, const broker::TlsOptions& tls) {
  for (const auto& [acceptor, is_secure] : server.listeners()) {
    broker::ListenerReport listener{.protocol = "amqp", .port = acceptor.local_endpoint().port()};
    if (is_secure) {
      listener.protocol = "amqp/ssl";
      listener.certificate = tls.certificate;
      listener.authorities = tls.authorities;
    }
    query.add_listener(std::move(listener));
  }
}

void add_listeners(broker::BrokerQuery& query, const management::HttpServer& server,
                   const configuration::HttpListeners& options, std::string_view what) {
  if (options.has_plain) query.add_listener({.protocol = fmt::format("http{}", what), .port = server.ports().front()});
  if (options.secure)
    query.add_listener({.protocol = fmt::format("https{}", what),
                        .port = server.ports().back(),
                        .certificate = options.tls.certificate,
                        .authorities = options.tls.authorities});
}

int serve(const Options& options) {
  log::set_level(log::level::from_str(options.log_level));
  for (const auto& setting : options.without_effect) log::info("configuration without effect: {}", setting);
  raise_open_files_limit();
  // As process 1 of a container it inherits the children of others, and nobody waits for them.
  std::signal(SIGCHLD, SIG_IGN);
  boost::asio::io_context context{1};
  boost::asio::io_context http_context{1};
  boost::asio::io_context metrics_context{1};
  boost::asio::signal_set signals{context, SIGTERM, SIGINT};
  const broker::SystemClock clock;

  // The cryptographic library sets itself up when it is first used; here, while the store is opened.
  const std::jthread hashing{[] { broker::hash_password({}); }};
  const auto alarms = std::make_shared<broker::Alarms>();
  broker::Broker broker{options.broker, open_store(options, alarms), clock, alarms};
  broker.recover();
  const auto directory = options.is_ephemeral ? std::filesystem::path{} : options.data_directory;
  broker::ResourceMonitor monitor{context, *alarms, broker.resource_limits(), broker::resources_of(directory)};
  const auto tls = options.amqp_tls.empty() ? nullptr : broker::make_tls_context(options.tls);
  broker::Server server{context, broker, options.amqp, options.amqp_tls, tls};
  broker::BrokerQuery query{broker};
  query.set_data_directory(directory);
  management::Statistics statistics;
  management::Router router{query, statistics};
  management::Sampler sampler{http_context, query, statistics};
  management::HttpServer http{http_context, http_options_of(options),
                              [&router](management::RawRequest request) { return router.answer(std::move(request)); }};
  broker::BrokerQuery metrics_query{broker};  // it has a thread of its own, and so has whoever asks
  metrics_query.set_data_directory(directory);
  management::HttpServer metrics{
      metrics_context, {.listeners = listeners_of(options.prometheus)}, [&](management::RawRequest request) {
        return management::prometheus::scrape(metrics_query, std::move(request));
      }};
  add_listeners(query, server, options.tls);
  add_listeners(query, http, options.http, "");
  add_listeners(query, metrics, options.prometheus, "/prometheus");
  for (const auto& shard : broker.shards()) shard->start();
  import_definitions(options, router);
  sampler.start();
  http.start();
  metrics.start();
  server.start();
  monitor.start();
  for (const auto& [acceptor, is_secure] : server.listeners())
    log::info("started {} listener on {}", is_secure ? "TLS" : "TCP", fmt::streamed(acceptor.local_endpoint()));
  for (const auto port : http.ports()) log::info("management listener started on [::]:{}", port);
  log::info("Server startup complete; version={} amqp_port={} http_port={} prometheus_port={} shards={} data_dir={}",
            broker::leveret_version, server.port(), http.port(), metrics.port(), broker.shards().size(),
            options.is_ephemeral ? "none" : options.data_directory.string());

  boost::asio::steady_timer startup{context, startup_pages_needed};
  startup.async_wait([](boost::system::error_code error) {
    if (!error) broker::release_startup_pages();
  });
  signals.async_wait([&](boost::system::error_code error, int signal) {
    if (error) return;
    log::info("stopping: signal={}", signal);
    context.stop();
  });
  context.run();
  sampler.stop();
  metrics.stop(answers_patience);
  http.stop(answers_patience);
  server.stop(connections_patience);
  broker.stop_shards(store_patience);
  broker.close();
  log::info("stopped");
  return 0;
}

int run_tool(std::string_view name, const std::vector<const char*>& words) {
  return management::control::run(name, {words.begin(), words.end()}, std::cout, std::cerr);
}

}  // namespace
}  // namespace leveret

/// `leveret` with its subcommands; under the name of one of RabbitMQ's programs it takes that one's place.
int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string name = std::filesystem::path{argc > 0 ? argv[0] : ""}.filename().string();
  std::vector<const char*> words(argv + std::min(argc, 1), argv + argc);
  if (leveret::management::control::is_tool(name)) return leveret::run_tool(name, words);
  if (!words.empty() && words.front() == std::string_view{"ctl"})
    return leveret::run_tool("leveret ctl", {words.begin() + 1, words.end()});
  if (!words.empty() && words.front() == std::string_view{"perf"})
    return leveret::perf::run({words.begin() + 1, words.end()}, std::cout, std::cerr);
  if (name == "rabbitmq-server") words.insert(words.begin(), "server");
  words.insert(words.begin(), "leveret");
  try {
    const auto options = leveret::configuration::parse_options(static_cast<int>(words.size()), words.data());
    return options ? leveret::serve(*options) : options.exit_status();
  } catch (const std::exception& error) {
    std::cerr << "leveret: " << error.what() << '\n';
    return 1;
  }
}
