#include "broker/message.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "protocol/properties.h"

namespace leveret::broker {
namespace {

using protocol::as_octets;
using protocol::as_text;

const std::string persistent = protocol::encode_properties({.delivery_mode = std::uint8_t{2}});
const std::string transient = protocol::encode_properties({.delivery_mode = std::uint8_t{1}});
const std::string plain = protocol::encode_properties({});

MessageRef make_message(std::string_view exchange, std::string_view routing_key, std::string_view properties,
                        std::string_view body) {
  MessageBuilder builder;
  builder.begin({exchange, routing_key}, as_octets(properties), body.size());
  EXPECT_TRUE(builder.append(as_octets(body)));
  return builder.finish();
}

void expect_same(const Message& message, const Message& other) {
  EXPECT_EQ(message.exchange(), other.exchange());
  EXPECT_EQ(message.routing_key(), other.routing_key());
  EXPECT_EQ(as_text(message.properties()), as_text(other.properties()));
  EXPECT_EQ(as_text(message.body()), as_text(other.body()));
  EXPECT_EQ(message.is_persistent(), other.is_persistent());
}

class MessageSizes : public testing::TestWithParam<std::size_t> {};

TEST_P(MessageSizes, ComeOutOfFramesAsTheyWentIn) {
  const std::size_t size = GetParam();
  std::string body(size, '\0');
  for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 % 251);
  MessageBuilder builder;
  builder.begin({"exchange", "key"}, as_octets(persistent), size);
  constexpr std::size_t frame = 100'000;
  for (std::size_t at = 0; at < size; at += frame)
    ASSERT_TRUE(builder.append(as_octets(std::string_view{body}.substr(at, frame))));
  ASSERT_TRUE(builder.is_complete());
  const MessageRef message = builder.finish();
  EXPECT_EQ(message->exchange(), "exchange");
  EXPECT_EQ(message->routing_key(), "key");
  EXPECT_EQ(as_text(message->properties()), persistent);
  EXPECT_EQ(as_text(message->body()), body);
  EXPECT_GE(message->footprint(), size);
  const MessageRef restored = Message::from_stored(message->stored());
  ASSERT_TRUE(restored);
  expect_same(*message, *restored);
  expect_same(*message, *message->clone());
}
INSTANTIATE_TEST_SUITE_P(OfBodies, MessageSizes,
                         testing::Values(0, 1, 1000, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 3'000'000));

TEST(Message, KeepsNamesOf255Octets) {
  const std::string exchange(255, 'x');
  const std::string routing_key(255, 'k');
  const MessageRef message = make_message(exchange, routing_key, plain, "body");
  EXPECT_EQ(message->exchange(), exchange);
  EXPECT_EQ(message->routing_key(), routing_key);
  expect_same(*message, *Message::from_stored(message->stored()));
}

TEST(Message, IsPersistentByItsDeliveryMode) {
  EXPECT_TRUE(make_message("", "q", persistent, "")->is_persistent());
  EXPECT_FALSE(make_message("", "q", transient, "")->is_persistent());
  EXPECT_FALSE(make_message("", "q", plain, "")->is_persistent());
}

TEST(Message, CountsItsOwners) {
  MessageRef message = make_message("", "q", plain, "body");
  EXPECT_TRUE(message.is_unique());
  {
    const MessageRef other = message;
    EXPECT_FALSE(message.is_unique());
    const MessageRef third = MessageRef::adopt(MessageRef{other}.release());
    EXPECT_EQ(&*third, &*message);
  }
  EXPECT_TRUE(message.is_unique());
  message.reset();
  EXPECT_FALSE(message);
}

TEST(Message, IsNotRestoredFromOctetsCutShort) {
  const MessageRef message = make_message("exchange", "key", persistent, "");
  const Octets stored = message->stored();
  for (std::size_t size = 0; size < stored.size(); ++size)
    EXPECT_FALSE(Message::from_stored(stored.first(size))) << size << " of " << stored.size();
}

TEST(MessageBuilder, RefusesMoreThanWasAnnounced) {
  MessageBuilder builder;
  builder.begin({"", "q"}, as_octets(plain), 3);
  EXPECT_FALSE(builder.append(as_octets("four")));
  EXPECT_FALSE(builder.is_complete());
  EXPECT_TRUE(builder.append(as_octets("ab")));
  EXPECT_FALSE(builder.append(as_octets("cd")));
  EXPECT_TRUE(builder.append(as_octets("c")));
  EXPECT_TRUE(builder.is_complete());
  EXPECT_EQ(as_text(builder.finish()->body()), "abc");
}

TEST(MessageBuilder, TakesMemoryForWhatHasArrivedAlone) {
  MessageBuilder builder;
  builder.begin({"", "q"}, as_octets(plain), 100 * 1024 * 1024);
  builder.append(as_octets("a few octets"));
  EXPECT_LT(builder.finish()->footprint(), 1024u * 1024);
}

}  // namespace
}  // namespace leveret::broker
