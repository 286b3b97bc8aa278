#pragma once
#include <string_view>
#include <vector>

#include "protocol/field_table.h"
#include "protocol/reply_code.h"

/// RabbitMQ's sender-selected distribution: the headers CC and BCC, arrays of text, name further routing keys.
namespace leveret::broker {

/// The one that consumers do not see.
inline constexpr std::string_view hidden_copies_header = "BCC";

/// Errors: precondition_failed when one of the two is something else than an array.
protocol::Result<void> check_carbon_copies(protocol::FieldTable headers);

/// A message's own routing key first, then those in CC and BCC.  The views are into the two.
std::vector<std::string_view> routing_keys_of(std::string_view routing_key, protocol::FieldTable headers);

}  // namespace leveret::broker
