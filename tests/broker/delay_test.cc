#include "broker/exchanges/delay.h"

#include <gtest/gtest.h>

#include <limits>

#include "protocol/properties.h"

namespace leveret::broker {
namespace {

using protocol::FieldTableBuilder;
using std::chrono::milliseconds;

template <class T>
std::optional<milliseconds> delay_in(const T& value) {
  const auto headers = FieldTableBuilder{}.put("x-delay", value);
  return delay_of(headers.view());
}

TEST(Delay, IsANumberAboveZero) {
  EXPECT_EQ(delay_in(5), milliseconds{5});
  EXPECT_EQ(delay_in(std::uint8_t{255}), milliseconds{255});
  EXPECT_EQ(delay_in(std::int64_t{1} << 40), milliseconds{std::int64_t{1} << 40});
  EXPECT_EQ(delay_in(std::string_view{"1500"}), milliseconds{1500});
  EXPECT_FALSE(delay_in(0));
  EXPECT_FALSE(delay_in(-5));
  EXPECT_FALSE(delay_in(true));
  EXPECT_FALSE(delay_in(std::string_view{"soon"}));
  EXPECT_FALSE(delay_in(std::string_view{"5 s"}));
  EXPECT_FALSE(delay_of({}));
}

TEST(Delay, OfAgesEndsInAHundredYears) {
  EXPECT_EQ(delay_in(std::numeric_limits<std::int64_t>::max()), std::chrono::hours{24} * 36'525);
}

MessageRef delayed_message(std::uint8_t delivery_mode) {
  const auto headers = FieldTableBuilder{}.put("a", 1).put("x-delay", 5000).put("b", 2);
  const std::string properties =
      protocol::encode_properties({.headers = headers.view(), .delivery_mode = delivery_mode});
  MessageBuilder builder;
  builder.begin({"exchange", "key", WallTime{milliseconds{7}}}, protocol::as_octets(properties), 4);
  builder.append(protocol::as_octets(std::string_view{"body"}));
  return builder.finish();
}

MessageRef after_its_delay(const Message& message, WallTime now) {
  return after_delay(message, protocol::decode_properties(message.properties()).value(), now);
}

TEST(Delay, ThatHasPassedIsNegative) {
  const MessageRef message = after_its_delay(*delayed_message(2), WallTime{milliseconds{5007}});
  const auto properties = protocol::decode_properties(message->properties()).value();
  EXPECT_EQ(describe(*properties.headers), "{a=1, x-delay=-5000, b=2}");
  EXPECT_EQ(properties.headers->find("x-delay")->type(), 'I');
  EXPECT_TRUE(message->is_persistent());
  EXPECT_EQ(message->arrival(), WallTime{milliseconds{5007}});
  EXPECT_EQ(message->exchange(), "exchange");
  EXPECT_EQ(message->routing_key(), "key");
  EXPECT_EQ(protocol::as_text(message->body()), "body");
}

}  // namespace
}  // namespace leveret::broker
