#include "broker/resource_monitor.h"

#include <gtest/gtest.h>

#include "broker/broker.h"
#include "tests/support/temporary_directory.h"

namespace leveret::broker {
namespace {

class ResourceMonitorTest : public testing::Test {
 protected:
  bool is_on(Alarm alarm) { return alarms_.raised().has(alarm); }

  std::optional<std::uint64_t> free_disk_ = 100;
  std::optional<std::uint64_t> used_memory_ = 100;
  boost::asio::io_context context_{};
  Alarms alarms_{};
  ResourceLimits limits_{BrokerOptions{.disk_free_limit = 50, .memory_limit = 200}};
  ResourceMonitor monitor_{
      context_,
      alarms_,
      limits_,
      {.free_disk = [this] { return free_disk_; }, .used_memory = [this] { return used_memory_; }}};
};

TEST_F(ResourceMonitorTest, RaisesAndClearsTheAlarmOfTheDisk) {
  monitor_.look();
  EXPECT_TRUE(alarms_.raised().is_empty());
  free_disk_ = 49;
  monitor_.look();
  EXPECT_TRUE(is_on(Alarm::disk));
  EXPECT_FALSE(is_on(Alarm::memory));
  free_disk_ = 50;
  monitor_.look();
  EXPECT_FALSE(is_on(Alarm::disk));
}

TEST_F(ResourceMonitorTest, RaisesAndClearsTheAlarmOfMemory) {
  used_memory_ = 201;
  monitor_.look();
  EXPECT_TRUE(is_on(Alarm::memory));
  EXPECT_FALSE(is_on(Alarm::disk));
  used_memory_ = 200;
  monitor_.look();
  EXPECT_FALSE(is_on(Alarm::memory));
}

TEST_F(ResourceMonitorTest, HeedsALimitThatHasChanged) {
  limits_.used_memory_max = 99;
  limits_.free_disk_min = 101;
  monitor_.look();
  EXPECT_TRUE(is_on(Alarm::memory));
  EXPECT_TRUE(is_on(Alarm::disk));
}

TEST_F(ResourceMonitorTest, ChangesNothingWhenTheSystemDoesNotTell) {
  free_disk_ = 1;
  monitor_.look();
  free_disk_ = {};
  used_memory_ = {};
  monitor_.look();
  EXPECT_TRUE(is_on(Alarm::disk));
  EXPECT_FALSE(is_on(Alarm::memory));
}

TEST_F(ResourceMonitorTest, LeavesTheAlarmOfTheStoreAlone) {
  alarms_.raise(Alarm::store);
  monitor_.look();
  EXPECT_TRUE(is_on(Alarm::store));
}

TEST_F(ResourceMonitorTest, LooksAgainByItself) {
  monitor_.start();
  free_disk_ = 1;
  context_.run_one();
  EXPECT_TRUE(is_on(Alarm::disk));
}

TEST(Resources, AreThoseOfThisProcess) {
  const test::TemporaryDirectory directory;
  const auto resources = resources_of(directory.path());
  EXPECT_GT(resources.free_disk().value_or(0), 0u);
  EXPECT_GT(resources.used_memory().value_or(0), 1'000'000u);
}

TEST(Resources, NoDiskIsWatchedWhereNothingIsKept) {
  EXPECT_FALSE(resources_of({}).free_disk());
}

TEST(ResourceLimits, AreASmallDiskAndAShareOfTheMemory) {
  const ResourceLimits limits{BrokerOptions{.memory_high_watermark = 0.5}};
  EXPECT_EQ(limits.free_disk_min, 50'000'000u);
  EXPECT_NEAR(static_cast<double>(limits.used_memory_max), static_cast<double>(memory_size()) / 2, 1);
}

TEST(ResourceLimits, AreInOctetsOrSharesOfAMemoryThatIsTold) {
  const ResourceLimits limits{BrokerOptions{.disk_free_share = 1.5, .memory_limit = 1000, .memory_size = 2000}};
  EXPECT_EQ(limits.free_disk_min, 3000u);
  EXPECT_EQ(limits.used_memory_max, 1000u);
  EXPECT_EQ((ResourceLimits{BrokerOptions{.memory_high_watermark = 0.25, .memory_size = 2000}}.used_memory_max), 500u);
}

}  // namespace
}  // namespace leveret::broker
