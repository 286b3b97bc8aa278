#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/amqp/connection.h"

namespace leveret::broker::amqp {

/// What the broker has answered to a method: its id and arguments, and the content that came with it.
struct LocalReply {
  protocol::MethodId method{};
  std::string arguments{};
  std::string properties{};
  std::string body{};
};

/// A user's conversation with the broker from inside the process, in place of one over a socket: what an HTTP request
/// asks for goes the same way, past the same checks, as a client's.  RabbitMQ does the same with a direct connection.
///
/// One channel, one question at a time.  Belongs to its shard, where all of it is called.
class LocalClient final : private Transport {
 public:
  /// Nothing is waited for any longer than `patience`, all questions together: then they fail with resource_error.
  LocalClient(Broker& broker, Shard& shard, LocalUser user, std::shared_ptr<VirtualHost> virtual_host,
              std::chrono::milliseconds patience);
  ~LocalClient() override;

  /// Sends a method and waits for what answers it.  Errors: the reason for which the broker closed the channel or the
  /// connection; all questions after that have the same answer.
  template <protocol::Method M>
  boost::asio::awaitable<Result<LocalReply>> ask(const M& method) {
    put(method);
    return next_reply();
  }
  /// Sends a method that nothing answers, or not yet.
  template <protocol::Method M>
  void tell(const M& method) {
    put(method);
    pump();
  }
  /// basic.publish and its content.
  void publish(const protocol::basic::Publish& publish, protocol::Octets properties, protocol::Octets body);
  boost::asio::awaitable<Result<LocalReply>> next_reply();

 private:
  template <protocol::Method M>
  void put(const M& method) {
    protocol::OutputBuffer frames;
    protocol::encode(method, channel, frames);
    put(frames);
  }
  void put(protocol::OutputBuffer& frames);
  void pump();
  void take_frames();
  void take_method(protocol::Octets payload);
  void finish_reply();
  bool has_answer() const { return failure_ || !replies_.empty(); }

  void write() override;
  void resume() override;
  void close() override;

  static constexpr protocol::ChannelNumber channel{1};

  Shard& shard_;
  boost::asio::steady_timer answered_;
  const boost::asio::steady_timer::time_point deadline_;
  std::string to_send_{};
  std::string received_{};
  std::optional<LocalReply> arriving_{};  // its content is still to come
  std::uint64_t body_left_ = 0;
  std::deque<LocalReply> replies_{};
  std::optional<protocol::AmqpError> failure_{};
  bool is_pumping_ = false;
  const std::shared_ptr<int> alive_ = std::make_shared<int>();
  Connection connection_;
};

}  // namespace leveret::broker::amqp
