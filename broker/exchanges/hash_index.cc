#include "broker/exchanges/hash_index.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "broker/exchanges/exchange_rules.h"
#include "broker/exchanges/stable_hash.h"
#include "broker/queue_record.h"
#include "protocol/properties.h"

namespace leveret::broker {
namespace {

std::string text_argument(protocol::FieldTable arguments, std::string_view name) {
  const auto value = arguments.find(name);
  return std::string{value ? value->as_text().value_or("") : ""};
}

const std::string& name_of(const Destination& destination) {
  return destination.queue ? destination.queue->name : destination.exchange->name;
}

std::uint64_t stable_hash_of(const Destination& destination) {
  return stable_hash(name_of(destination), destination.queue ? 1 : 2);
}

/// The same for what RabbitMQ decodes to the same: integers of any width, strings and byte arrays.
std::uint64_t stable_hash_of(const protocol::FieldValue& value) {
  if (const auto integer = value.as_integer()) return stable_hash(std::to_string(*integer), 'l');
  const bool is_binary = value.type() == 'S' || value.type() == 'x';
  const char type = is_binary ? 'S' : value.type();
  return stable_hash(protocol::as_text(value.octets()), static_cast<std::uint8_t>(type));
}

/// Uniform in (0, 1).
double fraction(std::uint64_t hash) {
  return (static_cast<double>(hash >> 11) + 0.5) / static_cast<double>(std::uint64_t{1} << 53);
}

std::optional<std::string> property_text(const protocol::BasicProperties& properties, std::string_view name) {
  const auto text = [](const auto& value) { return value ? std::optional{std::string{*value}} : std::nullopt; };
  if (name == "message_id") return text(properties.message_id);
  if (name == "correlation_id") return text(properties.correlation_id);
  return properties.timestamp ? std::optional{std::to_string(*properties.timestamp)} : std::nullopt;
}

}  // namespace

ConsistentHashIndex::ConsistentHashIndex(protocol::FieldTable arguments)
    : header_(text_argument(arguments, "hash-header")), property_(text_argument(arguments, "hash-property")) {}

std::vector<ConsistentHashIndex::Bucket>::iterator ConsistentHashIndex::bucket_of(const Binding& binding) {
  return std::find_if(buckets_.begin(), buckets_.end(), [&](const Bucket& bucket) {
    return bucket.bindings.front()->destination == binding.destination;
  });
}

void ConsistentHashIndex::insert(const Binding* binding) {
  auto bucket = bucket_of(*binding);
  if (bucket == buckets_.end())
    bucket = buckets_.insert(bucket, {.destination_hash = stable_hash_of(binding->destination),
                                      .weight = binding_weight(binding->key).value_or(1)});
  bucket->bindings.push_back(binding);
}

void ConsistentHashIndex::erase(const Binding* binding) {
  const auto bucket = bucket_of(*binding);
  std::erase(bucket->bindings, binding);
  if (bucket->bindings.empty())
    buckets_.erase(bucket);
  else
    bucket->weight = binding_weight(bucket->bindings.front()->key).value_or(1);
}

std::uint64_t ConsistentHashIndex::hash_of(const RoutedMessage& message) const {
  if (!header_.empty()) {
    const auto value = message.headers.find(header_);
    return value ? stable_hash_of(*value) : 0;
  }
  if (!property_.empty()) {
    const auto text = message.properties ? property_text(*message.properties, property_) : std::nullopt;
    return text ? stable_hash(*text) : 0;
  }
  return stable_hash(message.routing_keys.front());
}

void ConsistentHashIndex::match(const RoutedMessage& message, std::vector<const Binding*>& matches) const {
  if (buckets_.empty()) return;
  const std::uint64_t hash = hash_of(message);
  const Bucket* winner = nullptr;
  double highest = 0;
  for (const Bucket& bucket : buckets_) {
    // -ln(u) / weight is an exponential draw of that rate: it is the least of all with a chance of weight / sum.
    const double draw = std::log(fraction(mixed(hash ^ bucket.destination_hash))) / bucket.weight;
    if (winner && draw <= highest) continue;
    winner = &bucket;
    highest = draw;
  }
  matches.push_back(winner->bindings.front());
}

namespace {

bool stands_before(const Binding* left, const Binding* right) {
  const auto place = [](const Binding& binding) {
    return std::tuple<bool, const std::string&, const std::string&, const std::string&>{
        binding.destination.queue == nullptr, name_of(binding.destination), binding.key, binding.arguments};
  };
  return place(*left) < place(*right);
}

}  // namespace

void ModulusHashIndex::insert(const Binding* binding) {
  bindings_.insert(std::upper_bound(bindings_.begin(), bindings_.end(), binding, stands_before), binding);
}

void ModulusHashIndex::erase(const Binding* binding) {
  std::erase(bindings_, binding);
}

void ModulusHashIndex::match(const RoutedMessage& message, std::vector<const Binding*>& matches) const {
  if (!bindings_.empty()) matches.push_back(bindings_[stable_hash(message.routing_keys.front()) % bindings_.size()]);
}

}  // namespace leveret::broker
