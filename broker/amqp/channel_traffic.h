#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "broker/block_pool.h"
#include "broker/counters.h"
#include "broker/ids.h"

namespace leveret::broker::amqp {

/// What a channel counts: publishes for each exchange, deliveries for each queue.  Those of very many exchanges or
/// queues are not all told apart.
class ChannelTraffic {
 public:
  /// What is published to it; remembered by the next `expect_confirm`.
  PublishCounters& to(std::string_view exchange) {
    if (!last_exchange_ || last_exchange_->first != exchange) last_exchange_ = find(exchange);
    return last_exchange_ ? last_exchange_->second : other_publishes_;
  }

  /// What a queue gives: the reference stays.  None stands for answers to direct reply-to requests.
  DeliveryCounters& from(QueueId queue) {
    if (!last_queue_ || last_queue_->first != queue) last_queue_ = find(queue);
    return last_queue_ ? last_queue_->second : other_deliveries_;
  }

  /// The publish of that number, the next one, is to be confirmed.
  void expect_confirm(std::uint64_t sequence) {
    PublishCounters* const counters = last_exchange_ ? &last_exchange_->second : &other_publishes_;
    if (runs_.empty() || runs_.back().counters != counters) runs_.push_back({sequence, counters});
  }

  /// The publisher is told of all up to that number, as far as it has not been before.
  void told(std::uint64_t sequence, bool is_refused) {
    while (next_told_ <= sequence) {
      const bool is_last = runs_.size() == 1 || runs_[1].begin > sequence + 1;
      const std::uint64_t end = is_last ? sequence + 1 : runs_[1].begin;
      if (!is_refused) runs_.front().counters->confirmed += end - next_told_;
      if (!is_last) runs_.pop_front();
      next_told_ = end;
    }
  }

  ChannelCounters all() const {
    ChannelCounters all{.publishes = other_publishes_, .deliveries = other_deliveries_};
    for (const auto& [exchange, counters] : publishes_) add(all.publishes, counters);
    for (const auto& [queue, counters] : deliveries_) add(all.deliveries, counters);
    return all;
  }

  using Publishes = std::map<std::string, PublishCounters, std::less<>>;
  using Deliveries = std::unordered_map<QueueId, DeliveryCounters>;
  const Publishes& publishes() const { return publishes_; }
  const Deliveries& deliveries() const { return deliveries_; }

 private:
  static constexpr std::size_t told_apart_max = 1024;

  /// Confirms of publishes from `begin` on belong there.
  struct Run {
    std::uint64_t begin = 0;
    PublishCounters* counters = nullptr;
  };

  Publishes::value_type* find(std::string_view exchange) {
    const auto found = publishes_.find(exchange);
    if (found != publishes_.end()) return &*found;
    return publishes_.size() == told_apart_max ? nullptr : &*publishes_.try_emplace(std::string{exchange}).first;
  }

  Deliveries::value_type* find(QueueId queue) {
    const auto found = deliveries_.find(queue);
    if (found != deliveries_.end()) return &*found;
    if (queue == QueueId{} || deliveries_.size() == told_apart_max) return nullptr;
    return &*deliveries_.try_emplace(queue).first;
  }

  Publishes publishes_{};
  Deliveries deliveries_{};
  PublishCounters other_publishes_{};
  DeliveryCounters other_deliveries_{};
  Publishes::value_type* last_exchange_ = nullptr;
  Deliveries::value_type* last_queue_ = nullptr;

  PooledDeque<Run> runs_{};
  std::uint64_t next_told_ = 1;
};

}  // namespace leveret::broker::amqp
