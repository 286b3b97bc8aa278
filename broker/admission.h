#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/limits.h"
#include "protocol/reply_code.h"

namespace leveret::broker {

/// Counts open connections and channels, and lets in no more than the limits allow.  Takes calls from any thread.
class Admission {
 public:
  /// Of the whole broker; nothing: no limit.
  struct NodeLimits {
    std::optional<std::uint64_t> connections{};
    std::optional<std::uint64_t> channels{};
  };

  /// What has been let in counts for as long as this lives.
  class Place {
   public:
    Place(Place&& other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)),
          user_(std::move(other.user_)),
          virtual_host_(std::move(other.virtual_host_)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (admission_) admission_->leave(*this);
    }

   private:
    friend class Admission;
    Place(Admission& admission, std::string_view user, std::optional<std::string> virtual_host)
        : admission_(&admission), user_(user), virtual_host_(std::move(virtual_host)) {}

    Admission* admission_;
    std::string user_;
    std::optional<std::string> virtual_host_;  // nothing: a channel's place
  };

  /// `node` as the broker is called in refusals.
  Admission(const Limits& limits, NodeLimits node_limits, std::string node)
      : limits_(limits), node_limits_(node_limits), node_(std::move(node)) {}

  /// Errors: not_allowed, in RabbitMQ's words, when one of the limits is reached.
  protocol::Result<Place> open_connection(std::string_view user, std::string_view virtual_host);
  protocol::Result<Place> open_channel(std::string_view user);

  std::uint64_t connections_of_virtual_host(std::string_view name) const;
  std::uint64_t connections_of_user(std::string_view name) const;
  std::uint64_t channels_of_user(std::string_view name) const;

 private:
  /// How many there are, by name; without those of which there are none.
  class Counts {
   public:
    std::uint64_t of(std::string_view name) const;
    std::uint64_t total() const { return total_; }
    void add(std::string_view name);
    void remove(std::string_view name);

   private:
    std::map<std::string, std::uint64_t, std::less<>> counts_{};
    std::uint64_t total_ = 0;
  };

  void leave(const Place& place);

  const Limits& limits_;
  const NodeLimits node_limits_;
  const std::string node_;
  mutable std::mutex mutex_{};
  Counts connections_of_virtual_hosts_{};
  Counts connections_of_users_{};
  Counts channels_of_users_{};
};

}  // namespace leveret::broker
