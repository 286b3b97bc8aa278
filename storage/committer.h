#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "storage/store.h"

namespace leveret::storage {

struct PutDefinition {
  std::string key{};
  std::string value{};
};

struct EraseDefinition {
  std::string key{};
};

struct DropQueue {
  QueueId queue{};
};

struct CommitBatch {
  std::unique_ptr<Batch> batch{};
  CommitHandler done{};
};

/// What the committer is handed, in the order in which it is to reach the disk.
using Order = std::variant<PutDefinition, EraseDefinition, DropQueue, CommitBatch>;

/// Makes orders durable; used by the committer's thread alone.
class GroupWriter {
 public:
  virtual ~GroupWriter() = default;

  /// Takes note of an order, which stays where it is until the group is written.  Errors: StoreError, when it gave up
  /// (see `Committer::endure`).
  virtual void stage(const Order& order) = 0;

  /// Writes all that was staged since it last succeeded, and syncs it.  The error if it could not; it may be called
  /// again then, and nothing is staged until it has succeeded.  Errors besides: as `stage`.
  virtual std::optional<StoreError> write() = 0;
};

/// A thread that writes what is handed over: everything that waits becomes one group with one sync, and the next group
/// starts when the last one ends.  Takes calls from any thread.
class Committer {
 public:
  struct Options {
    std::function<void(const StoreError&)> on_alarm{};
    std::function<void()> on_alarm_cleared{};
    std::chrono::milliseconds retry_after_min{};
    std::chrono::milliseconds retry_after_max{};
  };

  /// A group takes no further order once it has this many octets of content.
  static constexpr std::size_t group_octets_max = 16 << 20;

  /// `writer` outlives the committer.
  Committer(GroupWriter& writer, Options options);
  /// Ends at once, as `Ending::at_once`.
  ~Committer();

  void hand_over(Order order);
  StoreLoad load() const;

  /// For the writer, on the committer's thread: raises the alarm over what keeps it from working, and waits until it is
  /// to be tried again.  False when the writer is to give up, because the committer ends.
  bool endure(const StoreError& error);

  enum class Ending : std::uint8_t { when_all_is_written, at_once };

  /// Ends the thread.  Batches that have not been written by then, because writing fails or because it is to end at
  /// once, are handed back as failed.  The error that kept it from writing, if one did.
  std::optional<StoreError> stop(Ending ending);

 private:
  void run();
  void take_group(std::deque<Order>& group);
  bool write_group(const std::deque<Order>& group);
  void count(const std::deque<Order>& group, std::chrono::nanoseconds time);
  std::optional<Ending> wait_for_ending(std::chrono::milliseconds time);
  static void hand_back(std::deque<Order>& orders, StoreStatus status);

  GroupWriter& writer_;
  const Options options_;

  // The thread's own until it has ended.
  std::optional<StoreError> error_{};
  std::chrono::milliseconds retry_after_;
  bool is_alarmed_ = false;
  int last_tries_ = 0;  // of the group that is being written

  mutable std::mutex mutex_;  // guards what follows
  StoreLoad load_{};
  std::condition_variable changed_;
  std::deque<Order> waiting_{};
  std::optional<Ending> ending_{};

  std::thread thread_;
};

}  // namespace leveret::storage
