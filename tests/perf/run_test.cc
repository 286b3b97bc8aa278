#include "perf/run.h"

#include <gtest/gtest.h>

#include <sstream>

#include <boost/json/parse.hpp>

#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

class PerfRun : public BrokerTest {
 protected:
  perf::Options options(std::uint64_t messages) {
    perf::Options options{.messages = messages, .json = true, .quiet = true};
    options.broker.port = broker_.port();
    return options;
  }
  /// The figures of a run that goes well.
  boost::json::object run(const perf::Options& options) {
    std::ostringstream output, errors;
    EXPECT_EQ(perf::run(options, output, errors), 0) << errors.str();
    return boost::json::parse(output.str()).as_object();
  }
  static std::uint64_t number(const boost::json::object& figures, const char* name) {
    return figures.at(name).to_number<std::uint64_t>();
  }
};

TEST_F(PerfRun, CountsEveryMessage) {
  const auto figures = run(options(1000));
  EXPECT_EQ(number(figures, "published"), 1000u);
  EXPECT_EQ(number(figures, "received"), 1000u);
  EXPECT_EQ(number(figures, "missing"), 0u);
  EXPECT_EQ(number(figures.at("delivery_latency_ns").as_object(), "count"), 1000u);
  EXPECT_GT(number(figures, "received_rate"), 0u);
}

TEST_F(PerfRun, TakesConfirms) {
  auto asked = options(1000);
  asked.confirm = 10;
  asked.persistent = asked.durable = true;
  const auto figures = run(asked);
  EXPECT_EQ(number(figures, "confirmed"), 1000u);
  EXPECT_EQ(number(figures.at("confirm_latency_ns").as_object(), "count"), 1000u);
}

TEST_F(PerfRun, CountsWhatTheBrokerRejects) {
  auto asked = options(10);
  asked.confirm = 1;
  asked.consumers = 0;
  asked.queue_arguments = {{"x-max-length", "4"}, {"x-overflow", "reject-publish"}};
  const auto figures = run(asked);
  EXPECT_EQ(number(figures, "confirmed"), 4u);
  EXPECT_EQ(number(figures, "rejected"), 6u);
}

TEST_F(PerfRun, DividesProducersAndConsumersAmongQueuesAndThreads) {
  auto asked = options(1001);
  asked.producers = 3;
  asked.consumers = 4;
  asked.queues = 2;
  asked.threads = 2;
  asked.ack_each = true;
  EXPECT_EQ(number(run(asked), "received"), 1001u);
}

TEST_F(PerfRun, FansOut) {
  auto asked = options(100);
  asked.exchange_type = "fanout";
  asked.queues = asked.consumers = 3;
  EXPECT_EQ(number(run(asked), "received"), 300u);
}

class PerfRunThrough : public PerfRun, public testing::WithParamInterface<const char*> {};

TEST_P(PerfRunThrough, AnExchangeWithOtherBindings) {
  auto asked = options(100);
  asked.exchange_type = GetParam();
  asked.queues = asked.producers = asked.consumers = 2;
  asked.bindings = 2'500;
  EXPECT_EQ(number(run(asked), "received"), 100u);
}
INSTANTIATE_TEST_SUITE_P(Of, PerfRunThrough, testing::Values("direct", "topic", "headers"),
                         [](const auto& type) { return std::string{type.param}; });

TEST_F(PerfRun, CarriesBodiesOfEverySize) {
  for (const std::size_t size : {0, 7, 8, 131'064, 131'065, 300'000}) {
    auto asked = options(5);
    asked.size = size;
    const auto figures = run(asked);
    EXPECT_EQ(number(figures, "received"), 5u) << size;
    EXPECT_EQ(number(figures.at("delivery_latency_ns").as_object(), "count"), size >= 8 ? 5u : 0u) << size;
  }
}

TEST_F(PerfRun, KeepsToItsRate) {
  auto asked = options(50);
  asked.rate = 500;
  const auto figures = run(asked);
  EXPECT_LE(number(figures, "published_rate"), 530u);
}

TEST_F(PerfRun, EndsWhenTheTimeIsUp) {
  auto asked = options(0);
  asked.duration = std::chrono::milliseconds{200};
  asked.confirm = 100;
  const auto figures = run(asked);
  EXPECT_GT(number(figures, "published"), 0u);
  EXPECT_EQ(number(figures, "received"), number(figures, "published"));
}

TEST_F(PerfRun, LeavesNothingBehind) {
  auto asked = options(10);
  asked.consumers = 0;
  run(asked);
  auto channel = connect().open_channel();
  channel.send(protocol::queue::Declare{.queue = "leveret-perf", .passive = true});
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'leveret-perf' in vhost '/'");
  asked.keep = true;
  run(asked);
  EXPECT_EQ(connect().open_channel().drain_bodies("leveret-perf").size(), 10u);
}

TEST_F(PerfRun, SaysWhatIsMissing) {
  auto channel = connect().open_channel();
  channel.declare_queue("leveret-perf");
  channel.consume("leveret-perf", {.no_ack = NoAck::yes});  // takes half of them
  auto asked = options(10);
  asked.keep = true;
  asked.patience = std::chrono::milliseconds{300};
  asked.json = false;
  std::ostringstream output, errors;
  EXPECT_EQ(perf::run(asked, output, errors), 1);
  EXPECT_NE(output.str().find("missing 5 "), std::string::npos) << output.str();
}

TEST_F(PerfRun, SaysWhyTheBrokerRefuses) {
  auto asked = options(10);
  asked.broker.password = "wrong";
  std::ostringstream output, errors;
  EXPECT_EQ(perf::run(asked, output, errors), 1);
  EXPECT_NE(errors.str().find("403 ACCESS_REFUSED"), std::string::npos) << errors.str();
  asked = options(10);
  asked.queue_arguments = {{"x-message-ttl", "-1"}};
  EXPECT_EQ(perf::run(asked, output, errors), 1);
  EXPECT_NE(errors.str().find("406 PRECONDITION_FAILED"), std::string::npos) << errors.str();
}

TEST_F(PerfRun, SaysThatNoBrokerIsThere) {
  auto asked = options(10);
  broker_.stop();
  std::ostringstream output, errors;
  EXPECT_EQ(perf::run(asked, output, errors), 1);
  EXPECT_NE(errors.str().find("leveret perf: "), std::string::npos);
}

}  // namespace
}  // namespace leveret::test
