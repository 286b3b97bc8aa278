#pragma once
#include <cstdint>
#include <tuple>

#include "protocol/method.h"

/// Publisher confirms, RabbitMQ's extension.  Class 85.
namespace leveret::protocol::confirm {

/// From here on the server confirms what is published on the channel.
struct Select {
  static constexpr MethodId id{85, 10};
  static constexpr std::string_view name = "confirm.select";

  bool nowait{};

  static constexpr auto fields = std::tuple{field("nowait", &Select::nowait)};
};

/// Confirms confirm.select.
struct SelectOk {
  static constexpr MethodId id{85, 11};
  static constexpr std::string_view name = "confirm.select-ok";

  static constexpr auto fields = std::tuple{};
};

}  // namespace leveret::protocol::confirm
