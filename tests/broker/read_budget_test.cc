#include "broker/read_budget.h"

#include <gtest/gtest.h>

namespace leveret::broker {
namespace {

constexpr std::size_t limit = 1024 * 1024;

TEST(ReadBudgetTest, ThousandsOfReadsTakeNoMoreThanTheLimit) {
  ReadBudget budget;
  budget.limit(limit);
  std::size_t all = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::size_t octets = budget.next();
    budget.begin(octets);
    all += octets;
  }
  EXPECT_LE(all, limit);
  EXPECT_GT(all, limit / 2);
}

TEST(ReadBudgetTest, WhatHasBeenReadIsThereForTheNext) {
  ReadBudget budget;
  budget.limit(limit);
  const std::size_t first = budget.next();
  budget.begin(limit + 1);
  EXPECT_EQ(budget.next(), 0u) << "it may be exceeded";
  budget.end(limit + 1);
  EXPECT_EQ(budget.next(), first);
}

}  // namespace
}  // namespace leveret::broker
