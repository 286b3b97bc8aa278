#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <semaphore>
#include <string>

#include "storage/rocksdb_store.h"
#include "storage/store.h"

namespace leveret::storage {
namespace {

constexpr std::size_t message_octets = 1024;

/// A directory that goes with its owner, on the disk that TMPDIR names: what is measured is that disk's sync.
class BenchmarkDirectory {
 public:
  BenchmarkDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "leveret-storage-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~BenchmarkDirectory() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void commit_and_wait(Store& store, std::unique_ptr<Batch>& batch) {
  std::binary_semaphore stored{0};
  store.commit(std::move(batch), [&](std::unique_ptr<Batch> returned, StoreStatus) {
    batch = std::move(returned);
    stored.release();
  });
  stored.acquire();
  batch->clear();
}

enum class Settled { never, by_the_next_commit };

/// One commit an iteration: `range(0)` messages, each routed to `range(1)` queues.
template <Settled settled>
void commit_messages(benchmark::State& state) {
  const auto messages = static_cast<std::size_t>(state.range(0));
  const auto queues = static_cast<std::uint64_t>(state.range(1));
  const std::vector<std::uint8_t> body(message_octets, 'x');
  const BenchmarkDirectory directory;
  const auto store = open_rocksdb_store({.directory = directory.path()});

  auto batch = std::make_unique<Batch>();
  Position position = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < messages; ++i, ++position) {
      const auto content = batch->add(Content{body, nullptr, nullptr});
      for (std::uint64_t queue = 1; queue <= queues; ++queue) {
        batch->appends.push_back({.queue = QueueId{queue}, .position = position, .content = content});
        if (settled == Settled::never || position < messages) continue;
        batch->settlements.push_back({.queue = QueueId{queue}, .position = position - messages});
      }
    }
    commit_and_wait(*store, batch);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(position));
  store->close();
}

BENCHMARK(commit_messages<Settled::by_the_next_commit>)
    ->ArgNames({"messages", "queues"})
    ->Args({1, 1})
    ->Args({16, 1})
    ->Args({256, 1})
    ->Args({256, 5})
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(commit_messages<Settled::never>)
    ->ArgNames({"messages", "queues"})
    ->Args({256, 1})
    ->MeasureProcessCPUTime()
    ->UseRealTime();

/// Opens a store with `range(0)` blocks of 100 messages in one queue, and reads them.
void recover_backlog(benchmark::State& state) {
  const std::vector<std::uint8_t> body(message_octets, 'x');
  const BenchmarkDirectory directory;
  auto store = open_rocksdb_store({.directory = directory.path()});
  auto batch = std::make_unique<Batch>();
  Position position = 0;
  for (std::int64_t block = 0; block < state.range(0); ++block) {
    for (int i = 0; i < 100; ++i) {
      const auto content = batch->add(Content{body, nullptr, nullptr});
      batch->appends.push_back({.queue = QueueId{1}, .position = position++, .content = content});
    }
    commit_and_wait(*store, batch);
  }
  store->close();
  for (auto _ : state) {
    store = open_rocksdb_store({.directory = directory.path()});
    for (const auto queue : store->stored_queues()) {
      store->recover_queue(queue, [](const StoredMessage& message) { benchmark::DoNotOptimize(message.content); });
    }
    state.PauseTiming();
    store->close();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(position));
}
BENCHMARK(recover_backlog)
    ->ArgName("blocks")
    ->Arg(0)
    ->Arg(100)
    ->Arg(1000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace leveret::storage
