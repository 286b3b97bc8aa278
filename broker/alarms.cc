#include "broker/alarms.h"

#include <utility>

#include "broker/log.h"

namespace leveret::broker {

std::string_view name_of(Alarm alarm) {
  switch (alarm) {
    case Alarm::disk:
      return "disk";
    case Alarm::memory:
      return "memory";
    case Alarm::store:
      return "store";
  }
  return {};
}

std::string blocked_reason(AlarmSet alarms) {
  const bool is_disk = alarms.has(Alarm::disk) || alarms.has(Alarm::store);
  const bool is_memory = alarms.has(Alarm::memory);
  if (is_disk && is_memory) return "low on disk & memory";
  return is_disk ? "low on disk" : "low on memory";
}

void Alarms::raise(Alarm alarm) {
  const std::lock_guard lock{mutex_};
  if (raised_.has(alarm)) return;
  raised_.insert(alarm);
  log::warn("alarm raised: alarm={} publishers wait", name_of(alarm));
  listener_(raised_);
}

void Alarms::clear(Alarm alarm) {
  const std::lock_guard lock{mutex_};
  if (!raised_.has(alarm)) return;
  raised_.erase(alarm);
  log::info("alarm cleared: alarm={} publishers {}", name_of(alarm), raised_.is_empty() ? "go on" : "still wait");
  listener_(raised_);
}

AlarmSet Alarms::raised() const {
  const std::lock_guard lock{mutex_};
  return raised_;
}

void Alarms::listen(Listener listener) {
  const std::lock_guard lock{mutex_};
  listener_ = std::move(listener);
  listener_(raised_);
}

}  // namespace leveret::broker
