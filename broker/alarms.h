#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace leveret::broker {

/// A resource that has run short.
enum class Alarm : std::uint8_t {
  disk = 1,    // little space is left where the store keeps its data
  memory = 2,  // the process occupies more than it should
  store = 4,   // the store cannot write
};

std::string_view name_of(Alarm alarm);

/// Those that are on.
class AlarmSet {
 public:
  bool has(Alarm alarm) const { return (bits_ & static_cast<std::uint8_t>(alarm)) != 0; }
  bool is_empty() const { return bits_ == 0; }
  void insert(Alarm alarm) { bits_ = static_cast<std::uint8_t>(bits_ | static_cast<std::uint8_t>(alarm)); }
  void erase(Alarm alarm) { bits_ = static_cast<std::uint8_t>(bits_ & ~static_cast<std::uint8_t>(alarm)); }
  friend bool operator==(const AlarmSet&, const AlarmSet&) = default;

 private:
  std::uint8_t bits_ = 0;
};

/// What connection.blocked tells a publisher: "low on disk & memory".  A store that cannot write counts as a disk.
std::string blocked_reason(AlarmSet alarms);

/// The resource alarms of a broker: while one is on, who publishes waits.  Takes calls from any thread.
class Alarms {
 public:
  using Listener = std::function<void(AlarmSet)>;

  /// What is on already stays on.
  void raise(Alarm alarm);
  void clear(Alarm alarm);
  AlarmSet raised() const;

  /// Hears of every change, in order, on the thread that makes it; at once of what is on now.
  void listen(Listener listener);

 private:
  mutable std::mutex mutex_{};
  AlarmSet raised_{};
  Listener listener_ = [](AlarmSet) {};
};

}  // namespace leveret::broker
