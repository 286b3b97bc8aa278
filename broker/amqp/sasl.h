#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace leveret::broker::amqp {

enum class SaslMechanism { plain, amqplain, anonymous };

std::optional<SaslMechanism> sasl_mechanism(std::string_view name);
std::string_view name_of(SaslMechanism mechanism);

struct Credentials {
  std::string user{};
  std::string password{};
};

/// What a client's response says; nothing when it is malformed.
///
/// - PLAIN (RFC 4616): authorization identity, NUL, user, NUL, password.
/// - AMQPLAIN: the entries of a field table with LOGIN and PASSWORD, without its size.
std::optional<Credentials> parse_plain(std::string_view response);
std::optional<Credentials> parse_amqplain(std::string_view response);

}  // namespace leveret::broker::amqp
