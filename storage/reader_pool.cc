#include "storage/reader_pool.h"

#include <utility>

namespace leveret::storage {

ReaderPool::ReaderPool(std::size_t threads, Reader reader) : reader_(std::move(reader)) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ReaderPool::~ReaderPool() {
  stop();
}

void ReaderPool::hand_over(ReadOrder order) {
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(std::move(order));
  }
  changed_.notify_one();
}

void ReaderPool::stop() {
  {
    const std::lock_guard lock{mutex_};
    is_ending_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  for (auto& order : std::exchange(waiting_, {})) {
    ReadResult result;
    result.next = order.from;
    result.error = StoreError("the store has been closed");
    order.done(std::move(result));
  }
}

std::optional<ReadOrder> ReaderPool::take() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
  if (is_ending_) return std::nullopt;
  auto order = std::move(waiting_.front());
  waiting_.pop_front();
  return order;
}

void ReaderPool::run() {
  while (const auto order = take()) order->done(reader_(*order));
}

}  // namespace leveret::storage
