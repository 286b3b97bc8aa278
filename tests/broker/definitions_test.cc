#include "broker/definitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace leveret::broker::definitions {
namespace {

using namespace std::string_literals;

FieldTable fields_of(const std::string& value) {
  return FieldTable{protocol::as_octets(value)};
}

TEST(DefinitionKey, HoldsPartsOfAnyOctets) {
  const auto parts = {"a\0b"s, ""s, "\xff\xfe"s, std::string(300, 'x')};
  for (const auto& first : parts)
    for (const auto& second : parts) {
      const auto key = parse_key(make_key(Kind::exchange, {first, second}));
      ASSERT_TRUE(key);
      EXPECT_EQ(key->kind, Kind::exchange);
      EXPECT_THAT(key->parts, testing::ElementsAre(first, second));
    }
}

TEST(DefinitionKey, TellsPartsApart) {
  EXPECT_NE(make_key(Kind::queue, {"ab", "c"}), make_key(Kind::queue, {"a", "bc"}));
  EXPECT_NE(make_key(Kind::queue, {"a"}), make_key(Kind::exchange, {"a"}));
}

TEST(DefinitionKey, IsRefusedWhenCutShort) {
  const std::string key = make_key(Kind::queue, {"virtual host", "queue"});
  const std::size_t first_part_ends = 1 + 4 + 12;
  EXPECT_FALSE(parse_key(""));
  for (std::size_t size = 2; size < key.size(); ++size) {
    if (size == first_part_ends) continue;  // a key of fewer parts
    EXPECT_FALSE(parse_key(key.substr(0, size))) << size;
  }
}

TEST(DefinitionOfAnExchange, ComesBackAsItWas) {
  protocol::FieldTableBuilder arguments;
  arguments.put("alternate-exchange", std::string_view{"other"}).put("x", 1);
  const Exchange exchange{.name = "orders",
                          .type = ExchangeType::topic,
                          .is_durable = true,
                          .is_auto_delete = true,
                          .is_internal = true,
                          .arguments = arguments.take(),
                          .user = "alice"};
  const auto key = parse_key(key_of("/", exchange)).value();
  EXPECT_EQ(key.kind, Kind::exchange);
  EXPECT_EQ(key.parts.at(0), "/");
  const Exchange again = exchange_from(key, fields_of(value_of(exchange)));
  EXPECT_EQ(again.name, "orders");
  EXPECT_EQ(again.type, ExchangeType::topic);
  EXPECT_TRUE(again.is_durable);
  EXPECT_TRUE(again.is_auto_delete);
  EXPECT_TRUE(again.is_internal);
  EXPECT_EQ(again.user, "alice");
  EXPECT_EQ(again.arguments, exchange.arguments);
}

TEST(DefinitionOfAQueue, ComesBackAsItWas) {
  protocol::FieldTableBuilder arguments;
  arguments.put("x-max-length", 10);
  const QueueRecord queue{.address = {.queue = QueueId{1234567890123}},
                          .name = "jobs",
                          .is_declared_durable = true,
                          .is_auto_delete = true,
                          .arguments = arguments.take()};
  const auto key = parse_key(key_of("/", queue)).value();
  EXPECT_EQ(key.kind, Kind::queue);
  const QueueRecord again = queue_from(key, fields_of(value_of(queue)));
  EXPECT_EQ(again.address.queue, queue.address.queue);
  EXPECT_EQ(again.name, "jobs");
  EXPECT_TRUE(again.is_durable());
  EXPECT_TRUE(again.is_auto_delete);
  EXPECT_EQ(again.arguments, queue.arguments);
}

TEST(DefinitionOfABinding, ComesBackAsItWas) {
  Exchange source{.name = "source"};
  Exchange exchange{.name = "destination"};
  QueueRecord queue{.name = "destination"};
  protocol::FieldTableBuilder arguments;
  arguments.put("x-match", std::string_view{"any"});
  const std::string encoded = arguments.take();
  const Binding to_queue{.source = &source, .destination = {.queue = &queue}, .key = "k\0.*"s, .arguments = encoded};
  const Binding to_exchange{.source = &source, .destination = {.exchange = &exchange}, .key = to_queue.key};
  EXPECT_NE(key_of("/", to_queue), key_of("/", to_exchange));

  const auto key = parse_key(key_of("/", to_queue)).value();
  const BindingRequest again = binding_from(key);
  EXPECT_EQ(again.source, "source");
  EXPECT_EQ(again.to, BindingRequest::To::queue);
  EXPECT_EQ(again.destination, "destination");
  EXPECT_EQ(again.routing_key, to_queue.key);
  EXPECT_EQ(protocol::as_text(again.arguments.octets()), encoded);

  const auto exchange_key = parse_key(key_of("/", to_exchange)).value();
  EXPECT_EQ(binding_from(exchange_key).to, BindingRequest::To::exchange);
}

TEST(SegmentDefinition, IsReadAsItWasWritten) {
  const StreamSegment segment{.begin = 1ull << 40,
                              .end = (1ull << 40) + 5,
                              .octets = 5'000,
                              .last_arrival = WallTime{std::chrono::milliseconds{1'700'000'000'123}}};
  const auto key = parse_key(key_of(QueueId{7}, segment));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->kind, Kind::segment);
  const auto [stream, read] = segment_from(*key, fields_of(value_of(segment)));
  EXPECT_EQ(stream, QueueId{7});
  EXPECT_EQ(read, segment);
}

TEST(SegmentDefinition, StandsInTheOrderOfItsMessages) {
  EXPECT_LT(key_of(QueueId{7}, {.begin = 255}), key_of(QueueId{7}, {.begin = 256}));
  EXPECT_LT(key_of(QueueId{7}, {.begin = 256}), key_of(QueueId{256}, {.begin = 0}));
}

}  // namespace
}  // namespace leveret::broker::definitions
