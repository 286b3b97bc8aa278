#include "broker/exchanges/delay_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "protocol/properties.h"

namespace leveret::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr AppendNumber written{10};
constexpr AppendNumber unwritten{20};

DelayedPlace at(std::uint64_t due, Position position = 1) {
  return {.due = DueTime{due}, .position = position};
}

Delayed delayed(std::string_view body, AppendNumber append = unwritten) {
  MessageBuilder builder;
  builder.begin({"e", "key"}, protocol::as_octets(protocol::encode_properties({})), body.size());
  builder.append(protocol::as_octets(body));
  return {.message = builder.finish(), .append = append};
}

bool is_written(AppendNumber append) {
  return append <= written;
}

class DelayWindowTest : public testing::Test {
 protected:
  std::vector<std::string> release_all() {
    std::vector<std::string> bodies;
    while (window_.next_due()) bodies.emplace_back(protocol::as_text(window_.take_first().second.message->body()));
    return bodies;
  }

  DelayWindow window_{};
};

TEST_F(DelayWindowTest, ReleasesByTimeThenByArrival) {
  window_.add_near(at(30, 1), delayed("third"));
  window_.add_near(at(10, 2), delayed("first"));
  window_.add_near(at(30, 3), delayed("fourth"));
  window_.add_near(at(20, 4), delayed("second"));
  EXPECT_EQ(window_.next_due(), DueTime{10});
  EXPECT_EQ(window_.messages(), 4u);
  EXPECT_EQ(window_.octets(), 22u);
  EXPECT_THAT(release_all(), ElementsAre("first", "second", "third", "fourth"));
  EXPECT_EQ(window_.messages(), 0u);
  EXPECT_EQ(window_.octets(), 0u);
}

TEST_F(DelayWindowTest, KnowsWhatIsFarByItsPlace) {
  EXPECT_FALSE(window_.is_far(at(100)));
  window_.add_far(at(50, 5), delayed("far"));
  EXPECT_TRUE(window_.is_far(at(50, 6)));
  EXPECT_TRUE(window_.is_far(at(100)));
  EXPECT_FALSE(window_.is_far(at(50, 4)));
  EXPECT_FALSE(window_.is_far(at(10)));
  EXPECT_EQ(window_.messages(), 1u);
  EXPECT_EQ(window_.octets(), 3u);
  EXPECT_FALSE(window_.next_due());
}

TEST_F(DelayWindowTest, IsLimitedByCountAndByMemory) {
  for (Position i = 0; i < 10; ++i) window_.add_near(at(i), delayed(std::string(1'000, 'x')));
  EXPECT_FALSE(window_.is_larger_than({.messages = 10, .octets = 20'000}));
  EXPECT_TRUE(window_.is_larger_than({.messages = 9, .octets = 20'000}));
  EXPECT_TRUE(window_.is_larger_than({.messages = 10, .octets = 10'000}));
  EXPECT_EQ(window_.take_last().first, at(9));
  EXPECT_FALSE(window_.is_larger_than({.messages = 9, .octets = 20'000}));
}

TEST_F(DelayWindowTest, TakesBackWhatARestartHasLeft) {
  window_.restore({.messages = 3, .octets = 3});
  EXPECT_TRUE(window_.is_far(at(1)));
  EXPECT_TRUE(window_.wants_more({}));
  window_.take_back({{at(10), delayed("a", written)}, {at(20), delayed("b", written)}}, at(30), false);
  EXPECT_EQ(window_.messages(), 3u);
  EXPECT_EQ(window_.far().messages, 1u);
  EXPECT_EQ(window_.far().begin, at(30));
  EXPECT_FALSE(window_.is_far(at(29)));
  window_.take_back({{at(30), delayed("c", written)}}, at(31), true);
  EXPECT_FALSE(window_.wants_more({}));
  EXPECT_FALSE(window_.is_far(at(1'000)));
  EXPECT_THAT(release_all(), ElementsAre("a", "b", "c"));
}

TEST_F(DelayWindowTest, FindsWhatIsOnItsWayToTheStore) {
  window_.restore({.messages = 2, .octets = 2});
  window_.add_far(at(15), delayed("b"));
  window_.add_far(at(40), delayed("d"));
  window_.take_back({{at(10), delayed("a", written)}}, at(30), false);
  EXPECT_EQ(window_.far().messages, 2u);
  EXPECT_EQ(window_.unwritten_messages(), 1u);
  window_.take_back({{at(30), delayed("c", written)}}, at(31), true);
  EXPECT_EQ(window_.messages(), 4u);
  EXPECT_THAT(release_all(), ElementsAre("a", "b", "c", "d"));
}

TEST_F(DelayWindowTest, CountsOnceWhatWasWrittenWhileItWasRead) {
  window_.add_far(at(10), delayed("a"));
  window_.add_far(at(20), delayed("b"));
  window_.take_back({{at(10), delayed("a", written)}}, at(11), true);
  EXPECT_EQ(window_.messages(), 2u);
  EXPECT_EQ(window_.octets(), 2u);
  EXPECT_THAT(release_all(), ElementsAre("a", "b"));
}

TEST_F(DelayWindowTest, ForgetsWhatHasBeenWritten) {
  window_.add_far(at(10), delayed("a", written));
  window_.add_far(at(20), delayed("b", unwritten));
  window_.forget_written(is_written);
  EXPECT_EQ(window_.unwritten_messages(), 1u);
  EXPECT_EQ(window_.messages(), 2u);
  window_.take_back({{at(10), delayed("a", written)}}, at(11), true);
  EXPECT_THAT(release_all(), ElementsAre("a", "b"));
}

TEST_F(DelayWindowTest, DoesNotReadAgainAtOnceWhatIsTooLarge) {
  window_.add_near(at(1), delayed("small"));
  window_.add_near(at(2), delayed(std::string(2'000, 'x')));
  auto [place, large] = window_.take_last();
  window_.add_far(place, std::move(large));
  EXPECT_FALSE(window_.wants_more({.messages = 10, .octets = 2'000}));
  window_.take_first();
  EXPECT_TRUE(window_.wants_more({.messages = 10, .octets = 2'000}));
}

TEST_F(DelayWindowTest, GoesOnBehindWhatCannotBeRead) {
  window_.restore({.messages = 2, .octets = 2});
  window_.skip_until(at(10, 2));
  EXPECT_EQ(window_.messages(), 1u);
  EXPECT_EQ(window_.far().begin, at(10, 2));
}

TEST_F(DelayWindowTest, TellsOfEverythingInMemoryWhenItIsCleared) {
  window_.add_near(at(1), delayed("a", written));
  window_.add_far(at(2), delayed("b", unwritten));
  std::vector<AppendNumber> cleared;
  window_.clear([&](const Delayed& each) { cleared.push_back(each.append); });
  EXPECT_THAT(cleared, ElementsAre(written, unwritten));
  EXPECT_EQ(window_.messages(), 0u);
  EXPECT_THAT(release_all(), IsEmpty());
}

}  // namespace
}  // namespace leveret::broker
