#include "protocol/frame.h"

#include <algorithm>
#include <string>

#include "protocol/erlang_term.h"

namespace leveret::protocol {
namespace {

/// `type 1, first 16 octets = <<...>>`
std::string snippet(unsigned type, Octets payload) {
  constexpr std::size_t snippet_size = 16;
  const bool is_whole = payload.size() <= snippet_size;
  const std::string text = "type " + std::to_string(type) + ", " +
                           (is_whole ? "all" : "first " + std::to_string(snippet_size)) + " octets = ";
  return text + erlang_pretty(is_whole ? payload : payload.first(snippet_size), text.size());
}

bool is_known(std::uint8_t type) {
  return (type >= static_cast<std::uint8_t>(FrameType::method) && type <= static_cast<std::uint8_t>(FrameType::body)) ||
         type == static_cast<std::uint8_t>(FrameType::heartbeat);
}

}  // namespace

AmqpError unknown_frame(const Frame& frame) {
  return frame_error(snippet(static_cast<unsigned>(frame.type), frame.payload) + ": unknown_frame");
}

AmqpError unexpected_frame(const Frame& frame) {
  return unexpected_frame(snippet(static_cast<unsigned>(frame.type), frame.payload));
}

Result<std::optional<Frame>> take_frame(Octets& unread, std::uint32_t frame_max) {
  if (unread.size() < frame_header_size) return std::optional<Frame>{};
  const std::uint8_t type = unread[0];
  const std::uint32_t size = load<std::uint32_t>(unread.data() + 3);
  if (frame_max != 0 && size > frame_max)
    return frame_error(snippet(type, {}) + ": {frame_too_large," + std::to_string(size) + "," +
                       std::to_string(frame_max - frame_overhead) + "}");
  if (unread.size() - frame_header_size <= size) return std::optional<Frame>{};

  const Frame frame{.type = FrameType{type},
                    .channel = ChannelNumber{load<std::uint16_t>(unread.data() + 1)},
                    .payload = unread.subspan(frame_header_size, size)};
  const std::uint8_t end = unread[frame_header_size + size];
  if (end != frame_end) [[unlikely]]
    return frame_error(snippet(type, frame.payload) + ": {invalid_frame_end_marker," + std::to_string(end) + "}");
  if (!is_known(type)) [[unlikely]]
    return unknown_frame(frame);
  if (frame.type == FrameType::heartbeat) {
    if (!frame.payload.empty()) return unknown_frame(frame);
    if (frame.channel != ChannelNumber{0}) return unexpected_frame(frame);
  }
  unread = unread.subspan(frame_overhead + size);
  return std::optional<Frame>{frame};
}

void append_heartbeat(OutputBuffer& output) {
  static constexpr std::array<std::uint8_t, frame_overhead> heartbeat{
      static_cast<std::uint8_t>(FrameType::heartbeat), 0, 0, 0, 0, 0, 0, frame_end};
  output.append(heartbeat);
}

std::optional<ProtocolVersion> parse_protocol_header(Octets header) {
  struct Row {
    std::array<std::uint8_t, 8> header;
    ProtocolVersion version;
  };
  static constexpr std::array<Row, 4> rows{{{protocol_header, version_0_9},
                                            {{'A', 'M', 'Q', 'P', 1, 1, 0, 9}, version_0_9},
                                            {{'A', 'M', 'Q', 'P', 1, 1, 8, 0}, version_0_8},
                                            {{'A', 'M', 'Q', 'P', 1, 1, 9, 1}, version_0_8}}};
  for (const Row& row : rows)
    if (std::ranges::equal(row.header, header)) return row.version;
  return {};
}

}  // namespace leveret::protocol
