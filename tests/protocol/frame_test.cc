#include "protocol/frame.h"

#include <gtest/gtest.h>

#include <vector>

#include "protocol/byte_order.h"
#include "tests/protocol/output.h"

namespace leveret::protocol {
namespace {

using namespace std::string_literals;

std::string frame_of(std::uint8_t type, std::uint16_t channel, std::string_view payload, std::uint8_t end = frame_end) {
  std::string text(frame_header_size, '\0');
  auto* octets = reinterpret_cast<std::uint8_t*>(text.data());
  octets[0] = type;
  store(octets + 1, channel);
  store(octets + 3, static_cast<std::uint32_t>(payload.size()));
  return text.append(payload).append(1, static_cast<char>(end));
}

TEST(Frame, IsTakenWhenItHasAllArrived) {
  const std::string octets = frame_of(1, 5, "first") + frame_of(3, 300, "") + frame_of(2, 1, "third");
  Octets unread = as_octets(octets);
  const auto first = take_frame(unread, 4096);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->type, FrameType::method);
  EXPECT_EQ((*first)->channel, ChannelNumber{5});
  EXPECT_EQ(as_text((*first)->payload), "first");
  const auto second = take_frame(unread, 4096);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->type, FrameType::body);
  EXPECT_EQ((*second)->channel, ChannelNumber{300});
  EXPECT_TRUE((*second)->payload.empty());
  ASSERT_TRUE(take_frame(unread, 4096).value());
  EXPECT_TRUE(unread.empty());
  EXPECT_FALSE(take_frame(unread, 4096).value());
}

TEST(Frame, WaitsWhereverItIsCut) {
  const std::string octets = frame_of(1, 5, "payload");
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const std::vector<std::uint8_t> arrived{octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size)};
    Octets unread{arrived};
    const auto frame = take_frame(unread, 4096);
    ASSERT_TRUE(frame) << size;
    EXPECT_FALSE(*frame) << size;
    EXPECT_EQ(unread.size(), size);
  }
}

TEST(Frame, MayExceedFrameMaxByEightOctets) {
  const std::string octets = frame_of(3, 1, std::string(4096, 'a'));
  Octets unread = as_octets(octets);
  EXPECT_TRUE(take_frame(unread, 4096).value());
}

TEST(Frame, MayHaveAnySizeWithoutALimit) {
  const std::string octets = frame_of(3, 1, std::string(1000000, 'a'));
  Octets unread = as_octets(octets);
  EXPECT_TRUE(take_frame(unread, 0).value());
}

struct BadFrameCase {
  std::string octets;
  std::string_view reply_text;
};

std::ostream& operator<<(std::ostream& stream, const BadFrameCase& row) {
  return stream << row.reply_text;
}

class BadFrame : public testing::TestWithParam<BadFrameCase> {};

TEST_P(BadFrame, IsRefusedInTheWordsOfRabbitMq) {
  Octets unread = as_octets(GetParam().octets);
  const auto frame = take_frame(unread, 4096);
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().reply_text(), GetParam().reply_text);
  EXPECT_EQ(unread.size(), GetParam().octets.size());
}

INSTANTIATE_TEST_SUITE_P(
    Frames, BadFrame,
    testing::Values(
        BadFrameCase{frame_of(1, 1, "\0\x32\0\x63"s, 0),
                     "FRAME_ERROR - type 1, all octets = <<0,50,0,99>>: {invalid_frame_end_marker,0}"},
        BadFrameCase{frame_of(1, 1, "\0\x32\0\x63hello world, this is long"s, 127),
                     "FRAME_ERROR - type 1, first 16 octets = <<0,50,0,99,104,101,108,108,111,32,119,111,114,108,\n"
                     "                            100,44>>: {invalid_frame_end_marker,127}"},
        BadFrameCase{frame_of(3, 1, std::string(4097, 'a')).substr(0, frame_header_size),
                     "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}"},
        BadFrameCase{frame_of(0, 1, "abc"), "FRAME_ERROR - type 0, all octets = <<\"abc\">>: unknown_frame"},
        BadFrameCase{frame_of(4, 0, "abc"), "FRAME_ERROR - type 4, all octets = <<\"abc\">>: unknown_frame"},
        BadFrameCase{frame_of(0, 1, "hello world, this is long"),
                     "FRAME_ERROR - type 0, first 16 octets = <<\"hello world, thi\">>: unknown_frame"},
        BadFrameCase{frame_of(8, 0, "abc"), "FRAME_ERROR - type 8, all octets = <<\"abc\">>: unknown_frame"},
        BadFrameCase{frame_of(8, 1, ""), "UNEXPECTED_FRAME - type 8, all octets = <<>>"}));

TEST(Frame, OnTheWrongChannelIsUnexpected) {
  EXPECT_EQ(unexpected_frame(Frame{.type = FrameType::header, .payload = as_octets("\0\x3C"s)}).reply_text(),
            "UNEXPECTED_FRAME - type 2, all octets = <<0,60>>");
}

TEST(Frame, OfAHeartbeatIsEmpty) {
  OutputBuffer output;
  append_heartbeat(output);
  EXPECT_EQ(unwritten(output), "\x08\0\0\0\0\0\0\xCE"s);
  const std::string octets = unwritten(output);
  Octets unread = as_octets(octets);
  EXPECT_EQ(take_frame(unread, 4096).value()->type, FrameType::heartbeat);
}

TEST(ProtocolHeader, IsAcceptedInRabbitMqsForms) {
  EXPECT_EQ(parse_protocol_header(protocol_header), version_0_9);
  EXPECT_EQ(parse_protocol_header(as_octets("AMQP\0\0\x09\1"s)), version_0_9);
  EXPECT_EQ(parse_protocol_header(as_octets("AMQP\1\1\0\x09"s)), version_0_9);
  EXPECT_EQ(parse_protocol_header(as_octets("AMQP\1\1\x08\0"s)), version_0_8);
  EXPECT_EQ(parse_protocol_header(as_octets("AMQP\1\1\x09\1"s)), version_0_8);
}

TEST(ProtocolHeader, IsRefusedInAnyOther) {
  for (const std::string& header : {"AMQP\0\0\x09\0"s, "AMQP\0\0\x08\0"s, "AMQP\0\1\0\0"s, "AMQP\3\1\0\0"s, "GET / HT"s,
                                    "AMQP"s, ""s, "AMQP\0\0\x09\1\0"s})
    EXPECT_FALSE(parse_protocol_header(as_octets(header))) << header;
}

}  // namespace
}  // namespace leveret::protocol
