#include "storage/committer.h"

#include <algorithm>
#include <utility>

namespace leveret::storage {
namespace {

/// How often a group is tried again when the committer is to end: RocksDB lets a failure that has passed be known once,
/// in each of two databases, one of which may have to be opened first.
constexpr int last_tries_max = 3;

std::size_t content_octets(const Order& order) {
  const auto* commit = std::get_if<CommitBatch>(&order);
  if (!commit) return 0;
  std::size_t octets = 0;
  for (const auto& content : commit->batch->contents) octets += content.octets().size();
  return octets;
}

}  // namespace

Committer::Committer(GroupWriter& writer, Options options)
    : writer_(writer),
      options_(std::move(options)),
      retry_after_(options_.retry_after_min),
      thread_([this] { run(); }) {}

Committer::~Committer() {
  stop(Ending::at_once);
}

void Committer::hand_over(Order order) {
  bool was_empty = false;
  {
    const std::lock_guard lock{mutex_};
    was_empty = waiting_.empty();
    waiting_.push_back(std::move(order));
  }
  if (was_empty) changed_.notify_one();
}

std::optional<StoreError> Committer::stop(Ending ending) {
  if (!thread_.joinable()) return std::nullopt;
  {
    const std::lock_guard lock{mutex_};
    ending_ = ending;
  }
  changed_.notify_one();
  thread_.join();
  hand_back(waiting_, StoreStatus::failed);
  return error_;
}

void Committer::run() {
  std::deque<Order> group;
  for (;;) {
    take_group(group);
    if (group.empty()) return;
    const bool is_written = write_group(group);
    hand_back(group, is_written ? StoreStatus::stored : StoreStatus::failed);
    if (!is_written) return;
  }
}

/// Waits for orders and takes them; none when the thread is to end.
void Committer::take_group(std::deque<Order>& group) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
  if (ending_ == Ending::at_once) return;
  for (std::size_t octets = 0; !waiting_.empty() && octets < group_octets_max; waiting_.pop_front()) {
    octets += content_octets(waiting_.front());
    group.push_back(std::move(waiting_.front()));
  }
}

/// False when it gave up: the committer is to end, and could not write when it last tried.
bool Committer::write_group(const std::deque<Order>& group) {
  try {
    const auto begin = std::chrono::steady_clock::now();
    for (const auto& order : group) writer_.stage(order);
    while ((error_ = writer_.write())) {
      if (!endure(*error_)) return false;
    }
    count(group, std::chrono::steady_clock::now() - begin);
  } catch (const StoreError& error) {
    error_ = error;
    return false;
  }
  retry_after_ = options_.retry_after_min;
  last_tries_ = 0;
  if (std::exchange(is_alarmed_, false) && options_.on_alarm_cleared) options_.on_alarm_cleared();
  return true;
}

void Committer::count(const std::deque<Order>& group, std::chrono::nanoseconds time) {
  const std::lock_guard lock{mutex_};
  ++load_.writes;
  load_.write_time += time;
  for (const auto& order : group) {
    const auto* commit = std::get_if<CommitBatch>(&order);
    if (!commit) continue;
    ++load_.batches;
    load_.appends += commit->batch->appends.size();
  }
}

StoreLoad Committer::load() const {
  const std::lock_guard lock{mutex_};
  return load_;
}

bool Committer::endure(const StoreError& error) {
  if (!std::exchange(is_alarmed_, true) && options_.on_alarm) options_.on_alarm(error);
  const auto ending = wait_for_ending(retry_after_);
  retry_after_ = std::min(2 * retry_after_, options_.retry_after_max);
  if (!ending) return true;
  return *ending == Ending::when_all_is_written && ++last_tries_ <= last_tries_max;
}

std::optional<Committer::Ending> Committer::wait_for_ending(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, time, [this] { return ending_.has_value(); });
  return ending_;
}

void Committer::hand_back(std::deque<Order>& orders, StoreStatus status) {
  for (auto& order : orders) {
    if (auto* commit = std::get_if<CommitBatch>(&order)) commit->done(std::move(commit->batch), status);
  }
  orders.clear();
}

}  // namespace leveret::storage
