#include <gtest/gtest.h>

#include "tests/management/http_test.h"

/// Publishing and getting over HTTP.
namespace leveret::test {
namespace {

class MessagesTest : public HttpTest {
 protected:
  void SetUp() override { ASSERT_EQ(put("/api/queues/%2F/q").status, 201u); }
  HttpResponse publish(const std::string& payload, const std::string& properties = "{}",
                       const std::string& encoding = "string", const std::string& key = "q") {
    return post("/api/exchanges/%2F/amq.default/publish", R"({"properties":)" + properties + R"(,"routing_key":")" +
                                                              key + R"(","payload":")" + payload +
                                                              R"(","payload_encoding":")" + encoding + "\"}");
  }
  json::array take(int count, const std::string& mode, const std::string& more = R"("encoding":"auto")") {
    return post("/api/queues/%2F/q/get",
                R"({"count":)" + std::to_string(count) + R"(,"ackmode":")" + mode + "\"," + more + "}")
        .json()
        .as_array();
  }
  std::int64_t ready() { return get("/api/queues/%2F/q").json().at("messages_ready").as_int64(); }
};

TEST_F(MessagesTest, SaysWhetherAMessageWasRouted) {
  EXPECT_EQ(publish("hello").body, R"({"routed":true})");
  EXPECT_EQ(publish("hello", "{}", "string", "nosuch").body, R"({"routed":false})");
  EXPECT_EQ(connect().open_channel().get("q").body, "hello");
}

TEST_F(MessagesTest, KeepsAllProperties) {
  const std::string properties =
      R"({"content_type":"text/plain","content_encoding":"utf8","headers":{"a":1,"b":[1,"x",true]},)"
      R"("delivery_mode":2,"priority":5,"correlation_id":"c","reply_to":"r","expiration":"100000","message_id":"m",)"
      R"("timestamp":12345,"type":"t","user_id":"guest","app_id":"a","cluster_id":"cl"})";
  ASSERT_EQ(publish("hello", properties).body, R"({"routed":true})");
  EXPECT_EQ(json::serialize(take(1, "ack_requeue_false").at(0).at("properties")), properties);
}

TEST_F(MessagesTest, ShowsMessagesAndPutsThemBack) {
  publish("first");
  publish("second");
  const json::array shown = take(5, "ack_requeue_true");
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(json::serialize(shown[0]),
            R"({"payload_bytes":5,"redelivered":false,"exchange":"","routing_key":"q","message_count":1,)"
            R"("properties":[],"payload":"first","payload_encoding":"string"})");
  const json::array again = take(1, "reject_requeue_true");
  EXPECT_EQ(again.at(0).at("payload").as_string(), "first") << "it returned to its place";
  EXPECT_EQ(again.at(0).at("redelivered").as_bool(), true);
  EXPECT_EQ(ready(), 2);
}

TEST_F(MessagesTest, TakesMessagesAway) {
  publish("first");
  publish("second");
  EXPECT_EQ(take(1, "ack_requeue_false").size(), 1u);
  EXPECT_EQ(take(1, "reject_requeue_false").at(0).at("payload").as_string(), "second");
  EXPECT_EQ(take(1, "ack_requeue_true").size(), 0u);
}

TEST_F(MessagesTest, EncodesAndTruncatesPayloads) {
  ASSERT_EQ(publish("AAEC/w==", "{}", "base64").status, 200u);
  EXPECT_EQ(take(1, "ack_requeue_true").at(0).at("payload_encoding").as_string(), "base64");
  EXPECT_EQ(take(1, "ack_requeue_false").at(0).at("payload").as_string(), "AAEC/w==");
  publish("\u00e4b");
  const json::array cut = take(1, "ack_requeue_true", R"("encoding":"auto","truncate":1)");
  EXPECT_EQ(cut.at(0).at("payload").as_string(), "ww==") << "cut inside of a character";
  EXPECT_EQ(cut.at(0).at("payload_bytes").as_int64(), 3);
  EXPECT_EQ(take(1, "ack_requeue_true", R"("encoding":"base64")").at(0).at("payload").as_string(), "w6Ri");
}

TEST_F(MessagesTest, ThatAreToSurviveAreCountedApart) {
  auto channel = connect().open_channel();
  for (const bool is_durable : {true, false}) {
    const std::string name = is_durable ? "durable" : "transient";
    channel.declare_queue(name, {.durable = is_durable});
    for (const auto body : {"12345", "678"}) channel.publish_persistent(name, body);
    channel.publish_to(name, "not");
  }
  const auto numbers = [this](const std::string& name) {
    const json::value queue = get("/api/queues/%2F/" + name).json();
    return json::serialize(json::array{queue.at("messages_persistent"), queue.at("message_bytes_persistent")});
  };
  const auto held = channel.get("durable");
  EXPECT_EQ(numbers("durable"), "[2,8]");
  EXPECT_EQ(numbers("transient"), "[0,0]");
  EXPECT_EQ(channel.purge("durable"), 2u);
  EXPECT_EQ(numbers("durable"), "[1,5]") << "the one that is held";
  channel.acknowledge(held);
  channel.synchronize();
  EXPECT_EQ(numbers("durable"), "[0,0]");
}

TEST_F(MessagesTest, ThatWaitForAConsumerLowerTheCapacity) {
  const auto capacity = [this] { return get("/api/queues/%2F/q").json().at("consumer_capacity").to_number<double>(); };
  auto channel = connect().open_channel();
  channel.publish_to("q", "first");
  channel.synchronize();
  EXPECT_EQ(capacity(), 0) << "nobody is there";
  channel.limit_prefetch(1);
  channel.consume("q");
  const auto held = channel.next_delivery();
  broker_.clock().advance(10s);
  EXPECT_NEAR(capacity(), 1, 0.01);
  channel.publish_to("q", "second");
  channel.synchronize();
  broker_.clock().advance(1s);
  EXPECT_NEAR(capacity(), 0.5, 0.01);
  channel.acknowledge(held);
  channel.next_delivery();
  broker_.clock().advance(10s);
  EXPECT_NEAR(capacity(), 1, 0.01);
}

class PagedOutMessagesTest : public HttpTest {
 protected:
  PagedOutMessagesTest() : HttpTest({}, {.broker = {.queued_memory_max = 64 * 1024}}) {}
};

TEST_F(PagedOutMessagesTest, AreNotCountedAsInMemory) {
  auto channel = connect().open_channel();
  channel.declare_queue("q", {.durable = true});
  channel.select_confirms();
  const std::string body(1000, 'x');
  for (unsigned i = 1; i < 500; ++i) channel.publish_persistent("q", body);
  channel.wait_for_confirms(499);
  channel.publish_persistent("q", body);  // with it leaves memory what is on disk
  EXPECT_EQ(channel.next_confirm().delivery_tag, protocol::DeliveryTag{500});
  json::value queue = get("/api/queues/%2F/q").json();
  EXPECT_EQ(queue.at("messages_persistent").to_number<int>(), 500);
  EXPECT_EQ(queue.at("message_bytes_persistent").to_number<int>(), 500'000);
  const int out = queue.at("messages_paged_out").to_number<int>();
  EXPECT_GT(out, 400);
  EXPECT_EQ(queue.at("message_bytes_paged_out").to_number<int>(), out * 1000);
  EXPECT_EQ(queue.at("messages_ram").to_number<int>(), 500 - out);
  EXPECT_EQ(queue.at("messages_ready_ram").to_number<int>(), 500 - out);
  EXPECT_EQ(queue.at("message_bytes_ram").to_number<int>(), (500 - out) * 1000);
  EXPECT_EQ(channel.purge("q"), 500u);
  queue = get("/api/queues/%2F/q").json();
  EXPECT_EQ(queue.at("messages_persistent").to_number<int>(), 0);
  EXPECT_EQ(queue.at("messages_paged_out").to_number<int>(), 0);
}

TEST_F(MessagesTest, ThatNoQueueTakesAsDeadLettersCountInTheirQueue) {
  auto channel = connect().open_channel();
  channel.declare_queue("quorum", {.durable = true,
                                   .arguments = FieldTableBuilder{}
                                                    .put("x-queue-type", "quorum")
                                                    .put("x-overflow", "reject-publish")
                                                    .put("x-max-length", 3)
                                                    .put("x-dead-letter-exchange", "later")
                                                    .put("x-dead-letter-strategy", "at-least-once")
                                                    .view()});
  channel.select_confirms();
  for (const auto body : {"12345", "678", "ready"}) {
    channel.publish_to("quorum", body);
    channel.next_confirm();
  }
  for (int i = 0; i < 2; ++i) channel.reject(channel.get("quorum"), Requeue::no);
  EXPECT_EQ(channel.counts_of("quorum").messages, 1u) << "ready ones alone";
  const auto numbers = [this] {
    const json::value queue = get("/api/queues/%2F/quorum").json();
    return json::serialize(json::array{queue.at("messages"), queue.at("messages_ready"), queue.at("messages_dlx"),
                                       queue.at("message_bytes"), queue.at("message_bytes_dlx")});
  };
  EXPECT_EQ(numbers(), "[3,1,2,13,8]");
  channel.publish_to("quorum", "too much");
  channel.client().expect<protocol::basic::Nack>(channel.number());
  channel.declare_queue("dead");
  channel.declare_exchange("later", "fanout");
  channel.bind("dead", "later", "");
  channel.consume("dead", {.no_ack = NoAck::yes});
  EXPECT_THAT(channel.next_bodies(2), UnorderedElementsAre("12345", "678"));
  wait_until([&] { return numbers() == "[1,1,0,5,0]"; }, "they have left");
}

TEST_F(MessagesTest, ThatRestBeforeTheyAreDeliveredAgainCountInTheirQueue) {
  auto channel = connect().open_channel();
  channel.declare_queue("quorum", {.durable = true,
                                   .arguments = FieldTableBuilder{}
                                                    .put("x-queue-type", "quorum")
                                                    .put("x-delayed-retry-type", "all")
                                                    .put("x-delayed-retry-min", 60'000)
                                                    .view()});
  for (const auto body : {"12345", "ready"}) channel.publish_to("quorum", body);
  channel.reject(channel.get("quorum"), Requeue::yes);
  channel.synchronize();
  const json::value queue = get("/api/queues/%2F/quorum").json();
  EXPECT_EQ(queue.at("messages"), 2);
  EXPECT_EQ(queue.at("messages_ready"), 1);
  EXPECT_EQ(queue.at("messages_delayed"), 1);
  EXPECT_EQ(queue.at("message_bytes_delayed"), 5);
}

TEST_F(MessagesTest, LooksAtMoreThanOneConnectionMayHold) {
  for (int i = 0; i < 20; ++i) publish(std::string(1000, 'x'));
  EXPECT_EQ(take(20, "ack_requeue_false").size(), 20u);
  EXPECT_EQ(ready(), 0);
}

TEST_F(MessagesTest, RefusesWhatCannotBePublished) {
  EXPECT_EQ(error_of(post("/api/exchanges/%2F/nosuch/publish",
                          R"({"properties":{},"routing_key":"q","payload":"x","payload_encoding":"string"})")),
            R"(bad_request: "404 NOT_FOUND - no exchange 'nosuch' in vhost '/'")");
  EXPECT_EQ(
      error_of(post("/api/exchanges/%2F/amq.default/publish")),
      R"(bad_request: "[{key_missing,routing_key},{key_missing,properties},{key_missing,payload},{key_missing,payload_encoding}]")");
  EXPECT_EQ(error_of(publish("!!", "{}", "base64")), R"(bad_request: ["not_base64","!!"])");
  EXPECT_EQ(error_of(publish("x", "{}", "rot13")), R"(bad_request: ["unsupported_encoding","rot13"])");
  EXPECT_EQ(error_of(publish("x", R"({"delivery_mode":"x"})")), R"(bad_request: ["not_int","delivery_mode"])");
  EXPECT_EQ(error_of(publish("x", R"({"content_type":5})")), R"(bad_request: ["not_string","content_type"])");
  EXPECT_EQ(
      error_of(publish("x", R"({"user_id":"x"})")),
      R"(bad_request: "406 PRECONDITION_FAILED - user_id property set to 'x' but authenticated user was 'guest'")");
  EXPECT_EQ(error_of(publish("x", R"({"headers":{"a":null}})")), R"(bad_request: "null_not_allowed")");
  EXPECT_EQ(error_of(publish("x", R"({"priority":300})")), R"(bad_request: ["out_of_range","priority"])");
}

TEST_F(MessagesTest, RefusesToGetInWaysThatAreNone) {
  const std::string path = "/api/queues/%2F/q/get";
  EXPECT_EQ(error_of(post(path)),
            R"(bad_request: "[{key_missing,ackmode},{key_missing,count},{key_missing,encoding}]")");
  EXPECT_EQ(error_of(post(path, R"({"count":1,"ackmode":"x","encoding":"auto"})")),
            R"(bad_request: ["unknown_ackmode","x"])");
  EXPECT_EQ(error_of(post(path, R"({"count":1,"ackmode":"ack_requeue_true","encoding":"x"})")),
            R"(bad_request: "Unsupported encoding. Please use auto or base64.")");
  EXPECT_EQ(error_of(post(path, R"({"count":"x","ackmode":"ack_requeue_true","encoding":"auto"})")),
            R"(bad_request: ["not_integer","x"])");
  EXPECT_EQ(
      error_of(post("/api/queues/%2F/nosuch/get", R"({"count":1,"ackmode":"ack_requeue_true","encoding":"auto"})")),
      R"(not_found: "NOT_FOUND - no queue 'nosuch' in vhost '/'")");
}

}  // namespace
}  // namespace leveret::test
