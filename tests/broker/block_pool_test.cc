#include "broker/block_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <map>
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
