#include "storage/return_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "storage/block_state.h"

namespace leveret::storage {
namespace {

std::string encoded(const ReturnCounts& counts) {
  std::string output;
  counts.encode(output);
  return output;
}

TEST(ReturnCounts, AreAllZeroAtFirst) {
  const ReturnCounts counts;
  EXPECT_TRUE(counts.empty());
  EXPECT_EQ(counts.at(0), 0u);
  EXPECT_EQ(counts.at(4095), 0u);
}

TEST(ReturnCounts, OfNeighboursThatCameBackTogetherTakeAFewOctets) {
  ReturnCounts counts;
  for (std::uint32_t offset = 4095; offset-- > 100;) counts.set(offset, 1);
  EXPECT_LE(encoded(counts).size(), 8u);
}

TEST(ReturnCounts, AreWhatWasSetLast) {
  std::mt19937 random{7};
  ReturnCounts counts;
  std::map<std::uint32_t, std::uint32_t> expected;
  const auto compare = [&expected](const ReturnCounts& compared) {
    for (std::uint32_t offset = 0; offset < 64; ++offset) ASSERT_EQ(compared.at(offset), expected[offset]) << offset;
  };
  for (int i = 0; i < 2000; ++i) {
    const std::uint32_t offset = random() % 64;
    const std::uint32_t count = random() % 4;
    counts.set(offset, count);
    expected[offset] = count;
    compare(counts);
    const std::string octets = encoded(counts);
    std::string_view input = octets;
    const auto decoded = ReturnCounts::decode(input);
    ASSERT_TRUE(decoded);
    ASSERT_EQ(*decoded, counts);
    ASSERT_TRUE(input.empty());
  }
}

TEST(ReturnCounts, NoTruncationCanBeRead) {
  ReturnCounts counts;
  counts.set(3, 1);
  counts.set(1000, 70'000);
  const std::string octets = encoded(counts);
  for (std::size_t size = 0; size < octets.size(); ++size) {
    std::string_view input{octets.data(), size};
    EXPECT_FALSE(ReturnCounts::decode(input)) << size;
  }
}

TEST(BlockState, KeepsCountsOfReturnsBesideWhatIsGone) {
  BlockState state{
      {{.position = 10, .body_octets = 1}, {.position = 11, .body_octets = 2, .returns = 5}, {.position = 30}}};
  state.set_returns(20, 3);
  state.settle(0, 1);
  const auto decoded = BlockState::decode(state.encode());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->returns(1), 5u);
  EXPECT_EQ(decoded->returns(20), 3u);
  EXPECT_TRUE(decoded->is_gone(0));
  EXPECT_TRUE(decoded->is_gone(2));
  EXPECT_FALSE(decoded->is_gone(1));
  EXPECT_EQ(decoded->live(), 2u);
  EXPECT_EQ(decoded->body_octets(), 2u);
}

}  // namespace
}  // namespace leveret::storage
