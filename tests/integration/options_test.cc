#include "tests/support/broker_test.h"

/// What a configuration file sets, as clients find it.
namespace leveret::test {
namespace {

namespace connection = protocol::connection;
using std::string_view_literals::operator""sv;

constexpr ChannelNumber channel_zero{0};

class OptionsTest : public testing::Test {
 protected:
  TestBroker& start(broker::BrokerOptions options) {
    options.shards = shards_under_test();
    return broker_.emplace(TestBroker::Options{.broker = std::move(options)});
  }
  /// Whether somebody who gives that mechanism and response is let in.
  bool logs_in(std::string_view mechanism, std::string_view response) {
    TestClient& client = clients_.emplace_back(broker_->port());
    client.send_protocol_header();
    client.expect<connection::Start>();
    protocol::FieldTableBuilder capabilities;
    capabilities.put("authentication_failure_close", true);
    protocol::FieldTableBuilder properties;
    properties.put("capabilities", capabilities);
    client.send(
        channel_zero,
        connection::StartOk{
            .client_properties = properties.view(), .mechanism = mechanism, .response = response, .locale = "en_US"});
    return client.receive(channel_zero).method() == connection::Tune::id;
  }

  std::optional<TestBroker> broker_{};
  std::list<TestClient> clients_{};
};

TEST_F(OptionsTest, TheDefaultUserIsMadeAsItIsDescribed) {
  start({.default_user = "ann",
         .default_password = "secret",
         .default_user_tags = {"management"},
         .default_virtual_host = "orders",
         .default_permission = {.configure = "^a", .write = ".*", .read = ".*"}});
  auto& client = clients_.emplace_back(
      broker_->port(), TestClient::Options{.user = "ann", .password = "secret", .virtual_host = "orders"});
  client.open_channel().declare_queue("a");
  EXPECT_EQ(broker_->broker().access_control().find_user("ann")->tags, std::vector<std::string>{"management"});
  EXPECT_FALSE(broker_->broker().access_control().find_user("guest"));
  EXPECT_FALSE(broker_->broker().access_control().is_allowed("ann", "orders", broker::Access::configure, "b"));
  EXPECT_FALSE(broker_->broker().find_virtual_host("/"));
}

TEST_F(OptionsTest, NobodyIsMadeWhereDefinitionsAreToCome) {
  start({.makes_defaults = false});
  EXPECT_TRUE(broker_->broker().access_control().users().empty());
  EXPECT_TRUE(broker_->broker().virtual_hosts().empty());
}

TEST_F(OptionsTest, AnonymousIsAUserWithAPassword) {
  start({});
  EXPECT_TRUE(logs_in("ANONYMOUS", ""));
}

TEST_F(OptionsTest, AnonymousIsNotTheDefaultUser) {
  start({.default_user = "admin", .default_password = "secret"});
  EXPECT_FALSE(logs_in("ANONYMOUS", ""));
}

TEST_F(OptionsTest, AnonymousCanBeNobody) {
  start({.anonymous_user = ""});
  EXPECT_FALSE(logs_in("ANONYMOUS", ""));
  EXPECT_TRUE(logs_in("PLAIN", "\0guest\0guest"sv));
}

TEST_F(OptionsTest, TheNodeAndTheClusterHaveNames) {
  start({.node_name = "rabbit@here", .cluster_name = "north"});
  EXPECT_EQ(broker_->broker().node_name(), "rabbit@here");
  EXPECT_EQ(broker_->broker().cluster_name(), "north");
}

TEST_F(OptionsTest, ANodeNamedWithoutAHostIsOnThisOne) {
  start({.node_name = "hare"});
  EXPECT_TRUE(broker_->broker().node_name().starts_with("hare@"));
  EXPECT_EQ(broker_->broker().cluster_name(), broker_->broker().node_name());
}

TEST_F(OptionsTest, AServerListensWhereItIsTold) {
  start({});
  boost::asio::io_context context;
  const broker::Server server{context, broker_->broker(), {{.host = "127.0.0.1"}, {.host = "127.0.0.2"}}};
  ASSERT_EQ(server.listeners().size(), 2u);
  const auto first = server.listeners()[0].acceptor.local_endpoint();
  EXPECT_EQ(first.address().to_string(), "127.0.0.1");
  EXPECT_EQ(server.listeners()[1].acceptor.local_endpoint().address().to_string(), "127.0.0.2");
  EXPECT_EQ(server.port(), first.port());
  const broker::Server silent{context, broker_->broker(), {}};
  EXPECT_EQ(silent.port(), 0);
}

TEST_F(OptionsTest, OnlyTheMechanismsThatAreOfferedAreTaken) {
  start({.auth_mechanisms = {"AMQPLAIN"}});
  TestClient& client = clients_.emplace_back(broker_->port());
  client.send_protocol_header();
  EXPECT_EQ(client.expect<connection::Start>().mechanisms, "AMQPLAIN");
  client.send_start_ok({});
  wait_until(
      [&] {
        broker_->clock().advance(1s);
        return client.has_ended();
      },
      "a client that logs in with PLAIN is shown out");
}

}  // namespace
}  // namespace leveret::test
