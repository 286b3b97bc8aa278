#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory_store.h"

namespace leveret::test {

/// A store whose disk stands still until it is let go.  Commits are kept; everything else is the in-memory store's.
class StandingStore final : public storage::Store {
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
  void put_definition(std::string key, std::string value) override { store_->put_definition(key, value); }
  void erase_definition(std::string key) override { store_->erase_definition(key); }
  void drop_queue(storage::QueueId queue) override { store_->drop_queue(queue); }
  void recover_definitions(const storage::DefinitionVisitor& visit) override { store_->recover_definitions(visit); }
  std::vector<storage::QueueId> stored_queues() override { return {}; }
  void read(storage::QueueId queue, storage::Position from, storage::ReadLimits limits,
            storage::ReadHandler done) override {
    store_->read(queue, from, limits, std::move(done));
  }
  void read_delayed(storage::QueueId queue, storage::DelayedPlace from, storage::ReadLimits limits,
                    storage::ReadHandler done) override {
    store_->read_delayed(queue, from, limits, std::move(done));
  }
  storage::QueueState recover_queue(storage::QueueId) override { return {}; }
  storage::QueueState recover_queue(storage::QueueId, const storage::MessageVisitor&) override { return {}; }
  bool stopped_cleanly() const override { return true; }
  void close() override {}

 private:
  Brake& brake_;
  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
};

}  // namespace leveret::test
