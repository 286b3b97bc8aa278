#pragma once
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "perf/consumer.h"
#include "perf/producer.h"

namespace leveret::perf {

/// What a load has to tell.
struct Progress {
  Figures figures{};      // since it was asked before
  bool is_done = false;   // its producers are
  std::string failure{};  // why one of its connections ended; empty while none has
};

/// One thread with its producers and consumers.
class Load {
 public:
  Load() = default;
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // --- before it is started

  /// Errors of both: std::runtime_error.
  void add_producer(const Options& options, ProducerTask task);
  void add_consumer(const Options& options, std::string queue);

  void start();

  // --- from then on

  std::future<Progress> progress();
  /// Publishes nothing more.
  void stop_publishing();
  /// Closes its connections and ends its thread.
  void end();

 private:
  Progress take_progress();

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  Figures figures_{};
  std::vector<std::unique_ptr<Producer>> producers_{};
  std::vector<std::unique_ptr<Consumer>> consumers_{};
  std::thread thread_{};
};

}  // namespace leveret::perf
