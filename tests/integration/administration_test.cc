#include "broker/password_hash.h"
#include "tests/support/broker_test.h"

namespace leveret::test {
namespace {

namespace connection = protocol::connection;
using broker::LimitOf;

class AdministrationTest : public BrokerTest {
 protected:
  explicit AdministrationTest(TestBroker::Options options = {}) : BrokerTest(std::move(options)) {
    auto& rights = broker_.broker().access_control();
    rights.put_user({.name = "user", .password_hash = broker::hash_password("user")});
    rights.put_permission("user", "/", {.configure = ".*", .write = ".*", .read = ".*"});
  }

  void limit(LimitOf of, std::string_view subject, std::string_view name, std::int64_t count) {
    ASSERT_TRUE(broker_.broker().put_limit(of, subject, name, count));
  }
  /// Everything but the answer to connection.open.
  TestClient& ask_to_open(const TestClient::Options& options) {
    auto& client = connect_silently();
    client.send_protocol_header();
    client.expect<connection::Start>();
    client.send_start_ok(options);
    client.expect<connection::Tune>();
    client.send_tune_ok(options);
    client.send_open(options);
    return client;
  }
  void wait_for_connections(std::uint64_t count) {
    wait_until([&] { return broker_.broker().admission().connections_of_virtual_host("/") == count; },
               "so many connections are open");
  }

  const TestClient::Options as_user_{.user = "user", .password = "user"};
};

TEST_F(AdministrationTest, AVirtualHostTakesNoMoreConnectionsThanItMay) {
  limit(LimitOf::virtual_host, "/", "max-connections", 1);
  auto& first = connect();
  ask_to_open({}).expect_close(
      ReplyCode::not_allowed,
      "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (1) is reached");
  first.close();
  auto& second = connect();
  second.vanish();
  wait_for_connections(0);
  auto& third = connect();
  third.open_channel().send(protocol::basic::Qos{.prefetch_size = 1});
  third.expect_close(ReplyCode::not_implemented, "NOT_IMPLEMENTED - prefetch_size!=0 (1)");
  wait_for_connections(0);
  connect();
}

TEST_F(AdministrationTest, AUserOpensNoMoreConnectionsThanItMay) {
  limit(LimitOf::user, "user", "max-connections", 0);
  ask_to_open(as_user_).expect_close(
      ReplyCode::not_allowed, "NOT_ALLOWED - connection refused for user 'user': user connection limit (0) is reached");
  connect();
  limit(LimitOf::user, "user", "max-connections", -1);
  connect(as_user_);
}

TEST_F(AdministrationTest, AUserOpensNoMoreChannelsThanItMay) {
  limit(LimitOf::user, "user", "max-channels", 2);
  auto& client = connect(as_user_);
  auto first = client.open_channel(1);
  client.open_channel(2);
  first.close();
  client.open_channel(3);
  client.send(ChannelNumber{4}, protocol::channel::Open{});
  client.expect_close(ReplyCode::not_allowed,
                      "NOT_ALLOWED - number of channels opened for user 'user' has reached the maximum allowed user "
                      "limit of (2)");
  EXPECT_EQ(broker_.broker().admission().channels_of_user("user"), 0u);
}

TEST_F(AdministrationTest, AVirtualHostHoldsNoMoreQueuesThanItMay) {
  auto channel = connect().open_channel();
  limit(LimitOf::virtual_host, "/", "max-queues", 1);
  channel.declare_queue("first");
  channel.declare_queue("first");
  channel.send(protocol::queue::Declare{.queue = "second"});
  channel.expect_close(ReplyCode::precondition_failed,
                       "PRECONDITION_FAILED - cannot declare queue 'second': queue limit in vhost '/' (1) is reached");
  auto again = connect().open_channel();
  again.delete_queue("first");
  again.declare_queue("second");
}

TEST_F(AdministrationTest, ADeletedUserIsSentAway) {
  auto& user = connect(as_user_);
  auto& guest = connect();
  broker_.broker().delete_user("user");
  user.expect_close(ReplyCode::connection_forced, "CONNECTION_FORCED - user 'user' is deleted");
  guest.open_channel();
  EXPECT_FALSE(broker_.broker().access_control().find_user("user"));
  EXPECT_FALSE(broker_.broker().access_control().may_enter("user", "/"));
}

TEST_F(AdministrationTest, ADeletedVirtualHostIsGoneWithAllThatWasInIt) {
  auto& broker = broker_.broker();
  const auto allow = [&] { broker.access_control().put_permission("guest", "other", {".*", ".*", ".*"}); };
  ASSERT_TRUE(broker.put_virtual_host("other", {}));
  allow();
  auto& inside = connect({.virtual_host = "other"});
  auto& outside = connect();
  inside.open_channel().declare_queue("q", {.durable = true});
  ASSERT_TRUE(broker.delete_virtual_host("other"));
  inside.expect_close(ReplyCode::connection_forced, "CONNECTION_FORCED - vhost 'other' is deleted");
  outside.open_channel();
  ask_to_open({.virtual_host = "other"}).expect_close(ReplyCode::not_allowed, "NOT_ALLOWED - vhost other not found");
  EXPECT_FALSE(broker.delete_virtual_host("other"));

  ASSERT_TRUE(broker.put_virtual_host("other", {}));
  EXPECT_FALSE(broker.access_control().may_enter("guest", "other"));
  allow();
  auto channel = connect({.virtual_host = "other"}).open_channel();
  channel.send(protocol::queue::Declare{.queue = "q", .passive = true});
  channel.expect_close(ReplyCode::not_found, "NOT_FOUND - no queue 'q' in vhost 'other'");
}

TEST_F(AdministrationTest, AProtectedVirtualHostStays) {
  ASSERT_TRUE(broker_.broker().put_virtual_host("other", {.is_protected_from_deletion = true}));
  const auto deleted = broker_.broker().delete_virtual_host("other");
  ASSERT_FALSE(deleted);
  EXPECT_EQ(deleted.error().text, "Refusing to delete virtual host 'other' because it is protected from deletion");
  ASSERT_TRUE(broker_.broker().put_virtual_host("other", {}));
  EXPECT_TRUE(broker_.broker().delete_virtual_host("other"));
}

class NodeLimitsTest : public AdministrationTest {
 protected:
  NodeLimitsTest()
      : AdministrationTest(
            {.broker = {.shards = shards_under_test(), .connection_max = 1, .channel_max_per_node = 1}}) {}
};

TEST_F(NodeLimitsTest, HoldForAllClientsTogether) {
  auto& client = connect();
  ask_to_open({}).expect_close(ReplyCode::not_allowed,
                               "NOT_ALLOWED - connection refused: node connection limit (1) is reached");
  client.open_channel(1);
  client.send(ChannelNumber{2}, protocol::channel::Open{});
  client.expect_close(ReplyCode::not_allowed, "NOT_ALLOWED - number of channels opened on node '" +
                                                  broker_.broker().node_name() +
                                                  "' has reached the maximum allowed limit of (1)");
}

class DurableAdministrationTest : public DurableBrokerTest {};

TEST_F(DurableAdministrationTest, NothingOfADeletedVirtualHostComesBack) {
  auto& broker = broker_.broker();
  ASSERT_TRUE(broker.put_virtual_host("other", {}));
  auto virtual_host = broker.find_virtual_host("other");
  ASSERT_TRUE(virtual_host->declare_exchange({.name = "x", .type = "direct", .durable = true}));
  virtual_host->put_policy(broker::PolicyKind::user, {.name = "p", .definition = {{"max-length", 5}}});
  ASSERT_TRUE(broker.delete_virtual_host("other"));
  EXPECT_FALSE(virtual_host->declare_exchange({.name = "late", .type = "direct", .durable = true}));
  ASSERT_TRUE(broker.put_virtual_host("other", {}));
  restart_cleanly();
  const auto again = broker_.broker().find_virtual_host("other");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->type_of_exchange("x"));
  EXPECT_FALSE(again->type_of_exchange("late"));
  EXPECT_THAT(again->policies(broker::PolicyKind::user), IsEmpty());
}

}  // namespace
}  // namespace leveret::test
