#include "broker/exchanges/random_index.h"

#include <random>

namespace leveret::broker {

void RandomIndex::insert(const Binding* binding) {
  places_.emplace(binding, bindings_.size());
  bindings_.push_back(binding);
}

void RandomIndex::erase(const Binding* binding) {
  const auto found = places_.find(binding);
  // The last one takes its place: no order is promised.
  places_[bindings_.back()] = found->second;
  bindings_[found->second] = bindings_.back();
  bindings_.pop_back();
  places_.erase(binding);
}

void RandomIndex::match(const RoutedMessage&, std::vector<const Binding*>& matches) const {
  if (bindings_.empty()) return;
  // One for each thread, as many threads route at once.
  thread_local std::minstd_rand generator{std::random_device{}()};
  matches.push_back(bindings_[std::uniform_int_distribution<std::size_t>{0, bindings_.size() - 1}(generator)]);
}

}  // namespace leveret::broker
