#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "perf/address.h"
#include "protocol/codec.h"

namespace leveret::perf {

/// Who hears what comes in on a connection once it has been started.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// A whole message; `beginning` is what its first body frame carried.
  virtual void delivered(protocol::DeliveryTag, protocol::Octets /*beginning*/) {}
  virtual void confirmed(protocol::DeliveryTag, bool /*multiple*/, bool /*is_accepted*/) {}
  /// All of what has arrived together has been handed over.
  virtual void input_handled() = 0;
  /// All that was sent has been written.
  virtual void output_written() = 0;
};

/// A connection to a broker with one open channel.  At first its calls wait; from `start` on it lives on its context.
class Connection {
 public:
  /// Connects, logs in, opens the channel.
  /// Errors: std::runtime_error, one line that says what went wrong, or with which words the broker refused.
  Connection(boost::asio::io_context& context, const Address& broker);

  std::uint32_t frame_max() const { return frame_max_; }

  /// Sends a method and waits for its answer; before `start`.  Errors: as above.
  template <protocol::Method Answer, protocol::Method M>
  void call(const M& method) {
    send(method);
    write_all();
    wait_for(Answer::id);
  }

  /// From here on `receiver` hears what comes in, and nothing waits.
  void start(Receiver& receiver);

  /// What is sent is written by the next `flush`.
  template <protocol::Method M>
  void send(const M& method) {
    protocol::encode(method, channel, output_);
  }
  /// Whole frames.
  void send_octets(protocol::Octets frames) { output_.append(frames); }
  void flush();
  /// Octets sent and not yet written.
  std::size_t unwritten() const { return output_.size(); }

  /// Why it ended before `close`; empty while it has not.
  const std::string& failure() const { return failure_; }
  void close();

 private:
  static constexpr protocol::ChannelNumber channel{1};

  void log_in(const Address& broker);
  void write_all();
  void wait_for(protocol::MethodId answer);
  void read();
  void handle_input();
  void keep(protocol::Octets unread);
  void handle(const protocol::Frame& frame);
  void handle_method(protocol::Octets payload);
  void take_body(protocol::Octets octets);
  void fail(std::string reason);

  boost::asio::ip::tcp::socket socket_;
  std::uint32_t frame_max_ = 0;
  std::vector<std::uint8_t> input_;
  std::size_t unread_ = 0;  // octets at the front of input_ that are no whole frame yet
  protocol::OutputBuffer output_{};
  bool is_writing_ = false;
  Receiver* receiver_ = nullptr;
  std::string failure_{};
  bool is_closed_ = false;

  // The message that is arriving.
  protocol::DeliveryTag tag_{};
  std::uint64_t body_left_ = 0;
  std::optional<std::vector<std::uint8_t>> beginning_{};  // kept when it takes more than one frame
};

}  // namespace leveret::perf
