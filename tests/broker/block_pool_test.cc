#include "broker/block_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace leveret::broker {
namespace {

#ifndef LEVERET_SANITIZED
TEST(BlockPool, GivesABlockOfTheSameSizeAgain) {
  void* first = BlockPool::take(100);
  BlockPool::give_back(first, 100);
  void* again = BlockPool::take(128);  // of the same list
  EXPECT_EQ(again, first);
  void* other = BlockPool::take(100);
  EXPECT_NE(other, first);
  BlockPool::give_back(again, 128);
  BlockPool::give_back(other, 100);
}
#endif

TEST(BlockPool, NeverGivesABlockToTwo) {
  for (int round = 0; round < 3; ++round) {
    std::map<void*, std::size_t> taken;
    for (std::size_t size = 1; size <= 2 * BlockPool::block_size_max; size += 31) {
      void* block = BlockPool::take(size);
      std::memset(block, 0xAB, size);
      EXPECT_TRUE(taken.emplace(block, size).second);
    }
    for (const auto& [block, size] : taken) BlockPool::give_back(block, size);
  }
}

TEST(BlockPool, TakesWhatAnotherThreadHasTaken) {
  std::vector<void*> blocks;
  std::thread{[&] {
    for (int i = 0; i < 1000; ++i) blocks.push_back(BlockPool::take(64));
  }}.join();
  for (void* block : blocks) BlockPool::give_back(block, 64);
  std::thread{[&] { BlockPool::give_back(BlockPool::take(64), 64); }}.join();
}

#ifndef LEVERET_SANITIZED
TEST(BlockPool, PassesBlocksOnFromThreadToThread) {
  constexpr std::size_t count = 10'000;
  constexpr std::size_t size = 192;
  std::set<void*> first;
  for (std::size_t i = 0; i < count; ++i) first.insert(BlockPool::take(size));
  std::thread{[&] {
    for (void* block : first) BlockPool::give_back(block, size);
  }}.join();
  std::vector<void*> second;
  for (std::size_t i = 0; i < count; ++i) second.push_back(BlockPool::take(size));
  const auto again = std::ranges::count_if(second, [&](void* block) { return first.contains(block); });
  EXPECT_GT(again, static_cast<std::ptrdiff_t>(count * 9 / 10));
  for (void* block : second) BlockPool::give_back(block, size);
}

TEST(BlockPool, IsForManyThreadsAtOnce) {
  std::mutex mutex;
  std::vector<void*> passed;
  const auto work = [&](std::size_t seed) {
    for (std::size_t i = 0; i < 20'000; ++i) {
      auto* block = static_cast<std::size_t*>(BlockPool::take(128));
      block[0] = block[15] = seed + i;
      const std::lock_guard lock{mutex};
      passed.push_back(block);
      if (i % 3 == 0) continue;
      auto* other = static_cast<std::size_t*>(passed.back());
      passed.pop_back();
      ASSERT_EQ(other[0], other[15]);
      BlockPool::give_back(other, 128);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 4; ++i) threads.emplace_back(work, i << 32);
  }
  EXPECT_EQ(std::set<void*>(passed.begin(), passed.end()).size(), passed.size()) << "none was given to two";
  for (void* block : passed) BlockPool::give_back(block, 128);
}
#endif

TEST(BlockPool, ServesContainers) {
  std::deque<int, PoolAllocator<int>> numbers;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 10'000; ++i) numbers.push_back(i);
    for (int i = 0; i < 10'000; ++i) {
      ASSERT_EQ(numbers.front(), i);
      numbers.pop_front();
    }
  }
  std::vector<int, PoolAllocator<int>> large(100'000, 7);
  large.resize(200'000, 8);
  EXPECT_EQ(large.front() + large.back(), 15);
}

}  // namespace
}  // namespace leveret::broker
