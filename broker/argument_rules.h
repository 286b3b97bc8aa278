#pragma once
#include <span>
#include <string>
#include <string_view>

#include "broker/queue_type.h"
#include "protocol/field_table.h"
#include "protocol/reply_code.h"

namespace leveret::broker {

struct QueueDeclaration;

/// Arguments that a second declaration must repeat; all others may differ.
extern const std::span<const std::string_view> compared_exchange_arguments;
std::span<const std::string_view> compared_queue_arguments(QueueType type);

/// Compares a declaration with what is there: 406 "inequivalent arg ..." in RabbitMQ's words where they differ.
class EquivalenceCheck {
 public:
  /// `subject` as in "queue 'q' in vhost '/'".
  explicit EquivalenceCheck(std::string subject) : subject_(std::move(subject)) {}

  protocol::Result<void> text(std::string_view name, std::string_view current, std::string_view received) const;
  protocol::Result<void> flag(std::string_view name, bool current, bool received) const;
  protocol::Result<void> arguments(protocol::FieldTable current, protocol::FieldTable received,
                                   std::span<const std::string_view> names) const;

 private:
  protocol::AmqpError refusal(std::string_view name, std::string_view current, std::string_view received) const;
  std::string subject_;
};

/// Checks the attributes and arguments of a queue that is to be made, each by the rule its name has in one table; 406
/// in RabbitMQ's words.  `queue` as "'q' in vhost '/'".
protocol::Result<void> check_queue_declaration(const QueueDeclaration& declaration, std::string_view queue);

/// 406 when an argument that names an exchange is no string.  `subject` as "queue 'q' in vhost '/'".
protocol::Result<void> check_name_argument(protocol::FieldTable arguments, std::string_view name,
                                           std::string_view subject);

/// Checks the arguments of a consumer; 406 in RabbitMQ's words.  `queue` as "'q' in vhost '/'".
protocol::Result<void> check_consumer_arguments(protocol::FieldTable arguments, QueueType type, std::string_view queue);

/// 406 when a message's expiration is no number of milliseconds.
protocol::Result<void> check_expiration(std::string_view expiration);

/// RabbitMQ's name of a value's type, as in its texts: "longstr", "signedint".
std::string_view type_name(const protocol::FieldValue& value);

/// 405 for a queue that is exclusive to another connection, or is not while it should be.
protocol::AmqpError exclusive_refusal(std::string_view queue);

/// 503 for a word that is no type of exchange, in the words RabbitMQ has for it.
protocol::AmqpError unknown_exchange_type(std::string_view type);

/// 406 when a headers binding's x-match is none of all, any, all-with-x, any-with-x.
protocol::Result<void> check_headers_binding(protocol::FieldTable arguments);

}  // namespace leveret::broker
