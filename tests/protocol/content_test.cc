#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "protocol/codec.h"
#include "protocol/properties.h"
#include "tests/protocol/output.h"
#include "tests/protocol/random_values.h"

namespace leveret::protocol {
namespace {

/// Keepers that are handed out and given back.
struct Keepers {
  int made = 0;
  int released = 0;

  Keeper make() {
    ++made;
    return {.object = this, .release = [](void* object) { ++static_cast<Keepers*>(object)->released; }};
  }
};

/// A message put together from its frames again.
struct Assembled {
  ContentHeader header{};
  std::string body{};
  std::size_t body_frames = 0;
  std::size_t frame_size_max = 0;
};

Assembled assemble(const std::string& octets) {
  Assembled message{};
  Octets unread = as_octets(octets);
  while (!unread.empty()) {
    const std::size_t before = unread.size();
    const auto frame = take_frame(unread, 0).value();
    EXPECT_EQ(frame->channel, ChannelNumber{9});
    message.frame_size_max = std::max(message.frame_size_max, before - unread.size());
    if (frame->type == FrameType::header) {
      EXPECT_EQ(before, octets.size());
      message.header = decode_content_header(frame->payload).value();
    } else {
      message.body += as_text(frame->payload);
      ++message.body_frames;
    }
  }
  return message;
}

struct ContentCase {
  std::size_t body_size;
  std::uint32_t frame_max;
  std::size_t body_frames;
};

std::ostream& operator<<(std::ostream& stream, const ContentCase& row) {
  return stream << "body_size=" << row.body_size << " frame_max=" << row.frame_max;
}

class Content : public testing::TestWithParam<ContentCase> {};

TEST_P(Content, IsCutToFrameMax) {
  const auto& [body_size, frame_max, body_frames] = GetParam();
  const std::uint64_t seed = random_seed();
  SCOPED_TRACE("seed=" + std::to_string(seed));
  RandomValues values{seed};
  const std::string_view body = values.octets(body_size);
  const std::string properties = encode_properties({.content_type = "text/plain", .delivery_mode = 2});
  Keepers keepers;
  std::vector<Octets> pieces;
  for (Octets rest = as_octets(body); !rest.empty();) {
    const std::size_t size = std::min<std::size_t>(rest.size(), values.below(20000));
    pieces.push_back(rest.first(size));
    rest = rest.subspan(size);
  }
  {
    OutputBuffer output;
    append_content(ChannelNumber{9}, as_octets(properties), body_size, pieces, frame_max, output,
                   [&](Octets) { return keepers.make(); });
    const std::string octets = unwritten(output);
    const Assembled message = assemble(octets);
    EXPECT_EQ(message.header.class_id, 60);
    EXPECT_EQ(message.header.weight, 0);
    EXPECT_EQ(message.header.body_size, body_size);
    EXPECT_EQ(as_text(message.header.properties), properties);
    EXPECT_EQ(message.body, body);
    EXPECT_EQ(message.body_frames, body_frames);
    if (frame_max != 0) {
      EXPECT_LE(message.frame_size_max, frame_max);
    }
  }
  EXPECT_EQ(keepers.made, keepers.released);
  EXPECT_EQ(keepers.made > 0, body_size >= external_body_size_min);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Content,
                         testing::Values(ContentCase{0, 4096, 0}, ContentCase{1, 4096, 1}, ContentCase{4088, 4096, 1},
                                         ContentCase{4089, 4096, 2}, ContentCase{8176, 4096, 2},
                                         ContentCase{8177, 4096, 3}, ContentCase{16383, 131072, 1},
                                         ContentCase{16384, 131072, 1}, ContentCase{100000, 131072, 1},
                                         ContentCase{300000, 131072, 3}, ContentCase{300000, 0, 1},
                                         ContentCase{50000, 4096, 13}));

}  // namespace
}  // namespace leveret::protocol
