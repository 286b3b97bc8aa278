#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/support/test_broker.h"
#include "tests/support/test_client.h"

namespace leveret::test {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// A test against a broker of its own, over real sockets.
class BrokerTest : public testing::Test {
 protected:
  explicit BrokerTest(TestBroker::Options options = {}) : broker_(std::move(options)) {}

  /// Lives as long as the test.
  TestClient& connect(const TestClient::Options& options = {}) {
    return clients_.emplace_back(broker_.port(), options);
  }
  /// A socket and nothing said yet.
  TestClient& connect_silently() { return clients_.emplace_back(broker_.port()); }

  TestBroker broker_;
  std::list<TestClient> clients_{};
};

/// A test that stops and starts its broker over what RocksDB has kept.
class DurableBrokerTest : public testing::Test {
 protected:
  TestClient& connect() { return clients_.emplace_back(broker_.port(), TestClient::Options{}); }
  void restart_cleanly() {
    broker_.stop();
    start_again();
  }
  void restart_after_kill() {
    broker_.destroy();
    start_again();
  }

 private:
  void start_again() {
    clients_.clear();
    broker_.start();
  }

 protected:
  TemporaryDirectory directory_{};
  TestBroker broker_{{.directory = directory_.path()}};
  std::list<TestClient> clients_{};
};

/// A test with two shards at least, whose clients choose theirs.
class ShardsTest : public testing::Test {
 protected:
  explicit ShardsTest(TestBroker::Options options = {}) : broker_(with_two_shards(std::move(options))) {}

  TestClient& connect_to_shard(std::size_t shard);

  TestBroker broker_;
  std::list<TestClient> clients_{};

 private:
  static TestBroker::Options with_two_shards(TestBroker::Options options) {
    options.broker.shards = std::max<std::size_t>(options.broker.shards, 2);
    return options;
  }
};

/// The shard that carries a client's connection: a queue of its own lives there.
inline std::size_t shard_of(TestBroker& broker, TestClient& client) {
  auto channel = client.open_channel();
  const std::string name = channel.declare_queue("", {.exclusive = true}).name;
  std::size_t shard = 0;
  for (const auto& record : broker.broker().find_virtual_host("/")->queues())
    if (record->name == name) shard = static_cast<std::size_t>(record->address.shard);
  channel.delete_queue(name);
  channel.close();
  return shard;
}

inline TestClient& ShardsTest::connect_to_shard(std::size_t shard) {
  constexpr int attempts_max = 100;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    TestClient& client = clients_.emplace_back(broker_.port(), TestClient::Options{});
    if (shard_of(broker_, client) == shard) return client;
  }
  throw TestFailure{"no connection reaches shard " + std::to_string(shard)};
}

}  // namespace leveret::test
