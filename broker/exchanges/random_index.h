#pragma once
#include <unordered_map>
#include <vector>

#include "broker/exchange.h"

namespace leveret::broker {

/// Sends each message to one of the bindings at random: types `x-random` and, all queues of one node being local,
/// `x-local-random`.  Keys are ignored; a queue that is bound twice gets twice as many.
class RandomIndex final : public BindingIndex {
 public:
  void insert(const Binding* binding) override;
  void erase(const Binding* binding) override;
  void match(const RoutedMessage& message, std::vector<const Binding*>& matches) const override;

 private:
  std::vector<const Binding*> bindings_{};
  std::unordered_map<const Binding*, std::size_t> places_{};
};

}  // namespace leveret::broker
