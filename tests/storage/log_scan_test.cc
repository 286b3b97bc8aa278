#include "storage/log_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "storage/crc32c.h"

namespace leveret::storage {
namespace {

constexpr char whole = 1;
constexpr char first = 2;
constexpr char middle = 3;
constexpr char last = 4;

void put(std::string& octets, std::uint32_t number, int size) {
  for (int i = 0; i < size; ++i) octets.push_back(static_cast<char>(number >> (8 * i)));
}

std::string fragment(char type, std::string_view payload) {
  const std::string covered = type + std::string{payload};
  const std::uint32_t crc = crc32c(covered);
  std::string result;
  put(result, ((crc >> 15) | (crc << 17)) + 0xA282EAD8u, 4);
  put(result, static_cast<std::uint32_t>(payload.size()), 2);
  return result + covered;
}

std::string damaged(std::string fragment) {
  fragment.back() = static_cast<char>(fragment.back() ^ 1);
  return fragment;
}

/// The fragment, and zeros to the end of its block.
std::string block(std::string fragments) {
  fragments.resize(LogScan::block_size);
  return fragments;
}

bool finds_damage(std::string_view log) {
  LogScan scan;
  for (; !log.empty(); log.remove_prefix(std::min(log.size(), LogScan::block_size)))
    scan.take_block(log.substr(0, LogScan::block_size));
  return scan.has_found_damage();
}

TEST(LogScan, FindsNothingInALogThatIsWhole) {
  EXPECT_FALSE(finds_damage(""));
  EXPECT_FALSE(finds_damage(fragment(whole, "one") + fragment(whole, "two")));
  EXPECT_FALSE(finds_damage(block(fragment(whole, "one")) + std::string(3 * LogScan::block_size, '\0')));
  EXPECT_FALSE(finds_damage(fragment(first, std::string(LogScan::block_size - 7, 'x')) + fragment(last, "rest") +
                            fragment(whole, "next")));
}

TEST(LogScan, TakesATornLastWriteForTheEnd) {
  EXPECT_FALSE(finds_damage(fragment(whole, "one") + damaged(fragment(whole, "two"))));
  EXPECT_FALSE(finds_damage(fragment(whole, "one") + fragment(whole, "two").substr(0, 9)));
  EXPECT_FALSE(finds_damage(fragment(whole, "one") + "garbage that nobody wrote"));
}

TEST(LogScan, TakesPagesOfTheLastWriteInAnyOrderForTheEnd) {
  const std::string lost(LogScan::block_size, '\0');
  EXPECT_FALSE(
      finds_damage(block(fragment(whole, "one")) + lost + block(fragment(middle, "later")) + fragment(last, "latest")));
}

TEST(LogScan, FindsWhatIsNotWhatWasWrittenBeforeAnotherWrite) {
  EXPECT_TRUE(finds_damage(damaged(fragment(whole, "one")) + fragment(whole, "two")));
  EXPECT_TRUE(finds_damage(damaged(fragment(whole, "one")) + fragment(first, "two")));
  EXPECT_TRUE(finds_damage(block(damaged(fragment(whole, "one"))) + fragment(whole, "two")));
  EXPECT_TRUE(finds_damage(block("\x01\x02 a header of garbage") + fragment(whole, "two")));
  EXPECT_TRUE(finds_damage(std::string(LogScan::block_size, '\0') + fragment(whole, "two")));
}

}  // namespace
}  // namespace leveret::storage
