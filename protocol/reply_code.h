#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include "protocol/octets.h"

namespace leveret::protocol {

/// Why a channel or a connection is closed, or a message returned.  AMQP 0-9-1, section 1.2 of the reference.
enum class ReplyCode : std::uint16_t {
  reply_success = 200,
  content_too_large = 311,
  no_route = 312,
  no_consumers = 313,
  connection_forced = 320,
  invalid_path = 402,
  access_refused = 403,
  not_found = 404,
  resource_locked = 405,
  precondition_failed = 406,
  frame_error = 501,
  syntax_error = 502,
  command_invalid = 503,
  channel_error = 504,
  unexpected_frame = 505,
  resource_error = 506,
  not_allowed = 530,
  not_implemented = 540,
  internal_error = 541,
};

/// What an error closes: the channel it happened on (a soft error), or the whole connection (a hard one).
enum class Scope { channel, connection };

Scope scope_of(ReplyCode code);

/// `NOT_FOUND`, `ACCESS_REFUSED` ...; empty for a number that is no reply code.
std::string_view name_of(ReplyCode code);

/// What the peer did that AMQP forbids.  `text` is the explanation alone, without the code's name.
///
/// `method` is the one that was refused ({0, 0} where there is none); channel.close and connection.close name it.
struct AmqpError {
  ReplyCode code = ReplyCode::internal_error;
  std::string text{};
  MethodId method{};
  std::optional<Scope> scope_override{};

  Scope scope() const { return scope_override.value_or(scope_of(code)); }

  /// `NOT_FOUND - no queue 'a' in vhost '/'`, or the name alone without an explanation.  At most 255 octets:
  /// a longer one keeps its first 252 and ends in "...".
  std::string reply_text() const;
};

/// The answer of everything that a peer's request may fail.
template <class T>
using Result = boost::system::result<T, AmqpError>;

/// Result::value() of a refusal: throws std::logic_error, for whoever asks has not looked.
[[noreturn]] void throw_exception_from_error(const AmqpError& error, const boost::source_location& location);

AmqpError access_refused(std::string text);
AmqpError not_found(std::string text);
AmqpError resource_locked(std::string text);
AmqpError precondition_failed(std::string text);
AmqpError frame_error(std::string text);
AmqpError syntax_error(std::string text);
AmqpError command_invalid(std::string text);
AmqpError channel_error(std::string text);
AmqpError unexpected_frame(std::string text);
AmqpError resource_error(std::string text);
AmqpError not_allowed(std::string text);
AmqpError not_implemented(std::string text);
AmqpError internal_error(std::string text);

}  // namespace leveret::protocol
