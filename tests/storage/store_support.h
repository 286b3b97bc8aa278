#pragma once
#include <rocksdb/db.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/store.h"

namespace leveret::storage {

/// A directory that goes with its owner.  It is in memory where that can be had: syncs are simulated in these tests.
class TestDirectory {
 public:
  TestDirectory() {
    const std::filesystem::path memory = "/dev/shm";
    const auto parent = std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    std::string name = (parent / "leveret-storage-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path store() const { return path_ / "store"; }

 private:
  std::filesystem::path path_;
};

/// A content that owns its text.
inline Content content_of(std::string text) {
  auto owner = std::make_unique<std::string>(std::move(text));
  const Octets octets{reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()};
  return {octets, owner.release(), [](void* released) { delete static_cast<std::string*>(released); }};
}

/// A batch in the making.
class TestBatch {
 public:
  TestBatch& append(QueueId queue, Position position, std::string text, bool redelivered = false) {
    const auto content = batch_->add(content_of(std::move(text)));
    return append_again(queue, position, content, redelivered);
  }
  TestBatch& append_again(QueueId queue, Position position, ContentIndex content, bool redelivered = false,
                          bool is_transient = false) {
    batch_->appends.push_back({.queue = queue,
                               .position = position,
                               .content = content,
                               .redelivered = redelivered,
                               .is_transient = is_transient,
                               .body_octets = body_octets(content)});
    return *this;
  }
  TestBatch& append_transient(QueueId queue, Position position, std::string text) {
    return append_again(queue, position, batch_->add(content_of(std::move(text))), false, true);
  }
  ContentIndex content(std::string text) { return batch_->add(content_of(std::move(text))); }
  TestBatch& settle(QueueId queue, Position position, std::size_t body_octets = 0, bool is_transient = false) {
    batch_->settlements.push_back({.queue = queue,
                                   .position = position,
                                   .is_transient = is_transient,
                                   .body_octets = static_cast<std::uint32_t>(body_octets)});
    return *this;
  }
  TestBatch& delay(QueueId queue, std::uint64_t due, Position position, std::string text, bool is_transient = false) {
    return delay_again(queue, due, position, content(std::move(text)), is_transient);
  }
  TestBatch& delay_again(QueueId queue, std::uint64_t due, Position position, ContentIndex content,
                         bool is_transient = false) {
    append_again(queue, position, content, false, is_transient);
    batch_->appends.back().due = DueTime{due};
    return *this;
  }
  TestBatch& settle_delayed(QueueId queue, std::uint64_t due, Position position, std::size_t body_octets = 0,
                            bool is_transient = false) {
    settle(queue, position, body_octets, is_transient);
    batch_->settlements.back().due = DueTime{due};
    return *this;
  }
  TestBatch& mark_delivered(QueueId queue, Position before) {
    batch_->delivered.push_back({.queue = queue, .before = before});
    return *this;
  }
  TestBatch& count_returns(QueueId queue, Position position, std::uint32_t returns) {
    batch_->returns.push_back({.queue = queue, .position = position, .returns = returns});
    return *this;
  }
  TestBatch& purge(QueueId queue, Position before, Position from = 0) {
    batch_->purges.push_back({.queue = queue, .before = before, .from = from});
    return *this;
  }
  /// In these tests, a message's content is its body.
  std::uint32_t body_octets(ContentIndex content) const {
    return static_cast<std::uint32_t>(batch_->contents[static_cast<std::size_t>(content)].octets().size());
  }
  std::unique_ptr<Batch> take() { return std::exchange(batch_, std::make_unique<Batch>()); }

 private:
  std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();
};

/// Hands over what is in `batch`; the answer comes when the store gives one.
inline std::future<StoreStatus> commit(Store& store, TestBatch& batch) {
  auto answer = std::make_shared<std::promise<StoreStatus>>();
  auto result = answer->get_future();
  store.commit(batch.take(), [answer](std::unique_ptr<Batch>, StoreStatus status) { answer->set_value(status); });
  return result;
}

struct RecoveredMessage {
  std::string text{};
  bool redelivered = false;
  std::uint32_t returns = 0;
  friend bool operator==(const RecoveredMessage&, const RecoveredMessage&) = default;
  friend std::ostream& operator<<(std::ostream& output, const RecoveredMessage& message) {
    output << message.text << (message.redelivered ? " (redelivered)" : "");
    if (message.returns > 0) output << " (came back " << message.returns << " times)";
    return output;
  }
};

struct RecoveredQueue {
  std::map<Position, RecoveredMessage> messages{};
  Position next_position = 0;
  QueueState state{};
};

inline RecoveredQueue recover(Store& store, QueueId queue) {
  RecoveredQueue result;
  result.state = store.recover_queue(queue, [&result](const StoredMessage& message) {
    const std::string text{reinterpret_cast<const char*>(message.content.data()), message.content.size()};
    result.messages[message.position] = {.text = text, .redelivered = message.redelivered, .returns = message.returns};
  });
  result.next_position = result.state.next_position;
  return result;
}

/// Reads once, and waits for the answer.
inline ReadResult read(Store& store, QueueId queue, Position from, ReadLimits limits = {}) {
  std::promise<ReadResult> answer;
  store.read(queue, from, limits, [&answer](ReadResult result) { answer.set_value(std::move(result)); });
  return answer.get_future().get();
}

inline std::string text_of(Octets octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

/// Everything from `from` on, read piece by piece; the error of a piece ends it.
struct ReadQueue {
  std::map<Position, std::string> messages{};
  std::vector<std::size_t> pieces{};  // how many messages each had
  std::optional<StoreError> error{};
};

inline ReadQueue read_all(Store& store, QueueId queue, Position from = 0, ReadLimits limits = {}) {
  ReadQueue result;
  for (bool is_end = false; !is_end;) {
    const ReadResult piece = read(store, queue, from, limits);
    if (piece.error) {
      result.error = piece.error;
      return result;
    }
    for (const auto& message : piece.messages) result.messages[message.position] = text_of(message.content);
    result.pieces.push_back(piece.messages.size());
    is_end = piece.is_end;
    from = piece.next;
  }
  return result;
}

/// How many keys begin with each octet.  The store is closed.
inline std::map<char, int> key_counts(const std::filesystem::path& store) {
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::OpenForReadOnly({}, store.string(), &opened).ok()) return {};
  const std::unique_ptr<rocksdb::DB> db{opened};
  const std::unique_ptr<rocksdb::Iterator> key{db->NewIterator({})};
  std::map<char, int> counts;
  for (key->SeekToFirst(); key->Valid(); key->Next()) ++counts[key->key()[0]];
  return counts;
}

}  // namespace leveret::storage
