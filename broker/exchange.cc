#include "broker/exchange.h"

#include <algorithm>
#include <array>

#include <boost/container_hash/hash.hpp>

#include "broker/exchanges/exchange_rules.h"
#include "broker/exchanges/hash_index.h"
#include "broker/exchanges/headers_index.h"
#include "broker/exchanges/random_index.h"
#include "broker/queue_record.h"
#include "broker/topic_trie.h"

namespace leveret::broker {
namespace {

using TypeName = std::pair<ExchangeType, std::string_view>;

constexpr std::array type_names{TypeName{ExchangeType::direct, "direct"},
                                TypeName{ExchangeType::fanout, "fanout"},
                                TypeName{ExchangeType::topic, "topic"},
                                TypeName{ExchangeType::headers, "headers"},
                                TypeName{ExchangeType::consistent_hash, "x-consistent-hash"},
                                TypeName{ExchangeType::modulus_hash, "x-modulus-hash"},
                                TypeName{ExchangeType::random, "x-random"},
                                TypeName{ExchangeType::local_random, "x-local-random"},
                                TypeName{ExchangeType::recent_history, "x-recent-history"},
                                TypeName{ExchangeType::delayed, "x-delayed-message"}};

struct KeyHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
};

class DirectIndex final : public BindingIndex {
 public:
  void insert(const Binding* binding) override { bindings_[binding->key].push_back(binding); }

  void erase(const Binding* binding) override {
    const auto found = bindings_.find(binding->key);
    std::erase(found->second, binding);
    if (found->second.empty()) bindings_.erase(found);
  }

  void match(const RoutedMessage& message, std::vector<const Binding*>& matches) const override {
    for (const auto key : message.routing_keys)
      if (const auto found = bindings_.find(key); found != bindings_.end())
        matches.insert(matches.end(), found->second.begin(), found->second.end());
  }

 private:
  boost::unordered_flat_map<std::string, std::vector<const Binding*>, KeyHash, std::equal_to<>> bindings_{};
};

class FanoutIndex final : public BindingIndex {
 public:
  void insert(const Binding* binding) override { bindings_.insert(binding); }
  void erase(const Binding* binding) override { bindings_.erase(binding); }
  void match(const RoutedMessage&, std::vector<const Binding*>& matches) const override {
    matches.insert(matches.end(), bindings_.begin(), bindings_.end());
  }

 private:
  std::unordered_set<const Binding*> bindings_{};
};

class TopicIndex final : public BindingIndex {
 public:
  void insert(const Binding* binding) override { trie_.insert(binding->key, binding); }
  void erase(const Binding* binding) override { trie_.erase(binding->key, binding); }
  void match(const RoutedMessage& message, std::vector<const Binding*>& matches) const override {
    for (const auto key : message.routing_keys) trie_.match(key, matches);
  }

 private:
  TopicTrie trie_{};
};

}  // namespace

std::string_view name_of(ExchangeType type) {
  return std::find_if(type_names.begin(), type_names.end(), [&](auto& row) { return row.first == type; })->second;
}

std::optional<ExchangeType> exchange_type(std::string_view name) {
  for (const auto& [type, type_name] : type_names)
    if (type_name == name) return type;
  return {};
}

protocol::FieldTable Binding::argument_table() const {
  return protocol::FieldTable{protocol::as_octets(arguments)};
}

bool Binding::is_durable() const {
  return source->is_durable && (destination.queue ? destination.queue->is_durable() : destination.exchange->is_durable);
}

std::size_t BindingHash::operator()(const Binding& binding) const {
  std::size_t seed = 0;
  boost::hash_combine(seed, binding.destination.queue);
  boost::hash_combine(seed, binding.destination.exchange);
  boost::hash_combine(seed, binding.key);
  boost::hash_combine(seed, binding.arguments);
  return seed;
}

std::unique_ptr<BindingIndex> make_binding_index(ExchangeType type, protocol::FieldTable arguments) {
  switch (type) {
    case ExchangeType::direct:
      return std::make_unique<DirectIndex>();
    case ExchangeType::fanout:
    case ExchangeType::recent_history:
      return std::make_unique<FanoutIndex>();
    case ExchangeType::topic:
      return std::make_unique<TopicIndex>();
    case ExchangeType::headers:
      return std::make_unique<HeadersIndex>();
    case ExchangeType::consistent_hash:
      return std::make_unique<ConsistentHashIndex>(arguments);
    case ExchangeType::modulus_hash:
      return std::make_unique<ModulusHashIndex>();
    case ExchangeType::random:
    case ExchangeType::local_random:
      return std::make_unique<RandomIndex>();
    case ExchangeType::delayed:
      return make_binding_index(delayed_type(arguments).value_or(ExchangeType::direct), arguments);
  }
  return {};
}

protocol::FieldTable Exchange::argument_table() const {
  return protocol::FieldTable{protocol::as_octets(arguments)};
}

ExchangeType Exchange::routing_type() const {
  return type == ExchangeType::delayed ? delayed_type(argument_table()).value_or(ExchangeType::direct) : type;
}

bool Exchange::is_predictable() const {
  switch (type) {
    case ExchangeType::headers:
    case ExchangeType::random:
    case ExchangeType::local_random:
    case ExchangeType::recent_history:
    case ExchangeType::delayed:
      return false;
    case ExchangeType::consistent_hash:
      return !argument_table().find("hash-header") && !argument_table().find("hash-property");
    default:
      return true;
  }
}

}  // namespace leveret::broker
