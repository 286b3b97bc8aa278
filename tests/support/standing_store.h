#pragma once
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tests/support/forwarding_store.h"

namespace leveret::test {

/// A store whose disk stands still until it is let go.  Commits are kept; everything else is the in-memory store's.
class StandingStore final : public ForwardingStore {
 public:
  struct Brake {
    std::mutex mutex{};
    bool is_on = false;
    std::vector<std::pair<std::unique_ptr<storage::Batch>, storage::CommitHandler>> waiting{};

    void engage() {
      const std::lock_guard lock{mutex};
      is_on = true;
    }
    void release() {
      std::unique_lock lock{mutex};
      is_on = false;
      auto released = std::exchange(waiting, {});
      lock.unlock();
      for (auto& [batch, done] : released) done(std::move(batch), storage::StoreStatus::stored);
    }
  };

  explicit StandingStore(Brake& brake) : brake_(brake) {}

  void commit(std::unique_ptr<storage::Batch> batch, storage::CommitHandler done) override {
    std::unique_lock lock{brake_.mutex};
    if (brake_.is_on) {
      brake_.waiting.emplace_back(std::move(batch), std::move(done));
      return;
    }
    lock.unlock();
    done(std::move(batch), storage::StoreStatus::stored);
  }

 private:
  Brake& brake_;
};

}  // namespace leveret::test
