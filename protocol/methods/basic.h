#pragma once
#include <cstdint>
#include <tuple>

#include "protocol/method.h"

/// Messages: publishing, delivering, settling.  Class 60, the only one with content.
namespace leveret::protocol::basic {

/// Limits what is delivered ahead of acknowledgements; 0 is no limit.
struct Qos {
  static constexpr MethodId id{60, 10};
  static constexpr std::string_view name = "basic.qos";

  std::uint32_t prefetch_size{};
  std::uint16_t prefetch_count{};
  bool global{};

  static constexpr auto fields =
      std::tuple{field("prefetch-size", &Qos::prefetch_size), field("prefetch-count", &Qos::prefetch_count),
                 field("global", &Qos::global)};
};

/// Confirms basic.qos.
struct QosOk {
  static constexpr MethodId id{60, 11};
  static constexpr std::string_view name = "basic.qos-ok";

  static constexpr auto fields = std::tuple{};
};

/// Starts a consumer; an empty tag asks the server for one.
struct Consume {
  static constexpr MethodId id{60, 20};
  static constexpr std::string_view name = "basic.consume";

  std::uint16_t ticket{};
  ShortString queue{};
  ShortString consumer_tag{};
  bool no_local{};
  bool no_ack{};
  bool exclusive{};
  bool nowait{};
  FieldTable arguments{};

  static constexpr auto fields = std::tuple{field("ticket", &Consume::ticket),
                                            field("queue", &Consume::queue),
                                            field("consumer-tag", &Consume::consumer_tag),
                                            field("no-local", &Consume::no_local),
                                            field("no-ack", &Consume::no_ack),
                                            field("exclusive", &Consume::exclusive),
                                            field("nowait", &Consume::nowait),
                                            field("arguments", &Consume::arguments)};
};

/// Confirms basic.consume.
struct ConsumeOk {
  static constexpr MethodId id{60, 21};
  static constexpr std::string_view name = "basic.consume-ok";

  ShortString consumer_tag{};

  static constexpr auto fields = std::tuple{field("consumer-tag", &ConsumeOk::consumer_tag)};
};

/// Ends a consumer; from the server: its queue is gone.
struct Cancel {
  static constexpr MethodId id{60, 30};
  static constexpr std::string_view name = "basic.cancel";

  ShortString consumer_tag{};
  bool nowait{};

  static constexpr auto fields =
      std::tuple{field("consumer-tag", &Cancel::consumer_tag), field("nowait", &Cancel::nowait)};
};

/// Confirms basic.cancel.
struct CancelOk {
  static constexpr MethodId id{60, 31};
  static constexpr std::string_view name = "basic.cancel-ok";

  ShortString consumer_tag{};

  static constexpr auto fields = std::tuple{field("consumer-tag", &CancelOk::consumer_tag)};
};

/// Sends a message to an exchange; content follows.
struct Publish {
  static constexpr MethodId id{60, 40};
  static constexpr std::string_view name = "basic.publish";
  static constexpr bool carries_content = true;

  std::uint16_t ticket{};
  ShortString exchange{};
  ShortString routing_key{};
  bool mandatory{};
  bool immediate{};

  static constexpr auto fields =
      std::tuple{field("ticket", &Publish::ticket), field("exchange", &Publish::exchange),
                 field("routing-key", &Publish::routing_key), field("mandatory", &Publish::mandatory),
                 field("immediate", &Publish::immediate)};
};

/// Gives back a message that could not be routed; content follows.
struct Return {
  static constexpr MethodId id{60, 50};
  static constexpr std::string_view name = "basic.return";
  static constexpr bool carries_content = true;

  std::uint16_t reply_code{};
  ShortString reply_text{};
  ShortString exchange{};
  ShortString routing_key{};

  static constexpr auto fields =
      std::tuple{field("reply-code", &Return::reply_code), field("reply-text", &Return::reply_text),
                 field("exchange", &Return::exchange), field("routing-key", &Return::routing_key)};
};

/// Hands a message to a consumer; content follows.
struct Deliver {
  static constexpr MethodId id{60, 60};
  static constexpr std::string_view name = "basic.deliver";
  static constexpr bool carries_content = true;

  ShortString consumer_tag{};
  DeliveryTag delivery_tag{};
  bool redelivered{};
  ShortString exchange{};
  ShortString routing_key{};

  static constexpr auto fields =
      std::tuple{field("consumer-tag", &Deliver::consumer_tag), field("delivery-tag", &Deliver::delivery_tag),
                 field("redelivered", &Deliver::redelivered), field("exchange", &Deliver::exchange),
                 field("routing-key", &Deliver::routing_key)};
};

/// Asks for one message of a queue.
struct Get {
  static constexpr MethodId id{60, 70};
  static constexpr std::string_view name = "basic.get";

  std::uint16_t ticket{};
  ShortString queue{};
  bool no_ack{};

  static constexpr auto fields =
      std::tuple{field("ticket", &Get::ticket), field("queue", &Get::queue), field("no-ack", &Get::no_ack)};
};

/// Hands over a message that was asked for; content follows.
struct GetOk {
  static constexpr MethodId id{60, 71};
  static constexpr std::string_view name = "basic.get-ok";
  static constexpr bool carries_content = true;

  DeliveryTag delivery_tag{};
  bool redelivered{};
  ShortString exchange{};
  ShortString routing_key{};
  std::uint32_t message_count{};

  static constexpr auto fields =
      std::tuple{field("delivery-tag", &GetOk::delivery_tag), field("redelivered", &GetOk::redelivered),
                 field("exchange", &GetOk::exchange), field("routing-key", &GetOk::routing_key),
                 field("message-count", &GetOk::message_count)};
};

/// The queue has no ready message.
struct GetEmpty {
  static constexpr MethodId id{60, 72};
  static constexpr std::string_view name = "basic.get-empty";

  ShortString cluster_id{};

  static constexpr auto fields = std::tuple{field("cluster-id", &GetEmpty::cluster_id)};
};

/// Acknowledges a delivery; from the server: confirms a publish.
struct Ack {
  static constexpr MethodId id{60, 80};
  static constexpr std::string_view name = "basic.ack";

  DeliveryTag delivery_tag{};
  bool multiple{};

  static constexpr auto fields =
      std::tuple{field("delivery-tag", &Ack::delivery_tag), field("multiple", &Ack::multiple)};
};

/// Rejects a delivery.
struct Reject {
  static constexpr MethodId id{60, 90};
  static constexpr std::string_view name = "basic.reject";

  DeliveryTag delivery_tag{};
  bool requeue{};

  static constexpr auto fields =
      std::tuple{field("delivery-tag", &Reject::delivery_tag), field("requeue", &Reject::requeue)};
};

/// Asks for unacknowledged deliveries again, without an answer.
struct RecoverAsync {
  static constexpr MethodId id{60, 100};
  static constexpr std::string_view name = "basic.recover-async";

  bool requeue{};

  static constexpr auto fields = std::tuple{field("requeue", &RecoverAsync::requeue)};
};

/// Asks for unacknowledged deliveries again.
struct Recover {
  static constexpr MethodId id{60, 110};
  static constexpr std::string_view name = "basic.recover";

  bool requeue{};

  static constexpr auto fields = std::tuple{field("requeue", &Recover::requeue)};
};

/// Confirms basic.recover.
struct RecoverOk {
  static constexpr MethodId id{60, 111};
  static constexpr std::string_view name = "basic.recover-ok";

  static constexpr auto fields = std::tuple{};
};

/// Rejects deliveries; from the server: a publish failed.  RabbitMQ's extension.
struct Nack {
  static constexpr MethodId id{60, 120};
  static constexpr std::string_view name = "basic.nack";

  DeliveryTag delivery_tag{};
  bool multiple{};
  bool requeue{};

  static constexpr auto fields = std::tuple{field("delivery-tag", &Nack::delivery_tag),
                                            field("multiple", &Nack::multiple), field("requeue", &Nack::requeue)};
};

}  // namespace leveret::protocol::basic
