#include <gtest/gtest.h>

#include "tests/management/http_test.h"

/// The node, its alarms and what checks them; the pages that browsers find.
namespace leveret::test {
namespace {

class NodeTest : public HttpTest {
 protected:
  /// Until every shard knows.
  void raise(broker::Alarm alarm) {
    broker_.broker().alarms().raise(alarm);
    ask_shards();
  }
  void clear(broker::Alarm alarm) {
    broker_.broker().alarms().clear(alarm);
    ask_shards();
  }
  HttpResponse publish() {
    return post("/api/exchanges/%2F/amq.default/publish",
                R"({"properties":{},"routing_key":"q","payload":"x","payload_encoding":"string"})");
  }

 private:
  void ask_shards() { get("/api/queues"); }
};

TEST_F(NodeTest, IsWellWithoutAlarms) {
  for (const std::string check : {"alarms", "local-alarms", "virtual-hosts", "is-in-service", "ready-to-serve-clients",
                                  "below-node-connection-limit", "certificate-expiration/1/weeks"})
    EXPECT_EQ(get("/api/health/checks/" + check).status, 200u) << check;
}

struct HasDirectory {
  TemporaryDirectory directory{};
};

class DurableNodeTest : private HasDirectory, public HttpTest {
 protected:
  DurableNodeTest() : HttpTest({}, {.directory = directory.path()}) {}
};

TEST_F(DurableNodeTest, TellsWhatItsStoreHasWritten) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  channel.select_confirms();
  for (const auto body : {"1", "2", "3"}) {
    channel.publish_persistent("q", body);
    channel.next_confirm();
  }
  const json::value node = get("/api/nodes").json().at(0);
  EXPECT_EQ(node.at("msg_store_write_count").to_number<int>(), 3);
  EXPECT_GE(node.at("io_sync_count").to_number<int>(), 3);
  EXPECT_GT(node.at("io_sync_avg_time").to_number<double>(), 0);
}

TEST_F(NodeTest, TellsOfItsAlarms) {
  const std::string node{get("/api/overview").json().at("node").as_string()};
  raise(broker::Alarm::store);
  const auto response = get("/api/health/checks/alarms");
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(response.json().at("status").as_string(), "failed");
  EXPECT_EQ(response.json().at("reason").as_string(), "There are alarms in effect in the cluster");
  EXPECT_EQ(json::serialize(response.json().at("alarms")), R"([{"node":")" + node + R"(","resource":"disk space"}])");
  EXPECT_EQ(get("/api/health/checks/local-alarms").json().at("reason").as_string(),
            "There are alarms in effect on the node");
  const json::value shown = get("/api/nodes/" + node).json();
  EXPECT_TRUE(shown.at("disk_free_alarm").as_bool());
  EXPECT_FALSE(shown.at("mem_alarm").as_bool());
  clear(broker::Alarm::store);
  EXPECT_EQ(get("/api/health/checks/alarms").status, 200u);
  EXPECT_FALSE(get("/api/nodes/" + node).json().at("disk_free_alarm").as_bool());
}

TEST_F(NodeTest, PublishesNothingDuringAnAlarm) {
  ASSERT_EQ(put("/api/queues/%2F/q").status, 201u);
  raise(broker::Alarm::store);
  const auto refused = publish();
  EXPECT_EQ(refused.status, 503u);
  EXPECT_EQ(error_of(refused), R"(service_unavailable: "low on disk")");
  EXPECT_EQ(get("/api/aliveness-test/%2F").status, 503u);
  clear(broker::Alarm::store);
  EXPECT_EQ(publish().body, R"({"routed":true})");
}

TEST_F(NodeTest, TellsWhatItUses) {
  connect();
  connect();
  const json::value node = get("/api/nodes").json().at(0);
  for (const std::string name : {"mem_used", "mem_limit", "fd_used", "fd_total", "proc_used"})
    EXPECT_GT(node.at(name).to_number<std::int64_t>(), 0) << name;
  EXPECT_EQ(node.at("sockets_used").to_number<int>(), 2) << "of AMQP clients";
  EXPECT_TRUE(node.at("mem_used_details").as_object().contains("rate"));
  EXPECT_EQ(get("/api/nodes/nosuch").status, 404u);
  EXPECT_EQ(get("/api/nodes/nosuch/memory/ets").status, 404u);
}

TEST_F(NodeTest, LeadsBrowsersToTheDocumentation) {
  for (const std::string path : {"/", "/api", "/api/", "/doc/stats.html"}) {
    const auto response = send({.path = path, .user = ""});
    EXPECT_EQ(response.status, 301u) << path;
    EXPECT_EQ(response.header("location"), "/api/index.html") << path;
  }
  const auto page = send({.path = "/api/index.html", .user = ""});
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("/api/queues/{vhost}/{name}"), std::string::npos);
}

TEST_F(NodeTest, NoListOfUsersToDeleteIsTakenForAnother) {
  ASSERT_EQ(put("/api/users/ann", R"({"password":"x","tags":""})").status, 201u);
  for (const std::string body : {R"({"users":"ann"})", R"({"users":{"a":1}})", R"({"users":["ann",1]})", R"({})",
                                 R"([])", R"({"users":["ann","nosuch"]})", R"({"users":null})"})
    EXPECT_EQ(post("/api/users/bulk-delete", body).status, 400u) << body;
  EXPECT_EQ(error_of(post("/api/users/bulk-delete", R"({"users":["nosuch"]})")),
            R"(bad_request: ["no_such_user","nosuch"])");
  EXPECT_EQ(get("/api/users/ann").status, 200u);
  EXPECT_EQ(post("/api/users/bulk-delete", R"({"users":["ann"]})").status, 204u);
  EXPECT_EQ(get("/api/users/ann").status, 404u);
}

struct Bad {
  std::string method{};
  std::string path{};
  std::string body{};
};

class AnsweredBetterTest : public HttpTest, public testing::WithParamInterface<Bad> {};

/// RabbitMQ 3.10 answers all of these with an empty 500.
TEST_P(AnsweredBetterTest, WithAReason) {
  const auto response = send({.method = GetParam().method, .path = GetParam().path, .body = GetParam().body});
  EXPECT_EQ(response.status, 400u) << response.body;
  EXPECT_NE(error_of(response), "") << "an error and a reason";
}
INSTANTIATE_TEST_SUITE_P(
    Than, AnsweredBetterTest,
    testing::Values(Bad{"PUT", "/api/cluster-name", R"({"name":5})"}, Bad{"PUT", "/api/cluster-name", R"({"name":{}})"},
                    Bad{"PUT", "/api/vhosts/v", R"({"tags":{"a":1}})"}, Bad{"PUT", "/api/vhosts/v", R"({"tags":5})"},
                    Bad{"PUT", "/api/users/u", R"({"password":5,"tags":"x"})"},
                    Bad{"PUT", "/api/users/u", R"({"password":"x","tags":5})"},
                    Bad{"PUT", "/api/users/u", R"({"password":"x","tags":{"a":1}})"},
                    Bad{"PUT", "/api/users/u", R"({"password":"x","password_hash":"","tags":""})"},
                    Bad{"PUT", "/api/permissions/%2F/guest", R"({"configure":5,"write":".*","read":".*"})"},
                    Bad{"PUT", "/api/exchanges/%2F/e", R"({"type":"direct","arguments":5})"},
                    Bad{"PUT", "/api/queues/%2F/q", R"({"arguments":"x"})"},
                    Bad{"PUT", "/api/queues/%2F/q", R"({"node":5})"},
                    Bad{"POST", "/api/exchanges/%2F/amq.default/publish",
                        R"({"properties":5,"routing_key":"x","payload":"x","payload_encoding":"string"})"},
                    Bad{"POST", "/api/exchanges/%2F/amq.default/publish",
                        R"({"properties":{"headers":5},"routing_key":"x","payload":"5","payload_encoding":"string"})"},
                    Bad{"POST", "/api/users/bulk-delete", R"({"users":"ann"})"},
                    Bad{"DELETE", "/api/user-limits/nosuch/max-channels", ""}));

}  // namespace
}  // namespace leveret::test
