#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "perf/connection.h"
#include "perf/options.h"

namespace leveret::perf {

/// The exchange that stands in front of the queues, where options ask for one.
inline constexpr std::string_view perf_exchange = "leveret-perf";

/// The header by which a headers exchange finds a queue: its value is the queue's name.
inline constexpr std::string_view queue_header = "leveret-perf-queue";

/// The queues, and the exchange in front of them with its bindings.  Errors of all calls: std::runtime_error.
class Topology {
 public:
  explicit Topology(const Options& options) : options_(options), connection_(context_, options.broker) {}

  void declare();
  void remove();
  void close() { connection_.close(); }

 private:
  void declare_queue(const std::string& name);
  void bind(const std::string& queue, const std::string& key);
  void bind_for_nothing();

  const Options& options_;
  boost::asio::io_context context_{1};
  Connection connection_;
};

}  // namespace leveret::perf
