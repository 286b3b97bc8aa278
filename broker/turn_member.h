#pragma once
#include <optional>
#include <string_view>

#include <boost/intrusive/list.hpp>

#include "broker/clock.h"
#include "broker/reports.h"

namespace leveret::broker {

class VirtualHost;

/// By which a `TickRota` finds its members; one that ends leaves it.
using TickHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// A conversation that a shard carries: is told the time now and then, and has work to finish when a turn ends.
class TurnMember : public TickHook {
 public:
  virtual ~TurnMember() = default;
  /// Once at the end of each turn in which `Shard::at_end_of_turn` was called for it.
  virtual void end_turn() = 0;
  /// About four times a second; after `Shard::rest` every two seconds, until it is woken.
  virtual void tick(TimePoint now) = 0;
  virtual bool is_of_user(std::string_view user) const = 0;
  virtual bool is_in(const VirtualHost& virtual_host) const = 0;
  /// The broker wants it to end.
  virtual void force_close(std::string_view reason) = 0;
  /// Resource alarms have been raised or cleared; the shard knows which are on.
  virtual void alarms_changed() = 0;
  /// What it is, for who looks at the broker from outside; nothing while it is not yet, or no more, a client.
  virtual std::optional<ConnectionReport> report() const { return {}; }
  /// Adds what it has counted.
  virtual void add_traffic(TrafficReport&) const {}

 private:
  friend class Shard;
  friend class TickRota;
  bool is_ending_turn_ = false;
  bool is_resting_ = false;
};

}  // namespace leveret::broker
