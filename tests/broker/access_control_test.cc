#include "broker/access_control.h"

#include <gtest/gtest.h>

#include <string>

#include "broker/password_hash.h"
#include "storage/memory_store.h"

namespace leveret::broker {
namespace {

class AccessControlTest : public testing::Test {
 protected:
  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
  AccessControl access_control_{*store_};
};

struct PatternCase {
  std::string_view pattern{}, name{};
  bool is_allowed = false;
};

class PermissionPattern : public AccessControlTest, public testing::WithParamInterface<PatternCase> {};

TEST_P(PermissionPattern, IsFoundAnywhereInTheName) {
  const auto& [pattern, name, is_allowed] = GetParam();
  access_control_.put_permission("user", "/", {.configure = std::string{pattern}});
  EXPECT_EQ(access_control_.is_allowed("user", "/", Access::configure, name), is_allowed) << pattern << " in " << name;
}
INSTANTIATE_TEST_SUITE_P(Rules, PermissionPattern,
                         testing::Values(PatternCase{".*", "anything", true}, PatternCase{".*", "", true},
                                         PatternCase{"", "", true}, PatternCase{"", "anything", false},
                                         PatternCase{"^$", "", true}, PatternCase{"^$", "a", false},
                                         PatternCase{"order", "my-orders", true},
                                         PatternCase{"^order", "my-orders", false}, PatternCase{"^(a|b)$", "b", true},
                                         PatternCase{"^(a|b)$", "ab", false}, PatternCase{"^\\d+$", "123", true},
                                         PatternCase{"(?i)ORDER", "order", true}, PatternCase{"(", "(", false},
                                         PatternCase{"^amq\\.default$", "amq.default", true},
                                         PatternCase{"a.c", "a\nc", true}));

TEST_F(AccessControlTest, ATooCostlyPatternAllowsNothingAndEnds) {
  access_control_.put_permission("user", "/", {.write = "^(a+)+$"});
  EXPECT_FALSE(access_control_.is_allowed("user", "/", Access::write, std::string(200, 'a') + "b"));
}

TEST_F(AccessControlTest, EachKindOfAccessHasItsPattern) {
  access_control_.put_permission("user", "/", {.configure = "^c", .write = "^w", .read = "^r"});
  EXPECT_TRUE(access_control_.is_allowed("user", "/", Access::configure, "c"));
  EXPECT_TRUE(access_control_.is_allowed("user", "/", Access::write, "w"));
  EXPECT_TRUE(access_control_.is_allowed("user", "/", Access::read, "r"));
  EXPECT_FALSE(access_control_.is_allowed("user", "/", Access::write, "c"));
  EXPECT_FALSE(access_control_.is_allowed("user", "/", Access::read, "w"));
  EXPECT_FALSE(access_control_.is_allowed("user", "/", Access::configure, "r"));
}

TEST_F(AccessControlTest, APermissionOpensOneVirtualHost) {
  access_control_.put_permission("user", "orders", {.read = ".*"});
  EXPECT_TRUE(access_control_.may_enter("user", "orders"));
  EXPECT_FALSE(access_control_.may_enter("user", "/"));
  EXPECT_FALSE(access_control_.may_enter("other", "orders"));
  EXPECT_FALSE(access_control_.is_allowed("user", "/", Access::read, "q"));
  access_control_.remove_permission("user", "orders");
  EXPECT_FALSE(access_control_.may_enter("user", "orders"));
  EXPECT_FALSE(access_control_.is_allowed("user", "orders", Access::read, "q"));
}

TEST_F(AccessControlTest, TopicPermissionsBindOnlyWhereTheyAreGiven) {
  EXPECT_TRUE(access_control_.is_topic_allowed("user", "/", "events", Access::write, "any.key"));
  access_control_.put_topic_permission("user", "/", "events", {.write = "^user\\.", .read = "^all$"});
  EXPECT_TRUE(access_control_.is_topic_allowed("user", "/", "events", Access::write, "user.key"));
  EXPECT_FALSE(access_control_.is_topic_allowed("user", "/", "events", Access::write, "other.key"));
  EXPECT_FALSE(access_control_.is_topic_allowed("user", "/", "events", Access::read, "user.key"));
  EXPECT_TRUE(access_control_.is_topic_allowed("user", "/", "more", Access::write, "other.key"));
  EXPECT_TRUE(access_control_.is_topic_allowed("other", "/", "events", Access::write, "other.key"));
}

TEST_F(AccessControlTest, TopicPermissionsMayNameTheUserAndTheVirtualHost) {
  access_control_.put_topic_permission("a.b", "/", "events", {.write = "^{username}-{vhost}$", .read = "{username}"});
  EXPECT_TRUE(access_control_.is_topic_allowed("a.b", "/", "events", Access::write, "a.b-/"));
  EXPECT_FALSE(access_control_.is_topic_allowed("a.b", "/", "events", Access::write, "axb-/"));
  EXPECT_FALSE(access_control_.is_topic_allowed("a.b", "/", "events", Access::write, "{username}-{vhost}"));
  EXPECT_TRUE(access_control_.is_topic_allowed("a.b", "/", "events", Access::read, "to.a.b"));
  EXPECT_EQ(access_control_.topic_permissions().front().permission.read, "{username}");
}

TEST_F(AccessControlTest, TagsBelongToTheirUser) {
  access_control_.put_user({.name = "user", .tags = {"monitoring", "impersonator"}});
  EXPECT_TRUE(access_control_.has_tag("user", "impersonator"));
  EXPECT_FALSE(access_control_.has_tag("user", "administrator"));
  EXPECT_FALSE(access_control_.has_tag("nobody", "impersonator"));
}

TEST_F(AccessControlTest, PasswordsOpenTheDoorOfTheirUser) {
  access_control_.put_user({.name = "user", .password_hash = hash_password("secret")});
  access_control_.put_user({.name = "without"});
  access_control_.put_user({.name = "empty", .password_hash = hash_password("")});
  EXPECT_TRUE(access_control_.password_matches("user", "secret"));
  EXPECT_FALSE(access_control_.password_matches("user", "Secret"));
  EXPECT_FALSE(access_control_.password_matches("nobody", "secret"));
  EXPECT_FALSE(access_control_.password_matches("without", ""));
  EXPECT_FALSE(access_control_.password_matches("empty", "")) << "an empty password never opens";
  access_control_.remove_user("user");
  EXPECT_FALSE(access_control_.password_matches("user", "secret"));
  EXPECT_FALSE(access_control_.find_user("user"));
}

TEST_F(AccessControlTest, AHashSaysHowItWasMade) {
  access_control_.put_user({.name = "user",
                            .password_hash = "kI3GCnkwHX1Ljs+EXIxVYZDm/yk=",
                            .hashing_algorithm = "rabbit_password_hashing_md5"});
  EXPECT_TRUE(access_control_.password_matches("user", "leveret"));
  AccessControl again{*store_};
  store_->recover_definitions([&](std::string_view key, std::string_view value) {
    again.restore(key, protocol::FieldTable{protocol::as_octets(value)});
  });
  EXPECT_TRUE(again.password_matches("user", "leveret"));
}

TEST_F(AccessControlTest, ListsWhatItKnows) {
  access_control_.put_user({.name = "b"});
  access_control_.put_user({.name = "a", .tags = {"monitoring"}});
  access_control_.put_permission("a", "/", {.configure = "c", .write = "w", .read = "r"});
  access_control_.put_topic_permission("a", "/", "events", {.write = "tw", .read = "tr"});
  ASSERT_EQ(access_control_.users().size(), 2u);
  EXPECT_EQ(access_control_.users().front().name, "a");
  ASSERT_EQ(access_control_.permissions().size(), 1u);
  EXPECT_EQ(access_control_.permissions().front().permission.write, "w");
  ASSERT_EQ(access_control_.topic_permissions().size(), 1u);
  EXPECT_EQ(access_control_.topic_permissions().front().exchange, "events");
  EXPECT_EQ(access_control_.topic_permissions().front().permission.read, "tr");
}

TEST_F(AccessControlTest, PermissionsGoWithTheirUserAndVirtualHost) {
  for (const auto user : {"a", "b"})
    for (const auto virtual_host : {"x", "y"}) {
      access_control_.put_permission(user, virtual_host, {});
      access_control_.put_topic_permission(user, virtual_host, "events", {});
    }
  access_control_.remove_user("a");
  EXPECT_EQ(access_control_.permissions().size(), 2u);
  EXPECT_EQ(access_control_.topic_permissions().size(), 2u);
  access_control_.remove_virtual_host("x");
  EXPECT_EQ(access_control_.permissions().size(), 1u);
  EXPECT_FALSE(access_control_.remove_topic_permission("b", "y", "other"));
  EXPECT_TRUE(access_control_.remove_topic_permissions("b", "y"));
  EXPECT_FALSE(access_control_.remove_topic_permissions("b", "y"));
  EXPECT_TRUE(access_control_.remove_permission("b", "y"));
  EXPECT_FALSE(access_control_.remove_permission("b", "y"));
}

TEST_F(AccessControlTest, EveryChangeRaisesTheVersion) {
  auto version = access_control_.version();
  const auto expect_raised = [&](const char* what) {
    EXPECT_GT(access_control_.version(), version) << what;
    version = access_control_.version();
  };
  access_control_.put_user({.name = "user"});
  expect_raised("put_user");
  access_control_.put_permission("user", "/", {});
  expect_raised("put_permission");
  access_control_.put_topic_permission("user", "/", "events", {});
  expect_raised("put_topic_permission");
  access_control_.remove_permission("user", "/");
  expect_raised("remove_permission");
  access_control_.remove_user("user");
  expect_raised("remove_user");
}

TEST_F(AccessControlTest, AllOfItIsRestoredFromTheStore) {
  access_control_.put_user({.name = "user", .password_hash = hash_password("secret"), .tags = {"monitoring", "blue"}});
  access_control_.put_permission("user", "/", {.configure = "^c", .write = "^w", .read = "^r"});
  access_control_.put_topic_permission("user", "/", "events", {.write = "^user\\."});
  AccessControl again{*store_};
  store_->recover_definitions([&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(again.restore(key, protocol::FieldTable{protocol::as_octets(value)}));
  });
  EXPECT_TRUE(again.password_matches("user", "secret"));
  EXPECT_EQ(again.find_user("user")->tags, (std::vector<std::string>{"monitoring", "blue"}));
  EXPECT_TRUE(again.is_allowed("user", "/", Access::write, "w"));
  EXPECT_FALSE(again.is_allowed("user", "/", Access::write, "c"));
  EXPECT_FALSE(again.is_topic_allowed("user", "/", "events", Access::write, "other.key"));
  EXPECT_FALSE(again.restore("no key", {}));
}

}  // namespace
}  // namespace leveret::broker
