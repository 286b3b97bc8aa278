#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <future>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "storage/rocksdb_store.h"
#include "tests/storage/faulty_file_system.h"
#include "tests/storage/store_support.h"

namespace leveret::storage {
namespace {

using namespace std::chrono_literals;

/// What a store would hold if it were simple.
struct Model {
  struct Queue {
    std::map<Position, RecoveredMessage> messages{};
    std::map<Position, std::string> transient{};
    Position delivered_before = 0;
    Position next = 0;
  };
  std::map<std::uint64_t, Queue> queues{};
  std::map<std::string, std::string> definitions{};
};

/// What can be read after a restart: messages by queue, as far as there are any, and the definitions.
struct Readable {
  std::map<std::uint64_t, std::map<Position, RecoveredMessage>> queues{};
  std::map<std::string, std::string> definitions{};
  friend bool operator==(const Readable&, const Readable&) = default;
};

Readable readable(const Model& model) {
  Readable result{.queues = {}, .definitions = model.definitions};
  for (const auto& [id, queue] : model.queues) {
    for (auto [position, message] : queue.messages) {
      message.redelivered = message.redelivered || position < queue.delivered_before;
      result.queues[id][position] = std::move(message);
    }
  }
  return result;
}

/// What can be read of a queue before a restart.
std::map<Position, std::string> readable(const Model::Queue& queue) {
  auto result = queue.transient;
  for (const auto& [position, message] : queue.messages) result[position] = message.text;
  return result;
}

std::uint64_t octets(const std::map<Position, RecoveredMessage>& messages) {
  std::uint64_t result = 0;
  for (const auto& [position, message] : messages) result += message.text.size();
  return result;
}

/// Random work on one store directory, through several lives, each of which ends in one of the ways there are.
///
/// `history_` is the model before the first order of this life, after it, after the second ...  What a restart finds
/// has to be one of these, and none before the last one that was reported as stored; after a close, the last.
class Schedule {
 public:
  explicit Schedule(std::uint32_t seed) : random_(seed) {}

  void run() {
    for (int life = 0; life < 4 && !testing::Test::HasFailure(); ++life) {
      ASSERT_NO_FATAL_FAILURE(start());
      const int orders = number(1, 40);
      for (int i = 0; i < orders; ++i) give_order();
      if (happens(50) && !is_failing_) compare_reads();
      if (testing::Test::HasFailure()) return;
      end();
    }
    if (testing::Test::HasFailure()) return;
    ASSERT_NO_FATAL_FAILURE(start());
    settle_everything();
    store_->close();
    store_.reset();
    auto keys = key_counts(directory_.store());
    EXPECT_EQ(keys['m'] + keys['s'] + keys['b'] + keys['r'], 0) << "something of settled messages is left on disk";
  }

 private:
  int number(int min, int max) { return std::uniform_int_distribution{min, max}(random_); }
  bool happens(int percent) { return number(1, 100) <= percent; }

  std::string text() {
    const auto size = static_cast<std::size_t>(happens(10) ? number(1000, 30'000) : number(0, 100));
    return std::to_string(texts_++).append(size, static_cast<char>('a' + number(0, 25)));
  }

  void start() {
    files_ = std::make_shared<FaultyFileSystem>();
    try {
      store_ = open_rocksdb_store({.directory = directory_.path(),
                                   .retry_after_min = 1ms,
                                   .retry_after_max = 2ms,
                                   .write_buffer_octets = 64 << 10,
                                   .file_system = files_});
    } catch (const StoreError& error) {
      FAIL() << error.what();
    }
    Readable found;
    std::map<std::uint64_t, Position> next_positions;
    std::vector<std::uint64_t> orphans;
    store_->recover_definitions([&](auto key, auto value) { found.definitions.emplace(key, value); });
    auto queues = store_->stored_queues();
    std::ranges::shuffle(queues, random_);
    for (const auto queue : queues) {
      const auto id = static_cast<std::uint64_t>(queue);
      const auto recovered = recover(*store_, queue);
      ASSERT_EQ(recovered.state.messages, recovered.messages.size()) << "queue " << id;
      ASSERT_EQ(recovered.state.body_octets, octets(recovered.messages)) << "queue " << id;
      if (!recovered.messages.empty()) {
        ASSERT_LE(recovered.state.first_position, recovered.messages.begin()->first) << "queue " << id;
        found.queues[id] = recovered.messages;
      }
      next_positions[id] = recovered.next_position;
      if (!happens(5)) continue;
      store_->drop_queue(queue);
      orphans.push_back(id);
    }
    const auto first = history_.begin() + static_cast<std::ptrdiff_t>(stored_orders_.load());
    // A mark alone changes nothing that can be read, but no position before it is given again.
    const auto has_marks_of = [&](const Model& model) {
      return std::ranges::all_of(model.queues, [&](const auto& queue) {
        const auto next = next_positions.find(queue.first);
        return next == next_positions.end() || next->second >= queue.second.delivered_before;
      });
    };
    const auto match = std::find_if(
        first, history_.end(), [&](const Model& model) { return readable(model) == found && has_marks_of(model); });
    ASSERT_NE(match, history_.end()) << "what was found is no state since order " << stored_orders_.load() << " of "
                                     << history_.size() - 1;
    Model model = *match;
    std::erase_if(model.queues, [&](const auto& queue) { return !next_positions.contains(queue.first); });
    for (auto& [id, queue] : model.queues) {
      if (!queue.messages.empty()) {
        ASSERT_GT(next_positions[id], queue.messages.rbegin()->first);
      }
      queue.transient.clear();
      queue.next = next_positions[id];
    }
    history_ = {model};
    stored_orders_ = 0;
    for (const auto id : orphans) {
      model.queues.erase(id);
      history_.push_back(model);
    }
  }

  /// When all is written, reads see just what the model has.
  void compare_reads() {
    std::promise<void> written;
    store_->commit(std::make_unique<Batch>(), [&](std::unique_ptr<Batch>, StoreStatus) { written.set_value(); });
    written.get_future().wait();
    for (const auto& [id, queue] : history_.back().queues) {
      const ReadLimits limits{.messages = static_cast<std::size_t>(number(1, 50)),
                              .octets = static_cast<std::size_t>(number(1, 50'000))};
      const Position from = happens(50) ? 0 : static_cast<Position>(number(0, static_cast<int>(queue.next)));
      auto expected = readable(queue);
      expected.erase(expected.begin(), expected.lower_bound(from));
      const auto read = read_all(*store_, QueueId{id}, from, limits);
      ASSERT_FALSE(read.error) << read.error->what();
      ASSERT_EQ(read.messages, expected) << "queue " << id << " from " << from;
    }
  }

  void end() {
    if (is_failing_ && happens(50)) repair();
    const int way = number(1, 100);
    if (way <= 25 && !is_failing_) {
      store_->close();
      stored_orders_ = history_.size() - 1;
    } else if (way <= 35) {
      // Destroyed without close.
    } else if (way <= 60) {
      pause();
      files_->kill();
    } else {
      pause();
      files_->lose_power(random_);
    }
    store_.reset();
    is_failing_ = false;
  }

  /// Gives the committer a random time to get ahead.
  void pause() {
    if (happens(70)) std::this_thread::sleep_for(std::chrono::microseconds{number(0, 2000)});
  }

  void repair() {
    files_->repair();
    is_failing_ = false;
  }

  void give_order() {
    if (is_failing_ && happens(30)) repair();
    if (!is_failing_ && happens(2)) {
      files_->break_down();
      is_failing_ = true;
    }
    if (happens(5)) pause();
    Model model = history_.back();
    const int what = number(1, 100);
    if (what <= 8) {
      const auto key = "definition " + std::to_string(number(1, 5));
      const auto value = text();
      model.definitions[key] = value;
      history_.push_back(std::move(model));
      store_->put_definition(key, value);
    } else if (what <= 12) {
      const auto key = "definition " + std::to_string(number(1, 5));
      model.definitions.erase(key);
      history_.push_back(std::move(model));
      store_->erase_definition(key);
    } else if (what <= 15 && !model.queues.empty()) {
      const auto id = any_queue(model)->first;
      model.queues.erase(id);
      history_.push_back(std::move(model));
      store_->drop_queue(QueueId{id});
    } else {
      commit_batch(std::move(model));
    }
  }

  void commit_batch(Model model) {
    TestBatch batch;
    for (int steps = number(1, 6); steps > 0; --steps) {
      if (model.queues.size() < 3 && happens(40)) model.queues[next_queue_++];
      if (model.queues.empty()) continue;
      const int what = number(1, 100);
      if (what <= 45) {
        append(model, batch);
      } else if (what <= 75) {
        settle(model, batch);
      } else if (what <= 85) {
        count_returns(model, batch);
      } else if (what <= 93) {
        auto& [id, queue] = *any_queue(model);
        const Position before = queue.next + static_cast<Position>(number(0, 20)) / 2;
        queue.delivered_before = before;  // the last mark counts, be it higher or lower
        batch.mark_delivered(QueueId{id}, before);
      } else {
        auto& [id, queue] = *any_queue(model);
        const Position before = queue.next - std::min(queue.next, static_cast<Position>(number(0, 20)));
        const Position from = happens(50) ? 0 : before - std::min(before, static_cast<Position>(number(0, 200)));
        queue.messages.erase(queue.messages.lower_bound(from), queue.messages.lower_bound(before));
        queue.transient.erase(queue.transient.lower_bound(from), queue.transient.lower_bound(before));
        batch.purge(QueueId{id}, before, from);
      }
    }
    hand_over(std::move(model), batch);
  }

  void append(Model& model, TestBatch& batch) {
    const auto body = text();
    const auto content = batch.content(body);
    const bool redelivered = happens(10);
    const auto first = any_queue(model)->first;
    const bool to_all = happens(20);
    const bool is_transient = happens(20);
    for (auto& [id, queue] : model.queues) {
      if (id != first && !to_all) continue;
      for (int copies = to_all ? 1 : number(1, 30); copies > 0; --copies) {
        if (happens(10)) queue.next += static_cast<Position>(number(1, happens(5) ? 10'000 : 5));
        if (is_transient) {
          queue.transient[queue.next] = body;
        } else {
          queue.messages[queue.next] = {.text = body, .redelivered = redelivered};
        }
        batch.append_again(QueueId{id}, queue.next, content, redelivered, is_transient);
        ++queue.next;
      }
    }
  }

  void settle(Model& model, TestBatch& batch) {
    auto& [id, queue] = *any_queue(model);
    const bool in_order = happens(60);
    for (int count = number(1, 40); count > 0 && !queue.messages.empty(); --count) {
      auto message = queue.messages.begin();
      if (!in_order) std::advance(message, number(0, static_cast<int>(queue.messages.size()) - 1));
      batch.settle(QueueId{id}, message->first, message->second.text.size());
      queue.messages.erase(message);
    }
    while (!queue.transient.empty() && happens(50)) {
      const auto message = queue.transient.begin();
      batch.settle(QueueId{id}, message->first, message->second.size(), true);
      queue.transient.erase(message);
    }
  }

  /// Some neighbours come back together, and some messages again and again.
  void count_returns(Model& model, TestBatch& batch) {
    auto& [id, queue] = *any_queue(model);
    if (queue.messages.empty()) return;
    auto message = std::next(queue.messages.begin(), number(0, static_cast<int>(queue.messages.size()) - 1));
    for (int count = number(1, 30); count > 0 && message != queue.messages.end(); --count, ++message) {
      message->second.returns += happens(80) ? 1u : static_cast<std::uint32_t>(number(1, 1000));
      batch.count_returns(QueueId{id}, message->first, message->second.returns);
    }
  }

  void settle_everything() {
    Model model = history_.back();
    TestBatch batch;
    for (auto& [id, queue] : model.queues) {
      for (const auto& [position, message] : queue.messages) {
        batch.settle(QueueId{id}, position, message.text.size());
      }
      queue.messages.clear();
    }
    hand_over(std::move(model), batch);
  }

  void hand_over(Model model, TestBatch& batch) {
    history_.push_back(std::move(model));
    const std::size_t order = history_.size() - 1;
    store_->commit(batch.take(), [this, order](std::unique_ptr<Batch>, StoreStatus status) {
      if (status == StoreStatus::stored) stored_orders_ = order;
    });
  }

  std::map<std::uint64_t, Model::Queue>::iterator any_queue(Model& model) {
    return std::next(model.queues.begin(), number(0, static_cast<int>(model.queues.size()) - 1));
  }

  std::mt19937 random_;
  TestDirectory directory_;
  std::shared_ptr<FaultyFileSystem> files_{};
  std::unique_ptr<Store> store_{};
  bool is_failing_ = false;
  std::uint64_t next_queue_ = 1;
  std::uint64_t texts_ = 0;
  std::vector<Model> history_{Model{}};
  std::atomic<std::size_t> stored_orders_{0};  // the last order that is known to be on disk
};

TEST(StoreSchedule, ConfirmedWorkSurvivesKillsPowerLossesAndBrokenDisks) {
  const bool is_long = std::getenv("LEVERET_LONG_TESTS") != nullptr;
  const char* chosen = std::getenv("LEVERET_SEED");
  const std::uint32_t first = chosen ? static_cast<std::uint32_t>(std::stoul(chosen)) : std::random_device{}();
  const std::uint32_t count = chosen ? 1 : is_long ? 4000 : 200;
  for (std::uint32_t seed = first; seed != first + count; ++seed) {
    SCOPED_TRACE("LEVERET_SEED=" + std::to_string(seed));
    EXPECT_NO_THROW(Schedule{seed}.run());  // so that the seed is told
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace leveret::storage
