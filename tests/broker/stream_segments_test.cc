#include "broker/streams/segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leveret::broker {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using testing::ElementsAre;
using testing::IsEmpty;

WallTime at(int seconds) {
  return WallTime{std::chrono::seconds{seconds}};
}

/// Three closed segments of ten messages and 100 octets each, and five messages in the active one.
StreamSegments filled() {
  StreamSegments segments;
  for (int i = 0; i < 35; ++i) {
    if (i > 0 && i % 10 == 0) segments.close_active();
    segments.append(10, at(i));
  }
  return segments;
}

TEST(StreamSegments, FollowOneAnother) {
  const StreamSegments segments = filled();
  EXPECT_THAT(segments.closed(), ElementsAre(StreamSegment{0, 10, 100, at(9)}, StreamSegment{10, 20, 100, at(19)},
                                             StreamSegment{20, 30, 100, at(29)}));
  EXPECT_EQ(segments.active(), (StreamSegment{30, 35, 50, at(34)}));
}

TEST(StreamSegments, LeaveWholeAndFromTheFront) {
  StreamSegments segments = filled();
  EXPECT_THAT(segments.retain({.octets_max = 350}, at(40)), IsEmpty());
  EXPECT_THAT(segments.retain({.octets_max = 349}, at(40)), ElementsAre(StreamSegment{0, 10, 100, at(9)}));
  EXPECT_EQ(segments.begin(), 10u);
  EXPECT_EQ(segments.retain({.octets_max = 60}, at(40)).size(), 2u);
  EXPECT_EQ(segments.begin(), 30u);
}

TEST(StreamSegments, TheActiveOneStaysWhateverTheLimits) {
  StreamSegments segments = filled();
  EXPECT_EQ(segments.retain({.octets_max = 0, .age_max = 1s}, at(1'000)).size(), 3u);
  EXPECT_EQ(segments.begin(), 30u);
  EXPECT_EQ(segments.end(), 35u);
}

TEST(StreamSegments, AreAsOldAsTheirLastMessage) {
  StreamSegments segments = filled();
  EXPECT_THAT(segments.retain({.age_max = 20s}, at(29)), IsEmpty());
  EXPECT_THAT(segments.retain({.age_max = 20s}, at(29) + 1ms), ElementsAre(StreamSegment{0, 10, 100, at(9)}));
}

TEST(StreamSegments, SayWhereATimeIs) {
  const StreamSegments segments = filled();
  EXPECT_EQ(segments.find(at(0)), (std::pair<Position, Position>{0, 10}));
  EXPECT_EQ(segments.find(at(9)), (std::pair<Position, Position>{0, 10}));
  EXPECT_EQ(segments.find(at(10)), (std::pair<Position, Position>{10, 20}));
  EXPECT_EQ(segments.find(at(31)), (std::pair<Position, Position>{30, 35}));
  EXPECT_EQ(segments.find(at(99)), (std::pair<Position, Position>{30, 35}));
}

TEST(StreamSegments, AreRestored) {
  const StreamSegments before = filled();
  StreamSegments after;
  after.restore({0, 35, 350, at(40)}, {before.closed().begin(), before.closed().end()});
  EXPECT_EQ(after.closed(), before.closed());
  EXPECT_EQ(after.active(), (StreamSegment{30, 35, 50, at(40)}));
}

TEST(StreamSegments, WithoutTheirMessagesAreNotRestored) {
  const StreamSegments before = filled();
  StreamSegments after;
  after.restore({0, 25, 250, at(40)}, {before.closed().begin(), before.closed().end()});
  EXPECT_EQ(after.closed().size(), 2u) << "the third ends behind what is stored";
  EXPECT_EQ(after.active(), (StreamSegment{20, 25, 50, at(40)}));
  StreamSegments purged;
  purged.restore({10, 35, 250, at(40)}, {before.closed().begin(), before.closed().end()});
  EXPECT_EQ(purged.begin(), 10u) << "the first has been purged";
}

}  // namespace
}  // namespace leveret::broker
