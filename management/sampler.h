#pragma once
#include <chrono>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "management/statistics.h"

namespace leveret::management {

/// Asks the broker for its counters every few seconds and keeps them in `statistics`.  On the HTTP server's thread: a
/// shard only copies its numbers.
class Sampler {
 public:
  Sampler(boost::asio::io_context& context, broker::BrokerQuery& broker, Statistics& statistics,
          std::chrono::milliseconds interval = std::chrono::seconds{5});

  /// Before the context runs.
  void start();
  /// Any thread; a question under way is still answered.
  void stop();

 private:
  boost::asio::awaitable<void> run();

  boost::asio::io_context& context_;
  broker::BrokerQuery& broker_;
  Statistics& statistics_;
  const std::chrono::milliseconds interval_;
  boost::asio::steady_timer timer_;
  bool is_stopped_ = false;
};

}  // namespace leveret::management
