#include "storage/memory_store.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <unordered_map>

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

  void drop_queue(QueueId queue) override {
    const std::lock_guard lock{mutex_};
    queues_.erase(queue);
  }

  void commit(std::unique_ptr<Batch> batch, CommitHandler done) override {
    {
      const std::lock_guard lock{mutex_};
      apply(*batch);
    }
    done(std::move(batch), StoreStatus::stored);
  }

  void read(QueueId queue, Position from, ReadLimits limits, ReadHandler done) override {
    done(read_between(queue, {.position = from}, first_delayed, limits));
  }

  void read_delayed(QueueId queue, DelayedPlace from, ReadLimits limits, ReadHandler done) override {
    done(read_between(queue, std::max(from, first_delayed), behind_all, limits));
  }

  void recover_definitions(const DefinitionVisitor& visit) override {
    const std::lock_guard lock{mutex_};
    for (const auto& [key, value] : definitions_) visit(key, value);
  }

  std::vector<QueueId> stored_queues() override { return {}; }
  QueueState recover_queue(QueueId) override { return {}; }
  QueueState recover_queue(QueueId, const MessageVisitor&) override { return {}; }
  bool stopped_cleanly() const override { return true; }
  void close() override {}

 private:
  struct Message {
    std::shared_ptr<const std::vector<std::uint8_t>> content{};
    bool redelivered = false;
    bool is_transient = false;
    std::uint32_t returns = 0;
  };
  using Messages = std::map<DelayedPlace, Message>;  // those that are not delayed first, by position
  static constexpr DelayedPlace first_delayed{.due = DueTime{1}};
  static constexpr DelayedPlace behind_all{.due = DueTime{std::numeric_limits<std::uint64_t>::max()}};

  void apply(const Batch& batch) {
    std::vector<std::shared_ptr<const std::vector<std::uint8_t>>> contents;
    for (const auto& content : batch.contents) {
      const Octets octets = content.octets();
      contents.push_back(std::make_shared<const std::vector<std::uint8_t>>(octets.begin(), octets.end()));
    }
    for (const auto& append : batch.appends) {
      queues_[append.queue][{append.due, append.position}] = {
          .content = contents[static_cast<std::size_t>(append.content)],
          .redelivered = append.redelivered,
          .is_transient = append.is_transient};
    }
    for (const auto& counted : batch.returns) {
      Messages& messages = queues_[counted.queue];
      const auto message = messages.find({.position = counted.position});
      if (message != messages.end()) message->second.returns = counted.returns;
    }
    for (const auto& settled : batch.settlements)
      erase(settled.queue, {settled.due, settled.position}, {settled.due, settled.position + 1});
    for (const auto& purge : batch.purges) erase(purge.queue, {.position = purge.from}, {.position = purge.before});
  }

  void erase(QueueId queue, const DelayedPlace& first, const DelayedPlace& end) {
    const auto found = queues_.find(queue);
    if (found == queues_.end() || first >= end) return;
    Messages& messages = found->second;
    messages.erase(messages.lower_bound(first), messages.lower_bound(end));
    if (messages.empty()) queues_.erase(found);
  }

  ReadResult read_between(QueueId queue, const DelayedPlace& from, const DelayedPlace& end, ReadLimits limits) const {
    const std::lock_guard lock{mutex_};
    ReadResult result{
        .messages = {}, .next = from.position, .next_due = from.due, .is_end = true, .error = {}, .buffers = {}};
    const auto found = queues_.find(queue);
    if (found == queues_.end()) return result;
    std::size_t octets = 0;
    const auto last = found->second.lower_bound(end);
    for (auto message = found->second.lower_bound(from); message != last; ++message) {
      const auto& [place, stored] = *message;
      octets += stored.content->size();
      const bool is_enough = result.messages.size() >= limits.messages || octets > limits.octets;
      if (is_enough && !result.messages.empty()) {
        result.is_end = false;
        break;
      }
      result.messages.push_back({.position = place.position,
                                 .redelivered = stored.redelivered,
                                 .is_transient = stored.is_transient,
                                 .returns = stored.returns,
                                 .content = *stored.content,
                                 .due = place.due});
      result.buffers.push_back(stored.content);
      result.next = place.position + 1;
      result.next_due = place.due;
    }
    return result;
  }

  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::string> definitions_;
  std::unordered_map<QueueId, Messages> queues_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() {
  return std::make_unique<MemoryStore>();
}

}  // namespace leveret::storage
