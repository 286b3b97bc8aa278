#include <algorithm>

#include <fmt/format.h>

#include "broker/amqp/channel.h"
#include "broker/amqp/channel_send.h"
#include "broker/amqp/connection.h"
#include "broker/amqp/names.h"
#include "broker/argument_rules.h"
#include "broker/mail_session.h"
#include "broker/streams/subscription.h"

/// Channel's handlers of consuming and settling.
namespace leveret::broker::amqp {

namespace basic = protocol::basic;
using protocol::precondition_failed;

Result<void> Channel::handle(const basic::Qos& qos) {
  if (qos.prefetch_size != 0) return protocol::not_implemented(fmt::format("prefetch_size!=0 ({})", qos.prefetch_size));
  // A limit for each consumer lifts the one for all of them.
  global_prefetch_ = qos.global ? qos.prefetch_count : std::uint16_t{0};
  if (!qos.global) consumer_prefetch_ = qos.prefetch_count;
  send(basic::QosOk{});
  unblock_consumers();
  return {};
}

// --- consumers

namespace {

/// What a queue of another shard says to a consumer that wants to join.
struct JoinAnswer {
  std::optional<protocol::AmqpError> refusal{};
};

std::int32_t consumer_priority(FieldTable arguments) {
  const auto value = arguments.find("x-priority");
  const auto priority = value ? value->as_integer().value_or(0) : 0;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(priority, INT32_MIN, INT32_MAX));
}

}  // namespace

Result<void> Channel::handle(const basic::Consume& consume) {
  std::string tag = consume.consumer_tag.empty() ? make_name("amq.ctag-") : std::string{consume.consumer_tag};
  if (consumer_ids_.contains(tag)) return protocol::not_allowed(fmt::format("attempt to reuse consumer tag '{}'", tag));
  if (consume.queue == reply_queue) return consume_replies(consume, std::move(tag));
  const auto name = queue_name(consume.queue);
  if (!name) return name.error();
  if (auto allowed = check_queue_access(Access::read, *name); !allowed) return allowed;
  const auto found = virtual_host_.find_queue(*name, connection_.id());
  if (!found) return found.error();
  if (auto valid = check_consumer(consume, **found); !valid) return valid;

  const QueueAddress address = (*found)->address;
  ConsumerRequest request{.id = connection_.broker().next_consumer_id(),
                          .tag = tag,
                          .no_ack = consume.no_ack,
                          .exclusive = consume.exclusive,
                          .priority = consumer_priority(consume.arguments),
                          .prefetch = consumer_prefetch_};
  if ((*found)->type == QueueType::stream)
    request.subscription =
        std::make_shared<StreamSubscription>(parse_subscription(consume.arguments, shard_.wall_now()));
  // Known here before the queue knows it, so that its first delivery finds it; consume-ok goes out before that.
  consumer_ids_.emplace(tag, request.id);
  consumers_.emplace(request.id,
                     ChannelConsumer{.tag = tag,
                                     .queue = address,
                                     .counters = &traffic().from(address.queue),
                                     .no_ack = consume.no_ack,
                                     .is_limited = (*found)->type == QueueType::classic,
                                     .timeout = consumer_timeout(consume.arguments, **found),
                                     .queue_name = *name,
                                     .is_exclusive = consume.exclusive,
                                     .prefetch = consumer_prefetch_,
                                     .arguments = std::string{protocol::as_text(consume.arguments.octets())}});
  if (address.shard == shard_.index()) {
    AnyQueue* queue = shard_.find_queue(address.queue);
    auto joined = queue ? queue->check_consumer(request)
                        : Result<void>{protocol::not_found("no queue " + virtual_host_.in_vhost(*name))};
    if (!joined) {
      forget_consumer(request.id);
      return joined;
    }
    static_cast<void>(answer(consume.nowait, basic::ConsumeOk{.consumer_tag = tag}));
    queue->add_consumer(std::make_unique<Consumer>(Consumer{.request = request, .session = this}));
    return {};
  }
  join_queue_by_mail(address, request, *name, consume.nowait);
  return {};
}

Result<void> Channel::check_consumer(const basic::Consume& consume, const QueueRecord& queue) const {
  const std::string subject = virtual_host_.in_vhost(queue.name);
  if (auto valid = check_consumer_arguments(consume.arguments, queue.type, subject); !valid) return valid;
  if (queue.type == QueueType::stream) {
    if (consumer_prefetch_ == 0)
      return precondition_failed(fmt::format("consumer prefetch count is not set for 'queue {}'", subject));
    if (consume.no_ack) return not_supported_by_stream("automatic acknowledgement", subject);
  }
  if (global_prefetch_ != 0 && queue.type != QueueType::classic)
    return protocol::not_implemented(fmt::format("queue {} does not support global qos", subject));
  return {};
}

std::chrono::milliseconds Channel::consumer_timeout(FieldTable arguments, const QueueRecord& queue) const {
  const auto argument = arguments.find("x-consumer-timeout");
  const auto own = argument ? argument->as_integer() : std::nullopt;
  if (own) return std::chrono::milliseconds{*own};
  return virtual_host_.settings_of(queue).consumer_timeout.value_or(connection_.broker().options().consumer_timeout);
}

void Channel::join_queue_by_mail(QueueAddress address, const ConsumerRequest& request, const std::string& queue_name,
                                 bool nowait) {
  ask<JoinAnswer>(
      address, basic::Consume::id,
      [request, session = id_, home = shard_.index()](AnyQueue& queue, const auto& reply) {
        if (auto joined = queue.check_consumer(request); !joined) return reply(JoinAnswer{.refusal = joined.error()});
        auto stand_in = std::make_unique<MailSession>(queue.shard(), home, session);
        auto consumer = std::make_unique<Consumer>(Consumer{.request = request, .session = stand_in.get()});
        consumer->owned_session = std::move(stand_in);
        reply(JoinAnswer{});  // before the first delivery, which follows it
        queue.add_consumer(std::move(consumer));
      },
      [this, request, queue_name, nowait](std::optional<JoinAnswer> joined) -> Result<void> {
        if (joined && !joined->refusal) return answer(nowait, basic::ConsumeOk{.consumer_tag = request.tag});
        forget_consumer(request.id);
        if (joined) return *joined->refusal;
        return protocol::not_found("no queue " + virtual_host_.in_vhost(queue_name));
      });
}

void Channel::forget_consumer(ConsumerId id) {
  requeue_held([id](const Delivery& delivery) { return delivery.consumer == id; });
  const auto found = consumers_.find(id);
  if (found == consumers_.end()) return;
  consumer_ids_.erase(found->second.tag);
  consumers_.erase(found);
}

Result<void> Channel::consume_replies(const basic::Consume& consume, std::string tag) {
  if (!consume.no_ack) return precondition_failed("reply consumer cannot acknowledge");
  if (reply_consumer_ != ConsumerId::none) return precondition_failed("reply consumer already set");
  reply_consumer_ = connection_.broker().next_consumer_id();
  connection_.broker().reply_consumers().add(reply_consumer_);
  consumer_ids_.emplace(tag, reply_consumer_);
  consumers_.emplace(
      reply_consumer_,
      ChannelConsumer{
          .tag = tag, .queue = {.shard = shard_.index()}, .counters = &traffic().from(QueueId{}), .no_ack = true});
  return answer(consume.nowait, basic::ConsumeOk{.consumer_tag = tag});
}

void Channel::forget_reply_consumer() {
  connection_.broker().reply_consumers().remove(std::exchange(reply_consumer_, ConsumerId::none));
}

Result<void> Channel::handle(const basic::Cancel& cancel) {
  const auto found = consumer_ids_.find(std::string{cancel.consumer_tag});
  if (found == consumer_ids_.end()) return answer(cancel.nowait, basic::CancelOk{.consumer_tag = cancel.consumer_tag});
  const ConsumerId id = found->second;
  if (id == reply_consumer_) {
    forget_reply_consumer();
    forget_consumer(id);
    return answer(cancel.nowait, basic::CancelOk{.consumer_tag = cancel.consumer_tag});
  }
  // What is on its way here comes before the answer, and is still delivered.
  ask<bool>(
      consumers_.at(id).queue, basic::Cancel::id,
      [id](AnyQueue& queue, const auto& reply) {
        reply(true);
        queue.remove_consumer(id);
      },
      [this, id, tag = std::string{cancel.consumer_tag}, nowait = cancel.nowait](std::optional<bool>) {
        forget_consumer(id);
        return answer(nowait, basic::CancelOk{.consumer_tag = tag});
      });
  return {};
}

Result<void> Channel::handle(const basic::Get& get) {
  const auto name = queue_name(get.queue);
  if (!name) return name.error();
  if (auto allowed = check_queue_access(Access::read, *name); !allowed) return allowed;
  const auto found = virtual_host_.find_queue(*name, connection_.id());
  if (!found) return found.error();
  if ((*found)->type == QueueType::stream) return not_supported_by_stream("basic.get", virtual_host_.in_vhost(*name));
  const QueueAddress address = (*found)->address;
  ask<GetResult>(
      address, basic::Get::id,
      [no_ack = get.no_ack, is_local = address.shard == shard_.index()](AnyQueue& queue, const auto& reply) {
        queue.get(no_ack, [reply, is_local](std::optional<GetResult> result) {
          if (result && !is_local) result->delivery.message = for_other_shard(std::move(result->delivery.message));
          reply(std::move(result));
        });
      },
      [this, queue = address.queue, no_ack = get.no_ack](std::optional<GetResult> result) -> Result<void> {
        DeliveryCounters& counters = traffic().from(queue);
        if (!result) {
          ++counters.gotten_nothing;
          send(basic::GetEmpty{});
          return {};
        }
        const Delivery& delivery = result->delivery;
        const DeliveryTag tag{next_delivery_tag_++};
        counters.redelivered += delivery.is_redelivered;
        ++(no_ack ? counters.gotten_no_ack : counters.gotten);
        if (!no_ack)
          unacknowledged_.add(
              {.tag = tag,
               .queue = delivery.queue,
               .position = delivery.position,
               .time = shard_.turn_time(),
               .timeout = result->consumer_timeout.value_or(connection_.broker().options().consumer_timeout),
               .is_counted = false});
        send_with_content(basic::GetOk{.delivery_tag = tag,
                                       .redelivered = delivery.is_redelivered,
                                       .exchange = delivery.message->exchange(),
                                       .routing_key = delivery.message->routing_key(),
                                       .message_count = result->messages_left},
                          delivery.message);
        return {};
      });
  return {};
}

// --- settling

Result<void> Channel::handle(const basic::Ack& ack) {
  return settle(ack.delivery_tag, ack.multiple, Settlement::acknowledge);
}

Result<void> Channel::handle(const basic::Nack& nack) {
  return settle(nack.delivery_tag, nack.multiple, nack.requeue ? Settlement::requeue : Settlement::reject);
}

Result<void> Channel::handle(const basic::Reject& reject) {
  return settle(reject.delivery_tag, false, reject.requeue ? Settlement::requeue_failed : Settlement::reject);
}

Result<void> Channel::settle(DeliveryTag tag, bool multiple, Settlement settlement) {
  auto deliveries = unacknowledged_.take(tag, multiple);
  if (!deliveries) return precondition_failed(fmt::format("unknown delivery tag {}", static_cast<std::uint64_t>(tag)));
  if (transaction_)
    transaction_->settlements.push_back({*std::move(deliveries), settlement});
  else
    settle(*deliveries, settlement);
  return {};
}

void Channel::settle(const Unacknowledged::Deliveries& deliveries, Settlement settlement) {
  for (const auto& delivered : deliveries) {
    if (settlement == Settlement::acknowledge) ++traffic().from(delivered.queue.queue).acknowledged;
    shard_.settle(delivered.queue, delivered.position, delivered.consumer, settlement);
  }
  shard_.end_returns();
  if ((!held_.empty() || !refused_consumers_.empty()) && has_global_credit()) unblock_consumers();
}

Result<void> Channel::handle(const basic::Recover& recover) {
  if (!recover.requeue) return protocol::not_implemented("requeue=false");
  send(basic::RecoverOk{});
  requeue_all(Settlement::requeue);
  return {};
}

Result<void> Channel::handle(const basic::RecoverAsync& recover) {
  if (!recover.requeue) return protocol::not_implemented("requeue=false");
  requeue_all(Settlement::requeue);
  return {};
}

void Channel::requeue_all(Settlement settlement) {
  settle(unacknowledged_.take_all(), settlement);
}

}  // namespace leveret::broker::amqp
