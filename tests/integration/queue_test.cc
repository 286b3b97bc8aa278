#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

using QueueTest = BrokerTest;

TEST_F(QueueTest, RejectedMessageWithRequeueReturnsToItsPlace) {
  auto channel = connect().open_channel();
  channel.declare_queue("orders");
  channel.publish_to("orders", {"first", "second"});
  channel.reject(channel.get("orders"), Requeue::yes);
  const auto again = channel.get("orders");
  EXPECT_EQ(again.body, "first");
  EXPECT_TRUE(again.is_redelivered);
}

}  // namespace
}  // namespace leveret::test
