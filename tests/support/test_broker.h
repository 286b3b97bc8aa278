#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "broker/broker.h"
#include "broker/resource_monitor.h"
#include "broker/server.h"
#include "tests/support/manual_clock.h"

namespace leveret::test {

/// As many shards as LEVERET_TEST_SHARDS says; 1 when it says nothing.
std::size_t shards_under_test();

/// A whole broker in this process: shards with their threads, a port of its own, a clock that stands still.
class TestBroker {
 public:
  struct Options {
    broker::BrokerOptions broker{.shards = shards_under_test()};
    /// Where RocksDB keeps what survives; with an empty path nothing does.
    std::filesystem::path directory{};
    /// Makes another store than these two.
    std::function<std::unique_ptr<storage::Store>()> make_store{};
  };

  explicit TestBroker(Options options);
  TestBroker();
  ~TestBroker();
  TestBroker(const TestBroker&) = delete;
  TestBroker& operator=(const TestBroker&) = delete;

  std::uint16_t port() const { return port_; }
  broker::Broker& broker() { return *broker_; }
  ManualClock& clock() { return clock_; }

  /// Stops as the program does when it is told to: clients are asked to go, what must be stored is stored.
  void stop();
  /// Stops as a killed process does: nothing is finished.
  void destroy();
  /// Starts again over what was stored, on another port.
  void start();

 private:
  void stop_accepting();
  void end();

  const Options options_;
  ManualClock clock_{};
  // In the order in which the program makes and ends them.
  std::optional<boost::asio::io_context> context_{};
  std::unique_ptr<broker::Broker> broker_{};
  std::optional<broker::ResourceMonitor> monitor_{};
  std::unique_ptr<broker::Server> server_{};
  std::thread acceptor_{};
  std::uint16_t port_ = 0;
};

}  // namespace leveret::test
