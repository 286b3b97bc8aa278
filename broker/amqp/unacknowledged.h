#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "broker/block_pool.h"
#include "broker/clock.h"
#include "broker/ids.h"
#include "protocol/octets.h"

namespace leveret::broker::amqp {

using protocol::DeliveryTag;

/// The deliveries of a channel that its client has not settled yet, by delivery tag.
class Unacknowledged {
 public:
  struct Delivered {
    DeliveryTag tag{};
    QueueAddress queue{};
    Position position{};
    ConsumerId consumer{};  // none for basic.get
    WallTime time{};        // when it was delivered
    /// How long the client may take; 0 is as long as it likes.
    std::chrono::milliseconds timeout{};
    bool is_counted = true;  // against a prefetch of the whole channel
  };

  using Deliveries = std::vector<Delivered, PoolAllocator<Delivered>>;

  /// Tags rise from call to call.
  void add(const Delivered& delivered) {
    entries_.push_back({delivered, /*is_held=*/true});
    ++size_;
    note_deadline(delivered);
    counted_ += delivered.is_counted;
  }

  /// Takes out the delivery of this tag, or all up to it; of tag 0 with `multiple`, all there are.
  /// Nothing when there is no such delivery; tag 0 with `multiple` is never wrong.
  std::optional<Deliveries> take(DeliveryTag tag, bool multiple) {
    Deliveries taken;
    if (multiple) {
      if (tag != DeliveryTag{0} && !find(tag)) return {};
      taken.reserve(count_up_to(tag));
      while (!entries_.empty() && (tag == DeliveryTag{0} || entries_.front().tag <= tag)) {
        if (entries_.front().is_held) release(entries_.front(), taken);
        entries_.pop_front();
      }
      return taken;
    }
    Entry* entry = find(tag);
    if (!entry) return {};
    release(*entry, taken);
    while (!entries_.empty() && !entries_.front().is_held) entries_.pop_front();
    return taken;
  }

  /// One that the client has kept for too long.  Costs nothing while the earliest that ever was is not due.
  std::optional<Delivered> find_overdue(WallTime now) {
    if (now < earliest_deadline_) return {};
    earliest_deadline_ = WallTime::max();
    for (const Entry& entry : entries_) {
      if (!entry.is_held) continue;
      note_deadline(entry);
      if (earliest_deadline_ <= now) return entry;
    }
    return {};
  }

  Deliveries take_all() { return *take(DeliveryTag{0}, true); }

  /// Puts back what was taken, in order of its tags: a transaction has been rolled back.
  void put_back(Deliveries deliveries) {
    for (const Delivered& delivered : take_all()) deliveries.push_back(delivered);
    std::sort(deliveries.begin(), deliveries.end(), [](auto& a, auto& b) { return a.tag < b.tag; });
    for (const Delivered& delivered : deliveries) add(delivered);
  }

  std::size_t size() const { return size_; }
  /// How many of them count against a prefetch of the whole channel.
  std::size_t counted() const { return counted_; }

 private:
  struct Entry : Delivered {  // in whose padding the flag has room
    bool is_held = false;
  };

  void note_deadline(const Delivered& delivered) {
    if (delivered.timeout != std::chrono::milliseconds{0})
      earliest_deadline_ = std::min(earliest_deadline_, delivered.time + delivered.timeout);
  }

  Entry* find(DeliveryTag tag) {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), tag,
                                        [](const Entry& entry, DeliveryTag t) { return entry.tag < t; });
    return found != entries_.end() && found->tag == tag && found->is_held ? &*found : nullptr;
  }

  /// At most so many; tag 0 stands for all.
  std::size_t count_up_to(DeliveryTag tag) const {
    if (tag == DeliveryTag{0} || entries_.empty()) return size_;
    const auto tags = static_cast<std::uint64_t>(tag) - static_cast<std::uint64_t>(entries_.front().tag) + 1;
    return std::min<std::size_t>(size_, tags);
  }

  void release(Entry& entry, Deliveries& taken) {
    entry.is_held = false;
    --size_;
    counted_ -= entry.is_counted;
    taken.push_back(entry);
  }

  PooledDeque<Entry> entries_{};  // those taken out of the middle stay until all before them have gone
  std::size_t size_ = 0;
  std::size_t counted_ = 0;
  WallTime earliest_deadline_ = WallTime::max();
};

}  // namespace leveret::broker::amqp
