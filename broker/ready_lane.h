#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "broker/block_pool.h"
#include "broker/queued_message.h"

namespace leveret::broker {

/// The ready messages of one lane of a queue, by position.  A message that was put back stands at its old place (AMQP
/// 0-9-1, section 4.7).  Those that leave memory are paged out, as a run of which only the ends are known, or unloaded:
/// each stands at its place, without its content.
///
///     returned, fresh: the next to be delivered | paged out: begin, end, messages, octets | late: what came since
class ReadyLane {
 public:
  /// Behind all others: `position` is the highest so far.
  void append(Position position, QueuedMessage message);
  void put_back(Position position, QueuedMessage message);

  bool empty() const { return returned_.empty() && fresh_.empty() && paged_out_.messages == 0; }
  /// Whether the first one is in memory.
  bool has_front() const {
    return unloaded_.messages == 0 ? !returned_.empty() || !fresh_.empty() : first().is_in_memory();
  }

  struct Front {
    Position position{};
    QueuedMessage* message = nullptr;
  };
  Front front();
  void pop_front();
  /// Takes a message out of any place; nothing when it is not in memory.
  std::optional<QueuedMessage> take(Position position);

  /// All but those that are paged out.
  template <class Function>
  void for_each(Function function) {
    for (auto& [position, message] : returned_) function(position, message);
    for (Run* run : {&fresh_, &late_})
      for (Fresh& entry : *run)
        if (!entry.is_hole()) function(entry.position, entry.message);
  }

  // --- out of memory

  using IsReadable = std::function<bool(const QueuedMessage&)>;

  /// A run of fresh messages that are in the store alone.
  struct PagedOut {
    Position begin{};
    Position end{};
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;  // of their bodies
  };
  const PagedOut& paged_out() const { return paged_out_; }
  /// While there is no message: what a restart has found.
  void restore(const PagedOut& paged_out) { paged_out_ = paged_out; }
  /// Whether fewer messages are left in memory before those that are out of it, which there are; and fewer octets, if
  /// all are like the first.
  bool has_fewer_than(std::size_t count, std::size_t octets) const {
    if (paged_out_.messages == 0 || fresh_.size() >= count) return false;
    return fresh_.empty() || fresh_.size() * fresh_.front().message.octets < octets;
  }

  /// Forgets fresh messages behind the next `kept_octets` or so of them: a run of readable ones, from `from` on.  All
  /// that the store has from there on must be ready: nobody has a message of it, nor may it come back.
  void page_out(std::size_t kept_octets, const IsReadable& is_readable, Position from);
  /// Before `page_out`: those that were put back are to leave memory as well.  What stands before `from` is unloaded.
  void page_out_returned(std::size_t kept_octets, const IsReadable& is_readable, Position from);
  std::size_t returned_count() const { return returned_.size(); }

  /// Those from a position on that have not been put back, and are not paged out.
  template <class Function>
  void for_each_fresh(Position from, Function function) {
    for (Run* run : {&fresh_, &late_})
      for (auto entry = lower_bound(*run, from); entry != run->end(); ++entry)
        if (!entry->is_hole()) function(entry->position, entry->message);
  }

  /// One that has been read back; they come in order.  False when it is not missed.
  bool page_in(Position position, QueuedMessage message);
  /// All that is stored before `next` has been read back; what was not is lost, and told here.
  PagedOut paged_in(Position next);

  struct Unloaded {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;  // of their bodies
  };
  const Unloaded& unloaded() const { return unloaded_; }
  /// The first message, when it has to be loaded.
  std::optional<Position> unloaded_front() const;
  /// False when no message is unloaded there.
  bool load(Position position, MessageRef message);
  /// Forgets the message at `unloaded_front`, which is lost.
  QueuedMessage drop_unloaded_front();

 private:
  /// Fresh messages stand in order of position; one taken out of the middle leaves a hole there.
  struct Fresh {
    Position position{};
    QueuedMessage message{};
    bool is_hole() const { return !message.is_in_memory() && message.append == AppendNumber::none; }
  };
  using Run = PooledDeque<Fresh>;

  static Run::iterator lower_bound(Run& run, Position position);
  static std::optional<QueuedMessage> take_from(Run& run, Position position);
  bool is_returned_next() const;
  const QueuedMessage& first() const;
  void unload(QueuedMessage& queued);
  /// It has its content again, or is paged out, or lost.
  void forget_unloaded(const QueuedMessage& queued);
  void unload_returned(std::size_t kept_octets, const IsReadable& is_readable);
  void split_off_late(std::size_t kept_octets, const IsReadable& is_readable, Position from);
  void join_returned();
  void join_late();
  void drop_holes();

  std::map<Position, QueuedMessage> returned_{};  // before those that are paged out
  Run fresh_{};                                   // never begins with a hole
  PagedOut paged_out_{};
  Run late_{};  // those behind the ones that are paged out
  Unloaded unloaded_{};
};

}  // namespace leveret::broker
