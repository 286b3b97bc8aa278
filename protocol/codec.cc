#include "protocol/codec.h"

#include <algorithm>
#include <limits>

#include "protocol/erlang_term.h"
#include "protocol/properties.h"

namespace leveret::protocol {
namespace {

constexpr std::uint16_t connection_class = 10;
constexpr std::uint16_t basic_class = 60;

/// Runs of a large body that are shorter than this are cheaper to copy than to refer to.
constexpr std::size_t external_run_size_min = 1024;

std::uint8_t* put_content_header(std::uint8_t* frame, ChannelNumber channel, Octets properties,
                                 std::uint64_t body_size) {
  Encoder encoder{frame + frame_header_size};
  encoder.put(basic_class);
  encoder.put(std::uint16_t{0});
  encoder.put(body_size);
  encoder.put_octets(properties);
  return finish_frame(frame, FrameType::header, channel, encoder.end());
}

/// A body's octets, taken off in runs that do not cross from one piece to the next.
class BodyReader {
 public:
  explicit BodyReader(std::span<const Octets> pieces) : pieces_{pieces} {}

  Octets take_run(std::size_t size_max) {
    while (piece_.empty()) {
      piece_ = pieces_.front();
      pieces_ = pieces_.subspan(1);
    }
    const Octets run = piece_.first(std::min(piece_.size(), size_max));
    piece_ = piece_.subspan(run.size());
    return run;
  }

 private:
  std::span<const Octets> pieces_;
  Octets piece_{};
};

void append_large_body(ChannelNumber channel, std::uint64_t body_size, std::span<const Octets> body,
                       std::uint64_t payload_max, OutputBuffer& output, KeeperSource keepers) {
  const bool is_external = body_size >= external_body_size_min;
  BodyReader reader{body};
  for (std::uint64_t left = body_size; left > 0;) {
    auto payload_left = static_cast<std::size_t>(std::min(left, payload_max));
    left -= payload_left;
    std::uint8_t* frame = output.prepare(frame_header_size);
    Encoder encoder{frame};
    encoder.put(static_cast<std::uint8_t>(FrameType::body));
    encoder.put(static_cast<std::uint16_t>(channel));
    encoder.put(static_cast<std::uint32_t>(payload_left));
    output.commit(encoder.end());
    while (payload_left > 0) {
      const Octets run = reader.take_run(payload_left);
      payload_left -= run.size();
      if (is_external && run.size() >= external_run_size_min)
        output.append_external(run, keepers.make(keepers.context, run));
      else
        output.append(run);
    }
    output.append({&frame_end, 1});
  }
}

void append_item(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append("=").append(value).append(", ");
}

}  // namespace

AmqpError cannot_decode(MethodId method, Octets arguments) {
  AmqpError error = frame_error("cannot decode " + erlang_octets(arguments));
  error.method = method;
  return error;
}

/// RabbitMQ names the method only where its connection, not its channel, has decoded it.
AmqpError malformed_utf8(MethodId method) {
  AmqpError error = frame_error("Malformed UTF-8 in shortstr");
  if (method.class_id == connection_class) error.method = method;
  return error;
}

AmqpError unknown_method(MethodId method) {
  AmqpError error = command_invalid("unimplemented method");
  error.method = method;
  return error;
}

void append_content(ChannelNumber channel, Octets properties, std::uint64_t body_size, std::span<const Octets> body,
                    std::uint32_t frame_max, OutputBuffer& output, KeeperSource keepers) {
  const std::uint64_t payload_max =
      (frame_max == 0 ? std::numeric_limits<std::uint32_t>::max() : frame_max) - frame_overhead;
  const std::size_t header_size = frame_overhead + content_header_size_min + properties.size();
  const bool is_small = body_size < external_body_size_min && body_size <= payload_max;
  if (!is_small) {
    output.commit(put_content_header(output.prepare(header_size), channel, properties, body_size));
    return append_large_body(channel, body_size, body, payload_max, output, keepers);
  }
  std::uint8_t* header = output.prepare(header_size + frame_overhead + static_cast<std::size_t>(body_size));
  std::uint8_t* end = put_content_header(header, channel, properties, body_size);
  if (body_size > 0) {
    Encoder encoder{end + frame_header_size};
    for (const Octets piece : body) encoder.put_octets(piece);
    end = finish_frame(end, FrameType::body, channel, encoder.end());
  }
  output.commit(end);
}

void describe_field(std::string& text, std::string_view name, bool value) {
  if (value) append_item(text, name, "true");
}

void describe_field(std::string& text, std::string_view name, ShortString value) {
  if (!value.empty()) append_item(text, name, '"' + std::string{value} + '"');
}

void describe_field(std::string& text, std::string_view name, LongString value) {
  if (!value.empty()) append_item(text, name, '(' + std::to_string(value.size()) + " octets)");
}

void describe_field(std::string& text, std::string_view name, FieldTable value) {
  if (!value.empty()) append_item(text, name, describe(value));
}

}  // namespace leveret::protocol
