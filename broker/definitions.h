#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "broker/policy.h"
#include "broker/streams/segments.h"
#include "broker/virtual_host.h"

namespace leveret::broker::definitions {

/// How durable topology, virtual hosts, users and permissions stand in the store.
///
/// A key is a kind and the parts that identify the definition, each behind its size (long, big-endian), so that parts
/// may hold any octets.  A value is a field table, so that new members can join it.
enum class Kind : char {
  virtual_host = 'v',
  exchange = 'x',
  queue = 'q',
  binding = 'b',
  user = 'u',
  permission = 'p',
  topic_permission = 't',
  setting = 's',
  policy = 'P',
  operator_policy = 'O',
  parameter = 'a',
  global_parameter = 'g',
  virtual_host_limits = 'l',
  user_limits = 'm',
  segment = 'S',
};

std::string make_key(Kind kind, std::initializer_list<std::string_view> parts);

struct Key {
  Kind kind{};
  std::vector<std::string> parts{};
};
/// Nothing when it is not a key that `make_key` made.
std::optional<Key> parse_key(std::string_view key);

std::string value_of(const VirtualHostMetadata& metadata);
VirtualHostMetadata metadata_from(FieldTable value);

std::string key_of(std::string_view virtual_host, const Exchange& exchange);
std::string value_of(const Exchange& exchange);
/// Its delay store, if it has one, has no shard yet.
Exchange exchange_from(const Key& key, FieldTable value);

std::string key_of(std::string_view virtual_host, const QueueRecord& queue);
std::string value_of(const QueueRecord& queue);
/// Its address has no shard yet.
QueueRecord queue_from(const Key& key, FieldTable value);

std::string key_of(std::string_view virtual_host, const Binding& binding);
/// Points into `key`; a binding has nothing beside it, so its value is empty.
BindingRequest binding_from(const Key& key);

/// A closed segment of a stream: two numbers of eight octets identify it, the queue's id and where it begins.
std::string key_of(QueueId stream, const StreamSegment& segment);
std::string value_of(const StreamSegment& segment);
struct StoredSegment {
  QueueId stream{};
  StreamSegment segment{};
};
StoredSegment segment_from(const Key& key, FieldTable value);

/// A JSON value as a definition's.
std::string json_value(const boost::json::value& value);
/// Errors: StoreError for a definition that is no JSON.
boost::json::value json_from(FieldTable value);

std::string key_of(std::string_view virtual_host, PolicyKind kind, std::string_view policy);
std::string value_of(const Policy& policy);
/// Errors: StoreError for a definition that is no JSON object.
Policy policy_from(const Key& key, FieldTable value);

}  // namespace leveret::broker::definitions
