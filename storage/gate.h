#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace leveret::storage {

/// Lets many use what one sometimes takes away to replace it.  Takes calls from any thread.
class Gate {
 public:
  /// A stay inside, unless the gate had ended.
  class Stay {
   public:
    explicit Stay(Gate& gate) : gate_(gate), is_inside_(gate.enter()) {}
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;
    ~Stay() {
      if (is_inside_) gate_.leave();
    }
    bool is_inside() const { return is_inside_; }

   private:
    Gate& gate_;
    bool is_inside_;
  };

  /// Lets nobody in any more, and waits until all have left.
  void close() {
    std::unique_lock lock{mutex_};
    is_open_ = false;
    changed_.wait(lock, [this] { return inside_ == 0; });
  }
  void open() {
    const std::lock_guard lock{mutex_};
    is_open_ = true;
    changed_.notify_all();
  }
  /// Sends those away who wait for it to open, and all who come later.
  void end() {
    const std::lock_guard lock{mutex_};
    has_ended_ = true;
    changed_.notify_all();
  }

 private:
  bool enter() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return is_open_ || has_ended_; });
    if (has_ended_) return false;
    ++inside_;
    return true;
  }
  void leave() {
    const std::lock_guard lock{mutex_};
    if (--inside_ == 0) changed_.notify_all();
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool is_open_ = true;
  bool has_ended_ = false;
  std::uint32_t inside_ = 0;
};

}  // namespace leveret::storage
