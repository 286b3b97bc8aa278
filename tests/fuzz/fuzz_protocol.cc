#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "protocol/codec.h"
#include "protocol/properties.h"

/// Reads its input as a stream of frames, as a connection does, and takes each one apart.  What can be decoded must
/// come out the same after it has been encoded and decoded again; all else must be refused without a fault.
namespace leveret::protocol {
namespace {

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

std::string unwritten(const OutputBuffer& output) {
  std::array<iovec, 256> pieces{};
  std::string text;
  for (std::size_t i = 0, count = output.fill(pieces); i < count; ++i)
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return text;
}

template <Method M>
std::string encoded(const M& method) {
  OutputBuffer output;
  encode(method, ChannelNumber{1}, output);
  return unwritten(output);
}

struct CheckRoundTrip {
  template <Method M>
  Result<void> operator()(const M& method) const {
    const std::string frame = encoded(method);
    Octets unread = as_octets(frame);
    const auto taken = take_frame(unread, 0);
    check(taken && *taken && unread.empty(), "an encoded method is one frame");
    const auto again = decode<M>((*taken)->payload.subspan(method_id_size));
    check(again.has_value(), "an encoded method is decoded");
    check(encoded(*again) == frame, "a method is the same after encoding and decoding");
    check(describe(*again) == describe(method), "a method's description is the same, too");
    return {};
  }
};

void check_method(Octets payload) {
  if (dispatch(payload, CheckRoundTrip{}) || payload.size() < method_id_size) return;
  const MethodId id{load<std::uint16_t>(payload.data()), load<std::uint16_t>(payload.data() + 2)};
  const CheckRoundTrip visitor{};
  (void)dispatch_among(ServerMethods{}, id, payload.subspan(method_id_size), visitor);
}

/// Whatever a table's octets are, its entries can be asked for.
void walk(FieldTable table) {
  for (const auto& [name, value] : table) (void)value.as_integer();
}

void check_header(Octets payload) {
  const auto header = decode_content_header(payload);
  if (!header) return;
  if (const auto headers = headers_of(header->properties)) walk(*headers);
  const auto properties = decode_properties(header->properties);
  const auto essential = decode_essential_properties(header->properties);
  check(essential.has_value() == properties.has_value(), "one pass refuses what the other refuses");
  if (!properties) return;
  check(essential->delivery_mode == properties->delivery_mode, "the delivery mode is the same when alone");
  const std::string again = encode_properties(*properties);
  check(as_text(header->properties).substr(2) == std::string_view{again}.substr(2), "properties are encoded as before");
  check(encode_properties(decode_properties(as_octets(again)).value()) == again, "and once more");
}

void check_table(Octets entries) {
  walk(FieldTable{entries});
  if (!FieldTable::validate(entries)) return;
  (void)describe(FieldTable{entries});
  FieldTableBuilder again;
  for (const auto& [name, value] : FieldTable{entries}) {
    const bool is_number = value.as_double().has_value();  // a NaN does not equal itself
    check(is_number || value.as_table() || value.as_array() || equivalent(value, value), "a value equals itself");
    again.put_value(name, value);
  }
  check(again.take() == as_text(entries), "a table is built again from its values");
}

void check_content(Octets body) {
  OutputBuffer output;
  constexpr std::uint32_t frame_max = 4096;
  append_content(ChannelNumber{1}, as_octets(std::string_view{"\0\0", 2}), body.size(), {&body, 1}, frame_max, output,
                 [](Octets) { return Keeper{}; });
  const std::string frames = unwritten(output);
  std::string again;
  for (Octets unread = as_octets(frames); !unread.empty();) {
    const auto frame = take_frame(unread, frame_max).value();
    if (frame->type == FrameType::body) again += as_text(frame->payload);
  }
  check(again == as_text(body), "a body is put together from its frames");
}

void check_frames(Octets unread) {
  constexpr std::uint32_t frame_max = 131072;
  (void)parse_protocol_header(unread);
  while (true) {
    const auto frame = take_frame(unread, frame_max);
    if (!frame || !*frame) return;
    switch ((*frame)->type) {
      case FrameType::method:
        check_method((*frame)->payload);
        break;
      case FrameType::header:
        check_header((*frame)->payload);
        break;
      case FrameType::body:
        check_table((*frame)->payload);
        check_content((*frame)->payload);
        break;
      case FrameType::heartbeat:
        break;
    }
  }
}

}  // namespace
}  // namespace leveret::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::protocol::check_frames({data, size});
  return 0;
}
