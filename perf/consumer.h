#pragma once
#include <string>

#include "perf/connection.h"
#include "perf/figures.h"
#include "perf/options.h"

namespace leveret::perf {

/// Consumes from one queue on a connection of its own.
class Consumer final : private Receiver {
 public:
  /// Opens the connection; the queue must be there.  Errors: std::runtime_error.
  Consumer(boost::asio::io_context& context, const Options& options, std::string queue, Figures& figures);

  void start();
  const std::string& failure() const { return connection_.failure(); }
  void close() { connection_.close(); }

 private:
  void delivered(protocol::DeliveryTag tag, protocol::Octets beginning) override;
  void input_handled() override;
  void output_written() override {}

  Connection connection_;
  Figures& figures_;
  const std::string queue_;
  const bool auto_ack_;
  const bool ack_each_;
  const bool has_times_;                    // at the front of the bodies
  TimePoint now_{};                         // when what is being handled arrived; unset between
  protocol::DeliveryTag unacknowledged_{};  // the last that is; 0: none
};

}  // namespace leveret::perf
