#include "perf/latency_histogram.h"

#include <gtest/gtest.h>

namespace leveret::perf {
namespace {

using namespace std::chrono_literals;

TEST(LatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.quantile(0.5), 0ns);
  EXPECT_EQ(histogram.max(), 0ns);
}

TEST(LatencyHistogram, TellsShortLatenciesExactly) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.record(std::chrono::nanoseconds{i});
  EXPECT_EQ(histogram.quantile(0.01), 1ns);
  EXPECT_EQ(histogram.quantile(0.5), 50ns);
  EXPECT_EQ(histogram.quantile(1), 100ns);
}

class LatencyHistogramTo : public testing::TestWithParam<std::chrono::nanoseconds> {};

TEST_P(LatencyHistogramTo, IsOffByOneSixtyFourthAtMost) {
  LatencyHistogram histogram;
  histogram.record(GetParam());
  histogram.record(200s);  // so that it is not the largest that bounds the answer
  EXPECT_GE(histogram.quantile(0.5), GetParam());
  EXPECT_LE(histogram.quantile(0.5), GetParam() + GetParam() / 64);
}
INSTANTIATE_TEST_SUITE_P(Of, LatencyHistogramTo,
                         testing::Values(0ns, 63ns, 64ns, 127ns, 128ns, 129ns, 255ns, 256ns, 1us, 999us, 1ms, 12345us,
                                         1s, 59s),
                         [](const auto& row) { return std::to_string(row.param.count()); });

TEST(LatencyHistogram, NeverTellsMoreThanTheLargest) {
  LatencyHistogram histogram;
  histogram.record(1'000'001ns);
  EXPECT_EQ(histogram.quantile(1), 1'000'001ns);
  EXPECT_EQ(histogram.max(), 1'000'001ns);
}

TEST(LatencyHistogram, CountsWhatIsTooLongAmongTheLongest) {
  LatencyHistogram histogram;
  histogram.record(24h);
  histogram.record(-1s);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.max(), 24h);
  EXPECT_EQ(histogram.quantile(0.5), 0ns);
  EXPECT_GT(histogram.quantile(1), 100s);
}

TEST(LatencyHistogram, AddsAnother) {
  LatencyHistogram all, other;
  all.record(1ms);
  other.record(3ms);
  other.record(3ms);
  all.add(other);
  EXPECT_EQ(all.count(), 3u);
  EXPECT_EQ(all.max(), 3ms);
  EXPECT_GE(all.quantile(0.5), 2900us);
}

}  // namespace
}  // namespace leveret::perf
