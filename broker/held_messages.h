#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "broker/queued_message.h"

namespace leveret::broker {

/// What a queue has delivered and nobody has settled yet.  Belongs to its queue.
class HeldMessages {
 public:
  void add(Position position, QueuedMessage&& message) {
    if (!message.is_in_memory()) return add_unloaded(position, message);
    loaded_octets_ += message.octets;
    loaded_.emplace(position, std::move(message));
  }
  /// Nothing when nobody holds it.
  std::optional<QueuedMessage> take(Position position) {
    const auto found = loaded_.find(position);
    if (found == loaded_.end()) return take_unloaded(position);
    std::optional taken{std::move(found->second)};
    loaded_.erase(found);
    loaded_octets_ -= taken->octets;
    return taken;
  }

  std::size_t size() const { return loaded_.size() + unloaded_.size(); }
  std::uint64_t octets() const { return loaded_octets_ + unloaded_octets_; }  // of their bodies

  template <class Function>
  void for_each(Function function) const {
    for (const auto& [position, message] : loaded_) function(position, message);
    for (const auto& [position, message] : unloaded_) function(position, message.queued());
  }

  // --- out of memory

  using IsReadable = std::function<bool(const QueuedMessage&)>;

  /// Forgets the contents of those that can be read from the store.
  void unload(const IsReadable& is_readable);
  std::size_t unloaded_count() const { return unloaded_.size(); }
  std::uint64_t unloaded_octets() const { return unloaded_octets_; }
  /// What those in memory occupy, near enough for limits.
  std::size_t memory() const { return loaded_.size() * queued_overhead_octets + loaded_octets_; }

 private:
  /// What there is to remember of a message that the store has: there may be millions of them.
  struct Unloaded {
    explicit Unloaded(const QueuedMessage& message);
    QueuedMessage queued() const;

    std::uint32_t octets;
    std::uint32_t returns : 30;
    std::uint32_t is_redelivered : 1;
    std::uint32_t is_transient : 1;
  };

  std::optional<QueuedMessage> take_unloaded(Position position);
  void add_unloaded(Position position, const QueuedMessage& message);

  boost::unordered_flat_map<Position, QueuedMessage> loaded_{};
  boost::unordered_flat_map<Position, Unloaded> unloaded_{};
  std::uint64_t loaded_octets_ = 0;
  std::uint64_t unloaded_octets_ = 0;
};

}  // namespace leveret::broker
