#pragma once
#include <array>

#include <fmt/format.h>

#include "broker/amqp/channel.h"
#include "broker/amqp/connection.h"
#include "protocol/codec.h"

/// What the sources of Channel share: how it sends, and how it asks queues of other shards.
namespace leveret::broker::amqp {

/// `what` is not done with a stream.  `queue` as "'q' in vhost '/'".
inline protocol::AmqpError not_supported_by_stream(std::string_view what, std::string_view queue) {
  return protocol::not_implemented(fmt::format("{} not supported by stream queues queue {}", what, queue));
}

template <class M>
void Channel::send(const M& method) {
  connection_.send(number_, method);
}

template <class M>
Result<void> Channel::answer(bool nowait, const M& method) {
  if (!nowait) send(method);
  return {};
}

template <class M>
void Channel::send_with_content(const M& method, const MessageRef& message) {
  send(method);
  const std::array<protocol::Octets, 1> body{message->body()};
  protocol::append_content(number_, message->properties(), message->body().size(), body, connection_.frame_max(),
                           connection_.output(), [&](protocol::Octets) {
                             return protocol::Keeper{
                                 .object = MessageRef{message}.release(),
                                 .release = [](void* kept) { MessageRef::adopt(static_cast<Message*>(kept)).reset(); }};
                           });
}

template <class M>
Result<void> Channel::handle(const M&) {
  return protocol::command_invalid("unimplemented method");
}

template <class Function>
void Channel::tell_queue(QueueAddress address, Function function) {
  if (address.shard != shard_.index()) {
    shard_.send(address.shard, Task{[address, function](Shard& there) {
                  if (AnyQueue* queue = there.find_queue(address.queue)) function(*queue);
                }});
  } else if (AnyQueue* queue = shard_.find_queue(address.queue)) {
    function(*queue);
  }
}

template <class Reply>
void Channel::ask(QueueAddress address, protocol::MethodId method, Question<Reply> question, Then<Reply> then) {
  connection_.pause();
  const auto finish = [this, method, then = std::move(then)](std::optional<Reply> reply) {
    auto result = then(std::move(reply));
    if (!result) {
      protocol::AmqpError error = result.error();
      error.method = method;
      connection_.fail(number_, error);
    }
    connection_.resume();
  };
  if (address.shard == shard_.index()) {
    if (AnyQueue* queue = shard_.find_queue(address.queue))
      question(*queue, finish);
    else
      finish({});
    return;
  }
  // The channel outlives its question: its connection waits for the answer before it ends.
  shard_.send(
      address.shard, Task{[home = shard_.index(), address, question = std::move(question), finish](Shard& there) {
        const auto send_home = [&there, home, finish](std::optional<Reply> reply) {
          there.send(home, Task{[finish, reply = std::move(reply)](Shard&) mutable { finish(std::move(reply)); }});
        };
        if (AnyQueue* queue = there.find_queue(address.queue))
          question(*queue, send_home);
        else
          send_home({});
      }});
}

}  // namespace leveret::broker::amqp
