#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/byte_order.h"
#include "protocol/octets.h"
#include "protocol/output_buffer.h"
#include "protocol/reply_code.h"

namespace leveret::protocol {

enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

/// type, channel and size before the payload; the end octet after it.
inline constexpr std::size_t frame_header_size = 7;
inline constexpr std::size_t frame_overhead = 8;
inline constexpr std::uint8_t frame_end = 0xCE;

/// No peer may agree on a smaller frame_max.
inline constexpr std::uint32_t frame_size_min = 4096;

/// One frame as it stands in the read buffer.
///
///     type : octet | channel : short | size : long | payload : `size` octets | end : 0xCE
///
/// `payload` points into that buffer and lives as long as it does.  AMQP 0-9-1, section 4.2.3.
struct Frame {
  FrameType type = FrameType::method;
  ChannelNumber channel{};
  Octets payload{};
};

/// Takes the first whole frame off `unread`; nothing when it has not all arrived.
///
/// `frame_max` counts octets of the whole frame, as connection.tune does; 0 is no limit.  As in RabbitMQ a frame may
/// exceed it by 8 octets.  What is wrong with a frame's first octets is found as soon as these have arrived.
///
/// Errors, in RabbitMQ's words; `unread` is then left as it was:
/// - frame_error for a larger frame, a wrong end octet, a type that is none of the four, a heartbeat with a payload;
/// - unexpected_frame for a heartbeat that is not on channel 0.
Result<std::optional<Frame>> take_frame(Octets& unread, std::uint32_t frame_max);

/// The same, inline, for nearly every frame there is: a whole method, header or body frame.  Nothing, and `unread` left
/// as it was, where `take_frame` has to look closer.
inline std::optional<Frame> take_common_frame(Octets& unread, std::uint32_t frame_max) {
  if (unread.size() < frame_overhead) return {};
  const std::uint8_t* octets = unread.data();
  const std::uint32_t size = load<std::uint32_t>(octets + 3);
  const bool is_allowed = frame_max == 0 || size <= frame_max;
  if (!is_allowed || size > unread.size() - frame_overhead || octets[frame_header_size + size] != frame_end) return {};
  if (octets[0] < 1 || octets[0] > 3) return {};
  const Frame frame{.type = FrameType{octets[0]},
                    .channel = ChannelNumber{load<std::uint16_t>(octets + 1)},
                    .payload = unread.subspan(frame_header_size, size)};
  unread = unread.subspan(frame_overhead + size);
  return frame;
}

/// The answer to a whole frame that means nothing: `type 2, all octets = <<0,60,0>>: unknown_frame`.
AmqpError unknown_frame(const Frame& frame);

/// The answer to a frame where none of its type may come, content on channel 0 for one:
/// `type 2, all octets = <<0,60,0>>`.
AmqpError unexpected_frame(const Frame& frame);

void append_heartbeat(OutputBuffer& output);

/// What a client sends first, and what the server answers to any other beginning.  AMQP 0-9-1, section 4.2.2.
inline constexpr std::array<std::uint8_t, 8> protocol_header{'A', 'M', 'Q', 'P', 0, 0, 9, 1};

/// The version that connection.start announces in answer to the client's header.
struct ProtocolVersion {
  std::uint8_t major{};
  std::uint8_t minor{};

  friend constexpr bool operator==(const ProtocolVersion&, const ProtocolVersion&) = default;
};

inline constexpr ProtocolVersion version_0_9{.major = 0, .minor = 9};
inline constexpr ProtocolVersion version_0_8{.major = 8, .minor = 0};

/// The version a client's first 8 octets ask for, in any of the forms RabbitMQ accepts; nothing for any other octets.
///
///     AMQP 0 0 9 1, AMQP 1 1 0 9    0-9-1 and 0-9
///     AMQP 1 1 8 0, AMQP 1 1 9 1    0-8
std::optional<ProtocolVersion> parse_protocol_header(Octets header);

}  // namespace leveret::protocol
