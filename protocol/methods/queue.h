#pragma once
#include <cstdint>
#include <tuple>

#include "protocol/method.h"

/// Queues: where messages wait for consumers.  Class 50.
namespace leveret::protocol::queue {

/// Creates a queue, or checks that it is as described; an empty name asks the server for one.
struct Declare {
  static constexpr MethodId id{50, 10};
  static constexpr std::string_view name = "queue.declare";

  std::uint16_t ticket{};
  ShortString queue{};
  bool passive{};
  bool durable{};
  bool exclusive{};
  bool auto_delete{};
  bool nowait{};
  FieldTable arguments{};

  static constexpr auto fields =
      std::tuple{field("ticket", &Declare::ticket),       field("queue", &Declare::queue),
                 field("passive", &Declare::passive),     field("durable", &Declare::durable),
                 field("exclusive", &Declare::exclusive), field("auto-delete", &Declare::auto_delete),
                 field("nowait", &Declare::nowait),       field("arguments", &Declare::arguments)};
};

/// Confirms queue.declare; counts ready messages and consumers.
struct DeclareOk {
  static constexpr MethodId id{50, 11};
  static constexpr std::string_view name = "queue.declare-ok";

  ShortString queue{};
  std::uint32_t message_count{};
  std::uint32_t consumer_count{};

  static constexpr auto fields =
      std::tuple{field("queue", &DeclareOk::queue), field("message-count", &DeclareOk::message_count),
                 field("consumer-count", &DeclareOk::consumer_count)};
};

/// Binds a queue to an exchange; `routing_key` is the binding key.
struct Bind {
  static constexpr MethodId id{50, 20};
  static constexpr std::string_view name = "queue.bind";

  std::uint16_t ticket{};
  ShortString queue{};
  ShortString exchange{};
  ShortString routing_key{};
  bool nowait{};
  FieldTable arguments{};

  static constexpr auto fields = std::tuple{
      field("ticket", &Bind::ticket),           field("queue", &Bind::queue),   field("exchange", &Bind::exchange),
      field("routing-key", &Bind::routing_key), field("nowait", &Bind::nowait), field("arguments", &Bind::arguments)};
};

/// Confirms queue.bind.
struct BindOk {
  static constexpr MethodId id{50, 21};
  static constexpr std::string_view name = "queue.bind-ok";

  static constexpr auto fields = std::tuple{};
};

/// Drops the ready messages.
struct Purge {
  static constexpr MethodId id{50, 30};
  static constexpr std::string_view name = "queue.purge";

  std::uint16_t ticket{};
  ShortString queue{};
  bool nowait{};

  static constexpr auto fields =
      std::tuple{field("ticket", &Purge::ticket), field("queue", &Purge::queue), field("nowait", &Purge::nowait)};
};

/// Confirms queue.purge; counts what was dropped.
struct PurgeOk {
  static constexpr MethodId id{50, 31};
  static constexpr std::string_view name = "queue.purge-ok";

  std::uint32_t message_count{};

  static constexpr auto fields = std::tuple{field("message-count", &PurgeOk::message_count)};
};

/// Removes a queue and its bindings.
struct Delete {
  static constexpr MethodId id{50, 40};
  static constexpr std::string_view name = "queue.delete";

  std::uint16_t ticket{};
  ShortString queue{};
  bool if_unused{};
  bool if_empty{};
  bool nowait{};

  static constexpr auto fields = std::tuple{field("ticket", &Delete::ticket), field("queue", &Delete::queue),
                                            field("if-unused", &Delete::if_unused),
                                            field("if-empty", &Delete::if_empty), field("nowait", &Delete::nowait)};
};

/// Confirms queue.delete; counts the messages that went with it.
struct DeleteOk {
  static constexpr MethodId id{50, 41};
  static constexpr std::string_view name = "queue.delete-ok";

  std::uint32_t message_count{};

  static constexpr auto fields = std::tuple{field("message-count", &DeleteOk::message_count)};
};

/// Removes a binding; always answered.
struct Unbind {
  static constexpr MethodId id{50, 50};
  static constexpr std::string_view name = "queue.unbind";

  std::uint16_t ticket{};
  ShortString queue{};
  ShortString exchange{};
  ShortString routing_key{};
  FieldTable arguments{};

  static constexpr auto fields =
      std::tuple{field("ticket", &Unbind::ticket), field("queue", &Unbind::queue), field("exchange", &Unbind::exchange),
                 field("routing-key", &Unbind::routing_key), field("arguments", &Unbind::arguments)};
};

/// Confirms queue.unbind.
struct UnbindOk {
  static constexpr MethodId id{50, 51};
  static constexpr std::string_view name = "queue.unbind-ok";

  static constexpr auto fields = std::tuple{};
};

}  // namespace leveret::protocol::queue
