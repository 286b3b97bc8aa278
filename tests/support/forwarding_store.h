#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory_store.h"

namespace leveret::test {

/// A store in memory for a test that begins with nothing, and that has something else done in place of one call.
class ForwardingStore : public storage::Store {
 public:
  void commit(std::unique_ptr<storage::Batch> batch, storage::CommitHandler done) override {
    store_->commit(std::move(batch), std::move(done));
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
  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
};

}  // namespace leveret::test
