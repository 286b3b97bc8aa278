#pragma once
#include <cstdint>
#include <tuple>

#include "protocol/method.h"

/// Tickets for realms, of an older version of the protocol; still answered.  Class 30.
namespace leveret::protocol::access {

/// Asks for a ticket.
struct Request {
  static constexpr MethodId id{30, 10};
  static constexpr std::string_view name = "access.request";

  ShortString realm{};
  bool exclusive{};
  bool passive{};
  bool active{};
  bool write{};
  bool read{};

  static constexpr auto fields = std::tuple{
      field("realm", &Request::realm),   field("exclusive", &Request::exclusive), field("passive", &Request::passive),
      field("active", &Request::active), field("write", &Request::write),         field("read", &Request::read)};
};

/// Grants a ticket, which means nothing.
struct RequestOk {
  static constexpr MethodId id{30, 11};
  static constexpr std::string_view name = "access.request-ok";

  std::uint16_t ticket{};

  static constexpr auto fields = std::tuple{field("ticket", &RequestOk::ticket)};
};

}  // namespace leveret::protocol::access
