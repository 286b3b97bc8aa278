#include "management/samples.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace leveret::management {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t samples_per_answer_max = 10'000;

constexpr std::array<Retention, 2> of_objects{{{seconds{0}, 121}, {seconds{60}, 61}}};
constexpr std::array<Retention, 4> of_totals{
    {{seconds{0}, 121}, {seconds{60}, 61}, {seconds{600}, 49}, {seconds{1800}, 49}}};

std::optional<std::int64_t> number(const Request& request, const std::string& name) {
  const auto text = request.query_value(name);
  std::int64_t value = 0;
  if (!text) return {};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc{} && end == text->data() + text->size() ? std::optional{value} : std::nullopt;
}

/// Nothing when one of the two is missing or no number: RabbitMQ then answers as if neither had been given.
std::optional<SampleRange> range_of(const Request& request, const std::string& kind) {
  const auto age = number(request, kind + "_age");
  const auto increment = number(request, kind + "_incr");
  if (!age || !increment) return {};
  const bool is_valid = *age > 0 && *increment > 0 && *age / *increment <= samples_per_answer_max;
  if (!is_valid)
    throw bad_request(json::string{fmt::format("Invalid range parameters: age {}, incr {}", *age, *increment)});
  return SampleRange{.age = seconds{*age}, .increment = seconds{*increment}};
}

std::uint64_t stamp(SampleTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

}  // namespace

SampleRanges::SampleRanges(const Request& request)
    : lengths(range_of(request, "lengths")),
      messages(range_of(request, "msg_rates")),
      octets(range_of(request, "data_rates")),
      resources(range_of(request, "node_stats")) {}

std::span<const Retention> retention_of_objects() {
  return of_objects;
}

std::span<const Retention> retention_of_totals() {
  return of_totals;
}

// --- one series

Series::Series(std::size_t width, std::span<const Retention> retention) : width_(width) {
  for (const Retention& kept : retention) tracks_.push_back({.retention = kept});
}

void Series::add(SampleTime time, std::span<const std::uint64_t> numbers, std::size_t count_max) {
  for (Track& track : tracks_)
    if (track.samples.empty() || time - track.last_taken >= track.retention.interval)
      add(track, time, numbers, count_max);
}

void Series::add(Track& track, SampleTime time, std::span<const std::uint64_t> numbers, std::size_t count_max) const {
  track.last_taken = time;
  const std::size_t stride = width_ + 1;
  const std::size_t taken = count(track);
  const auto is_like = [&](std::size_t i) { return std::equal(numbers.begin(), numbers.end(), sample(track, i) + 1); };
  if (taken >= 2 && is_like(taken - 1) && is_like(taken - 2)) {
    track.samples[(taken - 1) * stride] = stamp(time);
    return;
  }
  track.samples.push_back(stamp(time));
  track.samples.insert(track.samples.end(), numbers.begin(), numbers.end());
  const std::size_t kept = std::max<std::size_t>(2, std::min(count_max, track.retention.count_max));
  if (const std::size_t now = taken + 1; now > kept)
    track.samples.erase(track.samples.begin(),
                        track.samples.begin() + static_cast<std::ptrdiff_t>((now - kept) * stride));
}

std::optional<Series::LastTwo> Series::last_two() const {
  const Track& finest = tracks_.front();
  const std::size_t taken = count(finest);
  if (taken < 2) return {};
  return LastTwo{.before = sample(finest, taken - 2), .last = sample(finest, taken - 1)};
}

double Series::rate(std::size_t number) const {
  const auto samples = last_two();
  if (!samples) return 0;
  const auto [before, last] = *samples;
  const double seconds_between = static_cast<double>(last[0] - before[0]) / 1000;
  const auto growth = static_cast<std::int64_t>(last[number + 1] - before[number + 1]);
  return seconds_between > 0 ? static_cast<double>(growth) / seconds_between : 0;
}

std::optional<SampleTime> Series::unchanged_since() const {
  const auto samples = last_two();
  if (!samples) return {};
  const auto [before, last] = *samples;
  if (!std::equal(last + 1, last + 1 + width_, before + 1)) return {};
  return SampleTime{milliseconds{before[0]}};
}

/// The finest that reaches so far back.
const Series::Track& Series::track_for(seconds age) const {
  constexpr seconds sampling_interval{5};
  for (const Track& track : tracks_) {
    const seconds interval = std::max(track.retention.interval, sampling_interval);
    if (interval * (track.retention.count_max - 1) >= age) return track;
  }
  return tracks_.back();
}

std::uint64_t Series::at(std::size_t number, SampleTime time, seconds age) const {
  const Track& track = track_for(age);
  std::size_t begin = 0;
  std::size_t end = count(track);
  while (begin < end) {  // the first sample that is later
    const std::size_t middle = (begin + end) / 2;
    if (sample(track, middle)[0] <= stamp(time))
      begin = middle + 1;
    else
      end = middle;
  }
  return begin == 0 ? 0 : sample(track, begin - 1)[number + 1];
}

// --- one number

json::object Line::details(const std::optional<SampleRange>& range, SampleTime now) const {
  double rate = 0;
  for (const Term& term : terms_) rate += term.series->rate(term.number);
  json::object details{{"rate", rate}};
  if (!range) return details;

  const milliseconds increment{range->increment};
  const SampleTime newest{now.time_since_epoch() / increment * increment};
  json::array samples;
  double sum = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  for (milliseconds back{0}; back <= range->age; back += increment) {
    last = 0;
    for (const Term& term : terms_) last += term.series->at(term.number, newest - back, range->age);
    if (back.count() == 0) first = last;
    sum += static_cast<double>(last);
    samples.push_back(json::object{{"sample", last}, {"timestamp", (newest - back).time_since_epoch().count()}});
  }
  const auto intervals = static_cast<double>(samples.size() - 1);
  details["avg"] = sum / static_cast<double>(samples.size());
  if (intervals > 0)
    details["avg_rate"] = static_cast<double>(static_cast<std::int64_t>(first - last)) /
                          (intervals * static_cast<double>(range->increment.count()));
  details["samples"] = std::move(samples);
  return details;
}

}  // namespace leveret::management
