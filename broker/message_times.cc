#include "broker/message_times.h"

#include <algorithm>

namespace leveret::broker {
namespace {

/// Of the messages that are worked on so many are looked at; a consumer without a prefetch limit may have any number.
constexpr std::size_t begun_max = 1'024;

}  // namespace

void TimeHistogram::add(std::chrono::duration<double> time) {
  const double seconds = std::max(time.count(), 0.0);
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), seconds);
  ++counts[static_cast<std::size_t>(bound - bounds.begin())];
  sum += seconds;
}

TimeHistogram& TimeHistogram::operator+=(const TimeHistogram& more) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += more.counts[i];
  sum += more.sum;
  return *this;
}

void MessageTimes::begin_work(Position position, TimePoint now) {
  if (begun_.size() < begun_max) begun_.insert_or_assign(position, now);
}

void MessageTimes::end_work(Position position, TimePoint now) {
  const auto found = begun_.find(position);
  if (found == begun_.end()) return;
  report_.work.add(now - found->second);
  begun_.erase(found);
}

}  // namespace leveret::broker
