#include "broker/topic_trie.h"

#include <algorithm>
#include <optional>

#include <boost/unordered/unordered_flat_set.hpp>

namespace leveret::broker {
namespace {

/// Takes the words off a key one by one.  An empty key has no words.
class Words {
 public:
  explicit Words(std::string_view key) : rest_(key), at_end_(key.empty()) {}

  std::optional<std::string_view> next() {
    if (at_end_) return {};
    const std::size_t dot = rest_.find('.');
    const std::string_view word = rest_.substr(0, dot);
    at_end_ = dot == std::string_view::npos;
    if (!at_end_) rest_.remove_prefix(dot + 1);
    return word;
  }

 private:
  std::string_view rest_;
  bool at_end_;
};

}  // namespace

TopicTrie::Node& TopicTrie::child(Node& node, std::string_view word) {
  std::unique_ptr<Node>* place = nullptr;
  if (word == "*") {
    place = &node.star;
  } else if (word == "#") {
    place = &node.hash;
  } else if (auto found = node.words.find(word); found != node.words.end()) {
    place = &found->second;
  } else {
    place = &node.words[std::string{word}];
  }
  if (!*place) *place = std::make_unique<Node>();
  return **place;
}

void TopicTrie::insert(std::string_view binding_key, const Binding* binding) {
  Node* node = &root_;
  for (Words words{binding_key}; const auto word = words.next();) node = &child(*node, *word);
  node->bindings.push_back(binding);
}

void TopicTrie::erase(std::string_view binding_key, const Binding* binding) {
  std::vector<std::string_view> path;
  for (Words words{binding_key}; const auto word = words.next();) path.push_back(*word);
  erase(root_, path, binding);
}

void TopicTrie::erase(Node& node, std::span<const std::string_view> path, const Binding* binding) {
  if (path.empty()) {
    std::erase(node.bindings, binding);
    return;
  }
  erase(child(node, path.front()), path.subspan(1), binding);
  drop_bare_child(node, path.front());
}

void TopicTrie::drop_bare_child(Node& node, std::string_view word) {
  if (word == "*") {
    if (node.star->is_bare()) node.star.reset();
  } else if (word == "#") {
    if (node.hash->is_bare()) node.hash.reset();
  } else if (auto found = node.words.find(word); found->second->is_bare()) {
    node.words.erase(found);
  }
}

void TopicTrie::match(std::string_view routing_key, std::vector<const Binding*>& matches) const {
  // `#` stays reached whatever words follow, so hash nodes are gathered once; all others have one parent and one word
  // that leads to them, so none of them is ever reached twice by the same word.
  std::vector<const Node*> reached{&root_};
  std::vector<const Node*> hashes;
  std::vector<const Node*> next;
  boost::unordered_flat_set<const Node*> gathered;
  const auto gather_hashes = [&](const Node* node) {
    while ((node = node->hash.get()) && gathered.insert(node).second) hashes.push_back(node);
  };
  const auto step = [&](const Node* node, std::string_view word) {
    if (auto found = node->words.find(word); found != node->words.end()) next.push_back(found->second.get());
    if (node->star) next.push_back(node->star.get());
  };

  gather_hashes(&root_);
  for (Words words{routing_key}; const auto word = words.next();) {
    next.clear();
    for (const Node* node : reached) step(node, *word);
    for (const Node* node : hashes) step(node, *word);
    for (const Node* node : next) gather_hashes(node);
    reached.swap(next);
  }
  for (const auto* set : {&reached, &hashes})
    for (const Node* node : *set) matches.insert(matches.end(), node->bindings.begin(), node->bindings.end());
}

}  // namespace leveret::broker
