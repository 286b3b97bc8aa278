#include <gtest/gtest.h>

#include "tests/management/http_test.h"

/// Exchanges, queues and bindings.
namespace leveret::test {
namespace {

using TopologyTest = HttpTest;

TEST_F(TopologyTest, ShowsThePredeclaredExchanges) {
  const json::value exchanges = get("/api/exchanges/%2F").json();
  EXPECT_EQ(exchanges.as_array().size(), 7u);
  EXPECT_EQ(json::serialize(exchanges.as_array().front()),
            R"({"arguments":{},"auto_delete":false,"durable":true,"internal":false,"name":"","type":"direct",)"
            R"("user_who_performed_action":"rmq-internal","vhost":"/"})");
  EXPECT_EQ(get("/api/exchanges/%2F/amq.default").json().at("name").as_string(), "");
  EXPECT_EQ(get("/api/exchanges/nosuch").status, 404u);
  EXPECT_EQ(get("/api/exchanges/%2F/nosuch").status, 404u);
}

TEST_F(TopologyTest, DeclaresAndDeletesExchanges) {
  const std::string body =
      R"({"type":"fanout","durable":"true","auto_delete":false,"arguments":{"alternate-exchange":"amq.topic","n":[1,2.5]}})";
  EXPECT_EQ(put("/api/exchanges/%2F/e", body).status, 201u);
  EXPECT_EQ(put("/api/exchanges/%2F/e", body).status, 204u);
  const json::value shown = get("/api/exchanges/%2F/e").json();
  EXPECT_EQ(shown.at("durable").as_bool(), true);
  EXPECT_EQ(shown.at("user_who_performed_action").as_string(), "guest");
  EXPECT_EQ(json::serialize(shown.at("arguments").at("n")), "[1,2.5E0]");
  EXPECT_EQ(remove("/api/exchanges/%2F/e").status, 204u);
  EXPECT_EQ(remove("/api/exchanges/%2F/e").status, 404u);
}

TEST_F(TopologyTest, CountsWhatAnExchangeDelays) {
  ASSERT_EQ(
      put("/api/exchanges/%2F/e", R"({"type":"x-delayed-message","arguments":{"x-delayed-type":"direct"}})").status,
      201u);
  EXPECT_EQ(get("/api/exchanges/%2F/e").json().at("messages_delayed").to_number<int>(), 0);
  auto channel = connect().open_channel();
  FieldTableBuilder headers;
  headers.put("x-delay", 60'000);
  channel.select_confirms();
  channel.publish("e", "key", "body", {.properties = {.headers = headers.view()}});
  channel.wait_for_confirms(1);
  const json::value shown = get("/api/exchanges/%2F/e").json();
  EXPECT_EQ(shown.at("messages_delayed").to_number<int>(), 1);
  EXPECT_EQ(shown.at("message_bytes_delayed").to_number<int>(), 4);
  EXPECT_FALSE(get("/api/exchanges/%2F/amq.direct").json().as_object().contains("messages_delayed"));
}

TEST_F(TopologyTest, RefusesExchangesAsTheModelDoes) {
  ASSERT_EQ(put("/api/exchanges/%2F/e", R"({"type":"direct"})").status, 201u);
  EXPECT_EQ(
      error_of(put("/api/exchanges/%2F/e", R"({"type":"topic"})")),
      R"(bad_request: "inequivalent arg 'type' for exchange 'e' in vhost '/': received 'topic' but current is 'direct'")");
  EXPECT_EQ(error_of(put("/api/exchanges/%2F/f", R"({"type":"nosuch"})")),
            R"(bad_request: "unknown exchange type 'nosuch'")");
  EXPECT_EQ(put("/api/exchanges/%2F/amq.x", R"({"type":"direct"})").status, 401u);
  EXPECT_EQ(remove("/api/exchanges/%2F/amq.direct").status, 401u);
  EXPECT_EQ(error_of(put("/api/exchanges/nosuch/e", R"({"type":"direct"})")), R"(not_found: "vhost_not_found")");
}

TEST_F(TopologyTest, DeclaresAndDeletesQueues) {
  EXPECT_EQ(put("/api/queues/%2F/q", R"({"durable":true,"arguments":{"x-max-length":10}})").status, 201u);
  EXPECT_EQ(put("/api/queues/%2F/q", R"({"durable":true,"arguments":{"x-max-length":10}})").status, 204u);
  EXPECT_EQ(
      error_of(put("/api/queues/%2F/q")),
      R"(bad_request: "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'")");
  const json::value shown = get("/api/queues/%2F/q").json();
  EXPECT_EQ(shown.at("type").as_string(), "classic");
  EXPECT_EQ(shown.at("state").as_string(), "running");
  EXPECT_EQ(shown.at("arguments").at("x-max-length").as_int64(), 10);
  EXPECT_EQ(remove("/api/queues/%2F/q").status, 204u);
  EXPECT_EQ(remove("/api/queues/%2F/q").status, 404u);
  EXPECT_EQ(get("/api/queues/%2F/q").status, 404u);
}

TEST_F(TopologyTest, AQueueDeclaredOverHttpIsTheOneThatClientsUse) {
  ASSERT_EQ(put("/api/queues/%2F/q").status, 201u);
  auto channel = connect().open_channel();
  channel.publish_to("q", {"first", "second"});
  EXPECT_EQ(channel.get("q").body, "first");
  const json::value shown = get("/api/queues/%2F/q").json();
  EXPECT_EQ(shown.at("messages").as_int64(), 2);
  EXPECT_EQ(shown.at("messages_ready").as_int64(), 1);
  EXPECT_EQ(shown.at("messages_unacknowledged").as_int64(), 1);
}

TEST_F(TopologyTest, ShowsAStreamAndWhatIsInIt) {
  EXPECT_EQ(put("/api/queues/%2F/s", R"({"durable":true,"arguments":{"x-queue-type":"stream"}})").status, 201u);
  auto channel = connect().open_channel();
  channel.select_confirms();
  channel.publish_to("s", {"1", "2"});
  channel.wait_for_confirms(2);
  channel.limit_prefetch(2);
  channel.consume("s", {.arguments = protocol::FieldTableBuilder{}.put("x-stream-offset", "first").view()});
  channel.next_bodies(2);
  const json::value shown = get("/api/queues/%2F/s").json();
  EXPECT_EQ(shown.at("type").as_string(), "stream");
  EXPECT_EQ(shown.at("messages").as_int64(), 2);
  EXPECT_EQ(shown.at("messages_unacknowledged").as_int64(), 0);
  EXPECT_EQ(shown.at("members"), (json::array{shown.at("node").as_string()}));
  EXPECT_EQ(error_of(remove("/api/queues/%2F/s/contents")),
            R"(bad_request: "queue.purge not supported by stream queues queue 's' in vhost '/'")");
}

TEST_F(TopologyTest, DeletesAQueueOnlyUnderItsConditions) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"message"});
  EXPECT_EQ(channel.get("q").body, "message");
  channel.close();
  EXPECT_EQ(error_of(remove("/api/queues/%2F/q?if-empty=true")), R"(bad_request: "queue 'q' in vhost '/' not empty")");
  EXPECT_EQ(remove("/api/queues/%2F/q/contents").status, 204u);
  EXPECT_EQ(remove("/api/queues/%2F/q?if-empty=true").status, 204u);
}

TEST_F(TopologyTest, BindsAndUnbinds) {
  ASSERT_EQ(put("/api/queues/%2F/q").status, 201u);
  const std::string between = "/api/bindings/%2F/e/amq.direct/q/q";
  const auto plain = post(between);
  EXPECT_EQ(plain.status, 201u);
  EXPECT_EQ(plain.header("location"), "q/~");
  EXPECT_EQ(post(between, R"({"routing_key":"a b"})").header("location"), "q/a%20b");
  const auto with_arguments = post(between, R"({"routing_key":"k","arguments":{"y":"z","x":1}})");
  const std::string location = with_arguments.header("location");
  EXPECT_EQ(location.substr(0, 4), "q/k~");
  EXPECT_EQ(get(between).json().as_array().size(), 3u);
  EXPECT_EQ(get("/api/queues/%2F/q/bindings").json().as_array().size(), 4u) << "the default exchange's as well";
  EXPECT_EQ(get("/api/exchanges/%2F/amq.direct/bindings/source").json().as_array().size(), 3u);
  EXPECT_EQ(get("/api/bindings/%2F/e/amq.direct/q/" + location).json().at("arguments").at("x").as_int64(), 1);
  EXPECT_EQ(remove("/api/bindings/%2F/e/amq.direct/q/" + location).status, 204u);
  EXPECT_EQ(remove("/api/bindings/%2F/e/amq.direct/q/" + location).status, 404u);
  EXPECT_EQ(remove(between + "/a%20b").status, 204u);
  EXPECT_EQ(remove(between + "/~").status, 204u);
}

TEST_F(TopologyTest, BindsExchangesToExchanges) {
  EXPECT_EQ(post("/api/bindings/%2F/e/amq.direct/e/amq.topic", R"({"routing_key":"k"})").status, 201u);
  EXPECT_EQ(get("/api/exchanges/%2F/amq.topic/bindings/destination").json().as_array().size(), 1u);
  EXPECT_EQ(remove("/api/bindings/%2F/e/amq.direct/e/amq.topic/k").status, 204u);
}

TEST_F(TopologyTest, RefusesBindingsOfWhatIsNotThere) {
  EXPECT_EQ(error_of(post("/api/bindings/%2F/e/amq.direct/q/nosuch")),
            R"(not_found: "no queue 'nosuch' in vhost '/'")");
  EXPECT_EQ(error_of(post("/api/bindings/%2F/e/nosuch/e/amq.topic")),
            R"(not_found: "no exchange 'nosuch' in vhost '/'")");
  EXPECT_EQ(post("/api/bindings/%2F/e/amq.direct/x/q").status, 404u);
}

TEST_F(TopologyTest, PagesSortsFiltersAndPicksColumns) {
  for (const std::string name : {"b", "a", "c"}) ASSERT_EQ(put("/api/queues/%2F/" + name).status, 201u);
  EXPECT_EQ(get("/api/queues?columns=name").body, R"([{"name":"a"},{"name":"b"},{"name":"c"}])");
  EXPECT_EQ(get("/api/queues?columns=name&sort=name&sort_reverse=true").body,
            R"([{"name":"c"},{"name":"b"},{"name":"a"}])");
  EXPECT_EQ(
      get("/api/queues?page=2&page_size=2&columns=name").body,
      R"({"filtered_count":3,"item_count":1,"items":[{"name":"c"}],"page":2,"page_count":2,"page_size":2,"total_count":3})");
  EXPECT_EQ(get("/api/queues?page=1&name=B&columns=name").json().at("filtered_count").as_int64(), 1);
  EXPECT_EQ(get("/api/queues?page=1&name=%5E%5Bab%5D&use_regex=true").json().at("filtered_count").as_int64(), 2);
  EXPECT_EQ(get("/api/queues?page=1&name=nosuch").json().at("page_count").as_int64(), 0);
  EXPECT_EQ(get("/api/queues/%2F/a?columns=name,messages_details.rate").body,
            R"({"name":"a","messages_details":{"rate":0E0}})");
}

TEST_F(TopologyTest, ShowsTheVirtualHostThatIsChosenInTheWebUi) {
  ASSERT_EQ(put("/api/vhosts/v").status, 201u);
  ASSERT_EQ(put("/api/queues/v/q").status, 201u);
  connect();
  const auto size = [this](const std::string& path, const std::string& chosen) {
    return send({.path = path, .headers = {{"X-Vhost", chosen}}}).json().as_array().size();
  };
  EXPECT_EQ(size("/api/queues", ""), 1u);
  EXPECT_EQ(size("/api/queues", "v"), 1u);
  EXPECT_EQ(size("/api/queues", "/"), 0u);
  EXPECT_EQ(size("/api/queues", "nosuch"), 0u);
  EXPECT_EQ(size("/api/connections", "/"), 1u);
  EXPECT_EQ(size("/api/connections", "v"), 0u);
  EXPECT_EQ(size("/api/vhosts", "v"), 2u) << "there is always another one to choose";
}

struct SortingCase {
  std::string query{};
  std::string names{};
};

void PrintTo(const SortingCase& row, std::ostream* stream) {
  *stream << row.query;
}

class SortingTest : public HttpTest, public testing::WithParamInterface<SortingCase> {};

TEST_P(SortingTest, GoesByAnyColumn) {
  auto channel = connect().open_channel();
  channel.declare_queue("a", {.durable = true});
  channel.declare_queue("b", {});
  channel.declare_queue("c", {.durable = true});
  channel.publish_to("a", {"1", "2"});
  channel.publish_to("c", {"3"});
  channel.synchronize();
  ASSERT_EQ(put("/api/policies/%2F/p", R"({"pattern":"c","definition":{"max-length":10}})").status, 201u);
  std::string names;
  const json::value listed = get("/api/queues?columns=name&" + GetParam().query).json();
  for (const auto& queue : listed.as_array()) names += queue.at("name").as_string();
  EXPECT_EQ(names, GetParam().names);
}
INSTANTIATE_TEST_SUITE_P(
    OfQueues, SortingTest,
    testing::Values(SortingCase{"sort=messages", "bca"}, SortingCase{"sort=message_bytes&sort_reverse=true", "acb"},
                    SortingCase{"sort=message_stats.publish", "bca"}, SortingCase{"sort=durable", "bac"},
                    SortingCase{"sort=policy&sort_reverse=true", "cab"}, SortingCase{"sort=nosuch", "abc"},
                    SortingCase{"sort=messages&disable_stats=true&enable_queue_totals=true", "bca"},
                    SortingCase{"sort=.", "abc"}));

struct PagingCase {
  std::string query{};
  std::string error{};
};

class PagingTest : public HttpTest, public testing::WithParamInterface<PagingCase> {};

TEST_P(PagingTest, RefusesPagesThatAreNone) {
  const auto response = get("/api/queues?" + GetParam().query);
  EXPECT_EQ(response.status, 400u);
  EXPECT_EQ(error_of(response), GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    OfQueues, PagingTest,
    testing::Values(
        PagingCase{"page=9", R"(page_out_of_range: "Page out of range, page: 9 page size: 100, len: 0")"},
        PagingCase{
            "page=0",
            R"(invalid_pagination_parameters: "Invalid pagination parameters: page number 0, page size undefined")"},
        PagingCase{"page=1&page_size=501",
                   R"(invalid_pagination_parameters: "Invalid pagination parameters: page number 1, page size 501")"},
        PagingCase{"page=x", R"(bad_request: "Pagination parameters are invalid")"},
        PagingCase{"page=", R"(bad_request: "Pagination parameters are invalid")"},
        PagingCase{"page=1&page_size=", R"(bad_request: "Pagination parameters are invalid")"},
        PagingCase{"page=1&name=%5B&use_regex=true", R"(bad_request: "Pagination parameters are invalid")"}));

TEST_F(TopologyTest, ListsTenThousandQueuesPageByPage) {
  auto channel = connect().open_channel();
  for (int i = 0; i < 10'000; ++i) channel.declare_queue("q" + std::to_string(i));
  const auto start = std::chrono::steady_clock::now();
  const json::value page = get("/api/queues?page=100&page_size=100").json();
  const auto taken = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(page.at("item_count").as_int64(), 100);
  EXPECT_EQ(page.at("total_count").as_int64(), 10'000);
  RecordProperty("milliseconds",
                 static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(taken).count()));
  EXPECT_LT(taken, 5s) << "some tens of milliseconds, where nothing else runs";
}

}  // namespace
}  // namespace leveret::test
