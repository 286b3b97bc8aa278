#include "broker/limits.h"

#include <gtest/gtest.h>

#include <string>

#include "broker/admission.h"
#include "broker/definitions.h"
#include "storage/memory_store.h"

namespace leveret::broker {
namespace {

class LimitsTest : public testing::Test {
 protected:
  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
  DefinitionChanges changes_{};
  DefinitionStore definitions_{*store_, changes_};
  Limits limits_{definitions_};
};

TEST_F(LimitsTest, BelowZeroAreNone) {
  EXPECT_FALSE(limits_.find(LimitOf::user, "guest", "max-channels"));
  ASSERT_TRUE(limits_.put(LimitOf::user, "guest", "max-channels", 5));
  EXPECT_EQ(limits_.find(LimitOf::user, "guest", "max-channels"), 5u);
  EXPECT_FALSE(limits_.find(LimitOf::user, "other", "max-channels"));
  EXPECT_FALSE(limits_.find(LimitOf::user, "guest", "max-connections"));
  ASSERT_TRUE(limits_.put(LimitOf::user, "guest", "max-channels", -4));
  EXPECT_FALSE(limits_.find(LimitOf::user, "guest", "max-channels"));
  EXPECT_EQ(limits_.all(LimitOf::user).at("guest").at("max-channels"), -4);
  limits_.erase(LimitOf::user, "guest", "max-channels");
  EXPECT_TRUE(limits_.all(LimitOf::user).empty());
}

struct RefusalCase {
  LimitOf of{};
  std::string_view name{};
  boost::json::value value{};
  std::string_view text{};
};

TEST_F(LimitsTest, AreRefusedInRabbitMqsWords) {
  for (const auto& [of, name, value, text] :
       {RefusalCase{LimitOf::virtual_host, "max-connections", "x",
                    "Validation failed\n\nmax-connections should be a number, actually was <<\"x\">>\n"},
        RefusalCase{LimitOf::virtual_host, "max-queues", 1.5,
                    "Validation failed\n\nmax-queues should be a number, actually was 1.5\n"},
        RefusalCase{LimitOf::virtual_host, "max-channels", 5,
                    "Validation failed\n\nUnrecognised terms [{<<\"max-channels\">>,5}] in limits\n"},
        RefusalCase{LimitOf::user, "max-channels", "x", "max-channels should be a number, actually was <<\"x\">>"},
        RefusalCase{LimitOf::user, "max-queues", 4, "Unrecognised terms [{<<\"max-queues\">>,4}] in user-limits"}}) {
    const auto put = limits_.put(of, "any", name, value);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().text, text);
  }
}

TEST_F(LimitsTest, AreRestoredFromTheStore) {
  ASSERT_TRUE(limits_.put(LimitOf::user, "guest", "max-channels", 5));
  ASSERT_TRUE(limits_.put(LimitOf::virtual_host, "/", "max-queues", 0));
  ASSERT_TRUE(limits_.put(LimitOf::virtual_host, "gone", "max-queues", 0));
  limits_.erase_all_of(LimitOf::virtual_host, "gone");
  Limits again{definitions_};
  store_->recover_definitions([&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(again.restore(*definitions::parse_key(key), protocol::FieldTable{protocol::as_octets(value)}));
  });
  EXPECT_EQ(again.all(LimitOf::user), limits_.all(LimitOf::user));
  EXPECT_EQ(again.all(LimitOf::virtual_host), limits_.all(LimitOf::virtual_host));
}

class AdmissionTest : public LimitsTest {
 protected:
  Admission admission_{limits_, {.connections = 3, .channels = 2}, "rabbit@here"};
};

TEST_F(AdmissionTest, APlaceCountsAsLongAsItLives) {
  ASSERT_TRUE(limits_.put(LimitOf::virtual_host, "/", "max-connections", 1));
  {
    auto first = admission_.open_connection("guest", "/");
    ASSERT_TRUE(first);
    const Admission::Place moved = *std::move(first);
    EXPECT_EQ(admission_.connections_of_virtual_host("/"), 1u);
    EXPECT_EQ(admission_.connections_of_user("guest"), 1u);
    const auto second = admission_.open_connection("guest", "/");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, protocol::ReplyCode::not_allowed);
    EXPECT_EQ(second.error().text, "access to vhost '/' refused for user 'guest': connection limit (1) is reached");
  }
  EXPECT_EQ(admission_.connections_of_virtual_host("/"), 0u);
  EXPECT_TRUE(admission_.open_connection("guest", "/"));
}

TEST_F(AdmissionTest, EachLimitHasItsWords) {
  ASSERT_TRUE(limits_.put(LimitOf::user, "none", "max-connections", 0));
  ASSERT_TRUE(limits_.put(LimitOf::user, "none", "max-channels", 0));
  EXPECT_EQ(admission_.open_connection("none", "/").error().text,
            "connection refused for user 'none': user connection limit (0) is reached");
  EXPECT_EQ(admission_.open_channel("none").error().text,
            "number of channels opened for user 'none' has reached the maximum allowed user limit of (0)");
  std::vector<protocol::Result<Admission::Place>> places;
  for (int i = 0; i < 3; ++i) places.push_back(admission_.open_connection("guest", "/"));
  EXPECT_EQ(admission_.open_connection("guest", "/").error().text,
            "connection refused: node connection limit (3) is reached");
  for (int i = 0; i < 2; ++i) places.push_back(admission_.open_channel("guest"));
  EXPECT_EQ(admission_.open_channel("guest").error().text,
            "number of channels opened on node 'rabbit@here' has reached the maximum allowed limit of (2)");
  EXPECT_EQ(admission_.channels_of_user("guest"), 2u);
  places.clear();
  EXPECT_EQ(admission_.channels_of_user("guest"), 0u);
}

}  // namespace
}  // namespace leveret::broker
