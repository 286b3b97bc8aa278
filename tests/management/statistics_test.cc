#include <gtest/gtest.h>

#include "management/rates.h"
#include "management/samples.h"
#include "tests/management/http_test.h"

/// Samples, rates and what of them the API shows.
namespace leveret::test {
namespace {

using management::Line;
using management::Retention;
using management::SampleRange;
using management::SampleTime;
using management::Series;

SampleTime at_second(std::int64_t second) {
  return SampleTime{std::chrono::seconds{second}};
}

Series series_of(std::initializer_list<std::uint64_t> numbers) {
  Series series{1, management::retention_of_objects()};
  std::int64_t second = 1000;
  for (const std::uint64_t number : numbers) {
    series.add(at_second(second), {&number, 1});
    second += 5;
  }
  return series;
}

std::vector<std::int64_t> samples_in(const json::object& details) {
  std::vector<std::int64_t> samples;
  for (const json::value& sample : details.at("samples").as_array())
    samples.push_back(sample.at("sample").to_number<std::int64_t>());
  return samples;
}

double number_in(const json::object& details, std::string_view name) {
  return details.at(name).as_double();
}

TEST(Series, KnowsTheRateBetweenItsLastTwoSamples) {
  EXPECT_EQ(series_of({}).rate(0), 0);
  EXPECT_EQ(series_of({7}).rate(0), 0) << "nobody knows since when";
  EXPECT_EQ(series_of({0, 10, 30}).rate(0), 4);
  EXPECT_EQ(series_of({30, 20}).rate(0), -2);
}

TEST(Series, ARunOfEqualSamplesHasNoRate) {
  const Series series = series_of({0, 10, 10, 10, 10, 10});
  EXPECT_EQ(series.rate(0), 0);
  EXPECT_EQ(series.at(0, at_second(1002), 60s), 0u);
  EXPECT_EQ(series.at(0, at_second(1005), 60s), 10u);
  EXPECT_EQ(series.at(0, at_second(1025), 60s), 10u);
  EXPECT_EQ(series_of({10, 10, 10, 10, 20}).rate(0), 2) << "since the last one of the run, not its first";
}

TEST(Series, IsNothingBeforeItsFirstSample) {
  EXPECT_EQ(series_of({5, 6}).at(0, at_second(999), 60s), 0u);
}

TEST(Series, KeepsNoMoreThanItMay) {
  constexpr std::array<Retention, 1> retention{{{0s, 3}}};
  Series series{1, retention};
  for (std::uint64_t i = 1; i <= 10; ++i) series.add(at_second(static_cast<std::int64_t>(i)), {&i, 1});
  EXPECT_EQ(series.at(0, at_second(7), 60s), 0u);
  EXPECT_EQ(series.at(0, at_second(8), 60s), 8u);
  EXPECT_EQ(series.at(0, at_second(20), 60s), 10u);
}

TEST(Series, KeepsOlderSamplesFurtherApart) {
  Series series{1, management::retention_of_objects()};
  for (std::uint64_t i = 0; i < 720; ++i) series.add(at_second(static_cast<std::int64_t>(5 * i)), {&i, 1});
  EXPECT_EQ(series.at(0, at_second(3500), 600s), 700u);
  EXPECT_EQ(series.at(0, at_second(120), 600s), 0u) << "gone from among the finest";
  EXPECT_EQ(series.at(0, at_second(120), 3600s), 24u);
  EXPECT_EQ(series.at(0, at_second(125), 3600s), 24u) << "one a minute";
}

TEST(Series, KnowsSinceWhenNothingHasChanged) {
  EXPECT_EQ(series_of({}).unchanged_since(), std::nullopt);
  EXPECT_EQ(series_of({7}).unchanged_since(), std::nullopt) << "nobody knows what it was before";
  EXPECT_EQ(series_of({7, 7, 8}).unchanged_since(), std::nullopt);
  EXPECT_EQ(series_of({6, 7, 7, 7}).unchanged_since(), at_second(1005));
}

TEST(IdleSince, IsTheTimeInRabbitMqsWords) {
  Series series{1, management::retention_of_objects()};
  const std::uint64_t number = 7;
  json::object object;
  management::put_idle_since(object, nullptr);
  series.add(at_second(86'400) + 43ms, {&number, 1});
  management::put_idle_since(object, &series);
  EXPECT_TRUE(object.empty());
  series.add(at_second(86'405), {&number, 1});
  management::put_idle_since(object, &series);
  EXPECT_EQ(object.at("idle_since").as_string(), "1970-01-02T00:00:00.043+00:00");
}

TEST(Line, GivesSamplesNewestFirstWithTheirAverage) {
  const Series series = series_of({0, 10, 20, 40});
  const json::object details = Line{&series, 0}.details(SampleRange{15s, 5s}, at_second(1017));
  EXPECT_EQ(samples_in(details), (std::vector<std::int64_t>{40, 20, 10, 0}));
  EXPECT_EQ(details.at("samples").at(0).at("timestamp").as_int64(), 1'015'000);
  EXPECT_EQ(number_in(details, "rate"), 4);
  EXPECT_EQ(number_in(details, "avg"), 17.5);
  EXPECT_DOUBLE_EQ(number_in(details, "avg_rate"), 40.0 / 15);
}

TEST(Line, AddsUpSeriesAndDoesNotMindThoseThatAreMissing) {
  const Series one = series_of({0, 10});
  const Series other = series_of({5, 25});
  Line line{&one, 0};
  line.add(&other, 0);
  line.add(nullptr, 0);
  EXPECT_EQ(line.details({}, at_second(1010)).at("rate").as_double(), 6);
  EXPECT_EQ(samples_in(line.details(SampleRange{5s, 5s}, at_second(1005))), (std::vector<std::int64_t>{35, 5}));
}

TEST(Line, WithoutARangeIsARateAlone) {
  EXPECT_EQ(json::serialize(Line{}.details({}, at_second(0))), R"({"rate":0E0})");
}

// --- over HTTP

class StatisticsTest : public HttpTest {
 protected:
  double rate(const std::string& path, const std::string& of, const std::string& name) {
    const json::value shown = get(path).json();
    const json::value* stats = of.empty() ? &shown : shown.as_object().if_contains(of);
    const json::value* details = stats ? stats->as_object().if_contains(name + "_details") : nullptr;
    return details ? details->at("rate").as_double() : 0;
  }
  void publish_all_the_time(const std::string& path, const std::string& of, const std::string& name) {
    auto channel = connect().open_channel();
    channel.declare_queue("q");
    wait_until(
        [&] {
          channel.publish_to("q", "message");
          return rate(path, of, name) > 0;
        },
        path + " shows a rate");
  }
};

TEST_F(StatisticsTest, WhatNothingHasHappenedToHasNoMessageStats) {
  ASSERT_EQ(put("/api/queues/%2F/q").status, 201u);
  EXPECT_FALSE(get("/api/queues/%2F/q").json().as_object().contains("message_stats"));
  EXPECT_FALSE(get("/api/exchanges/%2F/amq.fanout").json().as_object().contains("message_stats"));
  EXPECT_EQ(json::serialize(get("/api/overview").json().at("message_stats")), "{}");
}

TEST_F(StatisticsTest, CountersAreThoseOfThisMoment) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", {"first", "second"});
  channel.acknowledge(channel.get("q"));
  channel.counts_of("q");
  const json::value stats = get("/api/queues/%2F/q").json().at("message_stats");
  EXPECT_EQ(stats.at("publish").as_int64(), 2);
  EXPECT_EQ(stats.at("get").as_int64(), 1);
  EXPECT_EQ(stats.at("deliver_get").as_int64(), 1);
  EXPECT_EQ(stats.at("ack").as_int64(), 1);
  for (const std::string path : {"/api/overview", "/api/vhosts/%2F"})
    EXPECT_EQ(get(path).json().at("message_stats").at("publish").as_int64(), 2) << path;
  EXPECT_EQ(get("/api/channels").json().at(0).at("message_stats").at("ack").as_int64(), 1);
  EXPECT_EQ(get("/api/exchanges/%2F/amq.default").json().at("message_stats").at("publish_in").as_int64(), 2);
  EXPECT_EQ(get("/api/exchanges/%2F/amq.default").json().at("message_stats").at("publish_out").as_int64(), 2);
  EXPECT_GT(get("/api/connections").json().at(0).at("recv_oct").as_int64(), 0);
  EXPECT_GT(get("/api/vhosts/%2F").json().at("send_oct").as_int64(), 0);
  EXPECT_EQ(get("/api/overview").json().at("churn_rates").at("queue_created").as_int64(), 1);
  EXPECT_EQ(get("/api/nodes").json().at(0).at("queue_created").as_int64(), 1);
}

TEST_F(StatisticsTest, AQueueShowsTheRateOfItsPublishes) {
  publish_all_the_time("/api/queues/%2F/q", "message_stats", "publish");
}
TEST_F(StatisticsTest, AQueueShowsHowFastItGrows) {
  publish_all_the_time("/api/queues/%2F/q", "", "messages_ready");
}
TEST_F(StatisticsTest, AnExchangeShowsTheRateOfItsPublishes) {
  publish_all_the_time("/api/exchanges/%2F/amq.default", "message_stats", "publish_in");
}
TEST_F(StatisticsTest, AVirtualHostShowsTheRateOfItsOctets) {
  publish_all_the_time("/api/vhosts/%2F", "", "recv_oct");
}
TEST_F(StatisticsTest, TheOverviewShowsTheRateOfPublishes) {
  publish_all_the_time("/api/overview", "message_stats", "publish");
}
TEST_F(StatisticsTest, TheOverviewShowsHowFastQueuesGrow) {
  publish_all_the_time("/api/overview", "queue_totals", "messages");
}

TEST_F(StatisticsTest, SamplesComeWhenTheyAreAskedFor) {
  ASSERT_EQ(put("/api/queues/%2F/q").status, 201u);
  const json::value shown = get("/api/queues/%2F/q?lengths_age=60&lengths_incr=5").json();
  EXPECT_EQ(shown.at("messages_details").at("samples").as_array().size(), 13u);
  EXPECT_TRUE(shown.at("messages_details").as_object().contains("avg_rate"));
  const json::value overview = get("/api/overview?lengths_age=3600&lengths_incr=60").json();
  EXPECT_EQ(overview.at("queue_totals").at("messages_details").at("samples").as_array().size(), 61u);
  const json::value node = get("/api/nodes?node_stats_age=60&node_stats_incr=30").json().at(0);
  EXPECT_EQ(node.at("mem_used_details").at("samples").as_array().size(), 3u);
  EXPECT_EQ(node.at("queue_created_details").at("samples").as_array().size(), 3u);
  const json::value virtual_host = get("/api/vhosts/%2F?msg_rates_age=60&msg_rates_incr=30").json();
  EXPECT_EQ(virtual_host.at("messages_details").at("samples").as_array().size(), 3u);
}

TEST_F(StatisticsTest, AVirtualHostWithoutQueuesHasNoMessages) {
  ASSERT_EQ(put("/api/vhosts/empty").status, 201u);
  EXPECT_EQ(get("/api/vhosts/empty").json().at("messages").as_int64(), 0);
}

TEST_F(StatisticsTest, RangesThatAreNoneAreRefused) {
  for (const std::string range : {"lengths_age=0&lengths_incr=0", "lengths_age=-5&lengths_incr=5",
                                  "msg_rates_age=60&msg_rates_incr=0", "data_rates_age=99999999&data_rates_incr=1"})
    for (const std::string path : {"/api/overview", "/api/queues", "/api/exchanges", "/api/connections", "/api/nodes"})
      EXPECT_EQ(get(path + "?" + range).status, 400u) << path << " " << range;
  EXPECT_EQ(error_of(get("/api/overview?lengths_age=0&lengths_incr=0")),
            R"(bad_request: "Invalid range parameters: age 0, incr 0")");
  EXPECT_EQ(get("/api/overview?lengths_age=x&lengths_incr=5").status, 200u) << "as RabbitMQ does";
}

TEST_F(StatisticsTest, LeaveThemOutWhereTheyAreNotWanted) {
  auto channel = connect().open_channel();
  channel.declare_queue("q");
  channel.publish_to("q", "message");
  channel.counts_of("q");
  put("/api/policies/%2F/short", R"({"pattern":"^q$","definition":{"max-length":5}})");
  const json::value plain = get("/api/queues?disable_stats=true").json().at(0);
  EXPECT_EQ(plain.at("policy").as_string(), "short");
  EXPECT_FALSE(plain.as_object().contains("messages"));
  EXPECT_FALSE(plain.as_object().contains("message_stats"));
  const json::value totals = get("/api/queues?disable_stats=true&enable_queue_totals=true").json().at(0);
  EXPECT_EQ(totals.at("messages").as_int64(), 1);
  EXPECT_FALSE(totals.as_object().contains("messages_details"));
  EXPECT_FALSE(get("/api/exchanges?disable_stats=true").json().at(0).as_object().contains("message_stats"));
  EXPECT_EQ(get("/api/connections?disable_stats=true").json().at(0).as_object().size(), 4u);
  EXPECT_EQ(error_of(get("/api/channels?disable_stats=true")),
            R"(bad_request: "Stats in management UI are disabled on this node")");
}

TEST_F(StatisticsTest, AreForgottenOnDemand) {
  publish_all_the_time("/api/queues/%2F/q", "message_stats", "publish");
  EXPECT_EQ(remove("/api/reset").status, 204u);
  EXPECT_EQ(remove("/api/reset/nosuch").status, 404u);
  EXPECT_GT(get("/api/queues/%2F/q").json().at("message_stats").at("publish").as_int64(), 0) << "counters go on";
}

}  // namespace
}  // namespace leveret::test
