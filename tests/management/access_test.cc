#include <gtest/gtest.h>

#include "management/target.h"
#include "tests/management/http_test.h"

/// Virtual hosts, users, permissions, and what users with each tag may see.
namespace leveret::test {
namespace {

class AccessTest : public HttpTest {
 protected:
  void add_user(const std::string& name, const std::string& tags) {
    ASSERT_EQ(put("/api/users/" + name, R"({"password":"x","tags":")" + tags + "\"}").status, 201u);
  }
  void permit(const std::string& name, const std::string& virtual_host = "%2F") {
    ASSERT_EQ(
        put("/api/permissions/" + virtual_host + "/" + name, R"({"configure":"^c","write":"^w","read":"^r"})").status,
        201u);
  }
};

TEST_F(AccessTest, MakesChangesAndDeletesVirtualHosts) {
  EXPECT_EQ(put("/api/vhosts/orders", R"({"description":"d","tags":"a,b","tracing":true})").status, 201u);
  EXPECT_EQ(put("/api/vhosts/orders").status, 204u);
  const json::value shown = get("/api/vhosts/orders").json();
  EXPECT_EQ(shown.at("description").as_string(), "d") << "what a second PUT does not name stays";
  EXPECT_EQ(json::serialize(shown.at("tags")), R"(["a","b"])");
  EXPECT_EQ(shown.at("tracing").as_bool(), true);
  EXPECT_EQ(get("/api/permissions/orders/guest").status, 200u) << "who made it may do everything there";
  EXPECT_EQ(get("/api/vhosts").json().as_array().size(), 2u);
  EXPECT_EQ(remove("/api/vhosts/orders").status, 204u);
  EXPECT_EQ(remove("/api/vhosts/orders").status, 404u);
  EXPECT_EQ(get("/api/permissions/orders/guest").status, 404u);
}

TEST_F(AccessTest, DeletesAVirtualHostWithItsQueuesAndConnections) {
  ASSERT_EQ(put("/api/vhosts/orders").status, 201u);
  auto& client = connect({.virtual_host = "orders"});
  client.open_channel().declare_queue("q", {.durable = true});
  EXPECT_EQ(remove("/api/vhosts/orders").status, 204u);
  client.expect_close(ReplyCode::connection_forced, "CONNECTION_FORCED - vhost 'orders' is deleted");
  ASSERT_EQ(put("/api/vhosts/orders").status, 201u);
  EXPECT_EQ(get("/api/queues/orders").body, "[]");
}

TEST_F(AccessTest, ProtectsAVirtualHostFromDeletion) {
  ASSERT_EQ(put("/api/vhosts/orders").status, 201u);
  EXPECT_EQ(post("/api/vhosts/orders/deletion/protection").status, 204u);
  EXPECT_EQ(remove("/api/vhosts/orders").status, 412u);
  EXPECT_EQ(remove("/api/vhosts/orders/deletion/protection").status, 204u);
  EXPECT_EQ(remove("/api/vhosts/orders").status, 204u);
}

TEST_F(AccessTest, MakesChangesAndDeletesUsers) {
  add_user("ann", "management, monitoring");
  EXPECT_EQ(json::serialize(get("/api/users/ann").json().at("tags")), R"(["management","monitoring"])");
  EXPECT_EQ(get_as("ann:x", "/api/whoami").status, 200u);
  EXPECT_EQ(put("/api/users/ann", R"({"password":"y","tags":["policymaker"]})").status, 204u);
  EXPECT_EQ(get_as("ann:x", "/api/whoami").status, 401u);
  EXPECT_EQ(get_as("ann:y", "/api/whoami").body, R"({"name":"ann","tags":["policymaker"]})");
  EXPECT_EQ(get("/api/users/without-permissions").json().as_array().size(), 1u);
  permit("ann");
  EXPECT_EQ(get("/api/users/without-permissions").body, "[]");
  EXPECT_EQ(remove("/api/users/ann").status, 204u);
  EXPECT_EQ(remove("/api/users/ann").status, 404u);
  EXPECT_EQ(get("/api/permissions/%2F/ann").status, 404u) << "permissions go with the user";
}

TEST_F(AccessTest, KeepsPasswordHashesAsTheyAre) {
  // RabbitMQ's hashes of the password "test12" with the salt 90 8D C6 0A.
  const std::string sha256 = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR";
  ASSERT_EQ(put("/api/users/ann", R"({"password_hash":")" + sha256 + R"(","tags":"management"})").status, 201u);
  EXPECT_EQ(get("/api/users/ann").json().at("password_hash").as_string(), sha256);
  EXPECT_EQ(get_as("ann:test12", "/api/whoami").status, 200u);
  EXPECT_EQ(error_of(put("/api/users/bob", R"({"password_hash":"!!","tags":""})")),
            R"(bad_request: ["not_base64","!!"])");
  EXPECT_EQ(error_of(put("/api/users/bob", R"({"password":"x"})")), R"(bad_request: "tags_not_present")");
}

TEST_F(AccessTest, DeletesManyUsersAtOnce) {
  add_user("ann", "");
  add_user("bob", "");
  EXPECT_EQ(error_of(post("/api/users/bulk-delete", R"({"users":["ann","bob","nobody"]})")),
            R"(bad_request: ["no_such_user","nobody"])");
  EXPECT_EQ(get("/api/users").json().as_array().size(), 3u);
  EXPECT_EQ(post("/api/users/bulk-delete", R"({"users":["ann","bob"]})").status, 204u);
  EXPECT_EQ(get("/api/users").json().as_array().size(), 1u);
  EXPECT_EQ(error_of(post("/api/users/bulk-delete")), R"(bad_request: "[{key_missing,users}]")");
}

TEST_F(AccessTest, ClosesTheConnectionsOfADeletedUser) {
  add_user("ann", "");
  permit("ann");
  auto& client = connect({.user = "ann", .password = "x"});
  EXPECT_EQ(remove("/api/users/ann").status, 204u);
  client.expect_close(ReplyCode::connection_forced, "CONNECTION_FORCED - user 'ann' is deleted");
}

TEST_F(AccessTest, SaysWhatUsersMayDo) {
  add_user("ann", "");
  permit("ann");
  EXPECT_EQ(get("/api/permissions/%2F/ann").body,
            R"({"user":"ann","vhost":"/","configure":"^c","write":"^w","read":"^r"})");
  EXPECT_EQ(put("/api/permissions/%2F/ann", R"({"configure":"","write":"","read":""})").status, 204u);
  EXPECT_EQ(get("/api/users/ann/permissions").json().as_array().size(), 1u);
  EXPECT_EQ(get("/api/vhosts/%2F/permissions").json().as_array().size(), 2u);
  EXPECT_EQ(get("/api/permissions").json().as_array().size(), 2u);
  EXPECT_EQ(remove("/api/permissions/%2F/ann").status, 204u);
  EXPECT_EQ(remove("/api/permissions/%2F/ann").status, 404u);
}

TEST_F(AccessTest, RefusesPermissionsThatMeanNothing) {
  EXPECT_EQ(error_of(put("/api/permissions/%2F/guest", R"({"configure":"","write":""})")),
            R"(bad_request: "[{key_missing,read}]")");
  EXPECT_EQ(error_of(put("/api/permissions/%2F/guest", R"({"configure":"[","write":"","read":""})")),
            R"(bad_request: ["invalid_regexp","["])");
  EXPECT_EQ(error_of(put("/api/permissions/%2F/guest", R"({"configure":5,"write":"","read":""})")),
            R"(bad_request: ["not_string","configure"])");
  EXPECT_EQ(error_of(put("/api/permissions/%2F/nobody", R"({"configure":"","write":"","read":""})")),
            R"(bad_request: "vhost_or_user_not_found")");
}

TEST_F(AccessTest, SaysWhichRoutingKeysUsersMayUse) {
  const std::string body = R"({"exchange":"amq.topic","write":"^a","read":"^b"})";
  EXPECT_EQ(put("/api/topic-permissions/%2F/guest", body).status, 201u);
  EXPECT_EQ(put("/api/topic-permissions/%2F/guest", body).status, 204u);
  const std::string listed = R"([{"user":"guest","vhost":"/","exchange":"amq.topic","write":"^a","read":"^b"}])";
  EXPECT_EQ(get("/api/topic-permissions/%2F/guest").body, listed);
  EXPECT_EQ(get("/api/topic-permissions").body, listed);
  EXPECT_EQ(get("/api/users/guest/topic-permissions").body, listed);
  EXPECT_EQ(get("/api/vhosts/%2F/topic-permissions").body, listed);
  EXPECT_EQ(remove("/api/topic-permissions/%2F/guest").status, 204u);
  EXPECT_EQ(remove("/api/topic-permissions/%2F/guest").status, 404u);
}

struct TagCase {
  std::string tags{};
  std::string path{};
  unsigned status = 200;
  std::string reason{};
};

class TagsTest : public AccessTest, public testing::WithParamInterface<TagCase> {};

TEST_P(TagsTest, DecideWhoSeesWhat) {
  const TagCase& expected = GetParam();
  add_user("ann", expected.tags);
  permit("ann");
  ASSERT_EQ(put("/api/vhosts/closed").status, 201u);
  const auto response = get_as("ann:x", expected.path);
  EXPECT_EQ(response.status, expected.status) << expected.tags << " " << expected.path << " " << response.body;
  if (expected.reason.empty()) return;
  EXPECT_EQ(error_of(response), "not_authorised: \"" + expected.reason + "\"");
}
INSTANTIATE_TEST_SUITE_P(
    OfUsers, TagsTest,
    testing::Values(TagCase{"", "/api/whoami", 401, "Not management user"},
                    TagCase{"other", "/api/whoami", 401, "Not management user"}, TagCase{"management", "/api/whoami"},
                    TagCase{"policymaker", "/api/whoami"}, TagCase{"monitoring", "/api/whoami"},
                    TagCase{"management", "/api/nodes", 401, "Not monitor user"}, TagCase{"monitoring", "/api/nodes"},
                    TagCase{"administrator", "/api/nodes"},
                    TagCase{"monitoring", "/api/users", 401, "Not administrator user"},
                    TagCase{"administrator", "/api/users"}, TagCase{"management", "/api/queues/%2F"},
                    TagCase{"management", "/api/queues/closed", 401, "User not authorised to access virtual host"},
                    TagCase{"monitoring", "/api/queues/closed", 401, "User not authorised to access virtual host"},
                    TagCase{"administrator", "/api/queues/closed"}, TagCase{"administrator", "/api/vhosts/closed"},
                    TagCase{"monitoring", "/api/vhosts/%2F", 401, "Not administrator user"},
                    TagCase{"policymaker", "/api/policies/%2F/p", 404},
                    TagCase{"monitoring", "/api/policies/%2F/p", 401, "User not authorised to access object"},
                    TagCase{"policymaker", "/api/operator-policies/%2F/p", 401, "Not administrator user"},
                    TagCase{"management", "/api/queues/nosuch", 404},
                    TagCase{"management", "/api/definitions", 401, "Not administrator user"}));

TEST_F(AccessTest, ListsOnlyVirtualHostsOneMayEnterUnlessMonitoring) {
  add_user("ann", "management");
  add_user("bob", "monitoring");
  EXPECT_EQ(get_as("ann:x", "/api/vhosts").body, "[]");
  EXPECT_EQ(get_as("ann:x", "/api/exchanges").body, "[]");
  EXPECT_EQ(get_as("bob:x", "/api/vhosts").json().as_array().size(), 1u);
}

TEST_F(AccessTest, ListsObjectsWhereOneMayEnterUnlessAdministrator) {
  ASSERT_EQ(put("/api/vhosts/closed").status, 201u);
  ASSERT_EQ(put("/api/queues/closed/q").status, 201u);
  add_user("bob", "monitoring");
  add_user("ann", "administrator");
  EXPECT_EQ(get_as("bob:x", "/api/queues").body, "[]");
  EXPECT_EQ(get_as("ann:x", "/api/queues").json().as_array().size(), 1u);
  EXPECT_EQ(get_as("ann:x", "/api/queues/closed/q").status, 200u);
  EXPECT_EQ(send({.method = "DELETE", .path = "/api/queues/closed/q", .user = "ann:x"}).status, 401u)
      << "seeing is not having";
}

TEST_F(AccessTest, OnlyAdministratorsCloseOthersConnections) {
  auto& client = connect();
  client.open_channel();
  const std::string name{get("/api/connections").json().at(0).at("name").as_string()};
  const std::string path = "/api/connections/" + management::percent_encoded(name);
  for (const auto tag : {"monitoring", "management"}) {
    add_user(tag, tag);
    const std::string user = std::string{tag} + ":x";
    for (const std::string& other : {path, std::string{"/api/connections/username/guest"}})
      EXPECT_EQ(error_of(send({.method = "DELETE", .path = other, .user = user})),
                R"(not_authorised: "User not authorised to access object")");
  }
  EXPECT_EQ(get_as("monitoring:x", path).status, 200u);
  EXPECT_EQ(get_as("management:x", path).status, 401u);
  EXPECT_EQ(remove(path).status, 204u);
  client.expect_close(ReplyCode::connection_forced, "CONNECTION_FORCED - Closed via management plugin");
}

TEST_F(AccessTest, APasswordIsAskedForOnlyWhereItWasWrong) {
  add_user("ann", "management");
  EXPECT_NE(get_as("ann:wrong", "/api/users").header("www-authenticate"), "");
  EXPECT_EQ(get_as("ann:x", "/api/users").header("www-authenticate"), "");
}

TEST_F(AccessTest, AUserWithoutRightsIsRefusedByTheModel) {
  add_user("ann", "management");
  permit("ann");
  const auto response = send({.method = "PUT", .path = "/api/queues/%2F/q", .body = "{}", .user = "ann:x"});
  EXPECT_EQ(response.status, 401u);
  EXPECT_EQ(error_of(response), R"(not_authorised: "Access refused.")");
  EXPECT_EQ(send({.method = "PUT", .path = "/api/queues/%2F/cq", .body = "{}", .user = "ann:x"}).status, 201u);
}

TEST_F(AccessTest, CountsLogins) {
  TestClient client{broker_.port(), TestClient::Options{}};
  EXPECT_EQ(get_as("guest:wrong", "/api/whoami").status, 401u);
  const auto attempts = [this] { return json::serialize(get("/api/auth/attempts/" + query_.node_name()).json()); };
  EXPECT_EQ(attempts(),
            R"([{"protocol":"amqp091","auth_attempts":1,"auth_attempts_failed":0,"auth_attempts_succeeded":1},)"
            R"({"protocol":"http","auth_attempts":2,"auth_attempts_failed":1,"auth_attempts_succeeded":1}])");
  EXPECT_EQ(remove("/api/auth/attempts/" + query_.node_name()).status, 204u);
  EXPECT_EQ(attempts(),
            R"([{"protocol":"amqp091","auth_attempts":0,"auth_attempts_failed":0,"auth_attempts_succeeded":0},)"
            R"({"protocol":"http","auth_attempts":1,"auth_attempts_failed":0,"auth_attempts_succeeded":1}])");
  EXPECT_EQ(get("/api/auth/attempts/nosuch").status, 404u);
  EXPECT_EQ(get("/api/auth/attempts/" + query_.node_name() + "/source").body, "[]");
}

}  // namespace
}  // namespace leveret::test
