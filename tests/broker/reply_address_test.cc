#include "broker/reply_address.h"

#include <gtest/gtest.h>

#include "broker/amqp/names.h"

namespace leveret::broker::amqp {
namespace {

const ReplyAddress address{.shard = ShardIndex{3}, .session = SessionId{0xABCDEF}, .consumer = ConsumerId{42}};

TEST(ReplyAddress, IsFoundInTheNameItWasGiven) {
  const std::string name = name_of(address);
  EXPECT_TRUE(name.starts_with("amq.rabbitmq.reply-to.")) << name;
  EXPECT_LE(name.size(), 255u);
  const auto parsed = parse_reply_address(name);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->shard, address.shard);
  EXPECT_EQ(parsed->session, address.session);
  EXPECT_EQ(parsed->consumer, address.consumer);
}

TEST(ReplyAddress, IsNotFoundInANameSomebodyElseHasMade) {
  const std::string name = name_of(address);
  for (std::size_t i = 0; i < name.size(); ++i) {
    std::string forged = name;
    forged[i] = forged[i] == '0' ? '1' : '0';
    EXPECT_FALSE(parse_reply_address(forged)) << forged;
    EXPECT_FALSE(parse_reply_address(name.substr(0, i))) << name.substr(0, i);
  }
  EXPECT_FALSE(parse_reply_address(name + "0"));
  EXPECT_FALSE(parse_reply_address(std::string{reply_queue} + ".fffffffffffffffff.1.1."));
}

TEST(MakeName, AppendsTwentyTwoCharactersThatDiffer) {
  const std::string first = make_name("amq.gen-");
  EXPECT_EQ(first.size(), 30u);
  EXPECT_NE(first, make_name("amq.gen-"));
}

TEST(WithoutLineBreaks, TakesOutCarriageReturnsAndLineFeeds) {
  EXPECT_EQ(without_line_breaks("a\r\nb\n"), "ab");
}

}  // namespace
}  // namespace leveret::broker::amqp
