#include "perf/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace leveret::perf {

std::size_t LatencyHistogram::step_of(std::uint64_t nanoseconds) {
  const auto power = static_cast<std::size_t>(std::max(std::bit_width(nanoseconds), std::bit_width(steps))) -
                     static_cast<std::size_t>(std::bit_width(steps));
  return std::min(steps * power + static_cast<std::size_t>(nanoseconds >> power), steps * powers - 1);
}

std::uint64_t LatencyHistogram::upper_end(std::size_t step) {
  if (step < steps) return step;
  const std::size_t power = step / steps - 1;
  return ((step % steps + steps + 1) << power) - 1;
}

void LatencyHistogram::record(std::chrono::nanoseconds latency) {
  latency = std::max(latency, std::chrono::nanoseconds{0});
  ++counts_[step_of(static_cast<std::uint64_t>(latency.count()))];
  ++count_;
  max_ = std::max(max_, latency);
}

void LatencyHistogram::add(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::chrono::nanoseconds LatencyHistogram::quantile(double quantile) const {
  auto left = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
  for (std::size_t i = 0; i < counts_.size() && left > 0; ++i) {
    if (counts_[i] >= left) return std::min(std::chrono::nanoseconds{upper_end(i)}, max_);
    left -= counts_[i];
  }
  return {};
}

}  // namespace leveret::perf
