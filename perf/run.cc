#include "perf/run.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ostream>
#include <stdexcept>
#include <utility>

#include <boost/lexical_cast/try_lexical_convert.hpp>

#include "perf/load.h"
#include "perf/report.h"
#include "protocol/field_table.h"

namespace leveret::perf {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr auto look_interval = std::chrono::milliseconds{50};
constexpr auto progress_interval = std::chrono::seconds{1};
constexpr std::string_view fan_out_exchange = "leveret-perf";

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

/// The queues, and the exchange in front of them where each message goes to all.
class Topology {
 public:
  explicit Topology(const Options& options) : options_(options), connection_(context_, options.broker) {}

  void declare() {
    if (options_.fan_out)
      connection_.call<protocol::exchange::DeclareOk>(
          protocol::exchange::Declare{.exchange = fan_out_exchange, .type = "fanout", .durable = options_.durable});
    for (std::size_t i = 0; i < options_.queues; ++i) declare_queue(queue_name(options_, i));
  }

  void remove() {
    for (std::size_t i = 0; i < options_.queues; ++i)
      connection_.call<protocol::queue::DeleteOk>(protocol::queue::Delete{.queue = queue_name(options_, i)});
    if (options_.fan_out)
      connection_.call<protocol::exchange::DeleteOk>(protocol::exchange::Delete{.exchange = fan_out_exchange});
  }

  void close() { connection_.close(); }

 private:
  void declare_queue(const std::string& name) {
    protocol::FieldTableBuilder arguments;
    for (const auto& [argument, value] : options_.queue_arguments) {
      std::int64_t number = 0;
      if (boost::conversion::try_lexical_convert(value, number))
        arguments.put(argument, number);
      else
        arguments.put(argument, value);
    }
    if (!options_.keep) connection_.call<protocol::queue::DeleteOk>(protocol::queue::Delete{.queue = name});
    connection_.call<protocol::queue::DeclareOk>(
        protocol::queue::Declare{.queue = name, .durable = options_.durable, .arguments = arguments.view()});
    if (options_.fan_out)
      connection_.call<protocol::queue::BindOk>(protocol::queue::Bind{.queue = name, .exchange = fan_out_exchange});
  }

  const Options& options_;
  boost::asio::io_context context_{1};
  Connection connection_;
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
    if (options_.fan_out) task.exchange = fan_out_exchange;
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
    const auto expected = options_.fan_out ? accepted * options_.queues : accepted;
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
