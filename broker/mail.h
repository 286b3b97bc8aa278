#pragma once
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "broker/block_pool.h"
#include "broker/session.h"

namespace leveret::broker {

class Shard;

/// Something for another shard to do; runs there.  For all that is not on a message's way.
class Task {
 public:
  template <class Function>
  explicit Task(Function function) : body_(std::make_unique<Body<Function>>(std::move(function))) {}
  void operator()(Shard& shard) { body_->run(shard); }

 private:
  struct AnyBody {
    virtual ~AnyBody() = default;
    virtual void run(Shard& shard) = 0;
  };
  template <class Function>
  struct Body final : AnyBody {
    explicit Body(Function f) : function(std::move(f)) {}
    void run(Shard& shard) override { function(shard); }
    Function function;
  };
  std::unique_ptr<AnyBody> body_;
};

/// A message for queues of the receiving shard; for one, mostly.
struct EnqueueMail {
  boost::container::small_vector<QueueId, 1, PoolAllocator<QueueId>> queues{};
  MessageRef message{};
  ConfirmTicket ticket{};
};

/// A message from a queue of the sending shard for a session of the receiving one.
struct DeliveryMail {
  SessionId session{};
  Delivery delivery{};
};

/// What becomes of a delivered message.
enum class Settlement {
  acknowledge,
  reject,         // for good: dropped, or dead-lettered
  requeue,        // back to its place, redelivered
  requeue_failed  // the same, as an attempt to work on it has failed
};

constexpr bool is_requeue(Settlement settlement) {
  return settlement == Settlement::requeue || settlement == Settlement::requeue_failed;
}

/// A session's answer to a delivery, for a queue of the receiving shard.
struct SettleMail {
  QueueId queue{};
  Position position{};
  ConsumerId consumer{};
  Settlement settlement{};
};

/// A consumer of a queue of the receiving shard is no more.
struct LeaveMail {
  QueueId queue{};
  ConsumerId consumer{};
};

/// A session has written what a consumer was sent: it may be sent as many octets more.
struct WindowMail {
  QueueId queue{};
  ConsumerId consumer{};
  std::size_t octets = 0;
};

/// A publish of a session of the receiving shard is safe in one of its queues, or has been refused by it.
struct ConfirmMail {
  ConfirmTicket ticket{};
  bool is_refused = false;
};

/// All that passes between shards, in the order in which it was sent.
using Mail = std::variant<EnqueueMail, DeliveryMail, SettleMail, LeaveMail, WindowMail, ConfirmMail, Task>;

}  // namespace leveret::broker
