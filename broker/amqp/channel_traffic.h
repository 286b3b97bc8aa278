#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
  explicit ChannelTraffic(ShardIndex shard) : shard_(shard) {}

  /// A message went to an exchange, and from there to so many queues.
  void published(std::string_view exchange, const std::shared_ptr<ExchangeTraffic>& of_exchange, std::size_t queues) {
    if (!last_exchange_ || last_exchange_->first != exchange) last_exchange_ = &find(exchange);
    if (last_of_exchange_ != of_exchange) last_of_exchange_ = of_exchange;
    ++last_exchange_->second.published;
    routed_ += queues;
    if (of_exchange) of_exchange->count(shard_, queues);
  }

  /// The message that was published last had no queue.
  void lost(bool is_returned) {
    ++(is_returned ? last_exchange_->second.returned : last_exchange_->second.dropped);
    if (last_of_exchange_) last_of_exchange_->count_lost(shard_, is_returned);
  }

  /// The message that was published last has that number, the next one, and is to be confirmed.
  void expect_confirm(std::uint64_t sequence) {
    PublishCounters* const counters = &last_exchange_->second;
    if (runs_.empty() || runs_.back().counters != counters || runs_.back().of_exchange != last_of_exchange_)
      runs_.push_back({sequence, counters, last_of_exchange_});
  }

  /// The publisher is told of all up to that number, as far as it has not been before.
  void told(std::uint64_t sequence, bool is_refused) {
    while (next_told_ <= sequence) {
      const bool is_last = runs_.size() == 1 || runs_[1].begin > sequence + 1;
      const std::uint64_t end = is_last ? sequence + 1 : runs_[1].begin;
      if (!is_refused) count_confirmed(runs_.front(), end - next_told_);
      if (!is_last) runs_.pop_front();
      next_told_ = end;
    }
  }

  void rolled_back(std::size_t messages) { rolled_back_ += messages; }

  /// What a queue gives: the reference stays.  None stands for answers to direct reply-to requests, which do not count.
  DeliveryCounters& from(QueueId queue) {
    if (queue == QueueId{}) return answers_;
    if (!last_queue_ || last_queue_->first != queue) last_queue_ = find(queue);
    return last_queue_ ? last_queue_->second : other_deliveries_;
  }

  ChannelCounters all() const {
    ChannelCounters all{.publishes = other_publishes_, .deliveries = other_deliveries_, .routed = routed_};
    for (const auto& [exchange, counters] : publishes_) add(all.publishes, counters);
    for (const auto& [queue, counters] : deliveries_) add(all.deliveries, counters);
    all.received = all.publishes.published + rolled_back_;
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
    std::shared_ptr<ExchangeTraffic> of_exchange{};
  };

  void count_confirmed(const Run& run, std::uint64_t messages) {
    run.counters->confirmed += messages;
    if (run.of_exchange) run.of_exchange->count_confirmed(shard_, messages);
  }

  Publishes::value_type& find(std::string_view exchange) {
    const auto found = publishes_.find(exchange);
    if (found != publishes_.end()) return *found;
    if (publishes_.size() == told_apart_max) forget_exchanges();
    return *publishes_.try_emplace(std::string{exchange}).first;
  }

  /// Most of so many will be gone.
  void forget_exchanges() {
    for (const auto& [exchange, counters] : publishes_) add(other_publishes_, counters);
    for (Run& run : runs_) run.counters = &other_publishes_;
    publishes_.clear();
  }

  Deliveries::value_type* find(QueueId queue) {
    const auto found = deliveries_.find(queue);
    if (found != deliveries_.end()) return &*found;
    if (deliveries_.size() == told_apart_max) return nullptr;
    return &*deliveries_.try_emplace(queue).first;
  }

  const ShardIndex shard_;
  Publishes publishes_{};
  Deliveries deliveries_{};
  PublishCounters other_publishes_{};
  DeliveryCounters other_deliveries_{};
  DeliveryCounters answers_{};
  std::uint64_t routed_ = 0;
  std::uint64_t rolled_back_ = 0;
  Publishes::value_type* last_exchange_ = nullptr;  // there is one once a message was published
  std::shared_ptr<ExchangeTraffic> last_of_exchange_{};
  Deliveries::value_type* last_queue_ = nullptr;

  PooledDeque<Run> runs_{};
  std::uint64_t next_told_ = 1;
};

}  // namespace leveret::broker::amqp
