#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace leveret::perf {

/// How often which latency was seen, to within 1/64 of it, from a nanosecond to some minutes; longer ones count as
/// those.
class LatencyHistogram {
 public:
  void record(std::chrono::nanoseconds latency);
  void add(const LatencyHistogram& other);

  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds max() const { return max_; }
  /// What the share `quantile` of all latencies, from 0 to 1, does not exceed; 0 when there are none.
  std::chrono::nanoseconds quantile(double quantile) const;

 private:
  // Each power of two is divided into 64; below 64 ns each nanosecond counts for itself.
  static constexpr std::size_t steps = 64;
  static constexpr std::size_t powers = 34;

  static std::size_t step_of(std::uint64_t nanoseconds);
  static std::uint64_t upper_end(std::size_t step);

  std::array<std::uint64_t, steps * powers> counts_{};
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{};
};

}  // namespace leveret::perf
