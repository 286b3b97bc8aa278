#pragma once
#include <cstdint>
#include <tuple>

#include "protocol/method.h"

/// Exchanges: what publishers send to.  Class 40.
namespace leveret::protocol::exchange {

/// Creates an exchange, or checks that it is as described.
struct Declare {
  static constexpr MethodId id{40, 10};
  static constexpr std::string_view name = "exchange.declare";

  std::uint16_t ticket{};
  ShortString exchange{};
  ShortString type{};
  bool passive{};
  bool durable{};
  bool auto_delete{};
  bool internal{};
  bool nowait{};
  FieldTable arguments{};

  static constexpr auto fields =
      std::tuple{field("ticket", &Declare::ticket),      field("exchange", &Declare::exchange),
                 field("type", &Declare::type),          field("passive", &Declare::passive),
                 field("durable", &Declare::durable),    field("auto-delete", &Declare::auto_delete),
                 field("internal", &Declare::internal),  field("nowait", &Declare::nowait),
                 field("arguments", &Declare::arguments)};
};

/// Confirms exchange.declare.
struct DeclareOk {
  static constexpr MethodId id{40, 11};
  static constexpr std::string_view name = "exchange.declare-ok";

  static constexpr auto fields = std::tuple{};
};

/// Removes an exchange and its bindings.
struct Delete {
  static constexpr MethodId id{40, 20};
  static constexpr std::string_view name = "exchange.delete";

  std::uint16_t ticket{};
  ShortString exchange{};
  bool if_unused{};
  bool nowait{};

  static constexpr auto fields = std::tuple{field("ticket", &Delete::ticket), field("exchange", &Delete::exchange),
                                            field("if-unused", &Delete::if_unused), field("nowait", &Delete::nowait)};
};

/// Confirms exchange.delete.
struct DeleteOk {
  static constexpr MethodId id{40, 21};
  static constexpr std::string_view name = "exchange.delete-ok";

  static constexpr auto fields = std::tuple{};
};

/// Binds the exchange `destination` to the exchange `source`.  RabbitMQ's extension.
struct Bind {
  static constexpr MethodId id{40, 30};
  static constexpr std::string_view name = "exchange.bind";

  std::uint16_t ticket{};
  ShortString destination{};
  ShortString source{};
  ShortString routing_key{};
  bool nowait{};
  FieldTable arguments{};

  static constexpr auto fields = std::tuple{field("ticket", &Bind::ticket), field("destination", &Bind::destination),
                                            field("source", &Bind::source), field("routing-key", &Bind::routing_key),
                                            field("nowait", &Bind::nowait), field("arguments", &Bind::arguments)};
};

/// Confirms exchange.bind.
struct BindOk {
  static constexpr MethodId id{40, 31};
  static constexpr std::string_view name = "exchange.bind-ok";

  static constexpr auto fields = std::tuple{};
};

/// Removes a binding between exchanges.  RabbitMQ's extension.
struct Unbind {
  static constexpr MethodId id{40, 40};
  static constexpr std::string_view name = "exchange.unbind";

  std::uint16_t ticket{};
  ShortString destination{};
  ShortString source{};
  ShortString routing_key{};
  bool nowait{};
  FieldTable arguments{};

  static constexpr auto fields =
      std::tuple{field("ticket", &Unbind::ticket), field("destination", &Unbind::destination),
                 field("source", &Unbind::source), field("routing-key", &Unbind::routing_key),
                 field("nowait", &Unbind::nowait), field("arguments", &Unbind::arguments)};
};

/// Confirms exchange.unbind.  Its number is 51, not 41.
struct UnbindOk {
  static constexpr MethodId id{40, 51};
  static constexpr std::string_view name = "exchange.unbind-ok";

  static constexpr auto fields = std::tuple{};
};

}  // namespace leveret::protocol::exchange
