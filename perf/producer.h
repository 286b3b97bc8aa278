#pragma once
#include <cstdint>
#include <deque>
#include <limits>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "perf/connection.h"
#include "perf/figures.h"
#include "perf/options.h"

namespace leveret::perf {

/// What one producer has to do.
struct ProducerTask {
  std::string exchange{};
  std::string routing_key{};
  std::uint64_t messages = std::numeric_limits<std::uint64_t>::max();
  double rate = 0;  // messages a second; 0: as many as possible
};

/// Publishes on a connection of its own.  A message's body begins with the time it was published, when it has room for
/// that; behind a broker that makes it wait it is the time it was due.
class Producer final : private Receiver {
 public:
  /// Opens the connection.  Errors: std::runtime_error.
  Producer(boost::asio::io_context& context, const Options& options, ProducerTask task, Figures& figures);

  void start();
  /// Publishes nothing more.
  void stop() { left_ = 0; }
  /// Nothing is left to publish, to write or to be confirmed.
  bool is_done() const { return left_ == 0 && connection_.unwritten() == 0 && unconfirmed_.empty(); }
  const std::string& failure() const { return connection_.failure(); }
  void close();

 private:
  struct Unconfirmed {
    TimePoint published{};
    bool is_settled = false;
  };

  void confirmed(protocol::DeliveryTag tag, bool multiple, bool is_accepted) override;
  void input_handled() override { publish(); }
  void output_written() override { publish(); }

  void make_frames(const Options& options);
  void publish();
  bool has_room() const;
  void publish_one(TimePoint stamp);
  void wait_until_due();
  void settle(Unconfirmed& message, bool is_accepted, TimePoint now);

  Connection connection_;
  boost::asio::steady_timer timer_;
  Figures& figures_;
  const ProducerTask task_;
  const std::size_t window_;  // 0: no confirms

  std::string frames_{};        // of a whole message
  std::size_t body_begin_ = 0;  // in them; 0 where there is no room for a time

  std::uint64_t left_;
  TimePoint next_due_{};
  bool was_held_up_ = false;  // by the broker, when the next message was due
  std::deque<Unconfirmed> unconfirmed_{};
  std::uint64_t first_unconfirmed_ = 1;  // its delivery tag
};

}  // namespace leveret::perf
