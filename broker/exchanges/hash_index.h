#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "broker/exchange.h"

namespace leveret::broker {

/// Sends a message to one of the bound destinations by a hash of what identifies it: type `x-consistent-hash`.
///
/// A binding's key is the weight of its destination; of several bindings of one destination the first counts while it
/// is there.  Each destination draws a number from the message's hash and its own name, weighted, and the highest wins
/// (rendezvous hashing): shares are as the weights are, and a destination that comes or goes moves only the messages
/// that are, or were, its own.  Nothing of it depends on order or process, so it holds over a restart as well.
class ConsistentHashIndex final : public BindingIndex {
 public:
  /// What is hashed: by `arguments` the header that `hash-header` names, the property that `hash-property` names, or
  /// the routing key.  A message without it goes where all such messages go.
  explicit ConsistentHashIndex(protocol::FieldTable arguments);

  void insert(const Binding* binding) override;
  void erase(const Binding* binding) override;
  void match(const RoutedMessage& message, std::vector<const Binding*>& matches) const override;

 private:
  struct Bucket {
    std::vector<const Binding*> bindings{};  // all of one destination
    std::uint64_t destination_hash = 0;
    double weight = 0;
  };

  std::uint64_t hash_of(const RoutedMessage& message) const;
  std::vector<Bucket>::iterator bucket_of(const Binding& binding);

  std::string header_{};
  std::string property_{};
  std::vector<Bucket> buckets_{};
};

/// Sends a message to one of the bindings, by the hash of its routing key modulo their number: type `x-modulus-hash`.
/// Keys of bindings are ignored.  The bindings stand in an order of their own, so a restart changes nothing.
class ModulusHashIndex final : public BindingIndex {
 public:
  void insert(const Binding* binding) override;
  void erase(const Binding* binding) override;
  void match(const RoutedMessage& message, std::vector<const Binding*>& matches) const override;

 private:
  std::vector<const Binding*> bindings_{};
};

}  // namespace leveret::broker
