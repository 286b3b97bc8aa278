#pragma once
#include <cstdint>

#include "broker/block_pool.h"

namespace leveret::broker {

/// Which publishes of a session are not yet safe in all of their queues.
///
/// Publishes are numbered from 1.  What has become safe is told once per turn and in order: all up to the oldest unsafe
/// one in a single word.  A publish that is safe before an older one waits for it, a sync of the store at most.
class Confirms {
 public:
  /// The number of a publish that goes to `queues` queues; with none it is safe at once.
  std::uint64_t expect(std::size_t queues) {
    unanswered_.push_back(static_cast<std::uint32_t>(queues));
    return first_ + unanswered_.size() - 1;
  }

  std::uint64_t expected() const { return first_ - 1 + unanswered_.size(); }

  /// Publishes that are not told yet.
  std::size_t unanswered() const { return unanswered_.size(); }

  /// One of the queues of that publish has it.
  void complete(std::uint64_t sequence) { --unanswered_[sequence - first_]; }

  /// One of the queues of that publish has refused it.
  void refuse(std::uint64_t sequence) {
    auto& unanswered = unanswered_[sequence - first_];
    unanswered = (unanswered - 1) | refused;
  }

  /// Calls `answer(sequence, is_multiple, is_refused)` for each run of like answers that are new.
  template <class Answer>
  void tell(Answer answer) {
    while (!unanswered_.empty() && is_answered(unanswered_.front())) {
      const std::uint32_t like = unanswered_.front();
      const std::uint64_t first_before = first_;
      while (!unanswered_.empty() && unanswered_.front() == like) {
        unanswered_.pop_front();
        ++first_;
      }
      answer(first_ - 1, first_ - first_before > 1, like == refused);
    }
  }

 private:
  static constexpr std::uint32_t refused = 1u << 31;  // beside the count
  static bool is_answered(std::uint32_t unanswered) { return (unanswered & ~refused) == 0; }

  std::uint64_t first_ = 1;                  // the oldest that is not told
  PooledDeque<std::uint32_t> unanswered_{};  // how many queues publish first_ + i waits for
};

}  // namespace leveret::broker
