#include <gtest/gtest.h>

#include "management/target.h"
#include "tests/management/http_test.h"

/// Connections, channels and consumers.
namespace leveret::test {
namespace {

class ConnectionsTest : public HttpTest {
 protected:
  std::string only_connection() {
    const json::value connections = get("/api/connections").json();
    EXPECT_EQ(connections.as_array().size(), 1u);
    return management::percent_encoded(std::string{connections.at(0).at("name").as_string()});
  }
};

TEST_F(ConnectionsTest, AreListedAsSoonAsTheyAreOpen) {
  auto& client = connect({.heartbeat = 30});
  client.open_channel();
  const json::value shown = get("/api/connections/" + only_connection()).json();
  EXPECT_EQ(shown.at("user").as_string(), "guest");
  EXPECT_EQ(shown.at("vhost").as_string(), "/");
  EXPECT_EQ(shown.at("port").as_int64(), broker_.port());
  EXPECT_EQ(shown.at("peer_host").as_string(), "127.0.0.1");
  EXPECT_EQ(shown.at("channels").as_int64(), 1);
  EXPECT_EQ(shown.at("timeout").as_int64(), 30);
  EXPECT_EQ(shown.at("state").as_string(), "running");
  EXPECT_EQ(get("/api/connections/nosuch").status, 404u);
  EXPECT_EQ(get("/api/vhosts/%2F/connections").json().as_array().size(), 1u);
  EXPECT_EQ(get("/api/connections/username/guest").json().as_array().size(), 1u);
  EXPECT_EQ(get("/api/connections/username/nobody").body, "[]");
  client.close();
  wait_until([this] { return get("/api/connections").body == "[]"; }, "the connection is gone");
}

TEST_F(ConnectionsTest, AreBlockedByAlarmsWhenTheyPublish) {
  auto channel = connect().open_channel();
  const std::string path = "/api/connections/" + only_connection();
  const auto state = [&] { return std::string{get(path).json().at("state").as_string()}; };
  broker_.broker().alarms().raise(broker::Alarm::store);
  wait_until([&] { return state() == "blocking"; }, "it will be kept from publishing");
  channel.publish_to("q", "waits");
  wait_until([&] { return state() == "blocked"; }, "it is");
  EXPECT_EQ(get("/api/channels").json().at(0).at("state").as_string(), "running") << "a channel has no such state";
  broker_.broker().alarms().clear(broker::Alarm::store);
  wait_until([&] { return state() == "running"; }, "it goes on");
}

TEST_F(ConnectionsTest, AreClosedWithAReason) {
  auto& client = connect();
  const auto response =
      send({.method = "DELETE", .path = "/api/connections/" + only_connection(), .headers = {{"X-Reason", "because"}}});
  EXPECT_EQ(response.status, 204u);
  client.expect_close(ReplyCode::connection_forced, "CONNECTION_FORCED - because");
  EXPECT_EQ(remove("/api/connections/nosuch").status, 404u);
}

TEST_F(ConnectionsTest, AreClosedByTheirUser) {
  auto& client = connect();
  EXPECT_EQ(remove("/api/connections/username/nobody").status, 204u);
  EXPECT_EQ(remove("/api/connections/username/guest").status, 204u);
  client.expect_close(ReplyCode::connection_forced, "CONNECTION_FORCED - Closed via management plugin");
}

TEST_F(ConnectionsTest, AreSeenByTheirOwnUserOnly) {
  ASSERT_EQ(put("/api/users/ann", R"({"password":"x","tags":"management"})").status, 201u);
  connect();
  EXPECT_EQ(get_as("ann:x", "/api/connections").body, "[]");
  EXPECT_EQ(get_as("ann:x", "/api/connections/" + only_connection()).status, 401u);
}

TEST_F(ConnectionsTest, ShowTheirChannelsAndConsumers) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.consume("q");
  const json::value channels = get("/api/channels").json();
  ASSERT_EQ(channels.as_array().size(), 1u);
  EXPECT_EQ(channels.at(0).at("number").as_int64(), 1);
  EXPECT_EQ(channels.at(0).at("consumer_count").as_int64(), 1);
  const std::string name = management::percent_encoded(std::string{channels.at(0).at("name").as_string()});
  EXPECT_EQ(get("/api/channels/" + name).json().at("consumer_details").as_array().size(), 1u);
  EXPECT_EQ(get("/api/connections/" + only_connection() + "/channels").json().as_array().size(), 1u);
  EXPECT_EQ(get("/api/vhosts/%2F/channels").json().as_array().size(), 1u);
  const json::value consumers = get("/api/consumers/%2F").json();
  ASSERT_EQ(consumers.as_array().size(), 1u);
  EXPECT_EQ(consumers.at(0).at("queue").at("name").as_string(), "q");
  EXPECT_EQ(get("/api/queues/%2F/q").json().at("consumer_details").as_array().size(), 1u);
  EXPECT_EQ(get("/api/consumers/nosuch").status, 404u);
  EXPECT_EQ(get("/api/channels/nosuch").status, 404u);
}

TEST_F(ConnectionsTest, ShowAnExclusiveConsumer) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.consume("q", {.tag = "mine", .exclusive = true});
  EXPECT_EQ(get("/api/queues/%2F/q").json().at("exclusive_consumer_tag").as_string(), "mine");
  EXPECT_TRUE(get("/api/queues/%2F/q").json().at("single_active_consumer_tag").is_null());
  channel.cancel("mine");
  EXPECT_TRUE(get("/api/queues/%2F/q").json().at("exclusive_consumer_tag").is_null());
}

TEST_F(ConnectionsTest, OwnExclusiveQueues) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.exclusive = true});
  const json::value shown = get("/api/queues/%2F/q").json();
  EXPECT_EQ(shown.at("exclusive").as_bool(), true);
  EXPECT_EQ(shown.at("owner_pid_details").at("peer_host").as_string(), "127.0.0.1");
}

/// Consumers of one queue whose connections are on all shards.
class SingleActiveConsumersTest : public HttpTest, public testing::WithParamInterface<const char*> {
 protected:
  SingleActiveConsumersTest() : HttpTest({}, {.broker = {.shards = 2}}) {}

  /// By tag.
  std::map<std::string, std::string> activities() {
    std::map<std::string, std::string> activities;
    const json::value consumers = get("/api/consumers/%2F").json();
    for (const json::value& consumer : consumers.as_array()) {
      const std::string activity{consumer.at("activity_status").as_string()};
      EXPECT_EQ(consumer.at("active").as_bool(), activity != "waiting");
      activities[std::string{consumer.at("consumer_tag").as_string()}] = activity;
    }
    return activities;
  }
};

TEST_P(SingleActiveConsumersTest, ShowWhoIsServedAndWhoWaits) {
  using Activities = std::map<std::string, std::string>;
  const auto arguments = protocol::FieldTableBuilder{}
                             .put("x-queue-type", std::string_view{GetParam()})
                             .put("x-single-active-consumer", true);
  connect().open_channel().declare_queue("q", {.durable = true, .arguments = arguments.view()});
  auto first = connect().open_channel();
  auto second = connect().open_channel();
  for (auto* channel : {&first, &second}) channel->consume("q", {.tag = channel == &first ? "first" : "second"});
  EXPECT_EQ(activities(), (Activities{{"first", "single_active"}, {"second", "waiting"}}));
  EXPECT_EQ(get("/api/queues").json().at(0).at("single_active_consumer_tag").as_string(), "first");
  first.cancel("first");
  EXPECT_EQ(activities(), (Activities{{"second", "single_active"}}));
  EXPECT_EQ(get("/api/queues/%2F/q").json().at("single_active_consumer_tag").as_string(), "second");
  second.cancel("second");
  EXPECT_TRUE(get("/api/queues/%2F/q").json().at("single_active_consumer_tag").is_null());
}

INSTANTIATE_TEST_SUITE_P(OfQueues, SingleActiveConsumersTest, testing::Values("classic", "quorum"));

TEST_F(ConnectionsTest, NobodySpeaksTheStreamProtocol) {
  for (const auto* kind : {"connections", "consumers", "publishers"}) {
    const std::string path = std::string{"/api/stream/"} + kind;
    EXPECT_EQ(get(path).json(), json::array{}) << path;
    EXPECT_EQ(get(path + "/%2F").json(), json::array{}) << path;
    EXPECT_EQ(get(path + "/nosuch").status, 404u) << path;
  }
  EXPECT_EQ(get("/api/stream/publishers/%2F/log").json(), json::array{});
  EXPECT_EQ(send({.path = "/api/stream/connections", .user = ""}).status, 401u);
}

}  // namespace
}  // namespace leveret::test
