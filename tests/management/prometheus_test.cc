#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include <fmt/format.h>

#include "management/prometheus/exposition.h"
#include "management/prometheus/scraper.h"
#include "tests/management/http_test.h"

/// What Prometheus is told.
namespace leveret::test {
namespace {

using management::prometheus::Exposition;
using management::prometheus::Type;
using testing::HasSubstr;
using testing::Not;

TEST(Exposition, WritesTypeHelpAndSamples) {
  Exposition page;
  page.begin("a_total", Type::counter, "How many");
  page.add(3);
  page.add(0.25, {{"queue", "a\"b\\c\nd"}, {"vhost", "/"}});
  EXPECT_EQ(page.take(),
            "# TYPE a_total counter\n# HELP a_total How many\na_total 3\n"
            "a_total{queue=\"a\\\"b\\\\c\\nd\",vhost=\"/\"} 0.25\n");
}

class PrometheusTest : public HttpTest {
 protected:
  PrometheusTest()
      : metrics_(metrics_context_, {.listeners = {{}}}, [this](management::RawRequest request) {
          return management::prometheus::scrape(metrics_query_, std::move(request));
        }) {
    metrics_.start();
    client_.emplace(metrics_.port());
  }
  ~PrometheusTest() override { metrics_.stop(5s); }

  /// Without credentials.
  std::string scrape(std::string path) {
    const auto response = send({.path = std::move(path), .user = ""});
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.header("content-type"), "text/plain; version=0.0.4");
    return response.body;
  }
  /// The value of a sample, by its name and labels.
  std::string sample(const std::string& page, const std::string& name) {
    std::istringstream lines{page};
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
    return "none";
  }

  boost::asio::io_context metrics_context_{1};
  broker::BrokerQuery metrics_query_{broker_.broker()};
  management::HttpServer metrics_;
};

TEST_F(PrometheusTest, SumsUpWhatThereIs) {
  auto channel = connect().open_channel();
  channel.declare_queue("one", {});
  channel.declare_queue("two", {});
  channel.publish_to("one", {"a", "bc"});
  channel.publish_to("two", {"d"});
  EXPECT_EQ(channel.get("one").body, "a");
  const std::string page = scrape("/metrics");
  EXPECT_EQ(sample(page, "rabbitmq_queue_messages_ready"), "2");
  EXPECT_EQ(sample(page, "rabbitmq_queue_messages_unacked"), "1");
  EXPECT_EQ(sample(page, "rabbitmq_queue_messages"), "3");
  EXPECT_EQ(sample(page, "rabbitmq_queue_messages_bytes"), "4");
  EXPECT_EQ(sample(page, "rabbitmq_queues"), "2");
  EXPECT_EQ(sample(page, "rabbitmq_connections"), "1");
  EXPECT_EQ(sample(page, "rabbitmq_channels"), "1");
  EXPECT_EQ(sample(page, "rabbitmq_channel_messages_published_total"), "3");
  EXPECT_EQ(sample(page, "rabbitmq_channel_get_ack_total"), "1");
  EXPECT_EQ(sample(page, "rabbitmq_global_messages_received_total{protocol=\"amqp091\"}"), "3");
  EXPECT_EQ(sample(page, "rabbitmq_connections_opened_total"), "1");
  EXPECT_EQ(sample(page, "rabbitmq_alarms_memory_used_watermark"), "0");
  EXPECT_EQ(sample(page, "rabbitmq_auth_attempts_total{protocol=\"amqp091\"}"), "1");
  EXPECT_EQ(sample(page, "rabbitmq_auth_attempts_failed_total{protocol=\"amqp091\"}"), "0");
  EXPECT_NE(sample(page, "rabbitmq_auth_attempts_succeeded_total{protocol=\"http\"}"), "none");
  EXPECT_THAT(page, HasSubstr("rabbitmq_identity_info{rabbitmq_node=\"rabbit@"));
  EXPECT_THAT(page, HasSubstr("rabbitmq_build_info{rabbitmq_version=\"4."));
  EXPECT_NE(sample(page, "leveret_shard_turns_total{shard=\"0\"}"), "none");
  EXPECT_NE(sample(page, "leveret_store_syncs_total"), "none");
}

TEST_F(PrometheusTest, TellsHowLongMessagesWaitAndAreWorkedOn) {
  auto channel = connect().open_channel();
  channel.declare_queue("one", {});
  for (int i = 0; i < 64; ++i) channel.publish_to("one", "a");
  channel.synchronize();
  broker_.clock().advance(2s);
  for (int i = 0; i < 64; ++i) channel.get("one");
  broker_.clock().advance(300ms);
  channel.send(protocol::basic::Ack{.delivery_tag = DeliveryTag{64}, .multiple = true});
  channel.synchronize();
  const std::string sum = scrape("/metrics");
  EXPECT_EQ(sample(sum, "leveret_queue_message_wait_seconds_bucket{le=\"1\"}"), "0");
  EXPECT_EQ(sample(sum, "leveret_queue_message_wait_seconds_bucket{le=\"5\"}"), "2") << "one of 32 is looked at";
  EXPECT_EQ(sample(sum, "leveret_queue_message_wait_seconds_bucket{le=\"+Inf\"}"), "2");
  EXPECT_EQ(sample(sum, "leveret_queue_message_wait_seconds_sum"), "4");
  EXPECT_EQ(sample(sum, "leveret_queue_message_wait_seconds_count"), "2");
  EXPECT_EQ(sample(sum, "leveret_queue_message_work_seconds_bucket{le=\"0.1\"}"), "0");
  EXPECT_EQ(sample(sum, "leveret_queue_message_work_seconds_bucket{le=\"0.5\"}"), "2");
  const std::string each = scrape("/metrics/per-object");
  EXPECT_EQ(sample(each, R"(leveret_queue_message_work_seconds_count{vhost="/",queue="one"})"), "2");
}

TEST_F(PrometheusTest, WorkThatComesBackIsNotCounted) {
  auto channel = connect().open_channel();
  channel.declare_queue("one", {});
  for (int i = 0; i < 32; ++i) channel.publish_to("one", "a");
  for (int i = 0; i < 32; ++i) channel.get("one");
  channel.send(protocol::basic::Nack{.multiple = true, .requeue = true});
  channel.synchronize();
  const std::string page = scrape("/metrics");
  EXPECT_EQ(sample(page, "leveret_queue_message_wait_seconds_count"), "1");
  EXPECT_EQ(sample(page, "leveret_queue_message_work_seconds_count"), "0");
}

TEST_F(PrometheusTest, CountsRoutesThatHadToBeLookedUp) {
  auto channel = connect().open_channel();
  channel.declare_queue("one", {});
  channel.synchronize();
  const auto lookups = [&] {
    const std::string page = scrape("/metrics");
    int sum = 0;
    for (std::size_t shard = 0; shard < broker_.broker().shards().size(); ++shard)
      sum += std::stoi(sample(page, fmt::format("leveret_shard_route_lookups_total{{shard=\"{}\"}}", shard)));
    return sum;
  };
  channel.publish_to("one", {"a", "b", "c"});
  channel.synchronize();
  EXPECT_EQ(lookups(), 1);
  channel.publish("amq.match", "", "no route is remembered");
  channel.publish("amq.match", "", "no route is remembered");
  channel.synchronize();
  EXPECT_EQ(lookups(), 3);
}

TEST_F(PrometheusTest, CountsOnAfterAChannelHasGone) {
  auto& client = connect();
  auto channel = client.open_channel();
  channel.declare_queue("one", {});
  channel.publish_to("one", {"a"});
  channel.close();
  const std::string page = scrape("/metrics");
  EXPECT_EQ(sample(page, "rabbitmq_channel_messages_published_total"), "0");
  EXPECT_EQ(sample(page, "rabbitmq_global_messages_received_total{protocol=\"amqp091\"}"), "1");
  EXPECT_EQ(sample(page, "rabbitmq_channels_closed_total"), "1");
}

TEST_F(PrometheusTest, NamesEachObjectWhenItIsAskedTo) {
  auto channel = connect().open_channel();
  channel.declare_queue("one", {});
  channel.publish_to("one", {"a"});
  channel.synchronize();
  const std::string page = scrape("/metrics/per-object");
  EXPECT_EQ(sample(page, "rabbitmq_queue_messages_ready{vhost=\"/\",queue=\"one\"}"), "1");
  EXPECT_THAT(page, HasSubstr("rabbitmq_connection_channels{connection=\"127.0.0.1:"));
  EXPECT_THAT(page, HasSubstr("rabbitmq_channel_consumers{channel=\"127.0.0.1:"));
}

TEST_F(PrometheusTest, DetailsAreThoseOfFamiliesAndVirtualHostsThatAreAskedFor) {
  auto channel = connect().open_channel();
  channel.declare_queue("one", {});
  const std::string name = "rabbitmq_detailed_queue_messages{vhost=\"/\",queue=\"one\"}";
  EXPECT_EQ(sample(scrape("/metrics/detailed?family=queue_coarse_metrics"), name), "0");
  EXPECT_EQ(sample(scrape("/metrics/detailed?family=queue_coarse_metrics&vhost=%2F"), name), "0");
  EXPECT_EQ(sample(scrape("/metrics/detailed?family=queue_coarse_metrics&vhost=other"), name), "none");
  EXPECT_EQ(sample(scrape("/metrics/detailed?family=queue_consumer_count"), name), "none");
  EXPECT_THAT(scrape("/metrics/detailed"), Not(HasSubstr("rabbitmq_detailed")));
  const std::string names = scrape("/metrics/detailed?family=exchange_names&family=vhost_status");
  EXPECT_EQ(sample(names, "rabbitmq_cluster_vhost_status{vhost=\"/\"}"), "1");
  EXPECT_EQ(sample(names, R"(rabbitmq_cluster_exchange_name{vhost="/",exchange="amq.topic",type="topic"})"), "1");
  EXPECT_THAT(names, Not(HasSubstr("amq.rabbitmq.trace"))) << "it is internal";
  channel.bind("one", "amq.topic", "a");
  channel.bind("one", "amq.topic", "b");
  const std::string bindings = scrape("/metrics/detailed?family=exchange_bindings");
  EXPECT_EQ(sample(bindings, R"(rabbitmq_cluster_exchange_bindings{vhost="/",exchange="amq.topic",type="topic"})"),
            "2");
  EXPECT_EQ(sample(bindings, R"(rabbitmq_cluster_exchange_bindings{vhost="/",exchange="amq.fanout",type="fanout"})"),
            "0");
}

TEST_F(PrometheusTest, CountsMessagesThatDie) {
  auto channel = connect().open_channel();
  const auto died = [this](const std::string& reason, const std::string& type, const std::string& strategy) {
    return sample(scrape("/metrics"), "rabbitmq_global_messages_dead_lettered_" + reason +
                                          "_total{queue_type=\"rabbit_" + type + "_queue\",dead_letter_strategy=\"" +
                                          strategy + "\"}");
  };
  EXPECT_EQ(died("expired", "classic", "disabled"), "0");
  EXPECT_EQ(died("maxlen", "quorum", "at_least_once"), "none");
  EXPECT_EQ(died("delivery_limit", "classic", "disabled"), "none");
  channel.declare_queue("plain");
  channel.publish("", "plain", "late", {.properties = {.expiration = "0"}});
  channel.declare_queue("letters");
  channel.declare_queue("short", {.arguments = FieldTableBuilder{}
                                                   .put("x-max-length", 1)
                                                   .put("x-dead-letter-exchange", "")
                                                   .put("x-dead-letter-routing-key", "letters")
                                                   .view()});
  channel.publish_to("short", {"1", "2", "3"});
  channel.declare_queue("safe", {.durable = true,
                                 .arguments = FieldTableBuilder{}
                                                  .put("x-queue-type", "quorum")
                                                  .put("x-overflow", "reject-publish")
                                                  .put("x-dead-letter-exchange", "")
                                                  .put("x-dead-letter-routing-key", "letters")
                                                  .put("x-dead-letter-strategy", "at-least-once")
                                                  .view()});
  channel.publish_to("safe", "no");
  channel.reject(channel.get("safe"), Requeue::no);
  wait_until([&] { return channel.counts_of("letters").messages == 3; }, "all letters are there");
  EXPECT_EQ(died("expired", "classic", "disabled"), "1");
  EXPECT_EQ(died("maxlen", "classic", "at_most_once"), "2");
  EXPECT_EQ(died("rejected", "quorum", "at_least_once"), "1");
  EXPECT_EQ(died("confirmed", "quorum", "at_least_once"), "1");
}

TEST_F(PrometheusTest, TellsAChannelsMessagesApartByExchangeAndByQueue) {
  auto channel = connect().open_channel();
  channel.declare_queue("one");
  channel.declare_queue("two");
  channel.bind("one", "amq.direct", "key");
  channel.select_confirms();
  channel.publish("amq.direct", "key", "1");
  channel.publish("amq.direct", "nowhere", "2");
  channel.publish_to("two", {"3", "4"});
  channel.publish("amq.direct", "key", "5");
  channel.wait_for_confirms(5);
  channel.get("two");
  channel.acknowledge(channel.get("one"));
  channel.get("two");
  channel.call<protocol::basic::GetEmpty>(protocol::basic::Get{.queue = "two"});
  const std::string page = scrape("/metrics/per-object");
  const auto of_channel = [&](const std::string& name, const std::string& label) {
    std::istringstream lines{page};
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("rabbitmq_channel_" + name + "{channel=\"") && line.find(label) != std::string::npos)
        return line.substr(line.rfind(' ') + 1);
    return std::string{"none"};
  };
  const std::string direct = R"--((1)",vhost="/",exchange="amq.direct"})--";
  const std::string by_name = R"--((1)",vhost="/",exchange=""})--";
  EXPECT_EQ(of_channel("messages_published_total", direct), "3");
  EXPECT_EQ(of_channel("messages_published_total", by_name), "2");
  EXPECT_EQ(of_channel("messages_confirmed_total", direct), "3");
  EXPECT_EQ(of_channel("messages_confirmed_total", by_name), "2");
  EXPECT_EQ(of_channel("messages_unroutable_dropped_total", direct), "1");
  EXPECT_EQ(of_channel("messages_unroutable_dropped_total", by_name), "0");
  const std::string one = R"--((1)",vhost="/",queue="one"})--";
  const std::string two = R"--((1)",vhost="/",queue="two"})--";
  EXPECT_EQ(of_channel("get_ack_total", one), "1");
  EXPECT_EQ(of_channel("get_ack_total", two), "2");
  EXPECT_EQ(of_channel("messages_acked_total", one), "1");
  EXPECT_EQ(of_channel("messages_acked_total", two), "0");
  EXPECT_EQ(of_channel("get_empty_total", two), "1");
  EXPECT_EQ(sample(scrape("/metrics"), "rabbitmq_channel_messages_published_total"), "5");
}

TEST_F(PrometheusTest, DeliveriesOfAQueueThatIsGoneHaveNoName) {
  auto channel = connect().open_channel();
  channel.declare_queue("one");
  channel.publish_to("one", "1");
  channel.get("one");
  channel.delete_queue("one");
  const std::string page = scrape("/metrics/detailed?family=channel_queue_metrics");
  EXPECT_THAT(page, Not(HasSubstr("queue=\"one\"")));
  EXPECT_THAT(page, testing::ContainsRegex("rabbitmq_detailed_channel_get_ack_total\\{[^}]*,vhost=\"/\"\\} 1"));
}

TEST_F(PrometheusTest, TellsWhatQueuesAndExchangesDidWhenTheirChannelsAreGone) {
  auto channel = connect().open_channel();
  channel.declare_queue("one");
  channel.bind("one", "amq.direct", "key");
  channel.select_confirms();
  channel.publish("amq.direct", "key", "1");
  channel.publish("amq.direct", "nowhere", "2");
  channel.publish_to("one", "3");
  channel.wait_for_confirms(3);
  channel.get("one");
  const auto expect_counts = [this](const std::string& when) {
    SCOPED_TRACE(when);
    const std::string page = scrape(
        "/metrics/detailed?family=queue_delivery_metrics&family=queue_exchange_metrics&family=exchange_metrics"
        "&family=channel_queue_exchange_metrics");
    const auto of = [&](const std::string& name) { return sample(page, "rabbitmq_detailed_" + name); };
    EXPECT_EQ(of(R"(queue_get_ack_total{vhost="/",queue="one"})"), "1");
    EXPECT_EQ(of(R"(queue_messages_acked_total{vhost="/",queue="one"})"), "0");
    EXPECT_EQ(of(R"(queue_exchange_messages_published_total{vhost="/",exchange="amq.direct",queue="one"})"), "1");
    EXPECT_EQ(of(R"(queue_exchange_messages_published_total{vhost="/",exchange="",queue="one"})"), "1");
    EXPECT_EQ(
        of(R"(queue_messages_published_total{queue_vhost="/",queue="one",exchange_vhost="/",exchange="amq.direct"})"),
        "1");
    EXPECT_EQ(of(R"(exchange_messages_published_total{vhost="/",exchange="amq.direct"})"), "2");
    EXPECT_EQ(of(R"(exchange_messages_confirmed_total{vhost="/",exchange="amq.direct"})"), "2");
    EXPECT_EQ(of(R"(exchange_messages_unroutable_dropped_total{vhost="/",exchange="amq.direct"})"), "1");
    EXPECT_EQ(of(R"(exchange_messages_published_total{vhost="/",exchange=""})"), "1");
  };
  expect_counts("while it is open");
  channel.close();
  expect_counts("when it is closed");
}

TEST_F(PrometheusTest, PublishesToAnExchangeThatIsGoneHaveNoName) {
  auto channel = connect().open_channel();
  channel.declare_exchange("brief", "fanout");
  channel.publish("brief", "", "1");
  channel.synchronize();
  const std::string path = "/metrics/detailed?family=channel_exchange_metrics&family=exchange_metrics";
  EXPECT_THAT(scrape(path), HasSubstr("exchange=\"brief\""));
  channel.delete_exchange("brief");
  EXPECT_THAT(scrape(path), Not(HasSubstr("exchange=\"brief\"")));
  EXPECT_EQ(sample(scrape("/metrics"), "rabbitmq_channel_messages_published_total"), "1");
  channel.declare_exchange("brief", "fanout");
  EXPECT_THAT(scrape("/metrics/detailed?family=exchange_metrics"), Not(HasSubstr("exchange=\"brief\"")));
}

TEST_F(PrometheusTest, CountsWhatIsReceivedInTransactionsAndWhatIsRouted) {
  auto channel = connect().open_channel();
  for (const auto queue : {"one", "two"}) {
    channel.declare_queue(queue);
    channel.bind(queue, "amq.fanout", "");
  }
  const auto count = [this](const std::string& what) {
    return sample(scrape("/metrics"), "rabbitmq_global_messages_" + what + "_total{protocol=\"amqp091\"}");
  };
  channel.publish("amq.fanout", "", "1");
  channel.synchronize();
  EXPECT_EQ(count("routed"), "2") << "once for each queue";
  channel.call<protocol::tx::SelectOk>(protocol::tx::Select{});
  channel.publish("amq.fanout", "", "2");
  channel.publish("amq.fanout", "", "3");
  channel.synchronize();
  EXPECT_EQ(count("received"), "3");
  EXPECT_EQ(count("routed"), "2");
  channel.call<protocol::tx::RollbackOk>(protocol::tx::Rollback{});
  EXPECT_EQ(count("received"), "3");
  channel.publish("amq.fanout", "", "4");
  channel.call<protocol::tx::CommitOk>(protocol::tx::Commit{});
  EXPECT_EQ(count("received"), "4");
  EXPECT_EQ(count("routed"), "4");
  channel.close();
  EXPECT_EQ(count("received"), "4");
}

TEST_F(PrometheusTest, MessagesOfAStreamAreOnDisk) {
  auto channel = connect().open_channel();
  channel.declare_queue("log",
                        {.durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", "stream").view()});
  channel.select_confirms();
  channel.publish_to("log", {"1", "2"});
  channel.wait_for_confirms(2);
  const std::string page = scrape("/metrics/per-object");
  EXPECT_EQ(sample(page, R"(rabbitmq_queue_messages_ram{vhost="/",queue="log"})"), "0");
  EXPECT_EQ(sample(page, R"(rabbitmq_queue_messages_paged_out{vhost="/",queue="log"})"), "2");
}

TEST_F(PrometheusTest, TellsDeliveriesOfTypesOfQueuesApart) {
  auto channel = connect().open_channel();
  channel.declare_queue("classic");
  channel.declare_queue("quorum",
                        {.durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", "quorum").view()});
  channel.publish_to("classic", {"1", "2"});
  channel.publish_to("quorum", "3");
  channel.get("classic");
  channel.get("classic");
  channel.get("quorum");
  const auto gotten = [this](const std::string& type) {
    return sample(scrape("/metrics"),
                  "rabbitmq_global_messages_delivered_get_manual_ack_total{protocol=\"amqp091\","
                  "queue_type=\"rabbit_" +
                      type + "_queue\"}");
  };
  EXPECT_EQ(gotten("classic"), "2");
  EXPECT_EQ(gotten("quorum"), "1");
  EXPECT_EQ(gotten("stream"), "0");
  channel.delete_queue("classic");
  EXPECT_EQ(gotten("classic"), "2") << "counted on when the queue is gone";
}

TEST_F(PrometheusTest, TellsWhatKindOfQueueItIs) {
  auto channel = connect().open_channel();
  channel.declare_queue("log",
                        {.durable = true, .arguments = FieldTableBuilder{}.put("x-queue-type", "stream").view()});
  const std::string labels = R"({vhost="/",queue="log",queue_type="rabbit_stream_queue",membership="leader"})";
  EXPECT_EQ(sample(scrape("/metrics/per-object"), "rabbitmq_queue_info" + labels), "1");
  EXPECT_EQ(sample(scrape("/metrics/detailed?family=queue_metrics"), "rabbitmq_detailed_queue_info" + labels), "1");
  EXPECT_THAT(scrape("/metrics/detailed?family=channel_metrics"), Not(HasSubstr("queue_info")));
  EXPECT_THAT(scrape("/metrics"), Not(HasSubstr("queue_info")));
}

TEST_F(PrometheusTest, AVirtualHostIsChosenForQueuesOfDetailsOnly) {
  auto channel = connect().open_channel();
  channel.declare_queue("one");
  channel.publish_to("one", "1");
  channel.synchronize();
  EXPECT_EQ(sample(scrape("/metrics?vhost=other"), "rabbitmq_queues"), "1");
  EXPECT_EQ(sample(scrape("/metrics?vhost=other"), "rabbitmq_queue_messages_ready"), "1");
  const std::string page = scrape(
      "/metrics/detailed?vhost=other&family=queue_coarse_metrics&family=connection_metrics&family=exchange_metrics");
  EXPECT_THAT(page, Not(HasSubstr("queue=\"one\"")));
  EXPECT_THAT(page, Not(HasSubstr("exchange=")));
  EXPECT_THAT(page, HasSubstr("rabbitmq_detailed_connection_channels{connection="));
}

TEST_F(PrometheusTest, CountsMessagesThatGoToDisk) {
  auto channel = connect().open_channel();
  channel.declare_queue("one", {.durable = true});
  channel.publish_persistent("one", "1");
  channel.publish_to("one", "2");
  channel.synchronize();
  const std::string page = scrape("/metrics/per-object");
  EXPECT_EQ(sample(page, R"(rabbitmq_queue_disk_writes_total{vhost="/",queue="one"})"), "1");
  EXPECT_EQ(sample(page, R"(rabbitmq_queue_disk_reads_total{vhost="/",queue="one"})"), "0");
}

TEST_F(PrometheusTest, CountsWhatIsToBeConfirmed) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "unconfirmed");
  channel.select_confirms();
  channel.publish_to("q", {"1", "2"});
  channel.wait_for_confirms(2);
  const std::string page = scrape("/metrics");
  EXPECT_EQ(sample(page, "rabbitmq_global_messages_received_total{protocol=\"amqp091\"}"), "3");
  EXPECT_EQ(sample(page, "rabbitmq_global_messages_received_confirm_total{protocol=\"amqp091\"}"), "2");
}

TEST_F(PrometheusTest, TellsOfAQueuesMessagesInMemoryAndOnDisk) {
  auto channel = connect().open_channel();
  channel.declare_queue("one", {.durable = true});
  channel.publish_persistent("one", "12345");
  channel.publish_to("one", "678");
  channel.synchronize();
  const std::string page = scrape("/metrics/per-object");
  const auto of_queue = [&](const std::string& name) {
    return sample(page, "rabbitmq_queue_" + name + R"({vhost="/",queue="one"})");
  };
  EXPECT_EQ(of_queue("messages_persistent"), "1");
  EXPECT_EQ(of_queue("messages_persistent_bytes"), "5");
  EXPECT_EQ(of_queue("messages_ram"), "2");
  EXPECT_EQ(of_queue("messages_ram_bytes"), "8");
  EXPECT_EQ(of_queue("messages_paged_out"), "0");
  EXPECT_EQ(of_queue("consumer_capacity"), "0");
  const std::string sums = scrape("/metrics");
  EXPECT_EQ(sample(sums, "rabbitmq_queue_consumer_capacity"), "none");
  EXPECT_EQ(sample(sums, "rabbitmq_queue_messages_ram"), "2");
}

TEST_F(PrometheusTest, TellsTheTimestampOfTheFirstMessage) {
  auto channel = connect().open_channel();
  channel.declare_queue("with");
  channel.declare_queue("without");
  channel.publish("", "with", "x", {.properties = {.timestamp = 1'700'000'000}});
  channel.publish("", "without", "x");
  channel.synchronize();
  const std::string page = scrape("/metrics/per-object");
  const std::string name = "rabbitmq_queue_head_message_timestamp";
  EXPECT_EQ(sample(page, name + R"({vhost="/",queue="with"})"), "1700000000");
  EXPECT_EQ(sample(page, name + R"({vhost="/",queue="without"})"), "NaN");
  EXPECT_EQ(sample(scrape("/metrics"), name), "none");
}

TEST_F(PrometheusTest, HasARegistryOfThatName) {
  EXPECT_EQ(sample(scrape("/metrics/default"), "rabbitmq_queues"), "0");
  EXPECT_EQ(send({.path = "/metrics/nosuch", .user = ""}).status, 404u);
}

TEST_F(PrometheusTest, SaysWhichMethodsItHas) {
  const auto options = send({.method = "OPTIONS", .path = "/metrics", .user = ""});
  EXPECT_EQ(options.status, 200u);
  EXPECT_EQ(options.header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(send({.method = "POST", .path = "/metrics", .user = ""}).status, 405u);
}

TEST_F(PrometheusTest, GivesEveryMetricOnceWithItsTypeAndHelp) {
  std::istringstream page{scrape("/metrics") +
                          scrape("/metrics/detailed?family=queue_metrics&family=queue_consumer_count")};
  std::set<std::string> types;
  std::set<std::string> helps;
  std::set<std::string> samples;
  std::string last_type;
  bool is_histogram = false;
  for (std::string line; std::getline(page, line);) {
    std::istringstream words{line};
    std::string hash;
    std::string what;
    std::string name;
    words >> hash >> what >> name;
    if (hash == "#" && what == "TYPE") {
      EXPECT_TRUE(types.insert(name).second || name.find("_info") != std::string::npos) << name << " comes twice";
      last_type = name;
      is_histogram = line.ends_with(" histogram");
    } else if (hash == "#") {
      EXPECT_EQ(name, last_type);
      helps.insert(name);
    } else {
      const std::string sample = hash.substr(0, hash.find('{'));
      const std::set<std::string> of_histogram{last_type + "_bucket", last_type + "_sum", last_type + "_count"};
      EXPECT_TRUE(is_histogram ? of_histogram.contains(sample) : sample == last_type)
          << sample << " does not stand with its metric, " << last_type;
    }
  }
  EXPECT_EQ(types, helps);
}

TEST_F(PrometheusTest, RefusesOtherPathsAndMethods) {
  EXPECT_EQ(send({.path = "/", .user = ""}).status, 404u);
  EXPECT_EQ(send({.path = "/metrics/nosuch", .user = ""}).status, 404u);
  EXPECT_EQ(send({.path = "/metrics/%zz", .user = ""}).status, 404u);
  EXPECT_EQ(send({.method = "POST", .path = "/metrics", .user = ""}).status, 405u);
  EXPECT_EQ(send({.method = "HEAD", .path = "/metrics", .user = ""}).status, 200u);
}

}  // namespace
}  // namespace leveret::test
