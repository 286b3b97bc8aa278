#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace leveret::broker {

struct Binding;

/// The bindings of a topic exchange, by their keys' words: `*` stands for one word, `#` for any number of them.
///
/// Words are separated by dots; an empty key is one empty word for `*` and none for `#`, as in RabbitMQ.  Matching
/// walks the routing key once with the set of places its words lead to, so its cost follows the words and the bindings
/// that match, not the number of bindings, and no key can make it explode.
class TopicTrie {
 public:
  void insert(std::string_view binding_key, const Binding* binding);
  void erase(std::string_view binding_key, const Binding* binding);

  /// Appends the matching bindings to `matches`.
  void match(std::string_view routing_key, std::vector<const Binding*>& matches) const;
  bool empty() const { return root_.is_bare(); }

 private:
  struct WordHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
  };
  struct Node {
    boost::unordered_flat_map<std::string, std::unique_ptr<Node>, WordHash, std::equal_to<>> words{};
    std::unique_ptr<Node> star{};
    std::unique_ptr<Node> hash{};
    std::vector<const Binding*> bindings{};

    bool is_bare() const { return words.empty() && !star && !hash && bindings.empty(); }
  };

  static Node& child(Node& node, std::string_view word);
  static void erase(Node& node, std::span<const std::string_view> path, const Binding* binding);
  static void drop_bare_child(Node& node, std::string_view word);

  Node root_{};
};

}  // namespace leveret::broker
