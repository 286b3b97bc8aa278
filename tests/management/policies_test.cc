#include <gtest/gtest.h>

#include "tests/management/http_test.h"

/// Policies, parameters and limits.
namespace leveret::test {
namespace {

class PoliciesTest : public HttpTest {
 protected:
  void SetUp() override {
    for (const std::string tag : {"management", "monitoring", "policymaker"}) {
      ASSERT_EQ(put("/api/users/" + tag, R"({"password":"x","tags":")" + tag + R"("})").status, 201u);
      if (tag == "monitoring") continue;
      const std::string permission = R"({"configure":".*","write":".*","read":".*"})";
      ASSERT_EQ(put("/api/permissions/%2F/" + tag, permission).status, 201u);
    }
  }
  HttpResponse as(const std::string& user, const std::string& method, const std::string& path, std::string body = "") {
    return send({.method = method, .path = path, .body = std::move(body), .user = user + ":x"});
  }
};

TEST_F(PoliciesTest, ComeAndGo) {
  const std::string policy = R"({"pattern":"^a","definition":{"max-length":5},"priority":3,"apply-to":"queues"})";
  EXPECT_EQ(get("/api/policies").body, "[]");
  EXPECT_EQ(put("/api/policies/%2F/p", policy).status, 201u);
  EXPECT_EQ(put("/api/policies/%2F/p", policy).status, 204u);
  const std::string shown =
      R"({"vhost":"/","name":"p","pattern":"^a","apply-to":"queues","definition":{"max-length":5},"priority":3})";
  EXPECT_EQ(get("/api/policies/%2F/p").body, shown);
  EXPECT_EQ(get("/api/policies/%2F").body, "[" + shown + "]");
  EXPECT_EQ(get("/api/policies").body, "[" + shown + "]");
  EXPECT_EQ(put("/api/policies/%2F/p", R"({"pattern":"^a","definition":{"max-length":6}})").status, 204u);
  EXPECT_EQ(get("/api/policies/%2F/p").json().at("apply-to").as_string(), "all");
  EXPECT_EQ(remove("/api/policies/%2F/p").status, 204u);
  EXPECT_EQ(remove("/api/policies/%2F/p").status, 404u);
  EXPECT_EQ(get("/api/policies/%2F/p").status, 404u);
}

TEST_F(PoliciesTest, ShowInTheQueuesAndExchangesTheyHoldFor) {
  ASSERT_EQ(put("/api/queues/%2F/aq").status, 201u);
  ASSERT_EQ(put("/api/queues/%2F/other").status, 201u);
  ASSERT_EQ(put("/api/policies/%2F/p", R"({"pattern":"^a","definition":{"max-length":7,"message-ttl":9}})").status,
            201u);
  ASSERT_EQ(put("/api/operator-policies/%2F/o", R"({"pattern":"^a","definition":{"max-length":5}})").status, 201u);
  const json::value queue = get("/api/queues/%2F/aq").json();
  EXPECT_EQ(queue.at("policy").as_string(), "p");
  EXPECT_EQ(queue.at("operator_policy").as_string(), "o");
  EXPECT_EQ(queue.at("effective_policy_definition").at("max-length").as_int64(), 5);
  EXPECT_EQ(queue.at("effective_policy_definition").at("message-ttl").as_int64(), 9);
  const json::value other = get("/api/queues/%2F/other").json();
  EXPECT_TRUE(other.at("policy").is_null());
  EXPECT_TRUE(other.at("operator_policy").is_null());
  EXPECT_TRUE(other.at("effective_policy_definition").as_object().empty());
  EXPECT_EQ(get("/api/exchanges/%2F/amq.topic").json().at("policy").as_string(), "p");
}

TEST_F(PoliciesTest, ShowInTheExchangesTheyHoldFor) {
  ASSERT_EQ(
      put("/api/policies/%2F/p", R"({"pattern":"topic","definition":{"alternate-exchange":"amq.fanout"}})").status,
      201u);
  EXPECT_EQ(get("/api/exchanges/%2F/amq.topic").json().at("policy").as_string(), "p");
  EXPECT_FALSE(get("/api/exchanges/%2F/amq.direct").json().as_object().contains("policy"));
}

TEST_F(PoliciesTest, HoldAtOnce) {
  auto channel = connect().open_channel();
  channel.declare_queue("aq");
  channel.publish_to("aq", {"first", "second", "third"});
  ASSERT_EQ(channel.counts_of("aq").messages, 3u);
  ASSERT_EQ(put("/api/policies/%2F/p", R"({"pattern":"^a","definition":{"max-length":1}})").status, 201u);
  EXPECT_EQ(channel.counts_of("aq").messages, 1u);
}

struct BadPolicy {
  std::string body{};
  std::string error{};
};

class BadPolicyTest : public HttpTest, public testing::WithParamInterface<BadPolicy> {};

TEST_P(BadPolicyTest, IsRefused) {
  const auto response = put("/api/policies/%2F/p", GetParam().body);
  EXPECT_EQ(response.status, 400u);
  if (!GetParam().error.empty()) {
    EXPECT_EQ(error_of(response), "bad_request: " + GetParam().error);
  }
  EXPECT_EQ(get("/api/policies").body, "[]");
}
INSTANTIATE_TEST_SUITE_P(
    As, BadPolicyTest,
    testing::Values(
        BadPolicy{"", R"("[{key_missing,pattern},{key_missing,definition}]")"},
        BadPolicy{R"({"pattern":"a"})", R"("[{key_missing,definition}]")"},
        BadPolicy{R"({"pattern":"(","definition":{"max-length":6}})",
                  R"("Validation failed\n\npattern should be regular expression but is invalid: {\"missing )\",1}\n")"},
        BadPolicy{R"({"pattern":"a","definition":{"nosuch":6}})",
                  R"("Validation failed\n\n[{&lt;&lt;\"nosuch\"&gt;&gt;,6}] are not recognised policy settings\n")"},
        BadPolicy{R"({"pattern":"a","definition":{}})", R"("Validation failed\n\nno policy provided\n")"},
        BadPolicy{R"({"pattern":"a","definition":[]})"}, BadPolicy{R"({"pattern":"a","definition":"x"})"},
        BadPolicy{R"({"pattern":5,"definition":{"max-length":1}})",
                  R"("Validation failed\n\npattern should be a binary but was 5\n")"},
        BadPolicy{R"({"pattern":"a","definition":{"max-length":1},"apply-to":5})"},
        BadPolicy{R"({"pattern":"a","definition":{"max-length":1},"priority":"7"})",
                  R"("Validation failed\n\npriority should be a number, actually was &lt;&lt;\"7\"&gt;&gt;\n")"},
        BadPolicy{"not json", R"("not_json")"}, BadPolicy{"[1]", R"("not_json")"}));

TEST_F(PoliciesTest, AnOperatorPolicysErrorIsAsItIs) {
  EXPECT_EQ(
      error_of(put("/api/operator-policies/%2F/o", R"({"pattern":"a","definition":{"queue-mode":"lazy"}})")),
      R"(bad_request: "Validation failed\n\n[{<<\"queue-mode\">>,<<\"lazy\">>}] are not recognised policy settings\n")");
}

TEST_F(PoliciesTest, AreMadeByThoseWhoMay) {
  const std::string policy = R"({"pattern":"a","definition":{"max-length":1}})";
  EXPECT_EQ(error_of(put("/api/policies/nosuch/p", policy)), R"(not_found: "vhost_not_found")");
  EXPECT_EQ(as("management", "PUT", "/api/policies/%2F/p", policy).status, 401u);
  EXPECT_EQ(as("policymaker", "PUT", "/api/policies/%2F/p", policy).status, 201u);
  EXPECT_EQ(as("policymaker", "PUT", "/api/operator-policies/%2F/o", policy).status, 401u);
  EXPECT_EQ(as("management", "GET", "/api/policies").json().as_array().size(), 1u);
  EXPECT_EQ(as("management", "GET", "/api/operator-policies").body, "[]");
  EXPECT_EQ(as("monitoring", "GET", "/api/policies/%2F").status, 401u) << "may not enter";
  EXPECT_EQ(as("policymaker", "DELETE", "/api/policies/%2F/p").status, 204u);
}

// --- parameters

TEST_F(PoliciesTest, ParametersOfComponentsAreKept) {
  const std::string path = "/api/parameters/federation-upstream/%2F/up";
  EXPECT_EQ(put(path, R"({"value":{"uri":"amqp://"}})").status, 201u);
  EXPECT_EQ(put(path, R"({"value":{"uri":"amqp://"}})").status, 204u);
  EXPECT_EQ(get(path).body, R"({"value":{"uri":"amqp://"},"vhost":"/","component":"federation-upstream","name":"up"})");
  EXPECT_EQ(get("/api/parameters").json().as_array().size(), 1u);
  EXPECT_EQ(get("/api/parameters/federation-upstream").json().as_array().size(), 1u);
  EXPECT_EQ(get("/api/parameters/federation-upstream/%2F").json().as_array().size(), 1u);
  EXPECT_EQ(get("/api/parameters/nosuch").body, "[]");
  EXPECT_EQ(get("/api/parameters/shovel/nosuch").status, 404u);
  EXPECT_EQ(remove(path).status, 204u);
  EXPECT_EQ(remove(path).status, 404u);
  EXPECT_EQ(get(path).status, 404u);
}

TEST_F(PoliciesTest, ParametersThatAreNoneAreRefused) {
  EXPECT_EQ(error_of(put("/api/parameters/nosuch/%2F/s", R"({"value":{}})")),
            R"(bad_request: "Validation failed\n\ncomponent nosuch not found\n")");
  EXPECT_EQ(error_of(put("/api/parameters/shovel/%2F/s")), R"(bad_request: "[{key_missing,value}]")");
  EXPECT_EQ(error_of(put("/api/parameters/policy/%2F/s", R"({"value":{}})")),
            R"(bad_request: "policies may not be set using this method")");
  EXPECT_EQ(put("/api/parameters/vhost-limits/%2F/limits", R"({"value":5})").status, 400u);
  EXPECT_EQ(put("/api/parameters/vhost-limits/%2F/limits", R"({"value":{"nosuch":5}})").status, 400u);
}

TEST_F(PoliciesTest, LimitsAndOperatorPoliciesAreParametersToo) {
  ASSERT_EQ(put("/api/vhost-limits/%2F/max-queues", R"({"value":300})").status, 204u);
  ASSERT_EQ(put("/api/operator-policies/%2F/o", R"({"pattern":"a","definition":{"max-length":1}})").status, 201u);
  EXPECT_EQ(get("/api/parameters/vhost-limits/%2F/limits").json().at("value").at("max-queues").as_int64(), 300);
  EXPECT_EQ(get("/api/parameters/operator_policy/%2F/o").json().at("value").at("pattern").as_string(), "a");
  EXPECT_EQ(
      put("/api/parameters/operator_policy/%2F/o", R"({"value":{"pattern":"b","definition":{"max-length":1}}})").status,
      204u);
  EXPECT_EQ(get("/api/operator-policies/%2F/o").json().at("pattern").as_string(), "b");
  EXPECT_EQ(remove("/api/parameters/operator_policy/%2F/o").status, 204u);
  EXPECT_EQ(get("/api/operator-policies").body, "[]");
  EXPECT_EQ(put("/api/parameters/vhost-limits/%2F/other", R"({"value":{"max-queues":5}})").status, 400u);
  EXPECT_EQ(remove("/api/parameters/vhost-limits/%2F/limits").status, 204u);
  EXPECT_EQ(get("/api/vhost-limits").body, "[]");
}

TEST_F(PoliciesTest, AreParametersToThoseWhoAskForThem) {
  ASSERT_EQ(put("/api/policies/%2F/p", R"({"pattern":"a","definition":{"max-length":1}})").status, 201u);
  EXPECT_EQ(get("/api/parameters").body, "[]");
  for (const auto path : {"/api/parameters/policy", "/api/parameters/policy/%2F"})
    EXPECT_EQ(get(path).json().at(0).at("value").at("pattern").as_string(), "a") << path;
  EXPECT_EQ(get("/api/parameters/policy/%2F/p").json().at("component").as_string(), "policy");
  EXPECT_EQ(error_of(remove("/api/parameters/policy/%2F/p")),
            R"(bad_request: "policies may not be cleared using this method")");
}

TEST_F(PoliciesTest, LimitsThatAParameterDoesNotNameAreNoneAnyMore) {
  const std::string path = "/api/parameters/vhost-limits/%2F/limits";
  ASSERT_EQ(put("/api/vhost-limits/%2F/max-queues", R"({"value":300})").status, 204u);
  EXPECT_EQ(put(path, R"({"value":{"max-connections":7}})").status, 204u);
  EXPECT_EQ(json::serialize(get(path).json().at("value")), R"({"max-connections":7})");
  EXPECT_EQ(put(path, R"({"value":[]})").status, 204u);
  EXPECT_EQ(get("/api/vhost-limits").body, "[]");
}

TEST_F(PoliciesTest, ParametersAreForPolicymakers) {
  for (const std::string user : {"management", "monitoring"})
    for (const std::string path : {"/api/parameters", "/api/global-parameters"})
      EXPECT_EQ(as(user, "GET", path).status, 401u) << user << " " << path;
  EXPECT_EQ(as("policymaker", "GET", "/api/parameters").status, 200u);
  EXPECT_EQ(as("policymaker", "PUT", "/api/global-parameters/g", R"({"value":1})").status, 201u);
}

TEST_F(PoliciesTest, GlobalParametersComeAndGo) {
  const std::string path = "/api/global-parameters/mine";
  EXPECT_EQ(put(path, R"({"value":{"a":1}})").status, 201u);
  EXPECT_EQ(put(path, R"({"value":5})").status, 204u);
  EXPECT_EQ(error_of(put(path)), R"(bad_request: "[{key_missing,value}]")");
  EXPECT_EQ(get(path).body, R"({"value":5,"name":"mine"})");
  EXPECT_EQ(get("/api/global-parameters").json().as_array().size(), 2u) << "beside internal_cluster_id";
  EXPECT_EQ(remove(path).status, 204u);
  EXPECT_EQ(remove(path).status, 404u);
  EXPECT_EQ(get(path).status, 404u);
}

// --- limits

TEST_F(PoliciesTest, AVirtualHostsLimitsHold) {
  EXPECT_EQ(put("/api/vhost-limits/%2F/max-queues", R"({"value":1})").status, 204u);
  EXPECT_EQ(get("/api/vhost-limits").body, R"([{"vhost":"/","value":{"max-queues":1}}])");
  EXPECT_EQ(get("/api/vhost-limits/%2F").body, R"([{"vhost":"/","value":{"max-queues":1}}])");
  EXPECT_EQ(put("/api/queues/%2F/first").status, 201u);
  EXPECT_EQ(put("/api/queues/%2F/second").status, 400u);
  EXPECT_EQ(remove("/api/vhost-limits/%2F/max-queues").status, 204u);
  EXPECT_EQ(remove("/api/vhost-limits/%2F/max-queues").status, 204u);
  EXPECT_EQ(get("/api/vhost-limits/%2F").body, "[]");
  EXPECT_EQ(put("/api/queues/%2F/second").status, 201u);
}

TEST_F(PoliciesTest, AUsersLimitsAreShownWithTheUser) {
  EXPECT_EQ(put("/api/user-limits/management/max-channels", R"({"value":300})").status, 204u);
  EXPECT_EQ(get("/api/user-limits").body, R"([{"user":"management","value":{"max-channels":300}}])");
  EXPECT_EQ(get("/api/user-limits/management").body, R"([{"user":"management","value":{"max-channels":300}}])");
  EXPECT_EQ(get("/api/users/management").json().at("limits").at("max-channels").as_int64(), 300);
  EXPECT_EQ(get("/api/user-limits/guest").body, "[]");
  EXPECT_EQ(get("/api/user-limits/nosuch").status, 404u);
  EXPECT_EQ(remove("/api/user-limits/management/max-channels").status, 204u);
  EXPECT_EQ(get("/api/user-limits").body, "[]");
}

TEST_F(PoliciesTest, LimitsThatAreNoneAreRefused) {
  EXPECT_EQ(error_of(put("/api/vhost-limits/%2F/nosuch", R"({"value":3})")),
            R"(bad_request: "Validation failed\n\nUnrecognised terms [{<<\"nosuch\">>,3}] in limits\n")");
  EXPECT_EQ(error_of(put("/api/vhost-limits/%2F/max-queues", R"({"value":"3"})")),
            R"(bad_request: "Validation failed\n\nmax-queues should be a number, actually was <<\"3\">>\n")");
  EXPECT_EQ(error_of(put("/api/vhost-limits/%2F/max-queues")), R"(bad_request: "[{key_missing,value}]")");
  EXPECT_EQ(error_of(put("/api/vhost-limits/nosuch/max-queues", R"({"value":3})")), R"(not_found: "vhost_not_found")");
  EXPECT_EQ(get("/api/vhost-limits/%2F/max-queues").status, 405u);
  EXPECT_EQ(error_of(put("/api/user-limits/guest/nosuch", R"({"value":3})")),
            R"(bad_request: "Unrecognised terms [{<<\"nosuch\">>,3}] in user-limits")");
  EXPECT_EQ(error_of(put("/api/user-limits/nosuch/max-channels", R"({"value":3})")),
            R"(bad_request: ["no_such_user","nosuch"])");
  EXPECT_EQ(remove("/api/user-limits/nosuch/max-channels").status, 400u);
  EXPECT_EQ(as("management", "PUT", "/api/vhost-limits/%2F/max-queues", R"({"value":3})").status, 401u);
}

// --- all of them in definitions

TEST_F(PoliciesTest, AreExportedAndImported) {
  ASSERT_EQ(put("/api/policies/%2F/p", R"({"pattern":"a","definition":{"max-length":1}})").status, 201u);
  ASSERT_EQ(put("/api/operator-policies/%2F/o", R"({"pattern":"b","definition":{"max-length":2}})").status, 201u);
  ASSERT_EQ(put("/api/parameters/shovel/%2F/s", R"({"value":{"src-uri":"amqp://"}})").status, 201u);
  ASSERT_EQ(put("/api/global-parameters/g", R"({"value":[1,2]})").status, 201u);
  ASSERT_EQ(put("/api/vhost-limits/%2F/max-queues", R"({"value":7})").status, 204u);
  ASSERT_EQ(put("/api/user-limits/management/max-channels", R"({"value":8})").status, 204u);
  const std::string all = get("/api/definitions").body;
  const std::string of_one = get("/api/definitions/%2F").body;
  const auto delete_all = [this] {
    for (const std::string path : {"policies/%2F/p", "operator-policies/%2F/o", "parameters/shovel/%2F/s",
                                   "global-parameters/g", "vhost-limits/%2F/max-queues"})
      remove("/api/" + path);
    remove("/api/user-limits/management/max-channels");
  };
  delete_all();
  ASSERT_EQ(get("/api/policies").body, "[]");
  EXPECT_EQ(post("/api/definitions", all).status, 204u);
  EXPECT_EQ(get("/api/definitions").body, all);
  delete_all();
  ASSERT_EQ(put("/api/vhosts/v").status, 201u);
  EXPECT_EQ(post("/api/definitions/v", of_one).status, 204u);
  EXPECT_EQ(get("/api/policies/v/p").status, 200u);
  EXPECT_EQ(get("/api/operator-policies/v/o").status, 200u);
  EXPECT_EQ(get("/api/parameters/shovel/v/s").status, 200u);
  EXPECT_EQ(get("/api/vhost-limits/v").json().at(0).at("value").at("max-queues").as_int64(), 7);
  EXPECT_EQ(get("/api/global-parameters/g").status, 404u) << "is no virtual host's";
}

TEST_F(PoliciesTest, DefinitionsWithBadOnesAreRefused) {
  const std::string pattern = R"({"policies":[{"vhost":"/","name":"x","pattern":"(","definition":{"max-length":5}}]})";
  EXPECT_EQ(
      error_of(post("/api/definitions", pattern)),
      R"text(bad_request: "Validation failed\n\npattern should be regular expression but is invalid: {\"missing )\",1}\n (//x)")text");
  for (const std::string bad :
       {R"({"policies":[{"vhost":"nosuch","name":"x","pattern":"a","definition":{"max-length":5}}]})",
        R"({"policies":[{"vhost":"/","name":"x"}]})", R"({"policies":5})", R"({"policies":[5]})",
        R"({"parameters":[{"vhost":"/","component":"nosuch","name":"x","value":{}}]})",
        R"({"parameters":[{"vhost":"/","component":"vhost-limits","name":"limits","value":{"max-queues":"x"}}]})",
        R"({"parameters":[{"vhost":"/","component":"operator_policy","name":"limits","value":5}]})",
        R"({"global_parameters":[{"name":"x"}]})",
        R"({"users":[{"name":"x","password_hash":"","tags":"","limits":{"nosuch":3}}]})"})
    EXPECT_EQ(post("/api/definitions", bad).status, 400u) << bad;
}

}  // namespace
}  // namespace leveret::test
