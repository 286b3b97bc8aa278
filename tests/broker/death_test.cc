#include "broker/death.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/carbon_copies.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

using protocol::BasicProperties;
using protocol::describe;
using protocol::FieldArrayBuilder;
using protocol::FieldTable;
using protocol::FieldTableBuilder;
using testing::ElementsAre;

constexpr WallTime noon{std::chrono::seconds{1'700'000'000}};

MessageRef message(const BasicProperties& properties = {}) {
  const std::string encoded = protocol::encode_properties(properties);
  MessageBuilder builder;
  builder.begin({"orders", "new"}, protocol::as_octets(encoded), 4);
  builder.append(protocol::as_octets("body"));
  return builder.finish();
}

FieldTable headers_of(const MessageRef& message) {
  return *protocol::headers_of(message->properties());
}

TEST(Death, IsToldInTheHeaders) {
  const auto dead =
      dead_lettered(*message(), {.reason = DeathReason::rejected, .queue = "q", .exchange = "dlx", .time = noon});
  EXPECT_EQ(describe(headers_of(dead)),
            "{x-death=[{count=1, reason=\"rejected\", queue=\"q\", time=1700000000, exchange=\"orders\", "
            "routing-keys=[\"new\"]}], x-first-death-exchange=\"orders\", x-first-death-queue=\"q\", "
            "x-first-death-reason=\"rejected\", x-last-death-exchange=\"orders\", x-last-death-queue=\"q\", "
            "x-last-death-reason=\"rejected\"}");
  EXPECT_EQ(dead->exchange(), "dlx");
  EXPECT_EQ(dead->routing_key(), "new");
  EXPECT_EQ(protocol::as_text(dead->body()), "body");
  EXPECT_EQ(dead->arrival(), noon) << "it ages anew";
}

TEST(Death, TakesAwayTheExpirationAndRemembersIt) {
  const auto dead = dead_lettered(*message({.delivery_mode = 2, .expiration = "50"}),
                                  {.reason = DeathReason::expired, .queue = "q", .exchange = "dlx", .time = noon});
  EXPECT_FALSE(dead->expiration());
  EXPECT_TRUE(dead->is_persistent());
  EXPECT_THAT(describe(headers_of(dead)), testing::HasSubstr("original-expiration=\"50\""));
}

TEST(Death, OfTheSameKindIsCounted) {
  const Death death{.reason = DeathReason::expired, .queue = "q", .exchange = "dlx", .time = noon};
  const Death other{
      .reason = DeathReason::rejected, .queue = "q", .exchange = "dlx", .time = noon + std::chrono::hours{1}};
  const auto dead = dead_lettered(*dead_lettered(*dead_lettered(*message(), death), other), death);
  const std::string told = describe(headers_of(dead));
  EXPECT_THAT(told, testing::HasSubstr("x-death=[{count=2, reason=\"expired\", queue=\"q\", time=1700000000"));
  EXPECT_THAT(told, testing::HasSubstr("{count=1, reason=\"rejected\", queue=\"q\", time=1700003600"));
  EXPECT_THAT(told, testing::HasSubstr("x-first-death-reason=\"expired\""));
  EXPECT_THAT(told, testing::HasSubstr("x-last-death-reason=\"expired\""));
}

TEST(Death, WithARoutingKeyOfItsOwnDropsTheCarbonCopies) {
  FieldTableBuilder headers;
  headers.put("CC", FieldArrayBuilder{}.add("copy"));
  const auto original = message({.headers = headers.view()});
  const auto kept = dead_lettered(*original, {.reason = DeathReason::maxlen, .queue = "q", .exchange = "dlx"});
  EXPECT_THAT(routing_keys_of(kept->routing_key(), headers_of(kept)), ElementsAre("new", "copy"));
  const auto replaced = dead_lettered(
      *original, {.reason = DeathReason::maxlen, .queue = "q", .exchange = "dlx", .routing_key = "grave"});
  EXPECT_THAT(routing_keys_of(replaced->routing_key(), headers_of(replaced)), ElementsAre("grave"));
  EXPECT_THAT(describe(headers_of(replaced)), testing::HasSubstr("routing-keys=[\"new\", \"copy\"]"));
}

TEST(Death, OverlooksAHistoryThatIsNone) {
  for (const auto& headers : {FieldTableBuilder{}.put("x-death", "foo"),
                              FieldTableBuilder{}.put("x-death", FieldArrayBuilder{}.add("foo").add(1))}) {
    const auto dead = dead_lettered(*message({.headers = headers.view()}),
                                    {.reason = DeathReason::expired, .queue = "q", .exchange = "dlx"});
    EXPECT_THAT(describe(headers_of(dead)), testing::HasSubstr("x-death=[{count=1, reason=\"expired\""));
    EXPECT_THAT(describe(headers_of(dead)), testing::Not(testing::HasSubstr("foo")));
  }
}

TEST(Death, GoesRoundWithoutEndOnlyWhenNobodyRejected) {
  const Death in_a{.reason = DeathReason::expired, .queue = "a", .exchange = "dlx"};
  const Death in_b{.reason = DeathReason::expired, .queue = "b", .exchange = "dlx"};
  const Death rejected_in_b{.reason = DeathReason::rejected, .queue = "b", .exchange = "dlx"};
  const auto once = dead_lettered(*message(), in_a);
  EXPECT_TRUE(is_automatic_cycle(headers_of(once), "a"));
  EXPECT_FALSE(is_automatic_cycle(headers_of(once), "b"));
  EXPECT_TRUE(is_automatic_cycle(headers_of(dead_lettered(*once, in_b)), "a"));
  EXPECT_FALSE(is_automatic_cycle(headers_of(dead_lettered(*once, rejected_in_b)), "a"));
}

}  // namespace
}  // namespace leveret::broker
