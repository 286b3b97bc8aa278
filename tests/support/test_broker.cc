#include "tests/support/test_broker.h"

#include <cstdlib>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>
#include <boost/asio/executor_work_guard.hpp>

#include "storage/memory_store.h"
#include "storage/rocksdb_store.h"

namespace leveret::test {
namespace {

constexpr std::chrono::milliseconds connections_patience{3'000};
constexpr std::chrono::milliseconds store_patience{10'000};

std::unique_ptr<storage::Store> make_store(const TestBroker::Options& options) {
  if (options.make_store) return options.make_store();
  if (options.directory.empty()) return storage::make_memory_store();
  return storage::open_rocksdb_store({.directory = options.directory});
}

/// What two connections do concerns two shards, where there are two.
TestBroker::Options with_neighbours_apart(TestBroker::Options options) {
  options.broker.shard_group = 1;
  return options;
}

}  // namespace

std::size_t shards_under_test() {
  const char* said = std::getenv("LEVERET_TEST_SHARDS");
  return said ? std::stoul(said) : 1;
}

TestBroker::TestBroker(Options options) : options_(with_neighbours_apart(std::move(options))) {
  spdlog::set_level(std::getenv("LEVERET_TEST_LOG") ? spdlog::level::debug : spdlog::level::off);
  start();
}

TestBroker::TestBroker() : TestBroker(Options{}) {}

TestBroker::~TestBroker() {
  if (broker_) destroy();
}

void TestBroker::start() {
  context_.emplace(1);
  broker_ = std::make_unique<broker::Broker>(options_.broker, make_store(options_), clock_);
  broker_->recover();
  monitor_.emplace(*context_, broker_->alarms(), broker_->resource_limits(), broker::resources_of(options_.directory));
  server_ = std::make_unique<broker::Server>(*context_, *broker_, std::vector<broker::ListenAddress>{{.port = 0}});
  port_ = server_->port();
  for (const auto& shard : broker_->shards()) shard->start();
  server_->start();
  monitor_->start();
  acceptor_ = std::thread{[this] { context_->run(); }};
}

void TestBroker::stop_accepting() {
  context_->stop();
  acceptor_.join();
}

void TestBroker::stop() {
  stop_accepting();
  server_->stop(connections_patience);
  broker_->stop_shards(store_patience);
  broker_->close();
  end();
}

void TestBroker::destroy() {
  stop_accepting();
  for (const auto& shard : broker_->shards()) shard->stop();
  end();
}

void TestBroker::end() {
  server_.reset();
  monitor_.reset();
  broker_.reset();
  context_.reset();
}

}  // namespace leveret::test
