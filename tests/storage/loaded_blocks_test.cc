#include "storage/loaded_blocks.h"

#include <gtest/gtest.h>

namespace leveret::storage {
namespace {

TEST(LoadedBlocks, AreSharedByTheQueuesThatHaveAny) {
  LoadedBlocks blocks;
  EXPECT_EQ(blocks.of_queue_max(), 512u);
  for (int queue = 0; queue < 1000; ++queue) blocks.changed(0, 3);
  EXPECT_EQ(blocks.of_queue_max(), 65u);
  for (int queue = 0; queue < 1000; ++queue) blocks.changed(3, 5);
  EXPECT_EQ(blocks.of_queue_max(), 65u) << "they had some before";
  for (int queue = 0; queue < 990; ++queue) blocks.changed(5, 0);
  EXPECT_EQ(blocks.of_queue_max(), 512u);
  for (int queue = 0; queue < 100'000; ++queue) blocks.changed(0, 1);
  EXPECT_EQ(blocks.of_queue_max(), 16u);
}

}  // namespace
}  // namespace leveret::storage
