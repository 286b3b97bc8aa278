#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "broker/ids.h"

namespace leveret::broker {

/// The pseudo-queue of direct reply-to.
inline constexpr std::string_view reply_queue = "amq.rabbitmq.reply-to";

/// Where the answer to a direct reply-to request goes.  Its name, which clients only pass on, is
///
///     amq.rabbitmq.reply-to. | shard, session, consumer in hexadecimal, by dots | . | a seal that nobody else can make
struct ReplyAddress {
  ShardIndex shard{};
  SessionId session{};
  ConsumerId consumer{};
};

std::string name_of(const ReplyAddress& address);
/// Nothing for a name that this process has not made.
std::optional<ReplyAddress> parse_reply_address(std::string_view name);

}  // namespace leveret::broker
