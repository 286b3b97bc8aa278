#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "broker/priorities.h"
#include "broker/ready_lane.h"

namespace leveret::broker {

/// A queue's ready messages, in the order in which they are to be delivered: by priority, then by position.  Belongs to
/// its queue.
class ReadyMessages {
 public:
  using Front = ReadyLane::Front;
  using PagedOut = ReadyLane::PagedOut;

  explicit ReadyMessages(const Priorities& priorities = {});

  /// Behind all others of its priority: `position` is the highest so far.
  void append(Position position, std::uint8_t priority, QueuedMessage message);
  void put_back(Position position, std::uint8_t priority, QueuedMessage message);

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  /// Octets of the messages' bodies.
  std::uint64_t octets() const { return octets_; }

  /// Whether the next one to be delivered is in memory.  While it is not, those of lower priorities wait.
  bool has_front() { return next_lane().has_front(); }
  /// The next to be delivered, which is in memory.
  Front front() { return next_lane().front(); }
  /// Takes away what `front` gave; `octets` is the size of its body.
  void pop_front(std::size_t octets);

  /// Takes a message out of any place; nothing when it is not ready, or not in memory.
  std::optional<QueuedMessage> take(Position position, std::uint8_t priority);
  /// The oldest message of a priority; nothing when it has none in memory.
  std::optional<Front> oldest(std::uint8_t priority);

  /// All but those that are paged out.
  template <class Function>
  void for_each(Function function) {
    for (const auto& lane : lanes_)
      if (lane) lane->for_each(function);
  }
  void clear();

  // --- out of memory

  /// While there is no message of that priority: what a restart has found.
  void restore(std::uint8_t priority, const PagedOut& paged_out);
  /// What the messages in memory occupy, near enough for limits.
  std::size_t memory() const;
  bool is_all_in_memory() const { return out_of_memory_count() == 0; }
  std::uint64_t out_of_memory_count() const { return paged_out_count_ + unloaded_count_; }
  std::uint64_t out_of_memory_octets() const;
  /// Nothing has been paged out of a priority that has had no message.
  PagedOut paged_out(std::uint8_t priority) const;
  bool has_fewer_than(std::size_t count, std::size_t octets, std::uint8_t priority) const;
  /// The highest priority that has a message, or 0.
  std::uint8_t highest();

  /// From where on messages of a priority may leave memory: see `ReadyLane::page_out`.
  using PageOutFrom = std::function<Position(std::uint8_t priority)>;
  /// Forgets fresh messages, but for `kept_octets` or so that go first in their lanes.
  void page_out(std::size_t kept_octets, const ReadyLane::IsReadable& is_readable, const PageOutFrom& from);
  /// The same, and those that were put back as well.
  void page_out_returned(std::size_t kept_octets, const ReadyLane::IsReadable& is_readable, const PageOutFrom& from);
  std::size_t returned_count() const;
  /// See `ReadyLane::for_each_fresh`.
  template <class Function>
  void for_each_fresh(std::uint8_t priority, Position from, Function function) {
    if (lanes_[priority]) lanes_[priority]->for_each_fresh(from, function);
  }

  void page_in(Position position, std::uint8_t priority, QueuedMessage message);
  /// All that is stored of the priority before `next` has been read back.
  void paged_in(Position next, std::uint8_t priority);

  /// See `ReadyLane`.
  std::optional<Position> unloaded_front(std::uint8_t priority) const;
  bool load(Position position, std::uint8_t priority, MessageRef message);
  QueuedMessage drop_unloaded_front(std::uint8_t priority);

 private:
  bool is_empty(std::size_t priority) const { return !lanes_[priority] || lanes_[priority]->empty(); }
  ReadyLane& lane(std::uint8_t priority);
  std::size_t lanes_in_use() const;
  ReadyLane& next_lane() { return *lanes_[highest()]; }
  void added(std::uint8_t priority, std::uint64_t messages, std::uint64_t octets);
  void removed(std::uint64_t messages, std::uint64_t octets);
  void recount_out_of_memory();

  std::vector<std::unique_ptr<ReadyLane>> lanes_;  // made when a priority has its first message; that of 0 at once
  std::uint8_t highest_ = 0;                       // no lane above it has a message
  std::size_t count_ = 0;
  std::uint64_t octets_ = 0;
  std::uint64_t paged_out_count_ = 0;
  std::uint64_t unloaded_count_ = 0;
};

}  // namespace leveret::broker
