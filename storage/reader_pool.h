#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "storage/store.h"

namespace leveret::storage {

/// A read that was asked for.
struct ReadOrder {
  QueueId queue{};
  Position from{};
  std::optional<DueTime> delayed_from{};  // delayed messages are meant, from that time and position on
  ReadLimits limits{};
  ReadHandler done{};
};

/// Threads that read, so that nobody who asks has to wait for the disk, and the committer for nobody.
/// Takes calls from any thread.
class ReaderPool {
 public:
  /// Reads; called on any thread of the pool, several at once.
  using Reader = std::function<ReadResult(const ReadOrder&)>;

  ReaderPool(std::size_t threads, Reader reader);
  /// As `stop`.
  ~ReaderPool();

  void hand_over(ReadOrder order);

  /// Ends the threads.  What has not been begun is answered with an error.
  void stop();

 private:
  void run();
  std::optional<ReadOrder> take();

  const Reader reader_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<ReadOrder> waiting_{};
  bool is_ending_ = false;

  std::vector<std::thread> threads_{};
};

}  // namespace leveret::storage
