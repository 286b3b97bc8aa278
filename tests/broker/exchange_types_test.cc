#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <ostream>
#include <string>

#include "broker/exchange.h"
#include "broker/exchanges/exchange_rules.h"
#include "broker/exchanges/message_history.h"
#include "broker/queue_record.h"

namespace leveret::broker {
namespace {

using protocol::FieldTable;
using protocol::FieldTableBuilder;
using testing::ElementsAre;

/// Queues bound to one exchange, without the rest of a virtual host.
class BoundQueues {
 public:
  explicit BoundQueues(ExchangeType type, FieldTable arguments = {}) : index_(make_binding_index(type, arguments)) {}

  const Binding& bind(std::string_view queue, std::string_view key) {
    QueueRecord* record = nullptr;
    for (QueueRecord& known : queues_)
      if (known.name == queue) record = &known;
    if (!record) record = &queues_.emplace_back(QueueRecord{.name = std::string{queue}});
    const Binding& binding = bindings_.emplace_back(Binding{.destination = {.queue = record}, .key = std::string{key}});
    index_->insert(&binding);
    return binding;
  }
  void unbind(const Binding& binding) { index_->erase(&binding); }

  std::vector<std::string> queues_for(const RoutedMessage& message) const {
    std::vector<const Binding*> matches;
    index_->match(message, matches);
    std::vector<std::string> names;
    for (const Binding* binding : matches) names.push_back(binding->destination.queue->name);
    return names;
  }
  std::string queue_for(std::string_view key, FieldTable headers = {},
                        const protocol::BasicProperties* properties = nullptr) const {
    const auto names = queues_for({.routing_keys = {&key, 1}, .headers = headers, .properties = properties});
    EXPECT_EQ(names.size(), 1u);
    return names.empty() ? "" : names.front();
  }
  /// How many of `count` different keys go to each queue.
  std::map<std::string, int> shares(int count) const {
    std::map<std::string, int> shares;
    for (int i = 0; i < count; ++i) ++shares[queue_for("key." + std::to_string(i))];
    return shares;
  }

 private:
  std::unique_ptr<BindingIndex> index_;
  std::deque<QueueRecord> queues_{};
  std::deque<Binding> bindings_{};
};

TEST(ConsistentHash, SharesAreAsTheWeightsAre) {
  BoundQueues bound{ExchangeType::consistent_hash};
  bound.bind("light", "1");
  bound.bind("heavy", "3");
  const auto shares = bound.shares(20'000);
  EXPECT_NEAR(shares.at("light"), 5'000, 300);
  EXPECT_NEAR(shares.at("heavy"), 15'000, 300);
}

TEST(ConsistentHash, AQueueThatComesTakesOnlyItsShareFromTheOthers) {
  BoundQueues bound{ExchangeType::consistent_hash};
  for (const auto queue : {"a", "b", "c"}) bound.bind(queue, "1");
  std::map<std::string, std::string> before;
  for (int i = 0; i < 4'000; ++i) before[std::to_string(i)] = bound.queue_for(std::to_string(i));
  const Binding& added = bound.bind("d", "1");
  int moved = 0;
  for (const auto& [key, queue] : before) {
    const std::string now = bound.queue_for(key);
    EXPECT_TRUE(now == queue || now == "d");
    moved += now != queue;
  }
  EXPECT_NEAR(moved, 1'000, 150);
  bound.unbind(added);
  for (const auto& [key, queue] : before) EXPECT_EQ(bound.queue_for(key), queue);
}

TEST(ConsistentHash, OfTwoBindingsOfAQueueTheFirstCountsWhileItIsThere) {
  BoundQueues bound{ExchangeType::consistent_hash};
  const Binding& first = bound.bind("a", "1");
  bound.bind("a", "9");
  bound.bind("b", "1");
  EXPECT_NEAR(bound.shares(4'000).at("a"), 2'000, 200);
  bound.unbind(first);
  EXPECT_NEAR(bound.shares(4'000).at("a"), 3'600, 200);
}

TEST(ConsistentHash, DoesNotDependOnTheOrderOfBindings) {
  BoundQueues one{ExchangeType::consistent_hash}, other{ExchangeType::consistent_hash};
  for (const auto queue : {"a", "b", "c"}) one.bind(queue, "2");
  for (const auto queue : {"c", "a", "b"}) other.bind(queue, "2");
  for (int i = 0; i < 500; ++i) EXPECT_EQ(one.queue_for(std::to_string(i)), other.queue_for(std::to_string(i)));
}

/// Releases must agree on this, or messages of one key would change queues with an upgrade.
TEST(ConsistentHash, StaysTheSameForEver) {
  BoundQueues bound{ExchangeType::consistent_hash};
  for (const auto queue : {"a", "b", "c"}) bound.bind(queue, "1");
  std::string queues;
  for (int i = 0; i < 24; ++i) queues += bound.queue_for(std::to_string(i));
  EXPECT_EQ(queues, "baccaababbcbcbacacabbbcc");
}

TEST(ConsistentHash, LooksAtTheHeaderItWasToldOf) {
  const auto arguments = FieldTableBuilder{}.put("hash-header", std::string_view{"customer"}).take();
  BoundQueues bound{ExchangeType::consistent_hash, FieldTable{protocol::as_octets(arguments)}};
  for (const auto queue : {"a", "b", "c"}) bound.bind(queue, "1");
  std::map<std::string, int> shares;
  for (int i = 0; i < 3'000; ++i) {
    FieldTableBuilder headers;
    headers.put("customer", i);
    const std::string queue = bound.queue_for("ignored " + std::to_string(i % 7), headers.view());
    EXPECT_EQ(queue, bound.queue_for("", FieldTableBuilder{}.put("customer", std::int64_t{i}).view()));
    ++shares[queue];
  }
  for (const auto& [queue, share] : shares) EXPECT_NEAR(share, 1'000, 150) << queue;
  EXPECT_EQ(bound.queue_for("one"), bound.queue_for("another"));
}

TEST(ConsistentHash, LooksAtThePropertyItWasToldOf) {
  for (const std::string_view name : {"message_id", "correlation_id", "timestamp"}) {
    const auto arguments = FieldTableBuilder{}.put("hash-property", name).take();
    BoundQueues bound{ExchangeType::consistent_hash, FieldTable{protocol::as_octets(arguments)}};
    for (const auto queue : {"a", "b", "c"}) bound.bind(queue, "1");
    std::map<std::string, int> shares;
    for (std::uint64_t i = 0; i < 3'000; ++i) {
      const std::string text = std::to_string(i);
      const protocol::BasicProperties properties{.correlation_id = text, .message_id = text, .timestamp = i};
      ++shares[bound.queue_for("ignored", {}, &properties)];
    }
    EXPECT_EQ(shares.size(), 3u) << name;
    for (const auto& [queue, share] : shares) EXPECT_NEAR(share, 1'000, 150) << name << " to " << queue;
  }
}

TEST(ConsistentHash, WithoutBindingsGoesNowhere) {
  const std::string_view key = "key";
  EXPECT_THAT(BoundQueues{ExchangeType::consistent_hash}.queues_for({.routing_keys = {&key, 1}}), ElementsAre());
}

TEST(ModulusHash, SharesKeysAmongBindingsInAnyOrderOfTheirs) {
  BoundQueues one{ExchangeType::modulus_hash}, other{ExchangeType::modulus_hash};
  for (const auto queue : {"a", "b", "c"}) one.bind(queue, "ignored");
  for (const auto queue : {"c", "a", "b"}) other.bind(queue, "ignored");
  for (int i = 0; i < 500; ++i) EXPECT_EQ(one.queue_for(std::to_string(i)), other.queue_for(std::to_string(i)));
  for (const auto& [queue, share] : one.shares(9'000)) EXPECT_NEAR(share, 3'000, 250) << queue;
}

TEST(ModulusHash, AQueueBoundTwiceGetsTwiceAsMany) {
  BoundQueues bound{ExchangeType::modulus_hash};
  bound.bind("twice", "1");
  bound.bind("twice", "2");
  const Binding& once = bound.bind("once", "");
  EXPECT_NEAR(bound.shares(9'000).at("twice"), 6'000, 300);
  bound.unbind(once);
  EXPECT_EQ(bound.shares(100).at("twice"), 100);
}

TEST(Random, SharesMessagesAmongBindings) {
  for (const auto type : {ExchangeType::random, ExchangeType::local_random}) {
    BoundQueues bound{type};
    const Binding& first = bound.bind("gone", "");
    bound.bind("twice", "1");
    bound.bind("twice", "2");
    bound.bind("once", "");
    bound.unbind(first);
    const auto shares = bound.shares(9'000);
    EXPECT_NEAR(shares.at("twice"), 6'000, 400);
    EXPECT_NEAR(shares.at("once"), 3'000, 400);
  }
}

// --- rules

struct WeightCase {
  std::string_view key;
  std::string_view refusal;
};
std::ostream& operator<<(std::ostream& stream, const WeightCase& row) {
  return stream << '\'' << row.key << '\'';
}

class Weights : public testing::TestWithParam<WeightCase> {};

TEST_P(Weights, AreIntegersAboveZero) {
  const auto valid = check_binding(ExchangeType::consistent_hash, GetParam().key, {});
  EXPECT_EQ(valid ? "" : valid.error().text, GetParam().refusal);
  EXPECT_TRUE(check_binding(ExchangeType::direct, GetParam().key, {}));
}

INSTANTIATE_TEST_SUITE_P(Key, Weights,
                         testing::Values(WeightCase{"1", ""}, WeightCase{"+1", ""}, WeightCase{"01", ""},
                                         WeightCase{"123456789012345678901234567890", ""},
                                         WeightCase{"0", "The binding key must be greater than 0"},
                                         WeightCase{"-1", "The binding key must be greater than 0"},
                                         WeightCase{"", "The binding key must be an integer: <<>>"},
                                         WeightCase{"-", "The binding key must be an integer: <<\"-\">>"},
                                         WeightCase{"abc", "The binding key must be an integer: <<\"abc\">>"},
                                         WeightCase{"1.5", "The binding key must be an integer: <<\"1.5\">>"},
                                         WeightCase{" 1", "The binding key must be an integer: <<\" 1\">>"}));

struct ArgumentCase {
  std::string name{};
  ExchangeType type{};
  FieldTableBuilder arguments{};
  std::string refusal{};
};
std::ostream& operator<<(std::ostream& stream, const ArgumentCase& row) {
  return stream << row.name;
}

class ExchangeArguments : public testing::TestWithParam<ArgumentCase> {};

TEST_P(ExchangeArguments, AreChecked) {
  const auto valid = check_exchange_arguments(GetParam().type, GetParam().arguments.view());
  EXPECT_EQ(valid ? "" : valid.error().text, GetParam().refusal);
}

template <class T>
FieldTableBuilder argument(std::string_view name, const T& value) {
  return FieldTableBuilder{}.put(name, value);
}
constexpr std::string_view some_text = "h", message_id = "message_id", user_id = "user_id", three = "3";

INSTANTIATE_TEST_SUITE_P(
    Hash, ExchangeArguments,
    testing::Values(ArgumentCase{"none", ExchangeType::consistent_hash},
                    ArgumentCase{"header", ExchangeType::consistent_hash, argument("hash-header", some_text)},
                    ArgumentCase{"property", ExchangeType::consistent_hash, argument("hash-property", message_id)},
                    ArgumentCase{"another property", ExchangeType::consistent_hash, argument("hash-property", user_id),
                                 "Unsupported property: user_id"},
                    ArgumentCase{"both", ExchangeType::consistent_hash,
                                 argument("hash-header", some_text).put("hash-property", message_id),
                                 "hash-header and hash-property are mutually exclusive"},
                    ArgumentCase{"no text", ExchangeType::consistent_hash, argument("hash-header", 1),
                                 "Invalid type 'signedint' for arg 'hash-header'"}));

constexpr std::string_view direct = "direct", nonsense = "nonsense", delayed = "x-delayed-message",
                           hash = "x-consistent-hash";
const std::string no_type = "Invalid argument, 'x-delayed-type' must be an existing exchange type";

INSTANTIATE_TEST_SUITE_P(
    Delayed, ExchangeArguments,
    testing::Values(ArgumentCase{"type", ExchangeType::delayed, argument("x-delayed-type", direct)},
                    ArgumentCase{"none", ExchangeType::delayed, {}, no_type},
                    ArgumentCase{"unknown", ExchangeType::delayed, argument("x-delayed-type", nonsense), no_type},
                    ArgumentCase{"itself", ExchangeType::delayed, argument("x-delayed-type", delayed), no_type},
                    ArgumentCase{"no text", ExchangeType::delayed, argument("x-delayed-type", 1), no_type},
                    ArgumentCase{"another type's arguments", ExchangeType::delayed,
                                 argument("x-delayed-type", hash).put("hash-property", user_id),
                                 "Unsupported property: user_id"}));

INSTANTIATE_TEST_SUITE_P(
    History, ExchangeArguments,
    testing::Values(ArgumentCase{"none", ExchangeType::recent_history},
                    ArgumentCase{"length", ExchangeType::recent_history, argument("x-recent-history-length", 3)},
                    ArgumentCase{"zero", ExchangeType::recent_history, argument("x-recent-history-length", 0),
                                 "Invalid argument 0, 'x-recent-history-length' must be a positive integer"},
                    ArgumentCase{"negative", ExchangeType::recent_history, argument("x-recent-history-length", -1),
                                 "Invalid argument -1, 'x-recent-history-length' must be a positive integer"},
                    ArgumentCase{"text", ExchangeType::recent_history, argument("x-recent-history-length", three),
                                 "Invalid argument <<\"3\">>, 'x-recent-history-length' must be a positive integer"},
                    ArgumentCase{"another type's", ExchangeType::direct, argument("x-recent-history-length", three)}));

// --- history

MessageRef message(std::string_view body) {
  MessageBuilder builder;
  builder.begin({"e", "k"}, protocol::as_octets(std::string_view{"\0\0", 2}), body.size());
  builder.append(protocol::as_octets(body));
  return builder.finish();
}

TEST(MessageHistory, KeepsTheLastOnesInOrder) {
  const auto arguments = argument("x-recent-history-length", 2);
  MessageHistory history{arguments.view()};
  for (const auto body : {"1", "2", "3"}) history.keep(*message(body));
  const auto messages = history.messages();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(protocol::as_text(messages[0]->body()), "2");
  EXPECT_EQ(protocol::as_text(messages[1]->body()), "3");
  EXPECT_EQ(messages[1]->routing_key(), "k");
}

TEST(MessageHistory, KeepsTwentyUnlessToldOtherwise) {
  MessageHistory history{{}};
  for (int i = 0; i < 25; ++i) history.keep(*message(std::to_string(i)));
  EXPECT_EQ(history.messages().size(), 20u);
}

TEST(MessageHistory, IsRefusedByTrueAlone) {
  EXPECT_TRUE(MessageHistory::is_refused(argument("x-recent-history-no-store", true).view()));
  EXPECT_FALSE(MessageHistory::is_refused(argument("x-recent-history-no-store", false).view()));
  EXPECT_FALSE(MessageHistory::is_refused(argument("x-recent-history-no-store", 1).view()));
  EXPECT_FALSE(MessageHistory::is_refused({}));
}

}  // namespace
}  // namespace leveret::broker
