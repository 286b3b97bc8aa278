#pragma once
#include <algorithm>
#include <cstddef>
#include <limits>

namespace leveret::broker {

/// What the reads of the store that a shard has under way may bring together, in octets: so that many queues which
/// begin in one turn, none of them with anything in memory yet, do not each take what one alone could have.
///
/// A queue may exceed it by the least that is worth a read.
class ReadBudget {
 public:
  void limit(std::size_t octets) { max_ = octets; }

  /// What the next read may bring: a part of what is left, so that something is left for those that follow.
  std::size_t next() const { return (max_ - std::min(max_, under_way_)) / part; }
  void begin(std::size_t octets) { under_way_ += octets; }
  void end(std::size_t octets) { under_way_ -= octets; }

 private:
  static constexpr std::size_t part = 8;

  std::size_t max_ = std::numeric_limits<std::size_t>::max();
  std::size_t under_way_ = 0;
};

}  // namespace leveret::broker
