#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

namespace leveret::broker {

/// Which publishes of a session are not yet safe in all of their queues, and which have just become so.
///
/// Publishes are numbered from 1.  What has become safe is told once per turn: all up to the oldest unsafe one in a
/// single word, the others one by one, as RabbitMQ does it.
class Confirms {
 public:
  /// The number of a publish that goes to `queues` queues; with none it is safe at once.
  std::uint64_t expect(std::size_t queues) {
    waiting_.push_back(static_cast<std::int32_t>(queues));
    const std::uint64_t sequence = first_ + waiting_.size() - 1;
    if (queues == 0) safe_.push_back(sequence);
    return sequence;
  }

  /// One of the queues of that publish has it.
  void complete(std::uint64_t sequence) {
    if (--waiting_[sequence - first_] == 0) safe_.push_back(sequence);
  }

  bool has_news() const { return !safe_.empty(); }

  /// Calls `acknowledge(sequence, is_multiple)` for all that has become safe since the last time.
  template <class Acknowledge>
  void tell(Acknowledge acknowledge) {
    const std::uint64_t first_before = first_;
    for (const std::uint64_t sequence : safe_) waiting_[sequence - first_] = told;
    while (!waiting_.empty() && waiting_.front() == told) {
      waiting_.pop_front();
      ++first_;
    }
    // The newest of those that are safe without a gap speaks for all before it.
    std::uint64_t newest = 0;
    for (const std::uint64_t sequence : safe_)
      if (sequence < first_) newest = std::max(newest, sequence);
    if (newest != 0) acknowledge(newest, newest > first_before);
    for (const std::uint64_t sequence : safe_)
      if (sequence >= first_) acknowledge(sequence, false);
    safe_.clear();
  }

 private:
  static constexpr std::int32_t told = -1;

  std::uint64_t first_ = 1;
  std::deque<std::int32_t> waiting_{};  // how many queues publish first_ + i waits for, or `told`
  std::vector<std::uint64_t> safe_{};
};

}  // namespace leveret::broker
