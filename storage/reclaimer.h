#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "storage/database.h"

namespace leveret::storage {

/// A thread that has a database give back the space of what was deleted, which RocksDB by itself does only when much is
/// written after it.  Takes calls from any thread.
class Reclaimer {
 public:
  /// `database` outlives the reclaimer.
  explicit Reclaimer(Database& database) : database_(database), thread_([this] { run(); }) {}
  /// As `stop`.
  ~Reclaimer() { stop(); }

  /// So many octets have been deleted.
  void note_freed(std::uint64_t octets);
  void stop();

 private:
  bool wait_for_work();
  void run();
  void reclaim();
  void compact(bool rewrites_blobs);

  Database& database_;
  std::uint64_t enough_octets_ = 0;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::uint64_t freed_octets_ = 0;
  std::chrono::steady_clock::time_point last_freed_{};
  bool is_ending_ = false;

  std::thread thread_;
};

}  // namespace leveret::storage
