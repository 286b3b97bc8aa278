#include "broker/alarms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leveret::broker {
namespace {

using testing::ElementsAre;

/// "disk, memory"
std::string names(AlarmSet alarms) {
  std::string names;
  for (const Alarm alarm : {Alarm::disk, Alarm::memory, Alarm::store})
    if (alarms.has(alarm)) names.append(names.empty() ? "" : ", ").append(name_of(alarm));
  return names;
}

TEST(Alarms, AreHeardOfWhenTheyChange) {
  Alarms alarms;
  std::vector<std::string> heard;
  alarms.listen([&](AlarmSet raised) { heard.push_back(names(raised)); });
  alarms.raise(Alarm::memory);
  alarms.raise(Alarm::memory);
  alarms.raise(Alarm::disk);
  alarms.clear(Alarm::memory);
  alarms.clear(Alarm::memory);
  alarms.clear(Alarm::disk);
  EXPECT_THAT(heard, ElementsAre("", "memory", "disk, memory", "disk", ""));
}

TEST(Alarms, WhoListensLateHearsWhatIsOn) {
  Alarms alarms;
  alarms.raise(Alarm::store);
  std::vector<std::string> heard;
  alarms.listen([&](AlarmSet raised) { heard.push_back(names(raised)); });
  EXPECT_THAT(heard, ElementsAre("store"));
}

struct ReasonCase {
  std::vector<Alarm> alarms{};
  std::string_view reason{};
};

std::ostream& operator<<(std::ostream& stream, const ReasonCase& row) {
  return stream << row.reason << " (" << row.alarms.size() << ')';
}

class BlockedReason : public testing::TestWithParam<ReasonCase> {};

TEST_P(BlockedReason, IsWordedAsRabbitMqDoes) {
  AlarmSet alarms;
  for (const Alarm alarm : GetParam().alarms) alarms.insert(alarm);
  EXPECT_EQ(blocked_reason(alarms), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(Alarms, BlockedReason,
                         testing::Values(ReasonCase{{Alarm::disk}, "low on disk"},
                                         ReasonCase{{Alarm::memory}, "low on memory"},
                                         ReasonCase{{Alarm::store}, "low on disk"},
                                         ReasonCase{{Alarm::disk, Alarm::store}, "low on disk"},
                                         ReasonCase{{Alarm::memory, Alarm::disk}, "low on disk & memory"},
                                         ReasonCase{{Alarm::memory, Alarm::store}, "low on disk & memory"}));

}  // namespace
}  // namespace leveret::broker
