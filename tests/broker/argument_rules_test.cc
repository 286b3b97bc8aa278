#include "broker/argument_rules.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include <fmt/format.h>

#include "broker/virtual_host.h"

namespace leveret::broker {
namespace {

using protocol::FieldTableBuilder;
using protocol::ReplyCode;

constexpr std::string_view subject = "'q' in vhost '/'";

template <class T>
FieldTableBuilder argument(std::string_view name, const T& value) {
  return FieldTableBuilder{}.put(name, value);
}

struct QueueArgumentCase {
  FieldTableBuilder arguments{};
  std::string complaint{};  // empty: the argument is right
};

std::ostream& operator<<(std::ostream& stream, const QueueArgumentCase& row) {
  return stream << protocol::describe(row.arguments.view());
}

class QueueArgument : public testing::TestWithParam<QueueArgumentCase> {};

TEST_P(QueueArgument, IsCheckedByItsRule) {
  const auto& [arguments, complaint] = GetParam();
  const auto checked = check_queue_declaration({.name = "q", .durable = true, .arguments = arguments.view()}, subject);
  if (complaint.empty()) {
    EXPECT_TRUE(checked) << checked.error().text;
    return;
  }
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ReplyCode::precondition_failed);
  EXPECT_EQ(checked.error().text, complaint);
}

std::string invalid(std::string_view name, std::string_view why) {
  return "invalid arg '" + std::string{name} + "' for queue 'q' in vhost '/': " + std::string{why};
}

constexpr std::string_view text = "text", empty = "";

INSTANTIATE_TEST_SUITE_P(
    Numbers, QueueArgument,
    testing::Values(
        QueueArgumentCase{argument("x-message-ttl", 0)}, QueueArgumentCase{argument("x-message-ttl", std::int8_t{1})},
        QueueArgumentCase{argument("x-message-ttl", std::int64_t{86'400'000})},
        QueueArgumentCase{argument("x-message-ttl", -1), invalid("x-message-ttl", "{value_negative,-1}")},
        QueueArgumentCase{argument("x-message-ttl", text),
                          invalid("x-message-ttl", "\"expected integer, got longstr\"")},
        QueueArgumentCase{argument("x-expires", 1)},
        QueueArgumentCase{argument("x-expires", 0), invalid("x-expires", "{value_zero,0}")},
        QueueArgumentCase{argument("x-expires", -5), invalid("x-expires", "{value_negative,-5}")},
        QueueArgumentCase{argument("x-max-length", 0)},
        QueueArgumentCase{argument("x-max-length", 1.5), invalid("x-max-length", "\"expected integer, got double\"")},
        QueueArgumentCase{argument("x-max-length-bytes", -1), invalid("x-max-length-bytes", "{value_negative,-1}")},
        QueueArgumentCase{argument("x-max-priority", 255)},
        QueueArgumentCase{argument("x-max-priority", 256), invalid("x-max-priority", "{max_value_exceeded,256}")},
        QueueArgumentCase{argument("x-max-priority", true),
                          invalid("x-max-priority", "\"expected integer, got bool\"")}));

INSTANTIATE_TEST_SUITE_P(
    Words, QueueArgument,
    testing::Values(
        QueueArgumentCase{argument("x-overflow", std::string_view{"drop-head"})},
        QueueArgumentCase{argument("x-overflow", std::string_view{"reject-publish"})},
        QueueArgumentCase{argument("x-overflow", text), invalid("x-overflow", "invalid_overflow")},
        QueueArgumentCase{argument("x-dead-letter-exchange", empty)},
        QueueArgumentCase{argument("x-dead-letter-routing-key", text),
                          invalid("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined")},
        QueueArgumentCase{
            FieldTableBuilder{}.put("x-dead-letter-routing-key", text).put("x-dead-letter-exchange", empty)},
        QueueArgumentCase{argument("x-queue-mode", std::string_view{"lazy"})},
        QueueArgumentCase{argument("x-queue-mode", text), invalid("x-queue-mode", "\"unsupported queue mode 'text'\"")},
        QueueArgumentCase{argument("x-queue-type", std::string_view{"classic"})},
        QueueArgumentCase{argument("x-queue-type", text), invalid("x-queue-type", "\"unsupported queue type 'text'\"")},
        QueueArgumentCase{argument("x-single-active-consumer", true)},
        QueueArgumentCase{argument("x-of-somebody", text)}, QueueArgumentCase{}));

TEST(QueueArguments, OfAnotherTypeOfQueueAreRefused) {
  const auto arguments = argument("x-delivery-limit", 5);
  const auto checked = check_queue_declaration({.name = "q", .durable = true, .arguments = arguments.view()}, subject);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().text,
            "invalid arg 'x-delivery-limit' for queue 'q' in vhost '/' of queue type rabbit_classic_queue");
}

TEST(QueueArguments, ReplicatedQueuesAreDurableAndBelongToNobody) {
  const auto quorum = argument("x-queue-type", std::string_view{"quorum"});
  const auto refusal = [&](QueueDeclaration declaration) {
    declaration.arguments = quorum.view();
    const auto checked = check_queue_declaration(declaration, subject);
    return checked ? std::string{} : checked.error().text;
  };
  EXPECT_EQ(refusal({.durable = true}), "");
  EXPECT_EQ(refusal({}), "invalid property 'non-durable' for queue 'q' in vhost '/'");
  EXPECT_EQ(refusal({.durable = true, .exclusive = true}),
            "invalid property 'exclusive-owner' for queue 'q' in vhost '/'");
  EXPECT_EQ(refusal({.durable = true, .auto_delete = true}),
            "invalid property 'auto-delete' for queue 'q' in vhost '/'");
}

struct ExpirationCase {
  std::string_view expiration{}, complaint{};
};

std::ostream& operator<<(std::ostream& stream, const ExpirationCase& row) {
  return stream << '\'' << row.expiration << '\'';
}

class Expiration : public testing::TestWithParam<ExpirationCase> {};

TEST_P(Expiration, IsANumberOfMilliseconds) {
  const auto& [expiration, complaint] = GetParam();
  const auto checked = check_expiration(expiration);
  if (complaint.empty()) {
    EXPECT_TRUE(checked) << expiration;
    return;
  }
  ASSERT_FALSE(checked) << expiration;
  EXPECT_EQ(checked.error().reply_text(),
            "PRECONDITION_FAILED - invalid expiration '" + std::string{expiration} + "': " + std::string{complaint});
}
INSTANTIATE_TEST_SUITE_P(
    Texts, Expiration,
    testing::Values(ExpirationCase{"0"}, ExpirationCase{"60000"}, ExpirationCase{"007"}, ExpirationCase{"+5"},
                    ExpirationCase{"abc", "no_integer"}, ExpirationCase{"", "no_integer"},
                    ExpirationCase{"12ab", "{leftover_string,\"ab\"}"},
                    ExpirationCase{"1.5", "{leftover_string,\".5\"}"}, ExpirationCase{"-1", "{value_negative,-1}"},
                    ExpirationCase{"99999999999999999999999", "{value_too_large,99999999999999999999999}"}));

struct EquivalenceCase {
  FieldTableBuilder held{}, asked{};
  std::string refusal{};
};

std::ostream& operator<<(std::ostream& stream, const EquivalenceCase& row) {
  return stream << protocol::describe(row.held.view()) << " and " << protocol::describe(row.asked.view());
}

class QueueEquivalence : public testing::TestWithParam<EquivalenceCase> {};

TEST_P(QueueEquivalence, ComparesWhatMatters) {
  const auto& [held, asked, refusal] = GetParam();
  const EquivalenceCheck check{"queue 'q' in vhost '/'"};
  const auto checked = check.arguments(held.view(), asked.view(), compared_queue_arguments(QueueType::classic));
  EXPECT_EQ(checked ? std::string{} : checked.error().text, refusal);
}

std::string inequivalent(std::string_view name, std::string_view rest) {
  return "inequivalent arg '" + std::string{name} + "' for queue 'q' in vhost '/': " + std::string{rest};
}

INSTANTIATE_TEST_SUITE_P(
    Arguments, QueueEquivalence,
    testing::Values(
        EquivalenceCase{argument("x-max-length", std::int8_t{5}), argument("x-max-length", std::int64_t{5})},
        EquivalenceCase{argument("x-max-length", 5), argument("x-max-length", 6),
                        inequivalent("x-max-length", "received '6' but current is '5'")},
        EquivalenceCase{argument("x-max-length", 5),
                        {},
                        inequivalent("x-max-length", "received none but current is the value '5' of type 'signedint'")},
        EquivalenceCase{
            {},
            argument("x-overflow", std::string_view{"drop-head"}),
            inequivalent("x-overflow", "received the value 'drop-head' of type 'longstr' but current is none")},
        EquivalenceCase{argument("x-of-somebody", 1), argument("x-of-somebody", 2)},
        EquivalenceCase{argument("x-queue-type", std::string_view{"classic"}), {}},
        EquivalenceCase{{}, argument("x-queue-type", std::string_view{"classic"})},
        EquivalenceCase{
            {},
            argument("x-queue-type", std::string_view{"quorum"}),
            inequivalent("x-queue-type", "received the value 'quorum' of type 'longstr' but current is none")}));

FieldTableBuilder of_quorum() {
  return argument("x-queue-type", std::string_view{"quorum"});
}

INSTANTIATE_TEST_SUITE_P(
    OfQuorumQueues, QueueArgument,
    testing::Values(QueueArgumentCase{of_quorum().put("x-dead-letter-strategy", std::string_view{"at-most-once"})},
                    QueueArgumentCase{of_quorum().put("x-dead-letter-strategy", std::string_view{"at-least-once"})},
                    QueueArgumentCase{of_quorum().put("x-dead-letter-strategy", text),
                                      invalid("x-dead-letter-strategy", "invalid_dlx_strategy")},
                    QueueArgumentCase{of_quorum().put("x-delayed-retry-type", std::string_view{"failed"})},
                    QueueArgumentCase{of_quorum().put("x-delayed-retry-type", std::string_view{"never"}),
                                      invalid("x-delayed-retry-type", "\"unsupported delayed retry type 'never'\"")},
                    QueueArgumentCase{of_quorum().put("x-delayed-retry-min", -5),
                                      invalid("x-delayed-retry-min", "{value_negative,-5}")},
                    QueueArgumentCase{of_quorum().put("x-quorum-initial-group-size", 0),
                                      invalid("x-quorum-initial-group-size", "{value_zero,0}")}));

TEST(QuorumQueueEquivalence, ComparesItsOwnArgumentsToo) {
  const EquivalenceCheck check{"queue 'q' in vhost '/'"};
  for (const std::string_view name :
       {"x-delivery-limit", "x-quorum-initial-group-size", "x-max-in-memory-length", "x-delayed-retry-min"}) {
    const auto held = argument(name, 3);
    const auto asked = argument(name, 4);
    EXPECT_EQ(check.arguments(held.view(), asked.view(), compared_queue_arguments(QueueType::quorum)).error().text,
              inequivalent(name, "received '4' but current is '3'"));
    EXPECT_TRUE(check.arguments(held.view(), asked.view(), compared_queue_arguments(QueueType::classic)));
  }
}

TEST(EquivalenceOfFlags, NamesBothSides) {
  const EquivalenceCheck check{"queue 'q' in vhost '/'"};
  EXPECT_TRUE(check.flag("durable", true, true));
  EXPECT_EQ(check.flag("durable", true, false).error().reply_text(),
            "PRECONDITION_FAILED - " + inequivalent("durable", "received 'false' but current is 'true'"));
}

TEST(HeadersBinding, KnowsFourWaysToMatch) {
  for (const std::string_view mode : {"all", "any", "all-with-x", "any-with-x"})
    EXPECT_TRUE(check_headers_binding(argument("x-match", mode).view())) << mode;
  EXPECT_TRUE(check_headers_binding({}));
  const auto refusal = check_headers_binding(argument("x-match", text).view());
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().text,
            "Invalid x-match field value <<\"text\">>; expected all, any, all-with-x, or any-with-x");
  EXPECT_EQ(check_headers_binding(argument("x-match", 1).view()).error().text,
            "Invalid x-match field type signedint (value 1); expected longstr");
}

TEST(ExchangeType, ThatIsUnknownEndsTheConnection) {
  const auto error = unknown_exchange_type("x");
  EXPECT_EQ(error.scope(), protocol::Scope::connection);
  EXPECT_EQ(error.reply_text(), "COMMAND_INVALID - unknown exchange type 'x'");
  for (const auto* word : {"direct2", "x-delayed-message", "x.y", "Topic", "a b", "\xC3\xA9"})
    EXPECT_EQ(unknown_exchange_type(word).text, fmt::format("unknown exchange type '{}'", word));
  for (const auto* word : {"", "Direct", "queue"})
    EXPECT_EQ(unknown_exchange_type(word).text, fmt::format("invalid exchange type '{}'", word));
}

}  // namespace
}  // namespace leveret::broker
