#pragma once
#include <cstddef>

#include "broker/session.h"

namespace leveret::broker {

class Shard;

/// Stands, beside a queue, for a consumer's session on another shard: passes on by mail what it is given.
///
/// What is on its way and not yet written by the session is bounded, so that a slow session fills no mailbox.
class MailSession final : public Session {
 public:
  MailSession(Shard& here, ShardIndex there, SessionId session) : here_(here), there_(there), session_(session) {}

  bool deliver(Delivery& delivery) override;
  void confirm(std::uint64_t sequence) override;
  void refuse(std::uint64_t sequence) override;
  void consumer_cancelled(ConsumerId consumer) override;

  void open_window(std::size_t octets) { octets_on_their_way_ -= octets; }

 private:
  Shard& here_;
  const ShardIndex there_;
  const SessionId session_;
  std::size_t octets_on_their_way_ = 0;
};

/// A message as another shard may own it: the message itself when nobody else holds it, else a copy.
MessageRef for_other_shard(MessageRef message);

}  // namespace leveret::broker
