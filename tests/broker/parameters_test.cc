#include "broker/parameters.h"

#include <gtest/gtest.h>

#include <string>

#include <boost/json/parse.hpp>

#include "broker/definitions.h"
#include "storage/memory_store.h"

namespace leveret::broker {
namespace {

class ParametersTest : public testing::Test {
 protected:
  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
  DefinitionChanges changes_{};
  DefinitionStore definitions_{*store_, changes_};
  Parameters parameters_{definitions_};
};

TEST_F(ParametersTest, OfAnUnknownComponentAreRefused) {
  const auto put = parameters_.put({.virtual_host = "/", .component = "foo", .name = "a", .value = 1});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().text, "Validation failed\n\ncomponent foo not found\n");
}

TEST_F(ParametersTest, AreKeptUntilErased) {
  const auto uri = boost::json::parse(R"({"uri": "amqp://", "expires": 9007199254740993})");
  ASSERT_TRUE(parameters_.put({.virtual_host = "/", .component = "federation-upstream", .name = "a", .value = uri}));
  ASSERT_TRUE(parameters_.put({.virtual_host = "other", .component = "shovel", .name = "b", .value = uri}));
  EXPECT_EQ(parameters_.find("/", "federation-upstream", "a")->value, uri);
  EXPECT_EQ(parameters_.all().size(), 2u);
  EXPECT_TRUE(parameters_.erase("/", "federation-upstream", "a"));
  EXPECT_FALSE(parameters_.erase("/", "federation-upstream", "a"));
  parameters_.erase_all_of("other");
  EXPECT_TRUE(parameters_.all().empty());
}

TEST_F(ParametersTest, AreRestoredFromTheStore) {
  const auto value = boost::json::parse(R"({"uri": "amqp://", "expires": 9007199254740993})");
  ASSERT_TRUE(parameters_.put({.virtual_host = "/", .component = "shovel", .name = "a", .value = value}));
  parameters_.put_global({.name = "cluster_name", .value = "hares"});
  parameters_.put_global({.name = "gone", .value = 1});
  EXPECT_TRUE(parameters_.erase_global("gone"));
  EXPECT_FALSE(parameters_.erase_global("gone"));
  Parameters again{definitions_};
  store_->recover_definitions([&](std::string_view key, std::string_view encoded) {
    EXPECT_TRUE(again.restore(*definitions::parse_key(key), protocol::FieldTable{protocol::as_octets(encoded)}));
  });
  EXPECT_EQ(again.find("/", "shovel", "a")->value, value);
  EXPECT_EQ(again.find_global("cluster_name")->value, "hares");
  EXPECT_FALSE(again.find_global("gone"));
  EXPECT_EQ(again.all_global().size(), 1u);
}

}  // namespace
}  // namespace leveret::broker
