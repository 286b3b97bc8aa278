#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

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
  EXPECT_THAT(page, HasSubstr("rabbitmq_identity_info{rabbitmq_node=\"rabbit@"));
  EXPECT_THAT(page, HasSubstr("rabbitmq_build_info{rabbitmq_version=\"4."));
  EXPECT_NE(sample(page, "leveret_shard_turns_total{shard=\"0\"}"), "none");
  EXPECT_NE(sample(page, "leveret_store_syncs_total"), "none");
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
}

TEST_F(PrometheusTest, GivesEveryMetricOnceWithItsTypeAndHelp) {
  std::istringstream page{scrape("/metrics") +
                          scrape("/metrics/detailed?family=queue_metrics&family=queue_consumer_count")};
  std::set<std::string> types;
  std::set<std::string> helps;
  std::set<std::string> samples;
  std::string last_type;
  for (std::string line; std::getline(page, line);) {
    std::istringstream words{line};
    std::string hash;
    std::string what;
    std::string name;
    words >> hash >> what >> name;
    if (hash == "#" && what == "TYPE") {
      EXPECT_TRUE(types.insert(name).second || name.find("_info") != std::string::npos) << name << " comes twice";
      last_type = name;
    } else if (hash == "#") {
      EXPECT_EQ(name, last_type);
      helps.insert(name);
    } else {
      EXPECT_EQ(hash.substr(0, hash.find('{')), last_type) << "a sample stands with its metric";
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
