#include "broker/exchange.h"

#include <algorithm>
#include <array>

#include <boost/container_hash/hash.hpp>

#include "broker/exchanges/headers_index.h"
#include "broker/queue_record.h"
#include "broker/topic_trie.h"

namespace leveret::broker {
namespace {

constexpr std::array<std::pair<ExchangeType, std::string_view>, 4> type_names{{{ExchangeType::direct, "direct"},
                                                                               {ExchangeType::fanout, "fanout"},
                                                                               {ExchangeType::topic, "topic"},
                                                                               {ExchangeType::headers, "headers"}}};

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

std::unique_ptr<BindingIndex> make_binding_index(ExchangeType type) {
  switch (type) {
    case ExchangeType::direct:
      return std::make_unique<DirectIndex>();
    case ExchangeType::fanout:
      return std::make_unique<FanoutIndex>();
    case ExchangeType::topic:
      return std::make_unique<TopicIndex>();
    case ExchangeType::headers:
      return std::make_unique<HeadersIndex>();
  }
  return {};
}

}  // namespace leveret::broker
