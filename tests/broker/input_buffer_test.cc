#include "broker/amqp/input_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace leveret::broker::amqp {
namespace {

constexpr std::size_t shared_octets = 16 * 1024;

class InputBufferTest : public testing::Test {
 protected:
  /// As a socket that gives what it has; what did not find room is left.
  std::string_view receive(std::string_view octets) {
    const auto space = input_.space();
    const std::size_t size = std::min(space.size(), octets.size());
    std::copy_n(octets.begin(), size, space.begin());
    input_.received(size);
    return octets.substr(size);
  }
  std::string_view unread() const {
    const auto octets = input_.unread();
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
  }
  void handle(std::size_t size) { input_.keep(input_.unread().subspan(size)); }
  void handle_all() { handle(input_.unread().size()); }
  /// What another connection reads.
  void overwrite_shared() { shared_.fill('?'); }

  std::array<std::uint8_t, shared_octets> shared_{};
  InputBuffer input_{shared_};
};

TEST_F(InputBufferTest, HasNoMemoryOfItsOwnWhileAllIsHandled) {
  for (int i = 0; i < 3; ++i) {
    receive("a frame");
    EXPECT_EQ(unread(), "a frame");
    handle_all();
    EXPECT_EQ(input_.own_octets(), 0u);
  }
}

TEST_F(InputBufferTest, KeepsTheBeginningOfAFrameWhileOthersRead) {
  receive("a frame, an");
  handle(9);
  overwrite_shared();
  EXPECT_EQ(unread(), "an");
  receive("other");
  EXPECT_EQ(unread(), "another");
  handle(2);
  overwrite_shared();
  receive("!");
  EXPECT_EQ(unread(), "other!");
}

TEST_F(InputBufferTest, GoesBackToTheSharedRoomWhenAllIsHandled) {
  receive("a fra");
  handle(0);
  receive("me");
  handle_all();
  receive("next");
  EXPECT_EQ(input_.unread().data(), shared_.data());
}

TEST_F(InputBufferTest, GivesItsMemoryBackAfterALargeFrame) {
  const std::string frame(5 * shared_octets, 'x');
  std::string_view left = receive(frame);
  while (!left.empty()) {
    EXPECT_TRUE(input_.may_have_more() || input_.unread().size() < shared_octets + 1);
    handle(0);
    overwrite_shared();
    left = receive(left);
  }
  EXPECT_EQ(unread(), frame);
  EXPECT_LE(input_.own_octets(), 2 * frame.size());
  handle_all();
  receive("small");
  handle_all();
  EXPECT_EQ(input_.own_octets(), 0u);
}

TEST_F(InputBufferTest, KnowsThatMoreMayHaveArrivedWhenAllRoomWasFilled) {
  receive(std::string(shared_octets, 'x'));
  handle_all();
  EXPECT_TRUE(input_.may_have_more());
  receive("x");
  handle_all();
  EXPECT_FALSE(input_.may_have_more());
}

TEST_F(InputBufferTest, GrowsWithWhatHasArrived) {
  receive(std::string(100, 'x'));
  handle(0);
  EXPECT_LE(input_.own_octets(), 4096u) << "however large the frame says it is";
}

TEST_F(InputBufferTest, HandsOverBitByBitWhatWasStoppedAt) {
  receive("123456");
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(unread().size(), 6 - i);
    EXPECT_EQ(unread().front(), static_cast<char>('1' + i));
    handle(1);
    overwrite_shared();
  }
  EXPECT_EQ(unread(), "");
}

}  // namespace
}  // namespace leveret::broker::amqp
