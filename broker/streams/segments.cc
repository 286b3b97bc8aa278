#include "broker/streams/segments.h"

#include <algorithm>

namespace leveret::broker {

void StreamSegments::restore(const StreamSegment& all, const std::vector<StreamSegment>& closed) {
  for (const StreamSegment& segment : closed) {
    const bool follows = closed_.empty() ? segment.begin >= all.begin : segment.begin == closed_.back().end;
    if (follows && segment.end <= all.end) closed_.push_back(segment);
  }
  octets_ = all.octets;
  active_ = all;
  if (!closed_.empty()) active_.begin = closed_.back().end;
  for (const StreamSegment& segment : closed_) active_.octets -= std::min(segment.octets, active_.octets);
}

void StreamSegments::append(std::uint64_t octets, WallTime arrival) {
  ++active_.end;
  active_.octets += octets;
  active_.last_arrival = arrival;
  octets_ += octets;
}

const StreamSegment& StreamSegments::close_active() {
  closed_.push_back(active_);
  active_ = {.begin = active_.end, .end = active_.end, .last_arrival = active_.last_arrival};
  return closed_.back();
}

std::vector<StreamSegment> StreamSegments::retain(const StreamRetention& retention, WallTime now) {
  std::vector<StreamSegment> gone;
  const auto must_go = [&](const StreamSegment& segment) {
    return (retention.octets_max && octets_ > *retention.octets_max) ||
           (retention.age_max && segment.last_arrival < now - *retention.age_max);
  };
  while (!closed_.empty() && must_go(closed_.front())) {
    octets_ -= std::min(closed_.front().octets, octets_);
    gone.push_back(closed_.front());
    closed_.pop_front();
  }
  return gone;
}

std::pair<Position, Position> StreamSegments::find(WallTime time) const {
  const auto found = std::ranges::find_if(closed_, [&](const auto& segment) { return segment.last_arrival >= time; });
  const StreamSegment& segment = found == closed_.end() ? active_ : *found;
  return {segment.begin, segment.end};
}

}  // namespace leveret::broker
