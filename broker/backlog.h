#pragma once
#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace leveret::broker {

/// Octets of messages that a shard has been given and is not done with: in its mail, or gathered and not yet written to
/// the store.  Who publishes into a shard whose backlog is full waits until it has drained.
///
/// Takes calls from any thread, but for `dealt_with`.  Changed once per batch of mail and per turn, never per message.
class Backlog {
 public:
  static constexpr std::size_t full_octets = 64 * 1024 * 1024;
  static constexpr std::size_t drained_octets = full_octets / 2;

  bool is_full() const { return octets_ >= full_octets; }
  std::size_t octets() const { return octets_; }

  /// Mail with so many octets of messages is on its way to the owner.
  void mail_sent(std::size_t octets);
  /// The owner has taken so much of its mail in, and its log has so much to write.
  void dealt_with(std::size_t mail_octets, std::size_t unwritten_octets);

  /// Has `drained` called, by the owner's thread, when the backlog has drained; false, and no call, when it is not
  /// full.
  bool wait(std::function<void()> drained);

 private:
  std::atomic<std::size_t> octets_{0};
  std::size_t unwritten_octets_ = 0;  // its part of `octets_`; the owner's

  std::atomic<bool> has_waiting_{false};
  std::mutex mutex_{};
  std::vector<std::function<void()>> waiting_{};
};

}  // namespace leveret::broker
