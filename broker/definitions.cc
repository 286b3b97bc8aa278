#include "broker/definitions.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "broker/queue_type.h"

namespace leveret::broker::definitions {
namespace {

using protocol::FieldTableBuilder;

void put_part(std::string& key, std::string_view part) {
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<char>(part.size() >> shift));
  key.append(part);
}

bool flag(FieldTable value, std::string_view name) {
  const auto found = value.find(name);
  return found && found->as_bool().value_or(false);
}

std::string text(FieldTable value, std::string_view name) {
  const auto found = value.find(name);
  return std::string{found ? found->as_text().value_or("") : ""};
}

FieldTable table(FieldTable value, std::string_view name) {
  const auto found = value.find(name);
  return found ? found->as_table().value_or(FieldTable{}) : FieldTable{};
}

FieldTable view_of(const std::string& encoded) {
  return FieldTable{protocol::as_octets(encoded)};
}

boost::json::value parsed(const std::string& json) {
  boost::json::error_code error;
  auto value = boost::json::parse(json, error);
  if (error) throw storage::StoreError{"the store holds a definition that cannot be read; restore the data directory"};
  return value;
}

std::string owned(FieldTable fields) {
  return std::string{protocol::as_text(fields.octets())};
}

std::uint64_t number(FieldTable value, std::string_view name) {
  const auto found = value.find(name);
  return static_cast<std::uint64_t>(found ? found->as_integer().value_or(0) : 0);
}

std::string number_part(std::uint64_t number) {
  std::string part;
  for (int shift = 56; shift >= 0; shift -= 8) part.push_back(static_cast<char>(number >> shift));
  return part;
}

std::uint64_t number_of(std::string_view part) {
  std::uint64_t number = 0;
  for (const char octet : part) number = number << 8 | static_cast<unsigned char>(octet);
  return number;
}

}  // namespace

std::string make_key(Kind kind, std::initializer_list<std::string_view> parts) {
  std::string key{static_cast<char>(kind)};
  for (const auto part : parts) put_part(key, part);
  return key;
}

std::optional<Key> parse_key(std::string_view encoded) {
  if (encoded.empty()) return {};
  Key key{.kind = static_cast<Kind>(encoded.front())};
  encoded.remove_prefix(1);
  while (!encoded.empty()) {
    if (encoded.size() < 4) return {};
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(encoded[static_cast<std::size_t>(i)]);
    encoded.remove_prefix(4);
    if (encoded.size() < size) return {};
    key.parts.emplace_back(encoded.substr(0, size));
    encoded.remove_prefix(size);
  }
  return key;
}

std::string value_of(const VirtualHostMetadata& metadata) {
  protocol::FieldArrayBuilder tags;
  for (const std::string& tag : metadata.tags) tags.add(tag);
  FieldTableBuilder value;
  value.put("description", metadata.description);
  value.put("tags", tags);
  value.put("default_queue_type", metadata.default_queue_type);
  value.put("protected_from_deletion", metadata.is_protected_from_deletion);
  value.put("traced", metadata.is_traced);
  return value.take();
}

VirtualHostMetadata metadata_from(FieldTable value) {
  VirtualHostMetadata metadata{.description = text(value, "description"),
                               .default_queue_type = text(value, "default_queue_type"),
                               .is_protected_from_deletion = flag(value, "protected_from_deletion"),
                               .is_traced = flag(value, "traced")};
  const auto tags = value.find("tags");
  const auto array = tags ? tags->as_array() : std::nullopt;
  for (const auto& tag : array.value_or(protocol::FieldArray{})) metadata.tags.emplace_back(tag.as_text().value_or(""));
  return metadata;
}

std::string key_of(std::string_view virtual_host, const Exchange& exchange) {
  return make_key(Kind::exchange, {virtual_host, exchange.name});
}

std::string value_of(const Exchange& exchange) {
  FieldTableBuilder value;
  value.put("type", name_of(exchange.type));
  value.put("auto_delete", exchange.is_auto_delete);
  value.put("internal", exchange.is_internal);
  value.put("arguments", view_of(exchange.arguments));
  if (!exchange.user.empty()) value.put("user", exchange.user);
  if (exchange.delay_store) value.put("delay_store", static_cast<std::int64_t>(exchange.delay_store->queue));
  return value.take();
}

Exchange exchange_from(const Key& key, FieldTable value) {
  Exchange exchange{.name = key.parts.at(1),
                    .type = exchange_type(text(value, "type")).value_or(ExchangeType::direct),
                    .is_durable = true,
                    .is_auto_delete = flag(value, "auto_delete"),
                    .is_internal = flag(value, "internal"),
                    .arguments = owned(table(value, "arguments")),
                    .user = text(value, "user")};
  if (const auto store = value.find("delay_store"))
    exchange.delay_store = {.queue = QueueId{static_cast<std::uint64_t>(store->as_integer().value_or(0))}};
  return exchange;
}

std::string key_of(std::string_view virtual_host, const QueueRecord& queue) {
  return make_key(Kind::queue, {virtual_host, queue.name});
}

std::string value_of(const QueueRecord& queue) {
  FieldTableBuilder value;
  value.put("id", static_cast<std::int64_t>(queue.address.queue));
  value.put("auto_delete", queue.is_auto_delete);
  value.put("arguments", view_of(queue.arguments));
  return value.take();
}

QueueRecord queue_from(const Key& key, FieldTable value) {
  const auto id = value.find("id");
  return {.address = {.queue = QueueId{static_cast<std::uint64_t>(id ? id->as_integer().value_or(0) : 0)}},
          .name = key.parts.at(1),
          .type = queue_type_of(table(value, "arguments")),
          .is_declared_durable = true,
          .is_auto_delete = flag(value, "auto_delete"),
          .arguments = owned(table(value, "arguments"))};
}

std::string key_of(std::string_view virtual_host, const Binding& binding) {
  const bool is_queue = binding.destination.queue != nullptr;
  return make_key(Kind::binding, {virtual_host, binding.source->name, is_queue ? "q" : "e",
                                  is_queue ? binding.destination.queue->name : binding.destination.exchange->name,
                                  binding.key, binding.arguments});
}

BindingRequest binding_from(const Key& key) {
  return {.source = key.parts.at(1),
          .to = key.parts.at(2) == "q" ? BindingRequest::To::queue : BindingRequest::To::exchange,
          .destination = key.parts.at(3),
          .routing_key = key.parts.at(4),
          .arguments = view_of(key.parts.at(5))};
}

std::string key_of(std::string_view virtual_host, PolicyKind kind, std::string_view policy) {
  return make_key(kind == PolicyKind::user ? Kind::policy : Kind::operator_policy, {virtual_host, policy});
}

std::string value_of(const Policy& policy) {
  FieldTableBuilder value;
  value.put("pattern", policy.pattern);
  value.put("apply-to", name_of(policy.apply_to));
  value.put("priority", policy.priority);
  value.put("definition", boost::json::serialize(policy.definition));
  return value.take();
}

Policy policy_from(const Key& key, FieldTable value) {
  const auto priority = value.find("priority");
  const auto definition = parsed(text(value, "definition"));
  return {.name = key.parts.at(1),
          .pattern = text(value, "pattern"),
          .apply_to = policy_target(text(value, "apply-to")).value_or(PolicyTarget::all),
          .priority = priority ? priority->as_integer().value_or(0) : 0,
          .definition = definition.is_object() ? definition.get_object() : boost::json::object{}};
}

std::string key_of(QueueId stream, const StreamSegment& segment) {
  return make_key(Kind::segment, {number_part(static_cast<std::uint64_t>(stream)), number_part(segment.begin)});
}

std::string value_of(const StreamSegment& segment) {
  FieldTableBuilder value;
  value.put("end", segment.end);
  value.put("octets", segment.octets);
  value.put("last_arrival", segment.last_arrival.time_since_epoch().count());
  return value.take();
}

StoredSegment segment_from(const Key& key, FieldTable value) {
  const auto last_arrival = static_cast<std::int64_t>(number(value, "last_arrival"));
  return {.stream = QueueId{number_of(key.parts.at(0))},
          .segment = {.begin = number_of(key.parts.at(1)),
                      .end = number(value, "end"),
                      .octets = number(value, "octets"),
                      .last_arrival = WallTime{std::chrono::milliseconds{last_arrival}}}};
}

std::string json_value(const boost::json::value& value) {
  return FieldTableBuilder{}.put("json", boost::json::serialize(value)).take();
}

boost::json::value json_from(FieldTable value) {
  return parsed(text(value, "json"));
}

}  // namespace leveret::broker::definitions
