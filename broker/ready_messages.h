#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "broker/block_pool.h"
#include "broker/durable_log.h"
#include "broker/ids.h"
#include "broker/message.h"

namespace leveret::broker {

/// A message that a queue holds.
struct QueuedMessage {
  MessageRef message{};
  AppendNumber append = AppendNumber::none;
  ConsumerId consumer = ConsumerId::none;  // who has it, while it is unacknowledged
  std::uint32_t returns = 0;               // how often it was delivered and came back
  bool is_redelivered = false;
  bool is_transient = false;  // stored only to be out of memory
};

/// A queue's ready messages, in the order in which they are to be delivered: by priority, then by position.  A message
/// that was put back stands at its old place (AMQP 0-9-1, section 4.7).  Belongs to its queue.
class ReadyMessages {
 public:
  /// In which priority the next delivery is looked for.
  enum class Turns {
    strict,   // in the highest that has a message
    weighted  // two of the higher, then one of the lower, as in RabbitMQ's quorum queues
  };

  /// Priorities go from 0 to `priority_max`.  While there is no message.
  void set_priorities(std::uint8_t priority_max, Turns turns);
  std::uint8_t priority_max() const { return static_cast<std::uint8_t>(levels_.size() - 1); }

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
  void restore(const PagedOut& paged_out);
  /// What the messages in memory occupy, near enough for limits.
  std::size_t memory() const;
  /// Whether fewer messages are left in memory before those that are out of it, which there are.
  bool has_fewer_than(std::size_t count) const { return paged_out_.messages > 0 && levels_[0].fresh.size() < count; }

  /// Forgets fresh messages behind the next `kept_octets` or so of them: a run of readable ones.  Queues with
  /// several priorities keep all of theirs.
  void page_out(std::size_t kept_octets, const IsReadable& is_readable);
  /// One that has been read back; they come in order.
  void page_in(Position position, QueuedMessage message);
  /// All that is stored before `next` has been read back; at the end there is nothing more to be read.
  void paged_in(Position next, bool is_end);

  /// Behind all others of its priority: `position` is the highest so far.
  void append(Position position, std::uint8_t priority, QueuedMessage message);
  void put_back(Position position, std::uint8_t priority, QueuedMessage message);

  bool empty() const { return count_ == 0; }
  /// Whether the next one is in memory.
  bool has_front() const { return !levels_.front().empty() || (levels_.size() > 1 && has_higher()); }
  std::size_t size() const { return count_; }
  /// Octets of the messages' bodies.
  std::uint64_t octets() const { return octets_; }

  /// The next to be delivered; there is one.
  struct Front {
    Position position{};
    QueuedMessage* message = nullptr;
  };
  Front front();
  /// Takes away what `front` gave; `octets` is the size of its body.
  void pop_front(std::size_t octets);

  /// Takes a message out of any place; nothing when it is not ready.
  std::optional<QueuedMessage> take(Position position, std::uint8_t priority);

  /// The oldest message of a priority; nothing when it has none.
  std::optional<Front> oldest(std::uint8_t priority);

  template <class Function>
  void for_each(Function function) {
    for (Level& level : levels_) {
      for (auto& [position, message] : level.returned) function(position, message);
      for (auto& [position, message] : level.fresh)
        if (message.message) function(position, message);
    }
    for (auto& [position, message] : late_)
      if (message.message) function(position, message);
  }
  void clear();

 private:
  /// Fresh messages stand in order of arrival; one taken out of the middle leaves a hole there.
  struct Fresh {
    Position position{};
    QueuedMessage message{};
  };

  using Run = std::deque<Fresh, PoolAllocator<Fresh>>;
  static std::optional<QueuedMessage> take_from(Run& run, Position position);

  struct Level {
    std::map<Position, QueuedMessage> returned{};  // always before the fresh ones
    Run fresh{};                                   // never begins with a hole

    bool empty() const { return returned.empty() && fresh.empty(); }
    Front front();
    void pop_front();
    std::optional<QueuedMessage> take(Position position);
    void drop_holes();
  };

  /// What a message in memory occupies beside its body, about.
  static constexpr std::size_t overhead_octets = 256;

  void split_off_late(std::size_t kept_octets, const IsReadable& is_readable);
  void join_late();

  bool has_higher() const;
  Level& next_level();
  void added(std::uint8_t priority, const Message& message);
  void removed(std::size_t octets);

  std::vector<Level> levels_ = std::vector<Level>(1);
  Turns turns_ = Turns::strict;
  std::size_t highest_ = 0;        // no level above it has a message
  unsigned served_of_higher_ = 0;  // in a row, while a lower one waits
  std::size_t count_ = 0;
  std::uint64_t octets_ = 0;
  PagedOut paged_out_{};
  Run late_{};  // those behind the ones that are out of memory
};

}  // namespace leveret::broker
