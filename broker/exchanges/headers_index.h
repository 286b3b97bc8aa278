#pragma once
#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "broker/exchange.h"

namespace leveret::broker {

/// The bindings of a headers exchange, by what they ask for: a message finds those that share a header with it.
///
/// A binding that asks for all of its criteria stands under one of them, the one that the fewest others stand under;
/// one that asks for any stands under each.  A place is a hash of name and value, in which values that are `equivalent`
/// are the same; who stands there is asked by `headers_match`, which alone decides.  So a message costs what its
/// headers and the bindings that share one of them cost, however many others there are.
class HeadersIndex final : public BindingIndex {
 public:
  void insert(const Binding* binding) override;
  void erase(const Binding* binding) override;
  /// A binding that asks for any of several headers may be named once for each of them.
  void match(const RoutedMessage& message, std::vector<const Binding*>& matches) const override;

 private:
  using Place = std::uint64_t;

  /// Calls `visit` with the place of each criterion.
  template <class Visit>
  static void for_each_place(protocol::FieldTable arguments, Visit visit);
  Place least_crowded_place(protocol::FieldTable arguments) const;
  void remove_from(Place place, const Binding* binding);
  void match_at(Place place, protocol::FieldTable headers, std::vector<const Binding*>& matches) const;

  boost::unordered_flat_map<Place, std::vector<const Binding*>> places_{};
  boost::unordered_flat_map<const Binding*, Place> place_of_{};  // of those that ask for all
  std::vector<const Binding*> unconditional_{};                  // they ask for nothing, and match everything
};

}  // namespace leveret::broker
