#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "broker/ids.h"
#include "protocol/field_table.h"
#include "protocol/properties.h"

namespace leveret::broker {

struct AppliedPolicies;
class DelayedNumbers;
class ExchangeTraffic;
class MessageHistory;
struct Exchange;
struct QueueRecord;

/// Rule by which an exchange routes.  AMQP 0-9-1, section 3.1.3, and RabbitMQ's plugins.
enum class ExchangeType {
  direct,
  fanout,
  topic,
  headers,
  consistent_hash,
  modulus_hash,
  random,
  local_random,
  recent_history,
  delayed,  // routes as another type, some messages later
};

std::string_view name_of(ExchangeType type);
std::optional<ExchangeType> exchange_type(std::string_view name);

/// Where a binding leads: a queue or another exchange; just one of the two is set.
struct Destination {
  QueueRecord* queue = nullptr;
  Exchange* exchange = nullptr;
  friend bool operator==(const Destination&, const Destination&) = default;
};

/// One binding.  Source, destination, key and arguments together identify it.
struct Binding {
  Exchange* source = nullptr;
  Destination destination{};
  std::string key{};
  std::string arguments{};  // an encoded field table

  protocol::FieldTable argument_table() const;
  bool is_durable() const;
  friend bool operator==(const Binding&, const Binding&) = default;
};

struct BindingHash {
  std::size_t operator()(const Binding& binding) const;
};

/// What a message shows to bindings.
struct RoutedMessage {
  std::span<const std::string_view> routing_keys{};  // its own first, then those of its CC and BCC headers
  protocol::FieldTable headers{};
  const protocol::BasicProperties* properties = nullptr;  // where there is more to look at than the headers
};

/// The bindings of one exchange, kept so that those which match a message are found quickly.
/// Guarded by its virtual host's lock, like all of the topology.
class BindingIndex {
 public:
  virtual ~BindingIndex() = default;
  virtual void insert(const Binding* binding) = 0;
  virtual void erase(const Binding* binding) = 0;
  /// Appends the matching bindings to `matches`; one may be named more than once.
  virtual void match(const RoutedMessage& message, std::vector<const Binding*>& matches) const = 0;
};

std::unique_ptr<BindingIndex> make_binding_index(ExchangeType type, protocol::FieldTable arguments);

/// An exchange and the bindings that start from it.  Guarded by its virtual host's lock.
struct Exchange {
  std::string name{};
  ExchangeType type = ExchangeType::direct;
  bool is_durable = false;
  bool is_auto_delete = false;
  bool is_internal = false;
  std::string arguments{};  // an encoded field table
  std::string user{};       // who has declared it
  /// Where messages without a queue go: the one its arguments name, else the one its policy does.
  std::optional<std::string> alternate_exchange{};
  std::shared_ptr<const AppliedPolicies> policies{};

  std::unordered_set<Binding, BindingHash> bindings{};
  std::unordered_set<const Binding*> bindings_to_here{};
  std::unique_ptr<BindingIndex> index{};
  std::shared_ptr<MessageHistory> history{};  // where it routes as recent_history
  std::shared_ptr<ExchangeTraffic> traffic{};
  std::optional<QueueAddress> delay_store{};  // of type delayed: takes what is to be routed later, as a queue would
  std::shared_ptr<DelayedNumbers> delayed{};  // what that has

  protocol::FieldTable argument_table() const;
  /// The type by which it routes: its own, or that in `x-delayed-type`.
  ExchangeType routing_type() const;
  /// Whether exchange and routing key alone say where a message goes.
  bool is_predictable() const;
};

}  // namespace leveret::broker
