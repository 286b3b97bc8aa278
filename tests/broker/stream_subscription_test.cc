#include "broker/streams/subscription.h"

#include <gtest/gtest.h>

#include <ostream>

#include "broker/message.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

using protocol::FieldTableBuilder;
using From = StreamOffset::From;

constexpr WallTime now{std::chrono::hours{1'000}};

struct OffsetCase {
  FieldTableBuilder argument{};
  std::optional<StreamOffset> offset{};
};

template <class T>
OffsetCase offset_case(const T& value, std::optional<StreamOffset> offset) {
  return {FieldTableBuilder{}.put("x-stream-offset", value), offset};
}

std::ostream& operator<<(std::ostream& stream, const OffsetCase& row) {
  return stream << protocol::describe(row.argument.view());
}

class StreamOffsetOf : public testing::TestWithParam<OffsetCase> {};

TEST_P(StreamOffsetOf, AnArgument) {
  const auto value = GetParam().argument.view().find("x-stream-offset");
  EXPECT_EQ(parse_stream_offset(*value, now), GetParam().offset);
}

StreamOffset since(std::chrono::milliseconds time) {
  return {.from = From::time, .time = WallTime{time}};
}

INSTANTIATE_TEST_SUITE_P(
    EachKind, StreamOffsetOf,
    testing::Values(offset_case("first", StreamOffset{.from = From::first}),
                    offset_case("last", StreamOffset{.from = From::last}),
                    offset_case("next", StreamOffset{.from = From::next}),
                    offset_case(5, StreamOffset{.from = From::position, .position = 5}),
                    offset_case(std::int64_t{1} << 40, StreamOffset{.from = From::position, .position = 1ull << 40}),
                    offset_case(-5, StreamOffset{.from = From::position, .position = 0}),
                    offset_case(protocol::Timestamp{60}, since(std::chrono::minutes{1})),
                    offset_case("10h", since(std::chrono::hours{990})), offset_case("0s", std::nullopt),
                    offset_case("10X", std::nullopt), offset_case("", std::nullopt),
                    offset_case("nonsense", std::nullopt), offset_case("first ", std::nullopt),
                    offset_case("5", std::nullopt), offset_case(true, std::nullopt), offset_case(1.5, std::nullopt)));

MessageRef message_with(const FieldTableBuilder& headers) {
  MessageBuilder builder;
  const std::string properties = protocol::encode_properties({.headers = headers.view()});
  builder.begin({.routing_key = "q"}, protocol::as_octets(properties), 0);
  return builder.finish();
}

MessageRef message_of(std::string_view value) {
  return message_with(FieldTableBuilder{}.put("x-stream-filter-value", value));
}

TEST(StreamFilter, TakesOneValueOrSeveral) {
  EXPECT_FALSE(parse_subscription({}, now).filter);
  EXPECT_FALSE(parse_subscription(FieldTableBuilder{}.put("x-stream-filter", 5).view(), now).filter);
  const auto one = FieldTableBuilder{}.put("x-stream-filter", "a");
  EXPECT_EQ(parse_subscription(one.view(), now).filter, (StreamFilter{.values = {"a"}}));
  protocol::FieldArrayBuilder values;
  values.add("a").add(7).add("b");
  const auto several = FieldTableBuilder{}.put("x-stream-filter", values).put("x-stream-match-unfiltered", true);
  EXPECT_EQ(parse_subscription(several.view(), now).filter,
            (StreamFilter{.values = {"a", "b"}, .matches_unfiltered = true}));
}

TEST(StreamFilter, LetsPassWhatItNames) {
  const StreamFilter filter{.values = {"a", "b"}};
  EXPECT_TRUE(filter.matches(*message_of("a")));
  EXPECT_TRUE(filter.matches(*message_of("b")));
  EXPECT_FALSE(filter.matches(*message_of("c")));
  EXPECT_FALSE(filter.matches(*message_with({})));
}

TEST(StreamFilter, LetsPassWhatHasNoValueWhenAskedTo) {
  const StreamFilter filter{.values = {"a"}, .matches_unfiltered = true};
  EXPECT_TRUE(filter.matches(*message_with({})));
  EXPECT_TRUE(filter.matches(*message_with(FieldTableBuilder{}.put("other", 1))));
  EXPECT_FALSE(filter.matches(*message_of("c")));
}

}  // namespace
}  // namespace leveret::broker
