#include "broker/queue_settings.h"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include <boost/json/parse.hpp>

#include "broker/policy.h"

namespace leveret::broker {
namespace {

using protocol::FieldTableBuilder;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<Policy> policy(std::string_view definition) {
  if (definition.empty()) return {};
  return Policy{.definition = boost::json::parse(definition).as_object()};
}

struct SettingsCase {
  std::string what{};
  FieldTableBuilder arguments{};
  std::string_view policy{};  // JSON; empty: none
  std::string_view operator_policy{};
  std::function<void(const QueueSettings&)> expect{};
};

std::ostream& operator<<(std::ostream& stream, const SettingsCase& row) {
  return stream << row.what;
}

class MergedSettings : public testing::TestWithParam<SettingsCase> {};

TEST_P(MergedSettings, FollowTheirRule) {
  const SettingsCase& row = GetParam();
  const auto user = policy(row.policy);
  const auto limit = policy(row.operator_policy);
  row.expect(make_queue_settings(row.arguments.view(), user ? &*user : nullptr, limit ? &*limit : nullptr));
}

template <class Member, class Value>
std::function<void(const QueueSettings&)> is(Member QueueSettings::*member, const Value& value) {
  return [member, value](const QueueSettings& settings) { EXPECT_EQ(settings.*member, value); };
}

FieldTableBuilder none() {
  return {};
}
FieldTableBuilder quorum() {
  return FieldTableBuilder{}.put("x-queue-type", "quorum");
}
FieldTableBuilder stream() {
  return FieldTableBuilder{}.put("x-queue-type", "stream");
}
FieldTableBuilder with(std::string_view name, auto value, FieldTableBuilder table = {}) {
  return table.put(name, value);
}

using Settings = QueueSettings;
constexpr std::string_view text_of_dlx = "dlx";

INSTANTIATE_TEST_SUITE_P(
    Limits, MergedSettings,
    testing::Values(
        SettingsCase{"nothing", none(), "", "", [](auto& settings) { EXPECT_EQ(settings, QueueSettings{}); }},
        SettingsCase{"argument", with("x-max-length", 7), "", "", is(&Settings::max_length, 7u)},
        SettingsCase{"policy", none(), R"({"max-length": 7})", "", is(&Settings::max_length, 7u)},
        SettingsCase{"operator", none(), "", R"({"max-length": 7})", is(&Settings::max_length, 7u)},
        SettingsCase{"argument is smaller", with("x-max-length", 5), R"({"max-length": 7})", R"({"max-length": 9})",
                     is(&Settings::max_length, 5u)},
        SettingsCase{"policy is smaller", with("x-message-ttl", 90), R"({"message-ttl": 7})", R"({"message-ttl": 9})",
                     is(&Settings::message_ttl, milliseconds{7})},
        SettingsCase{"operator is smaller", with("x-expires", 90), R"({"expires": 70})", R"({"expires": 9})",
                     is(&Settings::expires, milliseconds{9})},
        SettingsCase{"bytes", with("x-max-length-bytes", std::int64_t{5'000'000'000}),
                     R"({"max-length-bytes": 6000000000})", "", is(&Settings::max_length_bytes, 5'000'000'000u)},
        SettingsCase{"consumer timeout", with("x-consumer-timeout", 90), R"({"consumer-timeout": 70})", "",
                     is(&Settings::consumer_timeout, milliseconds{70})},
        SettingsCase{"a limit beyond 63 bits", none(), R"({"max-length": 18446744073709551615})", "",
                     is(&Settings::max_length, std::uint64_t{INT64_MAX})},
        SettingsCase{"segments", with("x-stream-max-segment-size-bytes", 90),
                     R"({"stream-max-segment-size-bytes": 70})", "", is(&Settings::segment_bytes_max, 70u)},
        SettingsCase{"ages", with("x-max-age", std::string_view{"2h"}), R"({"max-age": "90m"})", "",
                     is(&Settings::max_age, seconds{5'400})}));

INSTANTIATE_TEST_SUITE_P(
    OfStreams, MergedSettings,
    testing::Values(SettingsCase{"policy and argument: octets", with("x-max-length-bytes", 5, stream()),
                                 R"({"max-length-bytes": 7})", "", is(&Settings::max_length_bytes, 7u)},
                    SettingsCase{"policy and argument: segments", with("x-stream-max-segment-size-bytes", 5, stream()),
                                 R"({"stream-max-segment-size-bytes": 7})", "", is(&Settings::segment_bytes_max, 7u)},
                    SettingsCase{"policy and argument: age", with("x-max-age", std::string_view{"1h"}, stream()),
                                 R"({"max-age": "2h"})", "", is(&Settings::max_age, seconds{7'200})},
                    SettingsCase{"argument alone", with("x-max-age", std::string_view{"1h"}, stream()), "", "",
                                 is(&Settings::max_age, seconds{3'600})}));

INSTANTIATE_TEST_SUITE_P(
    Choices, MergedSettings,
    testing::Values(SettingsCase{"dead letters of a policy", none(), R"({"dead-letter-exchange": "p"})", "",
                                 is(&Settings::dead_letter_exchange, "p")},
                    SettingsCase{"the argument wins", with("x-dead-letter-exchange", text_of_dlx),
                                 R"({"dead-letter-exchange": "p"})", "", is(&Settings::dead_letter_exchange, "dlx")},
                    SettingsCase{"the default exchange is a choice", none(), R"({"dead-letter-exchange": ""})", "",
                                 is(&Settings::dead_letter_exchange, "")},
                    SettingsCase{"routing key", none(), R"({"dead-letter-routing-key": "k"})", "",
                                 is(&Settings::dead_letter_routing_key, "k")},
                    SettingsCase{"overflow of a policy", none(), R"({"overflow": "reject-publish-dlx"})", "",
                                 is(&Settings::overflow, Settings::reject_publish_dlx)},
                    SettingsCase{"overflow of an argument", with("x-overflow", std::string_view{"reject-publish"}),
                                 R"({"overflow": "drop-head"})", "", is(&Settings::overflow, Settings::reject_publish)},
                    SettingsCase{"a quorum queue's overflow is the policy's",
                                 with("x-overflow", std::string_view{"drop-head"}, quorum()),
                                 R"({"overflow": "reject-publish"})", "",
                                 is(&Settings::overflow, Settings::reject_publish)},
                    SettingsCase{"a quorum queue has no reject-publish-dlx", quorum(),
                                 R"({"overflow": "reject-publish-dlx"})", "",
                                 is(&Settings::overflow, Settings::drop_head)},
                    SettingsCase{"priorities", with("x-max-priority", 10), R"({"max-priority": 5})", "",
                                 is(&Settings::max_priority, 10)},
                    SettingsCase{"single active consumer", with("x-single-active-consumer", true), "", "",
                                 is(&Settings::has_single_active_consumer, true)}));

INSTANTIATE_TEST_SUITE_P(
    Quorum, MergedSettings,
    testing::Values(
        SettingsCase{"a classic queue counts no deliveries", with("x-delivery-limit", 5), "", "",
                     is(&Settings::delivery_limit, std::nullopt)},
        SettingsCase{"20 deliveries", quorum(), "", "", is(&Settings::delivery_limit, 20)},
        SettingsCase{"fewer", with("x-delivery-limit", 7, quorum()), R"({"delivery-limit": 9})", "",
                     is(&Settings::delivery_limit, 7)},
        SettingsCase{"any number", with("x-delivery-limit", -1, quorum()), "", "", is(&Settings::delivery_limit, -1)},
        SettingsCase{"the policy limits what the argument does not", with("x-delivery-limit", -1, quorum()),
                     R"({"delivery-limit": 9})", "", is(&Settings::delivery_limit, 9)},
        SettingsCase{"the operator limits what the policy does not", quorum(), R"({"delivery-limit": -1})",
                     R"({"delivery-limit": 9})", is(&Settings::delivery_limit, 9)},
        SettingsCase{"no delay", quorum(), R"({"delayed-retry-type": "all"})", "",
                     is(&Settings::delayed_retry, std::nullopt)},
        SettingsCase{"delayed", with("x-delayed-retry-min", 7, quorum()),
                     R"({"delayed-retry-type": "failed", "delayed-retry-max": 30})", "",
                     is(&Settings::delayed_retry,
                        DelayedRetry{.of = DelayedRetry::failed, .min = milliseconds{7}, .max = milliseconds{30}})},
        SettingsCase{"dead letters at least once", quorum(),
                     R"({"dead-letter-strategy": "at-least-once", "overflow": "reject-publish",
                         "dead-letter-exchange": "d"})",
                     "", is(&Settings::is_at_least_once, true)},
        SettingsCase{"not when the head is dropped", quorum(),
                     R"({"dead-letter-strategy": "at-least-once", "dead-letter-exchange": "d"})", "",
                     is(&Settings::is_at_least_once, false)},
        SettingsCase{"not without an exchange", quorum(),
                     R"({"dead-letter-strategy": "at-least-once", "overflow": "reject-publish"})", "",
                     is(&Settings::is_at_least_once, false)}));

TEST(MergedDefinition, HoldsTheKeysOfBothPolicies) {
  const auto user = policy(R"({"max-length": 9, "overflow": "drop-head", "target-group-size": 3})");
  const auto limit = policy(R"({"max-length": 5, "expires": 7, "target-group-size": 5})");
  EXPECT_EQ(merged_definition(&*user, &*limit),
            boost::json::parse(R"({"max-length": 5, "overflow": "drop-head", "target-group-size": 5, "expires": 7})"));
  EXPECT_EQ(merged_definition(&*user, nullptr), user->definition);
  EXPECT_EQ(merged_definition(nullptr, &*limit), limit->definition);
}

struct AgeCase {
  std::string_view text;
  std::optional<seconds> age;
};

class MaxAge : public testing::TestWithParam<AgeCase> {};

TEST_P(MaxAge, IsACountAndAUnit) {
  EXPECT_EQ(parse_max_age(GetParam().text), GetParam().age) << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(Of, MaxAge,
                         testing::Values(AgeCase{"7D", std::chrono::days{7}}, AgeCase{"1Y", std::chrono::days{365}},
                                         AgeCase{"2M", std::chrono::days{60}}, AgeCase{"12h", std::chrono::hours{12}},
                                         AgeCase{"30m", std::chrono::minutes{30}}, AgeCase{"0s", seconds{0}},
                                         AgeCase{"", {}}, AgeCase{"7", {}}, AgeCase{"D", {}}, AgeCase{"7d", {}},
                                         AgeCase{"-7D", {}}, AgeCase{"7DD", {}}, AgeCase{"7 D", {}},
                                         AgeCase{"99999999999999999999D", {}}));

}  // namespace
}  // namespace leveret::broker
