#pragma once
#include "broker/ids.h"
#include "broker/message.h"

namespace leveret::broker {

/// One hand-over of a message from a queue to a session.
struct Delivery {
  ConsumerId consumer{};
  QueueAddress queue{};
  Position position{};
  MessageRef message{};
  bool is_redelivered = false;
};

/// Which session wants to hear that a publish is safe, and by which number; sequence 0 is nobody's.
struct ConfirmTicket {
  ShardIndex shard{};
  SessionId session{};
  std::uint64_t sequence = 0;

  explicit operator bool() const { return sequence != 0; }
};

/// A front-end's side of a conversation as the model sees it: it publishes and is confirmed, consumes and is delivered
/// to.  An AMQP channel is one; a session of another shard is represented by a MailSession.  Belongs to one shard.
class Session {
 public:
  virtual ~Session() = default;

  /// Takes a delivery; or returns false, having taken nothing, when there is no room for it now.  The consumer then
  /// gets no more until `Queue::unblock`.
  virtual bool deliver(Delivery& delivery) = 0;

  /// One of the queues that the publish of this number went to has it: on disk, where both ask for that.
  virtual void confirm(std::uint64_t sequence) = 0;

  /// One of them has not taken it and will not.
  virtual void refuse(std::uint64_t sequence) = 0;

  /// The consumer is gone: its queue is, or has nothing for it that could be read.
  virtual void consumer_cancelled(ConsumerId consumer) = 0;
};

}  // namespace leveret::broker
