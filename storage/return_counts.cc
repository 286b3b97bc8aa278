#include "storage/return_counts.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "storage/encoding.h"

namespace leveret::storage {

std::uint32_t ReturnCounts::at(std::uint32_t offset) const {
  const auto behind = std::ranges::upper_bound(runs_, offset, {}, &Run::first);
  return behind == runs_.begin() ? 0 : std::prev(behind)->count;
}

void ReturnCounts::set(std::uint32_t offset, std::uint32_t count) {
  const std::uint32_t next_count = at(offset + 1);
  begin_run(offset, count);
  begin_run(offset + 1, next_count);
  const auto counts_alike = [](const Run& one, const Run& other) { return one.count == other.count; };
  runs_.erase(std::unique(runs_.begin(), runs_.end(), counts_alike), runs_.end());
  if (!runs_.empty() && runs_.front().count == 0) runs_.erase(runs_.begin());
}

void ReturnCounts::begin_run(std::uint32_t first, std::uint32_t count) {
  const auto run = std::ranges::lower_bound(runs_, first, {}, &Run::first);
  if (run != runs_.end() && run->first == first)
    run->count = count;
  else
    runs_.insert(run, {.first = first, .count = count});
}

void ReturnCounts::encode(std::string& output) const {
  append_varint(output, runs_.size());
  std::uint32_t last = 0;
  for (const Run& run : runs_) {
    append_varint(output, run.first - last);
    append_varint(output, run.count);
    last = run.first;
  }
}

std::optional<ReturnCounts> ReturnCounts::decode(std::string_view& input) {
  const auto runs = take_varint(input);
  if (!runs) return std::nullopt;
  ReturnCounts counts;
  std::uint64_t first = 0;
  for (std::uint64_t i = 0; i < *runs; ++i) {
    const auto gap = take_varint(input);
    const auto count = take_varint(input);
    constexpr std::uint64_t max = std::numeric_limits<std::uint32_t>::max();
    if (!gap || !count || *gap > max || *count > max || (i > 0 && *gap == 0)) return std::nullopt;
    first += *gap;
    if (first > max) return std::nullopt;
    counts.runs_.push_back({.first = static_cast<std::uint32_t>(first), .count = static_cast<std::uint32_t>(*count)});
  }
  return counts;
}

}  // namespace leveret::storage
