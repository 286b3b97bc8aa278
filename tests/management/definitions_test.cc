#include <gtest/gtest.h>

#include <cmath>
#include <future>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/management/http_test.h"

/// Definitions in and out, health checks, and the small answers that RabbitMQ's tools ask for.
namespace leveret::test {
namespace {

using DefinitionsTest = HttpTest;

constexpr std::string_view definitions = R"({
  "rabbit_version": "3.10.8",
  "users": [{"name": "ann", "password": "x", "tags": "management"}],
  "vhosts": [{"name": "orders"}],
  "permissions": [{"user": "ann", "vhost": "orders", "configure": "a", "write": "b", "read": "c"}],
  "topic_permissions": [{"user": "ann", "vhost": "orders", "exchange": "e", "write": "b", "read": "c"}],
  "global_parameters": [{"name": "cluster_name", "value": "farm"}],
  "queues": [{"name": "q", "vhost": "orders", "durable": true, "auto_delete": false, "arguments": {"x-max-length": 5}}],
  "exchanges": [{"name": "e", "vhost": "orders", "type": "topic", "durable": true, "auto_delete": false,
                 "internal": false, "arguments": {}}],
  "bindings": [{"source": "e", "vhost": "orders", "destination": "q", "destination_type": "queue", "routing_key": "k",
                "arguments": {}},
               {"source": "e", "vhost": "orders", "destination": "nosuch", "destination_type": "queue",
                "routing_key": "k", "arguments": {}}]
})";

/// A message that a client delays there would have nowhere to wait, and be confirmed all the same.
TEST_F(DefinitionsTest, ADelayingExchangeIsNotSeenBeforeItCanKeepMessages) {
  std::promise<void> let_go;
  const std::shared_future<void> is_let_go = let_go.get_future().share();
  for (const auto& shard : broker_.broker().shards()) shard->run_here([is_let_go] { is_let_go.wait(); });
  protocol::FieldTableBuilder arguments;
  arguments.put("x-delayed-type", "fanout");
  broker::ExchangeCommand command{.name = "e", .type = "x-delayed-message", .arguments = arguments.take()};
  auto imported =
      boost::asio::co_spawn(context_, query_.import_exchange("/", std::move(command)), boost::asio::use_future);
  boost::asio::post(context_, boost::asio::use_future([] {})).get();  // it has been begun
  const auto virtual_host = broker_.broker().find_virtual_host("/");
  EXPECT_FALSE(virtual_host->check_exchange("e"));
  let_go.set_value();
  EXPECT_TRUE(imported.get());
  EXPECT_TRUE(virtual_host->check_exchange("e"));
  const auto address = virtual_host->delay_store_of("e");
  ASSERT_TRUE(address);
  broker::Shard& shard = *broker_.broker().shards()[static_cast<std::size_t>(address->shard)];
  std::promise<bool> has_store;
  shard.run_here([&] { has_store.set_value(shard.find_delay_store(address->queue) != nullptr); });
  EXPECT_TRUE(has_store.get_future().get());
}

TEST_F(DefinitionsTest, GoInAndComeOut) {
  ASSERT_EQ(post("/api/definitions", std::string{definitions}).status, 204u);
  const json::value exported = get("/api/definitions").json();
  EXPECT_EQ(json::serialize(exported.at("queues")),
            R"([{"name":"q","vhost":"orders","durable":true,"auto_delete":false,"arguments":{"x-max-length":5}}])");
  EXPECT_EQ(
      json::serialize(exported.at("exchanges")),
      R"([{"name":"e","vhost":"orders","type":"topic","durable":true,"auto_delete":false,"internal":false,"arguments":{}}])");
  EXPECT_EQ(
      json::serialize(exported.at("bindings")),
      R"([{"source":"e","vhost":"orders","destination":"q","destination_type":"queue","routing_key":"k","arguments":{}}])")
      << "a binding of what is not there is left out";
  EXPECT_EQ(exported.at("users").as_array().size(), 2u);
  EXPECT_EQ(exported.at("permissions").as_array().size(), 3u);
  EXPECT_EQ(exported.at("topic_permissions").as_array().size(), 1u);
  EXPECT_EQ(get("/api/cluster-name").body, R"({"name":"farm"})");
  EXPECT_EQ(get_as("ann:x", "/api/whoami").status, 200u);
  EXPECT_EQ(post("/api/definitions", json::serialize(exported)).status, 204u) << "again, over what is there";
  EXPECT_EQ(json::serialize(get("/api/definitions").json()), json::serialize(exported));
}

TEST_F(DefinitionsTest, LeaveUnlikeObjectsAsTheyAre) {
  ASSERT_EQ(put("/api/queues/%2F/q", R"({"durable":true})").status, 201u);
  EXPECT_EQ(post("/api/definitions", R"({"queues":[{"name":"q","vhost":"/","durable":false}]})").status, 204u);
  EXPECT_EQ(get("/api/queues/%2F/q").json().at("durable").as_bool(), true);
}

TEST_F(DefinitionsTest, ConcernOneVirtualHostToo) {
  ASSERT_EQ(post("/api/definitions/%2F", R"({"queues":[{"name":"q","durable":true}]})").status, 204u);
  EXPECT_EQ(json::serialize(get("/api/definitions/%2F").json().at("queues")),
            R"([{"name":"q","durable":true,"auto_delete":false,"arguments":{}}])");
  EXPECT_EQ(error_of(get("/api/definitions/nosuch")), R"(bad_request: "vhost_not_found")");
  EXPECT_EQ(error_of(post("/api/definitions/nosuch")), R"(not_found: "vhost_not_found")");
}

TEST_F(DefinitionsTest, OfVirtualHostsComeAsRabbitMQWritesThemAndChangeWhatIsThere) {
  const std::string metadata = R"({"description":"d","tags":["t"],"default_queue_type":"quorum"})";
  ASSERT_EQ(
      post("/api/definitions", R"({"vhosts":[{"name":"orders","limits":[],"metadata":)" + metadata + "}]}").status,
      204u);
  const json::value shown = get("/api/vhosts/orders").json();
  EXPECT_EQ(shown.at("description").as_string(), "d");
  EXPECT_EQ(shown.at("default_queue_type").as_string(), "quorum");
  EXPECT_EQ(json::serialize(shown.at("metadata")), metadata);
  ASSERT_EQ(post("/api/definitions", R"({"vhosts":[{"name":"orders","description":"new","tracing":true}]})").status,
            204u);
  EXPECT_EQ(get("/api/vhosts/orders").json().at("description").as_string(), "new");
  EXPECT_EQ(get("/api/vhosts/orders").json().at("tracing").as_bool(), true);
  EXPECT_EQ(get("/api/vhosts/orders").json().at("default_queue_type").as_string(), "quorum") << "not named: stays";
}

TEST_F(DefinitionsTest, PassOverReservedNames) {
  ASSERT_EQ(post("/api/definitions", R"({"queues":[{"name":"amq.gen-z","vhost":"/"}],)"
                                     R"("exchanges":[{"name":"amq.zz","vhost":"/","type":"direct"}]})")
                .status,
            204u);
  EXPECT_EQ(get("/api/queues").body, "[]");
  EXPECT_EQ(get("/api/exchanges/%2F/amq.zz").status, 404u);
}

TEST_F(DefinitionsTest, MayBeWrittenByHand) {
  EXPECT_EQ(post("/api/definitions", "\xef\xbb\xbf{ // ours\n\"vhosts\":[{\"name\":\"orders\"},],}").status, 204u);
  EXPECT_EQ(get("/api/vhosts/orders").status, 200u);
}

TEST_F(DefinitionsTest, HaveNoNumbersThatAreNone) {
  EXPECT_EQ(error_of(put("/api/queues/%2F/q", R"({"arguments":{"a":1E400}})")), R"(bad_request: "not_json")");
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true, .arguments = FieldTableBuilder{}.put("a", std::nan("")).view()});
  const auto response = get("/api/definitions");
  EXPECT_EQ(json::serialize(response.json().at("queues").at(0).at("arguments")), R"({"a":"NaN"})");
  EXPECT_EQ(post("/api/definitions", response.body).status, 204u);
}

TEST_F(DefinitionsTest, AreUploadedAndDownloadedByBrowsers) {
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\r\n"
      "{\"vhosts\":[{\"name\":\"orders\"}]}\r\n--b--\r\n";
  EXPECT_EQ(send({.method = "POST",
                  .path = "/api/definitions?auth=Z3Vlc3Q6Z3Vlc3Q=",
                  .body = form,
                  .user = "",
                  .headers = {{"Content-Type", "multipart/form-data; boundary=b"}}})
                .status,
            204u);
  EXPECT_EQ(get("/api/vhosts/orders").status, 200u);
  EXPECT_EQ(get("/api/definitions?download=x.json").header("content-disposition"), "attachment; filename=x.json");
}

TEST_F(DefinitionsTest, AFormLeadsOnToItsRedirect) {
  const auto upload = [this](const std::string& form, const std::string& type = "multipart/form-data; boundary=b") {
    return send({.method = "POST", .path = "/api/definitions", .body = form, .headers = {{"Content-Type", type}}});
  };
  const auto field = [](const std::string& name, const std::string& value) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  };
  const auto led_on =
      upload(field("redirect", "../#/import") + field("file", R"({"vhosts":[{"name":"v"}]})") + "--b--");
  EXPECT_EQ(led_on.status, 303u);
  EXPECT_EQ(led_on.header("location"), "../#/import");
  EXPECT_EQ(get("/api/vhosts/v").status, 200u);
  EXPECT_EQ(upload(field("file", "") + field("redirect", "a\rb") + "--b--").header("location"), "a");
  EXPECT_EQ(upload(field("file", "{") + field("redirect", "a") + "--b--").status, 400u);
  EXPECT_EQ(upload(field("other", "{}") + "--b--").status, 400u) << "no file";
  EXPECT_EQ(upload(field("file", "{}") + "--b--", "multipart/form-data").status, 400u) << "no boundary";
  EXPECT_EQ(upload(field("file", "{}") + "--b--", "multipart/form-data; boundary=\"c\"").status, 400u);
  EXPECT_EQ(upload(field("file", "{}") + "--b--", "multipart/form-data; boundary=\"b\"").status, 204u);
}

TEST_F(DefinitionsTest, ThatAreNoneAreRefused) {
  EXPECT_EQ(error_of(post("/api/definitions", "{")), R"(bad_request: "failed_to_parse_json")");
  EXPECT_EQ(error_of(post("/api/definitions", "[]")), R"(bad_request: "failed_to_parse_json")");
  EXPECT_EQ(error_of(post("/api/definitions", R"({"queues":5})")), R"(bad_request: ["not_a_list","queues"])");
  EXPECT_EQ(error_of(post("/api/definitions", R"({"queues":[5]})")), R"(bad_request: ["not_an_object","queues"])");
  EXPECT_EQ(error_of(post("/api/definitions", R"({"queues":[{"name":"q","vhost":"nosuch"}]})")),
            R"(bad_request: ["no_such_vhost","nosuch"])");
  EXPECT_EQ(error_of(post("/api/definitions", R"({"users":[{"name":"x"}]})")), R"(bad_request: "tags_not_present")");
}

TEST_F(DefinitionsTest, TheBrokerIsWell) {
  EXPECT_EQ(get("/api/aliveness-test/%2F").body, R"({"status":"ok"})");
  EXPECT_EQ(get("/api/aliveness-test/%2F").body, R"({"status":"ok"})");
  EXPECT_EQ(get("/api/health/checks/alarms").body, R"({"status":"ok"})");
  EXPECT_EQ(get("/api/health/checks/virtual-hosts").status, 200u);
  EXPECT_EQ(get("/api/health/checks/node-is-quorum-critical").status, 200u);
  EXPECT_EQ(get("/api/health/checks/port-listener/" + std::to_string(broker_.port())).status, 200u);
  EXPECT_EQ(get("/api/health/checks/port-listener/1").status, 503u);
  EXPECT_EQ(get("/api/health/checks/port-listener/x").status, 400u);
  EXPECT_EQ(get("/api/health/checks/protocol-listener/amqp091").body, R"({"status":"ok","protocol":"amqp"})");
  EXPECT_EQ(get("/api/health/checks/protocol-listener/mqtt").status, 503u);
  EXPECT_EQ(get("/api/health/checks/certificate-expiration/1/weeks").status, 200u);
  EXPECT_EQ(get("/api/health/checks/certificate-expiration/x/weeks").status, 400u);
  EXPECT_EQ(get("/api/health/checks/certificate-expiration/1/ages").status, 400u);
}

TEST_F(DefinitionsTest, TheNodeTellsOfItself) {
  const json::value node = get("/api/nodes").json().at(0);
  const std::string name{node.at("name").as_string()};
  EXPECT_GT(node.at("mem_used").to_number<std::int64_t>(), 1'000'000);
  EXPECT_GT(node.at("fd_used").to_number<std::int64_t>(), 3);
  EXPECT_EQ(get("/api/nodes/" + name).json().at("name").as_string(), name);
  EXPECT_EQ(get("/api/nodes/" + name + "/memory").status, 200u);
  EXPECT_EQ(get("/api/nodes/nosuch").status, 404u);
}

TEST_F(DefinitionsTest, SmallAnswersAreWhatToolsExpect) {
  EXPECT_EQ(send({.path = "/api/auth", .user = ""}).status, 200u);
  EXPECT_EQ(get("/api/extensions").body, R"([{"javascript":"dispatcher.js"}])");
  EXPECT_GT(get("/api/feature-flags").json().as_array().size(), 3u);
  EXPECT_EQ(put("/api/feature-flags/quorum_queue/enable").status, 204u);
  EXPECT_EQ(put("/api/feature-flags/nosuch/enable").status, 400u);
  EXPECT_EQ(get("/api/deprecated-features").body, "[]");
  EXPECT_EQ(remove("/api/reset").status, 204u);
  EXPECT_EQ(post("/api/rebalance/queues").status, 204u);
  const auto login =
      send({.method = "POST", .path = "/api/login", .body = "username=guest&password=guest", .user = ""});
  EXPECT_EQ(login.header("set-cookie").substr(0, 21), "auth=Z3Vlc3Q6Z3Vlc3Q=");
  EXPECT_EQ(send({.path = "/api/whoami", .user = "", .headers = {{"Cookie", "auth=Z3Vlc3Q6Z3Vlc3Q="}}}).status, 200u);
  EXPECT_EQ(send({.method = "POST", .path = "/api/login", .body = "username=guest&password=no", .user = ""}).status,
            401u);
}

class DurableDefinitionsTest : public testing::Test {
 protected:
  /// Does something over HTTP and kills the broker as soon as it is answered.
  void change(const std::vector<HttpClient::Request>& requests) {
    boost::asio::io_context context{1};
    TestBroker broker{{.directory = directory_.path()}};
    broker::BrokerQuery query{broker.broker()};
    management::Statistics statistics;
    management::Router router{query, statistics};
    management::HttpServer http{
        context, {.listeners = {{}}}, [&](auto request) { return router.answer(std::move(request)); }};
    http.start();
    HttpClient client{http.port()};
    for (const auto& request : requests) answers_.push_back(client.send(request));
    http.stop(5s);
    broker.destroy();
  }

  TemporaryDirectory directory_{};
  std::vector<HttpResponse> answers_{};
};

TEST_F(DurableDefinitionsTest, SurviveAKillOnceTheyAreAnswered) {
  change(
      {{.method = "PUT", .path = "/api/vhosts/orders", .body = R"({"description":"d"})"},
       {.method = "PUT", .path = "/api/users/ann", .body = R"({"password":"x","tags":"management"})"},
       {.method = "PUT", .path = "/api/queues/orders/q", .body = R"({"durable":true})"},
       {.method = "PUT", .path = "/api/cluster-name", .body = R"({"name":"farm"})"},
       {.method = "PUT", .path = "/api/policies/orders/p", .body = R"({"pattern":"q","definition":{"max-length":5}})"},
       {.method = "PUT", .path = "/api/vhost-limits/orders/max-queues", .body = R"({"value":7})"}});
  change({{.path = "/api/vhosts/orders"},
          {.path = "/api/users/ann"},
          {.path = "/api/queues/orders/q"},
          {.path = "/api/cluster-name"},
          {.path = "/api/vhost-limits/orders"}});
  ASSERT_EQ(answers_.size(), 11u);
  EXPECT_EQ(answers_[6].json().at("description").as_string(), "d");
  EXPECT_EQ(answers_[7].status, 200u);
  EXPECT_EQ(answers_[8].json().at("policy").as_string(), "p");
  EXPECT_EQ(answers_[9].body, R"({"name":"farm"})");
  EXPECT_EQ(answers_[10].json().at(0).at("value").at("max-queues").as_int64(), 7);
}

}  // namespace
}  // namespace leveret::test
