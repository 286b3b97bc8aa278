#include <boost/json/parse.hpp>

#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

using broker::Policy;
using broker::PolicyKind;
using broker::PolicyTarget;

Policy policy(std::string name, std::string pattern, std::string_view definition) {
  return {
      .name = std::move(name), .pattern = std::move(pattern), .definition = boost::json::parse(definition).as_object()};
}

class PolicyTest : public BrokerTest {
 protected:
  broker::VirtualHost& virtual_host() { return *broker_.broker().find_virtual_host("/"); }
};

TEST_F(PolicyTest, AnAlternateExchangeHoldsAtOnce) {
  auto channel = connect().open_channel();
  channel.declare_exchange("orders", "direct");
  channel.declare_queue("lost");
  channel.bind("lost", "amq.fanout", "");
  channel.publish("orders", "nowhere", "returned", {.mandatory = true});
  EXPECT_EQ(channel.next_return().body, "returned");
  virtual_host().put_policy(PolicyKind::user, policy("p", "^orders$", R"({"alternate-exchange": "amq.fanout"})"));
  channel.publish("orders", "nowhere", "kept", {.mandatory = true});
  channel.synchronize();
  EXPECT_THAT(channel.drain_bodies("lost"), ElementsAre("kept"));
  virtual_host().remove_policy(PolicyKind::user, "p");
  channel.publish("orders", "nowhere", "returned again", {.mandatory = true});
  EXPECT_EQ(channel.next_return().body, "returned again");
}

TEST_F(PolicyTest, AnArgumentsAlternateExchangeWins) {
  auto channel = connect().open_channel();
  channel.declare_exchange("orders", "direct",
                           {.arguments = FieldTableBuilder{}.put("alternate-exchange", "amq.fanout").view()});
  for (const auto queue : {"argument", "policy"}) channel.declare_queue(queue);
  channel.bind("argument", "amq.fanout", "");
  channel.bind("policy", "amq.topic", "#");
  virtual_host().put_policy(PolicyKind::user, policy("p", "^orders$", R"({"alternate-exchange": "amq.topic"})"));
  channel.publish("orders", "nowhere", "body");
  channel.synchronize();
  EXPECT_THAT(channel.drain_bodies("argument"), ElementsAre("body"));
  EXPECT_THAT(channel.drain_bodies("policy"), IsEmpty());
}

TEST_F(PolicyTest, AShorterLimitHoldsAtOnceForALiveQueue) {
  auto channel = connect().open_channel();
  channel.declare_queue("orders");
  channel.publish_to("orders", {"first", "second", "third"});
  channel.synchronize();
  virtual_host().put_policy(PolicyKind::user, policy("p", "^orders$", R"({"max-length": 2})"));
  wait_until([&] { return channel.counts_of("orders").messages == 2; }, "the queue is shorter");
  virtual_host().put_policy(PolicyKind::operator_policy, policy("o", "", R"({"max-length": 1})"));
  wait_until([&] { return channel.counts_of("orders").messages == 1; }, "the queue is shorter still");
  virtual_host().remove_policy(PolicyKind::operator_policy, "o");
  virtual_host().remove_policy(PolicyKind::user, "p");
  wait_until(
      [&] {
        channel.publish_to("orders", "more");
        return channel.counts_of("orders").messages > 2;
      },
      "the queue has no limit any more");
  EXPECT_EQ(channel.get("orders").body, "third");
}

TEST_F(PolicyTest, ADefaultQueueTypeJoinsTheArguments) {
  ASSERT_TRUE(broker_.broker().put_virtual_host("/", {.default_queue_type = "quorum"}));
  auto channel = connect().open_channel();
  channel.declare_queue("jobs", {.durable = true});
  channel.declare_queue("jobs",
                        {.durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", "quorum").view()});
  channel.declare_queue("fleeting");
  channel.declare_queue("fleeting", {.arguments = FieldTableBuilder{}.put("x-queue-type", "classic").view()});
  channel.send(protocol::queue::Declare{
      .queue = "jobs", .durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", "classic").view()});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'jobs' in vhost '/': received "
                       "'classic' but current is 'quorum'");
  const auto refused = broker_.broker().put_virtual_host("/", {.default_queue_type = "fast"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "Unsupported default queue type 'fast'");
}

class DurablePolicyTest : public DurableBrokerTest {};

TEST_F(DurablePolicyTest, AllThatAdministratorsSaySurvives) {
  auto& broker = broker_.broker();
  auto& virtual_host = *broker.find_virtual_host("/");
  auto channel = connect().open_channel();
  channel.declare_exchange("orders", "direct", {.durable = true});
  channel.declare_queue("orders", {.durable = true});
  Policy limits =
      policy("limits", "^orders$", R"({"max-length": 9007199254740993, "alternate-exchange": "amq.topic"})");
  limits.priority = -7;
  virtual_host.put_policy(PolicyKind::user, limits);
  virtual_host.put_policy(PolicyKind::operator_policy, policy("operator", "", R"({"expires": 900000})"));
  virtual_host.put_policy(PolicyKind::user, policy("gone", "", R"({"expires": 900000})"));
  virtual_host.remove_policy(PolicyKind::user, "gone");
  ASSERT_TRUE(broker.put_virtual_host(
      "other", {.description = "of others", .tags = {"a", "b"}, .is_protected_from_deletion = true}));
  ASSERT_TRUE(broker.put_limit(broker::LimitOf::virtual_host, "other", "max-queues", 0));
  const auto cluster = broker.parameters().find_global("internal_cluster_id")->value;
  restart_cleanly();

  auto& again = *broker_.broker().find_virtual_host("/");
  ASSERT_EQ(again.policies(PolicyKind::user).size(), 1u);
  const Policy restored = again.policies(PolicyKind::user).front();
  EXPECT_EQ(restored.name, "limits");
  EXPECT_EQ(restored.pattern, "^orders$");
  EXPECT_EQ(restored.priority, -7);
  EXPECT_EQ(restored.definition, limits.definition);
  EXPECT_EQ(again.policies_of_queue("orders")->operator_policy, "operator");
  EXPECT_EQ(again.alternate_of_exchange("orders"), "amq.topic");
  for (const auto& record : again.queues()) {
    EXPECT_EQ(again.settings_of(*record).max_length, 9'007'199'254'740'993u);
    EXPECT_EQ(again.settings_of(*record).expires, 900s);
  }
  const auto other = broker_.broker().find_virtual_host("other");
  EXPECT_EQ(other->metadata().description, "of others");
  EXPECT_THAT(other->metadata().tags, ElementsAre("a", "b"));
  EXPECT_TRUE(other->metadata().is_protected_from_deletion);
  EXPECT_FALSE(other->declare_queue({.name = "q"}, {})) << "its limit is back";
  EXPECT_EQ(broker_.broker().parameters().find_global("internal_cluster_id")->value, cluster);
}

}  // namespace
}  // namespace leveret::test
