#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "management/request.h"

namespace leveret::management {

using SampleTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// How far back samples are asked for, and how far apart: the query's `lengths_age` and `lengths_incr`, in seconds.
struct SampleRange {
  std::chrono::seconds age{};
  std::chrono::seconds increment{};
};

/// The ranges that a query asks for; each kind of number has its own.
///
/// Throws: Refusal for a range that is none, or would have more than some thousand samples.
struct SampleRanges {
  explicit SampleRanges(const Request& request);

  std::optional<SampleRange> lengths{};    // of queues
  std::optional<SampleRange> messages{};   // msg_rates: published, delivered, acknowledged
  std::optional<SampleRange> octets{};     // data_rates: of connections
  std::optional<SampleRange> resources{};  // node_stats, and churn
};

/// How many samples are kept, and how far apart at least.
struct Retention {
  std::chrono::seconds interval{};  // 0: every one that comes
  std::size_t count_max = 0;
};

/// RabbitMQ's "basic" and "global" retention, for samples every five seconds.
std::span<const Retention> retention_of_objects();
std::span<const Retention> retention_of_totals();

/// Samples of some numbers that belong together, the older ones further apart.  A run of equal samples is kept as its
/// first and its last, so what stands still costs next to nothing.
class Series {
 public:
  Series(std::size_t width, std::span<const Retention> retention);

  /// `count_max` bounds each of the retention's tracks as well, and is at least two.
  void add(SampleTime time, std::span<const std::uint64_t> numbers, std::size_t count_max = SIZE_MAX);

  /// How much one of the numbers grew per second between the last two samples; it may have shrunk.
  double rate(std::size_t number) const;
  /// Since when no number has changed from sample to sample; nothing when one has between the last two.
  std::optional<SampleTime> unchanged_since() const;
  /// As it was then; 0 before the first sample that is kept of that age.
  std::uint64_t at(std::size_t number, SampleTime time, std::chrono::seconds age) const;

 private:
  /// Samples one after the other: a time, then the numbers.
  struct Track {
    Retention retention{};
    SampleTime last_taken{};
    std::vector<std::uint64_t> samples{};
  };

  /// The last sample of the finest track and the one before it, each with its time first; nothing when there is one.
  struct LastTwo {
    const std::uint64_t* before;
    const std::uint64_t* last;
  };

  std::optional<LastTwo> last_two() const;
  void add(Track& track, SampleTime time, std::span<const std::uint64_t> numbers, std::size_t count_max) const;
  std::size_t count(const Track& track) const { return track.samples.size() / (width_ + 1); }
  const std::uint64_t* sample(const Track& track, std::size_t i) const { return &track.samples[i * (width_ + 1)]; }
  const Track& track_for(std::chrono::seconds age) const;

  std::size_t width_;
  std::vector<Track> tracks_{};  // the finest first
};

/// One number with a history: of one series, or the sum of several.
class Line {
 public:
  Line() = default;
  Line(const Series* series, std::size_t number) { add(series, number); }

  /// Nothing for one that has not been sampled yet.
  void add(const Series* series, std::size_t number) {
    if (series) terms_.push_back({series, number});
  }

  /// {"rate": ...}, and the samples and their average where a range is asked for.
  json::object details(const std::optional<SampleRange>& range, SampleTime now) const;

 private:
  struct Term {
    const Series* series = nullptr;
    std::size_t number = 0;
  };
  std::vector<Term> terms_{};
};

}  // namespace leveret::management
