// Fills a store with a backlog, restarts it, drains it, and says what that costs: for each million messages the rate,
// the memory and the octets written, and in the end the disk that is left.

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "storage/rocksdb_store.h"
#include "storage/store.h"

namespace leveret::storage {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::filesystem::path directory{};
  std::uint64_t messages = 10'000'000;
  std::uint64_t queues = 1;
  std::size_t batch = 256;  // messages a commit
  std::size_t octets = 1024;
  std::size_t queues_of_message = 1;
  bool is_transient = false;
  bool is_purged = false;  // instead of drained
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A number that the kernel keeps about this process.
std::uint64_t proc_number(const char* file, const std::string& name) {
  std::ifstream input{file};
  for (std::string word; input >> word;) {
    std::uint64_t value = 0;
    if (word == name && input >> value) return value;
  }
  return 0;
}

std::uint64_t resident_mebibytes() {
  return proc_number("/proc/self/status", "VmRSS:") / 1024;
}
std::uint64_t written_octets() {
  return proc_number("/proc/self/io", "write_bytes:");
}

/// Processor time of all threads, user and system.
double cpu_microseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto microseconds = [](const timeval& time) {
    return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
  };
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

std::uint64_t disk_mebibytes(const std::filesystem::path& directory) {
  std::uint64_t octets = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
    std::error_code gone;
    const auto size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    if (!gone) octets += size;
  }
  return octets >> 20;
}

/// Hands batches to the store, a few at a time, as the shards of a broker do.
class Commits {
 public:
  explicit Commits(Store& store) : store_(store) {}

  std::unique_ptr<Batch> new_batch() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return under_way_ < under_way_max; });
    if (spare_.empty()) return std::make_unique<Batch>();
    auto batch = std::move(spare_.back());
    spare_.pop_back();
    return batch;
  }

  void hand_over(std::unique_ptr<Batch> batch) {
    {
      const std::lock_guard lock{mutex_};
      ++under_way_;
    }
    store_.commit(std::move(batch), [this](std::unique_ptr<Batch> returned, StoreStatus) {
      returned->clear();
      const std::lock_guard lock{mutex_};
      spare_.push_back(std::move(returned));
      --under_way_;
      changed_.notify_one();
    });
  }

  void await_all() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return under_way_ == 0; });
  }

 private:
  static constexpr std::size_t under_way_max = 2;

  Store& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;
  std::vector<std::unique_ptr<Batch>> spare_{};
};

/// Prints a line for every million messages.
class Progress {
 public:
  explicit Progress(const char* name, std::uint64_t step) : name_(name), step_(step) {}

  void count(std::uint64_t messages) {
    count_ += messages;
    if (count_ < next_) return;
    const double seconds = seconds_since(start_);
    const auto written = written_octets();
    const auto in_step = count_ - (next_ - step_);
    const double cpu = cpu_microseconds();
    fmt::print(
        "{} {:>9}: {:>8.0f} messages/s, {:>5.2f} us CPU and {:>6} octets written a message, resident {:>4} MiB\n",
        name_, count_, static_cast<double>(in_step) / seconds, (cpu - cpu_) / static_cast<double>(in_step),
        (written - written_) / in_step, resident_mebibytes());
    std::fflush(stdout);
    next_ += step_;
    start_ = Clock::now();
    written_ = written;
    cpu_ = cpu;
  }

 private:
  const char* name_;
  const std::uint64_t step_;
  std::uint64_t count_ = 0;
  std::uint64_t next_ = step_;
  Clock::time_point start_ = Clock::now();
  std::uint64_t written_ = written_octets();
  double cpu_ = cpu_microseconds();
};

class Backlog {
 public:
  explicit Backlog(const Options& options) : options_(options), body_(options.octets, 'x') {}

  void run() {
    open();
    fill();
    fmt::print("filled: disk {} MiB\n", disk_mebibytes(options_.directory));
    restart();
    const auto start = Clock::now();
    if (options_.is_purged) {
      purge();
    } else {
      drain();
    }
    fmt::print("{} in {:.2f} s\n", options_.is_purged ? "purged" : "drained", seconds_since(start));
    watch_disk();
    store_->close();
  }

 private:
  void open() {
    const auto start = Clock::now();
    store_ = open_rocksdb_store({.directory = options_.directory});
    const double opened = seconds_since(start);
    std::uint64_t messages = 0;
    const auto queues = store_->stored_queues();
    for (const auto queue : queues) messages += store_->recover_queue(queue).messages;
    fmt::print("open in {:.3f} s, with the state of {} queues and {} messages after {:.3f} s; resident {} MiB\n",
               opened, queues.size(), messages, seconds_since(start), resident_mebibytes());
  }

  void restart() {
    if (options_.is_transient) return;  // there would be nothing left
    const auto start = Clock::now();
    store_->close();
    store_.reset();
    fmt::print("closed in {:.3f} s\n", seconds_since(start));
    open();
    if (options_.is_purged) return;
    const auto read_at = Clock::now();
    std::mutex mutex;
    std::condition_variable changed;
    bool is_read = false;
    store_->read(QueueId{1}, store_->recover_queue(QueueId{1}).first_position, {}, [&](const ReadResult&) {
      const std::lock_guard lock{mutex};
      is_read = true;
      changed.notify_one();
    });
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return is_read; });
    fmt::print("first read after {:.4f} s\n", seconds_since(read_at));
  }

  void fill() {
    Commits commits{*store_};
    Progress progress{"fill ", options_.messages / 10};
    std::uint64_t queue = 0;
    std::vector<Position> next(options_.queues);
    for (std::uint64_t filled = 0; filled < options_.messages;) {
      auto batch = commits.new_batch();
      for (std::size_t i = 0; i < options_.batch; ++i) {
        const auto content = batch->add(Content{body_, nullptr, nullptr});
        for (std::size_t j = 0; j < options_.queues_of_message; ++j) {
          queue = (queue + 1) % options_.queues;
          batch->appends.push_back({.queue = QueueId{queue + 1},
                                    .position = ++next[queue],
                                    .content = content,
                                    .is_transient = options_.is_transient,
                                    .body_octets = static_cast<std::uint32_t>(body_.size())});
        }
      }
      commits.hand_over(std::move(batch));
      filled += options_.batch;
      progress.count(options_.batch);
    }
    commits.await_all();
  }

  /// Reads queue after queue and settles what was read, one read ahead of the settlements.
  void drain() {
    Commits commits{*store_};
    Progress progress{"drain", options_.messages * options_.queues_of_message / 10};
    for (std::uint64_t queue = 1; queue <= options_.queues; ++queue) {
      ask(QueueId{queue}, 0);
      for (bool is_end = false; !is_end;) {
        const ReadResult result = await_read();
        is_end = result.is_end;
        if (!is_end) ask(QueueId{queue}, result.next);
        auto batch = commits.new_batch();
        for (const auto& message : result.messages) {
          batch->settlements.push_back({.queue = QueueId{queue},
                                        .position = message.position,
                                        .is_transient = message.is_transient,
                                        .body_octets = static_cast<std::uint32_t>(message.content.size())});
        }
        const auto count = batch->settlements.size();
        commits.hand_over(std::move(batch));
        progress.count(count);
      }
    }
    commits.await_all();
  }

  void ask(QueueId queue, Position from) {
    store_->read(queue, from, {}, [this](ReadResult result) {
      const std::lock_guard lock{mutex_};
      results_.push_back(std::move(result));
      changed_.notify_one();
    });
  }

  ReadResult await_read() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return !results_.empty(); });
    ReadResult result = std::move(results_.front());
    results_.pop_front();
    if (result.error) throw StoreError(*result.error);
    return result;
  }

  void purge() {
    Commits commits{*store_};
    auto batch = commits.new_batch();
    for (std::uint64_t queue = 1; queue <= options_.queues; ++queue) {
      batch->purges.push_back({.queue = QueueId{queue}, .before = options_.messages * options_.queues_of_message + 1});
    }
    commits.hand_over(std::move(batch));
    commits.await_all();
  }

  void watch_disk() const {
    const auto start = Clock::now();
    while (seconds_since(start) < 60) {
      const auto left = disk_mebibytes(options_.directory);
      fmt::print("after {:>2.0f} s: disk {} MiB, resident {} MiB\n", seconds_since(start), left, resident_mebibytes());
      std::fflush(stdout);
      if (left < 100) return;
      std::this_thread::sleep_for(std::chrono::seconds{5});
    }
  }

  const Options options_;
  const std::vector<std::uint8_t> body_;
  std::unique_ptr<Store> store_{};

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<ReadResult> results_{};
};

}  // namespace
}  // namespace leveret::storage

int main(int argc, char** argv) {
  using namespace leveret::storage;
  Options options;
  CLI::App app{"What a backlog costs the store"};
  app.add_option("--directory", options.directory, "made for it, and removed")->required();
  app.add_option("--messages", options.messages, "published")->capture_default_str();
  app.add_option("--queues", options.queues, "one after the other")->capture_default_str();
  app.add_option("--fan-out", options.queues_of_message, "queues for each message")->capture_default_str();
  app.add_option("--batch", options.batch, "messages in one commit")->capture_default_str();
  app.add_option("--octets", options.octets, "of a message")->capture_default_str();
  app.add_flag("--transient", options.is_transient, "stored without a log");
  app.add_flag("--purge", options.is_purged, "instead of reading and settling");
  CLI11_PARSE(app, argc, argv);
  if (std::filesystem::exists(options.directory)) {
    fmt::print(stderr, "{} exists already\n", options.directory.string());
    return 1;
  }
  Backlog{options}.run();
  std::filesystem::remove_all(options.directory);
  return 0;
}
