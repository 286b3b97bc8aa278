#include "perf/run.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "perf/load.h"
#include "perf/report.h"
#include "perf/topology.h"

namespace leveret::perf {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr auto look_interval = std::chrono::milliseconds{50};
constexpr auto progress_interval = std::chrono::seconds{1};

std::atomic<bool> is_interrupted = false;

/// Ctrl-C ends the publishing; another one the program.
class InterruptHandler {
 public:
  InterruptHandler() {
    is_interrupted = false;
    previous_ = std::signal(SIGINT, [](int) {
      is_interrupted = true;
      std::signal(SIGINT, SIG_DFL);
    });
  }
  ~InterruptHandler() { std::signal(SIGINT, previous_); }
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;

 private:
  void (*previous_)(int) = SIG_DFL;
};

/// One run: its threads, and what they have counted.
class Run {
 public:
  Run(const Options& options, std::ostream& errors) : options_(options), errors_(errors), loads_(options.threads) {
    for (std::size_t i = 0; i < options.consumers; ++i)
      load(i).add_consumer(options, queue_name(options, i % options.queues));
    for (std::size_t i = 0; i < options.producers; ++i) load(i).add_producer(options, task_of(i));
  }

  Result execute() {
    result_.started = last_printed_ = Clock::now();
    for (Load& load : loads_) load.start();
    const auto is_time_up = [this] { return Clock::now() - result_.started >= options_.duration || is_interrupted; };
    while (!is_time_up() && !are_producers_done_) look();
    for (Load& load : loads_) load.stop_publishing();
    wait_for_the_rest();
    for (Load& load : loads_) load.end();
    return result_;
  }

 private:
  Load& load(std::size_t number) { return loads_[number % loads_.size()]; }

  ProducerTask task_of(std::size_t number) const {
    ProducerTask task{.routing_key = queue_name(options_, number % options_.queues),
                      .rate = options_.rate / static_cast<double>(options_.producers)};
    if (!options_.exchange_type.empty()) task.exchange = perf_exchange;
    if (options_.messages > 0)
      task.messages =
          options_.messages / options_.producers + (number < options_.messages % options_.producers ? 1 : 0);
    return task;
  }

  /// What has happened in the meantime.  Errors: std::runtime_error when a connection has ended.
  void look() {
    std::this_thread::sleep_for(look_interval);
    std::vector<std::future<Progress>> answers;
    for (Load& load : loads_) answers.push_back(load.progress());
    are_producers_done_ = true;
    for (auto& answer : answers) {
      const Progress progress = answer.get();
      if (!progress.failure.empty()) throw std::runtime_error{progress.failure};
      are_producers_done_ &= progress.is_done;
      result_.figures.add(progress.figures);
      unprinted_.add(progress.figures);
    }
    const TimePoint now = Clock::now();
    if (now - last_printed_ < progress_interval) return;
    if (!options_.quiet) print_progress(errors_, unprinted_, now - last_printed_, now - result_.started);
    unprinted_ = {};
    last_printed_ = now;
  }

  std::uint64_t missing() const {
    if (options_.consumers == 0) return 0;
    const auto accepted = result_.figures.published - result_.figures.rejected;
    const auto expected = options_.is_fan_out() ? accepted * options_.queues : accepted;
    return expected - std::min(expected, result_.figures.received);
  }

  /// Confirms and deliveries under way, while some still arrive.
  void wait_for_the_rest() {
    TimePoint last_change = Clock::now();
    std::uint64_t seen = 0;
    while (Clock::now() - last_change < options_.patience) {
      look();
      if (are_producers_done_ && missing() == 0) break;
      const auto now_seen = result_.figures.received + result_.figures.confirmed + result_.figures.rejected;
      if (std::exchange(seen, now_seen) != now_seen) last_change = Clock::now();
    }
    result_.missing = missing();
  }

  const Options& options_;
  std::ostream& errors_;
  std::vector<Load> loads_;  // never moved
  Result result_{};
  Figures unprinted_{};
  TimePoint last_printed_{};
  bool are_producers_done_ = false;
};

}  // namespace

int run(const Options& options, std::ostream& output, std::ostream& errors) {
  try {
    const InterruptHandler interrupts;
    Topology topology{options};
    topology.declare();
    const Result result = Run{options, errors}.execute();
    if (!options.keep) topology.remove();
    topology.close();
    if (options.json)
      print_json(output, options, result);
    else
      print_report(output, result);
    return result.missing > 0 ? 1 : 0;
  } catch (const std::exception& error) {
    errors << "leveret perf: " << error.what() << '\n';
    return 1;
  }
}

int run(const std::vector<std::string>& words, std::ostream& output, std::ostream& errors) {
  const ParsedOptions parsed = parse_options(words);
  return parsed.options ? run(*parsed.options, output, errors) : parsed.exit_status;
}

}  // namespace leveret::perf
