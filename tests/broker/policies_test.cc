#include "broker/policies.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <string>

#include <boost/json/parse.hpp>

#include "broker/policy_rules.h"
#include "broker/virtual_host.h"
#include "storage/memory_store.h"

namespace leveret::broker {
namespace {

boost::json::object object(std::string_view text) {
  return boost::json::parse(text).as_object();
}

// --- which one holds

struct MatchCase {
  std::string_view what{};
  std::string_view queue = "orders";
  QueueType type = QueueType::classic;
  std::vector<Policy> policies{};
  std::string_view matched{};  // empty: none
};

std::ostream& operator<<(std::ostream& stream, const MatchCase& row) {
  return stream << row.what;
}

class PolicyOfAQueue : public testing::TestWithParam<MatchCase> {};

TEST_P(PolicyOfAQueue, IsTheFirstThatFits) {
  Policies policies;
  for (const Policy& policy : GetParam().policies) policies.put(PolicyKind::user, policy);
  EXPECT_EQ(policies.of_queue(GetParam().queue, GetParam().type).policy, GetParam().matched);
}

Policy policy(std::string name, std::string pattern, std::int64_t priority = 0, PolicyTarget target = PolicyTarget::all,
              std::string_view definition = R"({"max-length": 1})") {
  return {.name = std::move(name),
          .pattern = std::move(pattern),
          .apply_to = target,
          .priority = priority,
          .definition = object(definition)};
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, PolicyOfAQueue,
    testing::Values(MatchCase{.what = "none"},
                    MatchCase{.what = "anywhere", .policies = {policy("p", "rder")}, .matched = "p"},
                    MatchCase{.what = "anchored", .policies = {policy("p", "^rder")}},
                    MatchCase{.what = "empty", .policies = {policy("p", "")}, .matched = "p"},
                    MatchCase{.what = "look-ahead", .policies = {policy("p", "^(?!amq\\.).*")}, .matched = "p"},
                    MatchCase{.what = "wrong", .policies = {policy("p", "(")}}));

INSTANTIATE_TEST_SUITE_P(
    Priorities, PolicyOfAQueue,
    testing::Values(
        MatchCase{.what = "highest", .policies = {policy("a", ".*", 1), policy("b", ".*", 2)}, .matched = "b"},
        MatchCase{.what = "below zero", .policies = {policy("a", ".*", -2), policy("b", ".*", -1)}, .matched = "b"},
        MatchCase{.what = "tie", .policies = {policy("b", ".*"), policy("a", ".*"), policy("c", ".*")}, .matched = "a"},
        MatchCase{.what = "replaced",
                  .policies = {policy("a", ".*", 5), policy("b", ".*", 3), policy("a", ".*", 1)},
                  .matched = "b"}));

INSTANTIATE_TEST_SUITE_P(
    Targets, PolicyOfAQueue,
    testing::Values(
        MatchCase{.what = "queues", .policies = {policy("p", ".*", 0, PolicyTarget::queues)}, .matched = "p"},
        MatchCase{.what = "exchanges", .policies = {policy("p", ".*", 0, PolicyTarget::exchanges)}},
        MatchCase{.what = "classic", .policies = {policy("p", ".*", 0, PolicyTarget::classic_queues)}, .matched = "p"},
        MatchCase{.what = "not quorum", .policies = {policy("p", ".*", 0, PolicyTarget::quorum_queues)}},
        MatchCase{.what = "quorum",
                  .type = QueueType::quorum,
                  .policies = {policy("c", ".*", 2, PolicyTarget::classic_queues),
                               policy("q", ".*", 1, PolicyTarget::quorum_queues)},
                  .matched = "q"},
        MatchCase{.what = "stream",
                  .type = QueueType::stream,
                  .policies = {policy("q", ".*", 2, PolicyTarget::quorum_queues),
                               policy("s", ".*", 1, PolicyTarget::streams, R"({"max-age": "7D"})")},
                  .matched = "s"},
        MatchCase{.what = "a key of streams is not for classic queues",
                  .policies = {policy("s", ".*", 2, PolicyTarget::all, R"({"max-age": "7D", "max-length-bytes": 5})"),
                               policy("c", ".*", 1)},
                  .matched = "c"},
        MatchCase{.what = "a key of classic queues is not for quorum queues",
                  .type = QueueType::quorum,
                  .policies = {policy("c", ".*", 2, PolicyTarget::all, R"({"queue-mode": "lazy"})"),
                               policy("q", ".*", 1, PolicyTarget::all, R"({"delivery-limit": 5})")},
                  .matched = "q"}));

TEST(PolicyOfAnExchange, IsNoQueuesPolicy) {
  Policies policies;
  policies.put(PolicyKind::user, policy("queues", ".*", 9, PolicyTarget::queues));
  EXPECT_EQ(policies.of_exchange("orders"), AppliedPolicies{});
  policies.put(PolicyKind::user, policy("exchanges", ".*", 1, PolicyTarget::exchanges));
  EXPECT_EQ(policies.of_exchange("orders").policy, "exchanges");
}

TEST(Policies, ApplyOneOfEachKind) {
  Policies policies;
  policies.put(PolicyKind::user, policy("user", ".*", 0, PolicyTarget::all, R"({"max-length": 9, "expires": 5})"));
  policies.put(PolicyKind::operator_policy, policy("limit", ".*", 0, PolicyTarget::all, R"({"max-length": 4})"));
  const AppliedPolicies applied = policies.of_queue("orders", QueueType::classic);
  EXPECT_EQ(applied.policy, "user");
  EXPECT_EQ(applied.operator_policy, "limit");
  EXPECT_EQ(applied.definition, object(R"({"max-length": 4, "expires": 5})"));
  EXPECT_TRUE(policies.erase(PolicyKind::operator_policy, "limit"));
  EXPECT_FALSE(policies.erase(PolicyKind::operator_policy, "limit"));
  EXPECT_EQ(policies.of_queue("orders", QueueType::classic).definition, object(R"({"max-length": 9, "expires": 5})"));
}

TEST(Policies, ATooCostlyPatternEnds) {
  Policies policies;
  policies.put(PolicyKind::user, policy("hostile", "^(a+)+$"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(policies.of_queue(std::string(200, 'a') + "b", QueueType::classic).policy, "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{1});
}

// --- what is accepted

struct RuleCase {
  std::string_view definition{};
  std::string_view complaint{};  // empty: it is right
  PolicyKind kind = PolicyKind::user;
};

std::ostream& operator<<(std::ostream& stream, const RuleCase& row) {
  return stream << row.definition;
}

class PolicyDefinition : public testing::TestWithParam<RuleCase> {};

TEST_P(PolicyDefinition, IsCheckedByTheRulesOfItsKeys) {
  const auto checked = check_policy_definition(GetParam().kind, object(GetParam().definition));
  if (GetParam().complaint.empty()) {
    EXPECT_TRUE(checked) << checked.error().text;
  } else {
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().text, "Validation failed\n\n" + std::string{GetParam().complaint} + "\n");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Values, PolicyDefinition,
    testing::Values(
        RuleCase{R"({"max-length": 0})"}, RuleCase{R"({"max-length": 18446744073709551615})"},
        RuleCase{R"({"max-length": -1})", "-1 is not a valid maximum length"},
        RuleCase{R"({"max-length": 1.5})", "1.5 is not a valid maximum length"},
        RuleCase{R"({"max-length": "5"})", R"(<<"5">> is not a valid maximum length)"},
        RuleCase{R"({"max-length": true})", "true is not a valid maximum length"},
        RuleCase{R"({"max-length": null})", "null is not a valid maximum length"},
        RuleCase{R"({"max-length": ["a", 1]})", R"([<<"a">>,1] is not a valid maximum length)"},
        RuleCase{R"({"max-length": {"a": 1}})", R"(#{<<"a">> => 1} is not a valid maximum length)"},
        RuleCase{R"({"max-length-bytes": -1})", "-1 is not a valid maximum length in bytes"},
        RuleCase{R"({"message-ttl": -1})", "-1 is not a valid message TTL"}, RuleCase{R"({"message-ttl": 0})"},
        RuleCase{R"({"expires": 0})", "0 is not a valid queue expiry"},
        RuleCase{R"({"delivery-limit": "x"})", R"(<<"x">> is not a valid delivery limit)"},
        RuleCase{R"({"delivery-limit": -1})"}, RuleCase{R"({"delayed-retry-type": "failed"})"},
        RuleCase{R"({"delayed-retry-type": "never"})", R"(<<"never">> is not a valid type of delayed retry)"},
        RuleCase{R"({"delayed-retry-min": -1})", "-1 is not a valid minimum delay of retries"},
        RuleCase{R"({"dead-letter-exchange": 5})", "5 is not a valid dead letter exchange name"},
        RuleCase{R"({"dead-letter-exchange": ""})"},
        RuleCase{R"({"dead-letter-routing-key": 5})", "5 is not a valid dead letter routing key"},
        RuleCase{R"({"dead-letter-strategy": "x"})", R"(<<"x">> is not a valid dead letter strategy)"},
        RuleCase{R"({"dead-letter-strategy": "at-least-once"})"},
        RuleCase{R"({"alternate-exchange": 5})", "5 is not a valid alternate exchange name"},
        RuleCase{R"({"overflow": "x"})", R"(<<"x">> is not a valid overflow value)"},
        RuleCase{R"({"overflow": "reject-publish-dlx"})"},
        RuleCase{R"({"queue-mode": "x"})", R"(<<"x">> is not a valid queue-mode value)"},
        RuleCase{R"({"queue-version": 3})", "3 is not a valid queue-version value"},
        RuleCase{R"({"queue-master-locator": "x"})", R"(<<"x">> invalid queue-master-locator value)"},
        RuleCase{R"({"queue-leader-locator": "x"})", R"(<<"x">> is not a valid queue leader locator value)"},
        RuleCase{R"({"queue-leader-locator": "balanced"})"}, RuleCase{R"({"consumer-timeout": 1000})"},
        RuleCase{R"({"max-age": "7"})", R"(<<"7">> is not a valid max age)"}, RuleCase{R"({"max-age": "7D"})"},
        RuleCase{R"({"stream-max-segment-size-bytes": -1})", "-1 is not a valid segment size"},
        RuleCase{R"({"max-in-memory-length": -1})", "-1 is not a valid maximum memory in bytes"}));

INSTANTIATE_TEST_SUITE_P(
    Keys, PolicyDefinition,
    testing::Values(RuleCase{"{}", "no policy provided"},
                    RuleCase{R"({"max-length": 5, "zzz": 1, "yyy": "b"})",
                             R"([{<<"yyy">>,<<"b">>},{<<"zzz">>,1}] are not recognised policy settings)"},
                    RuleCase{R"({"zzz": 1, "max-length": -5})", "-5 is not a valid maximum length"},
                    RuleCase{R"({"max-length": 5})", "", PolicyKind::operator_policy},
                    RuleCase{R"({"max-length": -5})", "-5 is not a valid maximum length", PolicyKind::operator_policy},
                    RuleCase{R"({"overflow": 5})", R"([{<<"overflow">>,5}] are not recognised policy settings)",
                             PolicyKind::operator_policy},
                    RuleCase{R"({"federation-upstream-set": "all"})"},
                    RuleCase{R"({"federation-upstream-set": "all", "federation-upstream": "x"})",
                             "cannot specify both federation-upstream-set and federation-upstream together"}));

INSTANTIATE_TEST_SUITE_P(
    Mirrors, PolicyDefinition,
    testing::Values(RuleCase{R"({"ha-mode": "all"})"}, RuleCase{R"({"ha-mode": "nodes", "ha-params": ["a"]})"},
                    RuleCase{R"({"ha-params": 5})",
                             "ha-mode must be specified to specify ha-params, ha-sync-mode or ha-promote-on-shutdown"},
                    RuleCase{R"({"ha-mode": "x"})", R"(<<"x">> is not a valid ha-mode value)"},
                    RuleCase{R"({"ha-mode": "all", "ha-params": 5})", R"(ha-mode="all" does not take parameters)"},
                    RuleCase{R"({"ha-mode": "exactly"})", R"(ha-mode="exactly" takes an integer, none given)"},
                    RuleCase{R"({"ha-mode": "exactly", "ha-params": "x"})",
                             R"(ha-mode="exactly" takes an integer, <<"x">> given)"},
                    RuleCase{R"({"ha-mode": "nodes", "ha-params": []})", R"(ha-mode="nodes" list must be non-empty)"},
                    RuleCase{R"({"ha-mode": "nodes", "ha-params": [5]})",
                             R"(ha-mode="nodes" takes a list of strings, [5] was not a string)"},
                    RuleCase{R"({"ha-mode": "all", "ha-sync-mode": "x"})",
                             R"(ha-sync-mode must be "manual" or "automatic", got <<"x">>)"},
                    RuleCase{R"({"ha-mode": "all", "ha-sync-batch-size": 0})",
                             "ha-sync-batch-size takes an integer greater than 0, 0 given"}));

TEST(ParsedPolicy, HasDefaults) {
  const auto parsed = parse_policy(PolicyKind::user, "p", object(R"({"pattern": "^a", "definition": {"expires": 5}})"));
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->name, "p");
  EXPECT_EQ(parsed->pattern, "^a");
  EXPECT_EQ(parsed->apply_to, PolicyTarget::all);
  EXPECT_EQ(parsed->priority, 0);
  EXPECT_EQ(parsed->definition, object(R"({"expires": 5})"));
}

TEST(ParsedPolicy, IsRefusedForAllThatIsWrongAtOnce) {
  const auto parsed =
      parse_policy(PolicyKind::user, "p",
                   object(R"({"pattern": "(", "definition": {"max-length": -5}, "apply-to": "foo", "priority": "x"})"));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().text,
            "Validation failed\n\n-5 is not a valid maximum length\n"
            "apply-to 'foo' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', 'streams', "
            "'exchanges', or 'all'\n"
            "pattern should be regular expression but is invalid: {\"missing )\",1}\n"
            "priority should be a number, actually was <<\"x\">>\n");
}

struct MemberCase {
  std::string_view policy{}, text{};
};

TEST(ParsedPolicy, NeedsMembersOfTheRightKind) {
  for (const auto& [text, complaint] :
       {MemberCase{R"({"definition": {"expires": 5}})", "[{key_missing,pattern}]"},
        MemberCase{R"({"pattern": "a"})", "[{key_missing,definition}]"},
        MemberCase{R"({"pattern": 5, "definition": {"expires": 5}})",
                   "Validation failed\n\npattern should be a binary but was 5\n"},
        MemberCase{R"({"pattern": "a", "definition": "x"})",
                   "Validation failed\n\ndefinition must be a dictionary: <<\"x\">>\n"}}) {
    const auto parsed = parse_policy(PolicyKind::user, "p", object(text));
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().text, complaint);
  }
}

// --- in a virtual host

class PoliciesOfAVirtualHost : public testing::Test {
 protected:
  PoliciesOfAVirtualHost() {
    virtual_host_.on_settings_changed([this](QueueAddress address, const QueueSettings& settings) {
      changes_.emplace_back(address.queue, settings);
    });
  }
  std::shared_ptr<const QueueRecord> declare(std::string_view name) {
    return virtual_host_.declare_queue({.name = name}, {})->record;
  }

  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
  std::atomic<std::uint64_t> next_queue_id_{1};
  DefinitionChanges definition_changes_{};
  VirtualHost virtual_host_{"/", *store_, next_queue_id_, definition_changes_};
  std::vector<std::pair<QueueId, QueueSettings>> changes_{};
};

TEST_F(PoliciesOfAVirtualHost, HoldForQueuesThatAreThereAndThoseThatCome) {
  const auto before = declare("before");
  virtual_host_.put_policy(PolicyKind::user, policy("p", ".*"));
  const auto after = declare("after");
  EXPECT_EQ(virtual_host_.settings_of(*before).max_length, 1u);
  EXPECT_EQ(virtual_host_.settings_of(*after).max_length, 1u);
  EXPECT_EQ(virtual_host_.policies_of_queue("after")->policy, "p");
  EXPECT_FALSE(virtual_host_.policies_of_queue("absent"));
  ASSERT_EQ(changes_.size(), 1u) << "a new queue asks for its settings";
  EXPECT_EQ(changes_.front().first, before->address.queue);
  EXPECT_EQ(changes_.front().second.max_length, 1u);
}

TEST_F(PoliciesOfAVirtualHost, AreToldOfOnlyWhereTheyChangeSomething) {
  declare("orders");
  declare("jobs");
  virtual_host_.put_policy(PolicyKind::user, policy("p", "^orders"));
  EXPECT_EQ(changes_.size(), 1u);
  virtual_host_.put_policy(PolicyKind::user, policy("p", "^orders"));
  EXPECT_EQ(changes_.size(), 1u);
  EXPECT_TRUE(virtual_host_.remove_policy(PolicyKind::user, "p"));
  ASSERT_EQ(changes_.size(), 2u);
  EXPECT_EQ(changes_.back().second, QueueSettings{});
  EXPECT_FALSE(virtual_host_.remove_policy(PolicyKind::user, "p"));
}

TEST_F(PoliciesOfAVirtualHost, GiveExchangesTheirAlternate) {
  const auto version = virtual_host_.topology_version();
  virtual_host_.put_policy(PolicyKind::user,
                           policy("p", "^amq\\.", 0, PolicyTarget::all, R"({"alternate-exchange": "lost"})"));
  EXPECT_GT(virtual_host_.topology_version(), version);
  EXPECT_EQ(virtual_host_.alternate_of_exchange("amq.direct"), "lost");
  protocol::FieldTableBuilder arguments;
  arguments.put("alternate-exchange", "own");
  ASSERT_TRUE(virtual_host_.declare_exchange({.name = "amq.mine", .type = "direct", .arguments = arguments.view()}));
  EXPECT_EQ(virtual_host_.alternate_of_exchange("amq.mine"), "own") << "the argument wins";
  virtual_host_.remove_policy(PolicyKind::user, "p");
  EXPECT_EQ(virtual_host_.alternate_of_exchange("amq.direct"), "");
  EXPECT_EQ(virtual_host_.alternate_of_exchange("amq.mine"), "own");
}

}  // namespace
}  // namespace leveret::broker
