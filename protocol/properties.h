#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "protocol/field_table.h"
#include "protocol/method.h"
#include "protocol/octets.h"
#include "protocol/reply_code.h"

namespace leveret::protocol {

/// What goes with a message beside its body; all of it optional, and views into what was decoded.
///
///     flags : short, one bit per property from the highest down | those that are present, in this order
///
/// The two lowest flags stand for nothing and are ignored, as RabbitMQ does.  AMQP 0-9-1, section 4.2.6.1.
struct BasicProperties {
  std::optional<ShortString> content_type{};
  std::optional<ShortString> content_encoding{};
  std::optional<FieldTable> headers{};
  std::optional<std::uint8_t> delivery_mode{};  // 1 transient, 2 persistent
  std::optional<std::uint8_t> priority{};
  std::optional<ShortString> correlation_id{};
  std::optional<ShortString> reply_to{};
  std::optional<ShortString> expiration{};  // milliseconds, as decimal text
  std::optional<ShortString> message_id{};
  std::optional<std::uint64_t> timestamp{};  // seconds since 1970
  std::optional<ShortString> type{};
  std::optional<ShortString> user_id{};
  std::optional<ShortString> app_id{};
  std::optional<ShortString> cluster_id{};

  static constexpr auto fields = std::tuple{field("content-type", &BasicProperties::content_type),
                                            field("content-encoding", &BasicProperties::content_encoding),
                                            field("headers", &BasicProperties::headers),
                                            field("delivery-mode", &BasicProperties::delivery_mode),
                                            field("priority", &BasicProperties::priority),
                                            field("correlation-id", &BasicProperties::correlation_id),
                                            field("reply-to", &BasicProperties::reply_to),
                                            field("expiration", &BasicProperties::expiration),
                                            field("message-id", &BasicProperties::message_id),
                                            field("timestamp", &BasicProperties::timestamp),
                                            field("type", &BasicProperties::type),
                                            field("user-id", &BasicProperties::user_id),
                                            field("app-id", &BasicProperties::app_id),
                                            field("cluster-id", &BasicProperties::cluster_id)};
};

/// Errors: internal_error without a text, which is RabbitMQ's answer to properties that it cannot decode: cut short,
/// too long, or with a malformed table of headers.
Result<BasicProperties> decode_properties(Octets properties);

/// What has to be known of every message.
struct EssentialProperties {
  std::optional<std::uint8_t> delivery_mode{};
  std::optional<std::uint8_t> priority{};
  std::optional<ShortString> expiration{};
  /// Headers, reply-to or user-id are there as well: what may change a message, or where it goes.
  bool are_not_all = false;
};

/// Validates all of them, in one pass.  Errors: those of decode_properties.
Result<EssentialProperties> decode_essential_properties(Octets properties);

/// Flags and properties, as they follow the body size in a content header.
std::string encode_properties(const BasicProperties& properties);

/// The headers, without decoding the others.  Of valid properties; of any others at most nothing.
std::optional<FieldTable> headers_of(Octets properties);

/// The same properties with one header more, in place of any of its name.  Of valid properties.
std::string with_header(Octets properties, std::string_view name, std::int64_t value);

/// The payload of a content header frame.
///
///     class : short | weight : short, always 0 | body size : longlong | properties
///
/// `properties` points into the payload and is not looked into.  AMQP 0-9-1, section 4.2.6.1.
struct ContentHeader {
  std::uint16_t class_id{};
  std::uint16_t weight{};
  std::uint64_t body_size{};
  Octets properties{};
};

inline constexpr std::size_t content_header_size_min = 12;

/// Errors: frame_error when it is too short to hold the first three.
Result<ContentHeader> decode_content_header(Octets payload);

}  // namespace leveret::protocol
