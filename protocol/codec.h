#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "protocol/byte_order.h"
#include "protocol/decoder.h"
#include "protocol/encoder.h"
#include "protocol/frame.h"
#include "protocol/methods.h"
#include "protocol/octets.h"
#include "protocol/output_buffer.h"
#include "protocol/reply_code.h"
#include "protocol/utf8.h"

namespace leveret::protocol {

inline constexpr std::size_t method_id_size = 4;

/// Writes a frame's first 7 octets at `frame` and its end octet at `payload_end`; returns where the next frame goes.
inline std::uint8_t* finish_frame(std::uint8_t* frame, FrameType type, ChannelNumber channel,
                                  std::uint8_t* payload_end) {
  *frame = static_cast<std::uint8_t>(type);
  store(frame + 1, static_cast<std::uint16_t>(channel));
  store(frame + 3, static_cast<std::uint32_t>(payload_end - (frame + frame_header_size)));
  *payload_end = frame_end;
  return payload_end + 1;
}

/// Room that is enough for a method's arguments.
template <Method M>
std::size_t encoded_size_max(const M& method) {
  return std::apply([&](auto... field) { return (std::size_t{0} + ... + encoded_size_max(method.*field.member)); },
                    M::fields);
}

/// Writes a whole method frame.  A short string is cut to 255 octets; the frame is not compared with frame_max.
template <Method M>
void encode(const M& method, ChannelNumber channel, OutputBuffer& output) {
  std::uint8_t* frame = output.prepare(frame_overhead + method_id_size + encoded_size_max(method));
  Encoder encoder{frame + frame_header_size};
  encoder.put(M::id.class_id);
  encoder.put(M::id.method_id);
  std::apply([&](auto... field) { (encoder.put(method.*field.member), ...); }, M::fields);
  output.commit(finish_frame(frame, FrameType::method, channel, encoder.end()));
}

/// Class and method of a method frame; nothing when its payload is too short to have them.
inline std::optional<MethodId> method_id_of(Octets method_payload) {
  if (method_payload.size() < method_id_size) return {};
  return MethodId{load<std::uint16_t>(method_payload.data()), load<std::uint16_t>(method_payload.data() + 2)};
}

/// RabbitMQ's answers to arguments that do not fit their method, and to a method it does not know.
AmqpError cannot_decode(MethodId method, Octets arguments);
AmqpError malformed_utf8(MethodId method);
AmqpError unknown_method(MethodId method);

/// Whether the short strings among a method's fields are UTF-8.  Those of a method with content may be anything.
template <Method M>
bool has_valid_utf8(const M& method) {
  const auto is_valid = [](const auto& value) {
    if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, ShortString>)
      return content_follows<M> || is_utf8(value);
    else
      return true;
  };
  return std::apply([&](auto... field) { return (is_valid(method.*field.member) && ...); }, M::fields);
}

/// Decodes what follows class and method id; the views in the method point into `arguments`.
///
/// Errors: frame_error for arguments cut short, too long, with a malformed field table, or with a short string that
/// is not UTF-8.
template <Method M>
Result<M> decode(Octets arguments) {
  M method{};
  Decoder decoder{arguments};
  std::apply([&](auto... field) { (decoder.get(method.*field.member), ...); }, M::fields);
  if (decoder.has_failed() || !decoder.is_at_end()) [[unlikely]]
    return cannot_decode(M::id, arguments);
  if (!has_valid_utf8(method)) [[unlikely]]
    return malformed_utf8(M::id);
  return method;
}

/// Decodes one method and calls `visitor` with it; an error without a method gets this one.
template <Method M, class Visitor>
Result<void> decode_and_visit(Octets arguments, Visitor& visitor) {
  const Result<M> method = decode<M>(arguments);
  if (!method) [[unlikely]]
    return method.error();
  Result<void> result = visitor(*method);
  if (!result && result.error().method == MethodId{}) [[unlikely]] {
    AmqpError error = result.error();
    error.method = M::id;
    return error;
  }
  return result;
}

/// Finds the method with that id in the list, decodes it and visits it.
template <Method First, Method... Rest, class Visitor>
Result<void> dispatch_among(MethodList<First, Rest...>, MethodId id, Octets arguments, Visitor& visitor) {
  if (id == First::id) return decode_and_visit<First>(arguments, visitor);
  if constexpr (sizeof...(Rest) > 0)
    return dispatch_among(MethodList<Rest...>{}, id, arguments, visitor);
  else
    return unknown_method(id);
}

/// Decodes the payload of a method frame from a client and calls `visitor(method)`, a `Result<void>`, with it.
///
/// Errors: the visitor's own, with this method where it names none; those of decode; command_invalid for a method
/// that is not among ClientMethods; frame_error for a payload without class and method id.
template <class Visitor>
Result<void> dispatch(Octets method_payload, Visitor&& visitor) {
  const auto id = method_id_of(method_payload);
  if (!id) [[unlikely]]
    return unknown_frame({.type = FrameType::method, .payload = method_payload});
  return dispatch_among(ClientMethods{}, *id, method_payload.subspan(method_id_size), visitor);
}

/// Where the keepers of a body's octets come from: one is made for each run of them that is referred to.
struct KeeperSource {
  void* context = nullptr;
  Keeper (*make)(void* context, Octets octets) = nullptr;
};

/// Bodies from this size on stay where they are; smaller ones are copied.
inline constexpr std::size_t external_body_size_min = 16 * 1024;

/// Writes a content header frame of class basic and the body frames, none larger than `frame_max` (0 is no limit).
///
/// `properties` are flags and properties as a content header has them; the pieces of `body` are `body_size` octets
/// together.  `keepers` is asked only for a body of external_body_size_min octets or more.
void append_content(ChannelNumber channel, Octets properties, std::uint64_t body_size, std::span<const Octets> body,
                    std::uint32_t frame_max, OutputBuffer& output, KeeperSource keepers);

/// The same with a function `Keeper keeper_for(Octets)`.
template <std::invocable<Octets> KeeperFor>
void append_content(ChannelNumber channel, Octets properties, std::uint64_t body_size, std::span<const Octets> body,
                    std::uint32_t frame_max, OutputBuffer& output, KeeperFor&& keeper_for) {
  using Function = std::remove_reference_t<KeeperFor>;
  const KeeperSource keepers{
      .context = const_cast<void*>(static_cast<const void*>(&keeper_for)),
      .make = [](void* context, Octets octets) -> Keeper { return (*static_cast<Function*>(context))(octets); }};
  append_content(channel, properties, body_size, body, frame_max, output, keepers);
}

/// Append `name=value, ` unless the value is the default one.  A long string may be a secret: only its size appears.
void describe_field(std::string& text, std::string_view name, bool value);
void describe_field(std::string& text, std::string_view name, ShortString value);
void describe_field(std::string& text, std::string_view name, LongString value);
void describe_field(std::string& text, std::string_view name, FieldTable value);
void describe_field(std::string& text, std::string_view name, std::unsigned_integral auto value) {
  if (value != 0) text.append(name).append("=").append(std::to_string(value)).append(", ");
}
inline void describe_field(std::string& text, std::string_view name, DeliveryTag value) {
  describe_field(text, name, static_cast<std::uint64_t>(value));
}

/// `queue.declare{queue="a", durable=true}`, for a log line: what differs from the default.
template <Method M>
std::string describe(const M& method) {
  std::string text = std::string{M::name} + '{';
  const std::size_t start = text.size();
  std::apply([&](auto... field) { (describe_field(text, field.name, method.*field.member), ...); }, M::fields);
  if (text.size() > start) text.resize(text.size() - 2);
  return text += '}';
}

}  // namespace leveret::protocol
