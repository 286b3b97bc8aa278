#include "perf/options.h"

#include <gtest/gtest.h>

namespace leveret::perf {
namespace {

struct UriCase {
  const char* uri;
  Address address;
};

class AddressOf : public testing::TestWithParam<UriCase> {};

TEST_P(AddressOf, IsReadFromItsUri) {
  const Address address = parse_address(GetParam().uri);
  EXPECT_EQ(address.host, GetParam().address.host);
  EXPECT_EQ(address.port, GetParam().address.port);
  EXPECT_EQ(address.user, GetParam().address.user);
  EXPECT_EQ(address.password, GetParam().address.password);
  EXPECT_EQ(address.virtual_host, GetParam().address.virtual_host);
}
INSTANTIATE_TEST_SUITE_P(
    Each, AddressOf,
    testing::Values(UriCase{"amqp://", {}}, UriCase{"amqp://broker", {.host = "broker"}},
                    UriCase{"amqp://broker:5673", {.host = "broker", .port = 5673}},
                    UriCase{"amqp://ann:s%2Fecret@broker/orders",
                            {.host = "broker", .user = "ann", .password = "s/ecret", .virtual_host = "orders"}},
                    UriCase{"amqp://broker/%2F", {.host = "broker"}},
                    UriCase{"amqp://broker/", {.host = "broker", .virtual_host = ""}},
                    UriCase{"amqp://[::1]:5674", {.host = "::1", .port = 5674}}),
    [](const auto& row) { return std::to_string(row.index); });

TEST(AddressOf, IsRefusedForOtherUris) {
  EXPECT_THROW(parse_address("amqps://broker"), std::invalid_argument);
  EXPECT_THROW(parse_address("broker:5672"), std::invalid_argument);
  EXPECT_THROW(parse_address("amqp://bro ker"), std::invalid_argument);
  EXPECT_THROW(parse_address(""), std::invalid_argument);
}

TEST(PerfOptions, AreReadFromTheirWords) {
  const auto parsed = parse_options({"--uri", "amqp://broker", "--producers", "3", "--size", "64KB", "--confirm", "100",
                                     "--queue-argument", "x-queue-type=quorum", "--queue-argument", "x-max-length=5",
                                     "--queues", "2", "--duration", "2.5"});
  ASSERT_TRUE(parsed.options);
  const Options& options = *parsed.options;
  EXPECT_EQ(options.broker.host, "broker");
  EXPECT_EQ(options.producers, 3u);
  EXPECT_EQ(options.size, 64u * 1024);
  EXPECT_EQ(options.confirm, 100u);
  EXPECT_EQ(options.duration.count(), 2.5);
  ASSERT_EQ(options.queue_arguments.size(), 2u);
  EXPECT_EQ(options.queue_arguments[1], (std::pair<std::string, std::string>{"x-max-length", "5"}));
  EXPECT_EQ(queue_name(options, 1), "leveret-perf-2");
}

TEST(PerfOptions, WithANumberOfMessagesHaveNoEndInTime) {
  EXPECT_GT(parse_options({"--messages", "5"}).options->duration.count(), 1e9);
  EXPECT_EQ(parse_options({"--messages", "5", "--duration", "3"}).options->duration.count(), 3);
}

class WrongWords : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(WrongWords, AreRefused) {
  const auto parsed = parse_options(GetParam());
  EXPECT_FALSE(parsed.options);
  EXPECT_NE(parsed.exit_status, 0);
}
INSTANTIATE_TEST_SUITE_P(Each, WrongWords,
                         testing::Values(std::vector<std::string>{"--nonsense"}, std::vector<std::string>{"word"},
                                         std::vector<std::string>{"--uri", "http://broker"},
                                         std::vector<std::string>{"--queues", "0"},
                                         std::vector<std::string>{"--prefetch", "70000"},
                                         std::vector<std::string>{"--duration", "-1"},
                                         std::vector<std::string>{"--queue-argument", "x-max-length"},
                                         std::vector<std::string>{"--auto-ack", "--ack-each"}),
                         [](const auto& row) { return std::to_string(row.index); });

TEST(PerfOptions, HelpIsNoFailure) {
  const auto parsed = parse_options({"--help"});
  EXPECT_FALSE(parsed.options);
  EXPECT_EQ(parsed.exit_status, 0);
}

}  // namespace
}  // namespace leveret::perf
