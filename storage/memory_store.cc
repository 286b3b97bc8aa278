#include "storage/memory_store.h"

#include <map>
#include <mutex>

namespace leveret::storage {
namespace {

class MemoryStore final : public Store {
 public:
  void put_definition(std::string key, std::string value) override {
    const std::lock_guard lock{mutex_};
    definitions_.insert_or_assign(std::move(key), std::move(value));
  }

  void erase_definition(std::string key) override {
    const std::lock_guard lock{mutex_};
    definitions_.erase(key);
  }

  void drop_queue(QueueId) override {}

  void commit(std::unique_ptr<Batch> batch, CommitHandler done) override {
    done(std::move(batch), StoreStatus::stored);
  }

  void recover_definitions(const DefinitionVisitor& visit) override {
    const std::lock_guard lock{mutex_};
    for (const auto& [key, value] : definitions_) visit(key, value);
  }

  std::vector<QueueId> stored_queues() override { return {}; }
  QueueState recover_queue(QueueId, const MessageVisitor&) override { return {}; }
  bool stopped_cleanly() const override { return true; }
  void close() override {}

 private:
  std::mutex mutex_;  // guards definitions_
  std::map<std::string, std::string> definitions_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() {
  return std::make_unique<MemoryStore>();
}

}  // namespace leveret::storage
