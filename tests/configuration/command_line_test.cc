#include "configuration/command_line.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/configuration/files.h"

namespace leveret::configuration {
namespace {

Options parsed(std::vector<std::string> words) {
  std::vector<const char*> line{"leveret", "server"};
  for (const auto& word : words) line.push_back(word.c_str());
  const auto options = parse_options(static_cast<int>(line.size()), line.data());
  EXPECT_TRUE(options);
  return options ? *options : Options{};
}

TEST(CommandLine, WinsOverTheFilesItNames) {
  Files files;
  const auto file = files.write("rabbitmq.conf",
                                "listeners.tcp.1 = 127.0.0.1:1111\nmanagement.tcp.port = 2222\nheartbeat = 7\n"
                                "management.tcp.ip = 127.0.0.1\nprometheus.tcp.port = 3333\nconnection_max = 4\n"
                                "disk_free_limit.relative = 2.0\nvm_memory_high_watermark.absolute = 1GB\n"
                                "log.console.level = error\nmanagement.cors.allow_origins.1 = a\n");
  const Options options = parsed({"--config",
                                  file.string(),
                                  "--amqp-port",
                                  "0",
                                  "--http-port",
                                  "1",
                                  "--prometheus-port",
                                  "2",
                                  "--disk-free-limit",
                                  "1KB",
                                  "--memory-high-watermark",
                                  "0.1",
                                  "--connection-max",
                                  "9",
                                  "--log-level",
                                  "debug",
                                  "--http-cors-origin",
                                  "b",
                                  "--node-name",
                                  "rabbit@here"});
  ASSERT_EQ(options.amqp.size(), 1u);
  EXPECT_EQ(options.amqp[0].host, "");
  EXPECT_EQ(options.amqp[0].port, 0u);
  EXPECT_EQ(options.http.plain.host, "127.0.0.1") << "the line has said nothing about it";
  EXPECT_EQ(options.http.plain.port, 1u);
  EXPECT_EQ(options.prometheus.plain.port, 2u);
  EXPECT_EQ(options.broker.disk_free_limit, 1000u);
  EXPECT_FALSE(options.broker.disk_free_share);
  EXPECT_EQ(options.broker.memory_high_watermark, 0.1);
  EXPECT_FALSE(options.broker.memory_limit);
  EXPECT_EQ(options.broker.connection_max, 9u);
  EXPECT_EQ(options.log_level, "debug");
  EXPECT_EQ(options.http_cors_origins, std::vector<std::string>{"b"});
  EXPECT_EQ(options.broker.node_name, "rabbit@here");
  EXPECT_EQ(options.broker.heartbeat.count(), 7);
}

TEST(CommandLine, TakesSeveralFilesInTheirOrder) {
  Files files;
  const auto one = files.write("one", "heartbeat = 1\nchannel_max = 1");
  const auto two = files.write("two", "heartbeat = 2");
  const Options options = parsed({"--config", one.string(), "--config", two.string()});
  EXPECT_EQ(options.broker.heartbeat.count(), 2);
  EXPECT_EQ(options.broker.channel_max, 1u);
}

TEST(CommandLine, ComplainsAboutAMissingFile) {
  EXPECT_EQ(complaint_of([] { parsed({"--config", "/no/such"}); }), "cannot read /no/such");
}

TEST(CommandLine, MakesNoDefaultUserWhereDefinitionsAreToCome) {
  Files files;
  const auto file = files.write("rabbitmq.conf", "load_definitions = /tmp");
  EXPECT_TRUE(parsed({}).broker.makes_defaults);
  EXPECT_FALSE(parsed({"--config", file.string()}).broker.makes_defaults);
}

}  // namespace
}  // namespace leveret::configuration
