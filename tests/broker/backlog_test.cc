#include "broker/backlog.h"

#include <gtest/gtest.h>

#include <thread>

namespace leveret::broker {
namespace {

constexpr std::size_t full = Backlog::full_octets;

TEST(Backlog, CountsMailUntilItHasBeenReadAndWritten) {
  Backlog backlog;
  backlog.mail_sent(full);
  EXPECT_TRUE(backlog.is_full());
  backlog.dealt_with(full, full);
  EXPECT_TRUE(backlog.is_full()) << "read, and not yet written";
  backlog.dealt_with(0, full - 1);
  EXPECT_FALSE(backlog.is_full());
  backlog.mail_sent(1);
  EXPECT_TRUE(backlog.is_full());
}

TEST(Backlog, NobodyWaitsWhileItIsNotFull) {
  Backlog backlog;
  backlog.mail_sent(full - 1);
  EXPECT_FALSE(backlog.wait([] { FAIL(); }));
  backlog.dealt_with(full - 1, 0);
}

TEST(Backlog, TellsAllWhoWaitOnceItHasDrained) {
  Backlog backlog;
  int told = 0;
  backlog.mail_sent(full);
  EXPECT_TRUE(backlog.wait([&] { ++told; }));
  EXPECT_TRUE(backlog.wait([&] { ++told; }));
  backlog.dealt_with(full, full - 1);
  EXPECT_EQ(told, 0) << "not full any more, but far from drained";
  EXPECT_FALSE(backlog.wait([] { FAIL(); }));
  backlog.dealt_with(0, Backlog::drained_octets);
  EXPECT_EQ(told, 2);
  backlog.dealt_with(0, 0);
  EXPECT_EQ(told, 2);
}

TEST(Backlog, ForgetsNobodyWhoBeginsToWaitAsItDrains) {
  constexpr int rounds = 20'000;
  Backlog backlog;
  std::atomic<int> sent{0};
  std::thread owner{[&] {
    for (int round = 1; round <= rounds; ++round) {
      while (sent.load() < round) std::this_thread::yield();
      backlog.dealt_with(full, 0);
    }
  }};
  for (int round = 1; round <= rounds; ++round) {
    backlog.mail_sent(full);
    sent.store(round);
    std::atomic<bool> is_told{false};
    if (!backlog.wait([&] { is_told = true; })) continue;
    while (!is_told) std::this_thread::yield();
  }
  owner.join();
}

}  // namespace
}  // namespace leveret::broker
