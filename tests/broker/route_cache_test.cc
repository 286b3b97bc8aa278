#include "broker/route_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/memory_store.h"

namespace leveret::broker {
namespace {

constexpr ConnectionId somebody{1};

class RouteCacheTest : public testing::Test {
 protected:
  std::uint64_t declare_queue(std::string_view name) {
    return static_cast<std::uint64_t>(
        virtual_host_.declare_queue({.name = name}, {.connection = somebody}).value().record->address.queue);
  }
  void bind(std::string_view queue, std::string_view exchange, std::string_view key) {
    ASSERT_TRUE(
        virtual_host_.bind({.source = exchange, .destination = queue, .routing_key = key}, somebody).has_value());
  }
  std::vector<std::uint64_t> route(std::string_view exchange, std::string_view key, FieldTable headers = {}) {
    std::vector<std::uint64_t> queues;
    for (const auto& address : cache_.route(exchange, key, headers).queues)
      queues.push_back(static_cast<std::uint64_t>(address.queue));
    return queues;
  }

  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
  std::atomic<std::uint64_t> next_queue_id_{1};
  DefinitionChanges definition_changes_{};
  VirtualHost virtual_host_{"/", *store_, next_queue_id_, definition_changes_};
  std::uint64_t lookups_ = 0;
  RouteCache cache_{virtual_host_, lookups_};
};

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_F(RouteCacheTest, AsksOnceForARouteThatStands) {
  const auto queue = declare_queue("q");
  bind("q", "amq.direct", "key");
  const Route* first = &cache_.route("amq.direct", "key", {});
  EXPECT_EQ(&cache_.route("amq.direct", "key", {}), first);
  EXPECT_THAT(route("amq.direct", "key"), ElementsAre(queue));
  EXPECT_THAT(route("amq.direct", "other"), IsEmpty());
}

TEST_F(RouteCacheTest, SeesABindingAndItsEnd) {
  const auto queue = declare_queue("q");
  EXPECT_THAT(route("amq.topic", "a.b"), IsEmpty());
  bind("q", "amq.topic", "a.*");
  EXPECT_THAT(route("amq.topic", "a.b"), ElementsAre(queue));
  virtual_host_.unbind({.source = "amq.topic", .destination = "q", .routing_key = "a.*"});
  EXPECT_THAT(route("amq.topic", "a.b"), IsEmpty());
}

TEST_F(RouteCacheTest, SeesTheEndOfAQueueAndItsSuccessor) {
  const auto first = declare_queue("q");
  EXPECT_THAT(route("", "q"), ElementsAre(first));
  ASSERT_TRUE(virtual_host_.remove_queue(QueueId{first}));
  EXPECT_THAT(route("", "q"), IsEmpty());
  const auto second = declare_queue("q");
  EXPECT_NE(second, first);
  EXPECT_THAT(route("", "q"), ElementsAre(second));
}

TEST_F(RouteCacheTest, SeesAnExchangeThatComesBehindAnAlternateOne) {
  protocol::FieldTableBuilder arguments;
  arguments.put("alternate-exchange", std::string_view{"later"});
  const auto queue = declare_queue("q");
  ASSERT_TRUE(virtual_host_.declare_exchange({.name = "first", .type = "direct", .arguments = arguments.view()}));
  EXPECT_THAT(route("first", "key"), IsEmpty());
  ASSERT_TRUE(virtual_host_.declare_exchange({.name = "later", .type = "fanout"}));
  EXPECT_THAT(route("first", "key"), IsEmpty());
  bind("q", "later", "");
  EXPECT_THAT(route("first", "key"), ElementsAre(queue));
  ASSERT_TRUE(virtual_host_.delete_exchange("later", IfUnused::no));
  EXPECT_THAT(route("first", "key"), IsEmpty());
}

TEST_F(RouteCacheTest, LooksAtHeadersEachTime) {
  protocol::FieldTableBuilder red, blue;
  red.put("colour", std::string_view{"red"});
  blue.put("colour", std::string_view{"blue"});
  const auto queue = declare_queue("q");
  ASSERT_TRUE(virtual_host_.bind({.source = "amq.headers", .destination = "q", .arguments = red.view()}, somebody));
  EXPECT_THAT(route("amq.headers", "", red.view()), ElementsAre(queue));
  EXPECT_THAT(route("amq.headers", "", blue.view()), IsEmpty());
  EXPECT_THAT(route("amq.headers", "", red.view()), ElementsAre(queue));
}

TEST_F(RouteCacheTest, NamesAQueueOnceHoweverManyBindingsLeadThere) {
  const auto first = declare_queue("first");
  const auto second = declare_queue("second");
  bind("first", "amq.topic", "#");
  bind("first", "amq.topic", "a.*");
  bind("second", "amq.topic", "a.#");
  EXPECT_THAT(route("amq.topic", "a.b"), UnorderedElementsAre(first, second));
}

TEST_F(RouteCacheTest, KeepsKeysOfDifferentExchangesApart) {
  ASSERT_TRUE(virtual_host_.declare_exchange({.name = "a", .type = "direct"}));
  ASSERT_TRUE(virtual_host_.declare_exchange({.name = "ab", .type = "direct"}));
  const auto queue = declare_queue("q");
  bind("q", "a", "bc");
  EXPECT_THAT(route("a", "bc"), ElementsAre(queue));
  EXPECT_THAT(route("ab", "c"), IsEmpty());
}

TEST_F(RouteCacheTest, EndsWhereExchangesAreBoundInACircle) {
  for (const auto name : {"one", "two"}) ASSERT_TRUE(virtual_host_.declare_exchange({.name = name, .type = "fanout"}));
  const auto to_exchange = BindingRequest::To::exchange;
  ASSERT_TRUE(virtual_host_.bind({.source = "one", .to = to_exchange, .destination = "two"}, somebody));
  ASSERT_TRUE(virtual_host_.bind({.source = "two", .to = to_exchange, .destination = "one"}, somebody));
  const auto queue = declare_queue("q");
  bind("q", "two", "");
  EXPECT_THAT(route("one", ""), ElementsAre(queue));
}

}  // namespace
}  // namespace leveret::broker
