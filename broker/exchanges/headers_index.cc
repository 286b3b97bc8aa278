#include "broker/exchanges/headers_index.h"

#include <limits>
#include <optional>

#include <boost/container_hash/hash.hpp>

#include "broker/exchanges/headers_match.h"

namespace leveret::broker {
namespace {

/// Numbers are compared by value whatever their type; numbers that are equal are so as a double as well.
std::optional<double> number(const protocol::FieldValue& value) {
  if (const auto integer = value.as_integer()) return static_cast<double>(*integer);
  if (const auto real = value.as_double()) return *real;
  if (const auto time = value.as_timestamp()) return static_cast<double>(*time);
  return {};
}

/// The same for values that are `equivalent`; of what is rarely asked for, such as a table, no more than its kind.
std::uint64_t hash_of(const protocol::FieldValue& value) {
  std::uint64_t seed = 0;
  if (const auto real = number(value)) {
    boost::hash_combine(seed, *real == 0 ? 0 : *real);  // 0.0 and -0.0 are one
    return seed;
  }
  switch (value.type()) {
    case 'S':
    case 'x':
      return std::hash<std::string_view>{}(protocol::as_text(value.contents()));
    case 't':
      return *value.as_bool() ? 1 : 2;
    default:
      return static_cast<std::uint64_t>(value.type());
  }
}

std::uint64_t place_of(std::uint64_t name_hash, std::uint64_t value_hash) {
  boost::hash_combine(name_hash, value_hash);
  return name_hash;
}

std::uint64_t hash_of(std::string_view name) {
  return std::hash<std::string_view>{}(name);
}

/// Where a criterion without a value stands: it asks only that the header is there.
std::uint64_t presence_place(std::string_view name) {
  return hash_of(name);
}

}  // namespace

template <class Visit>
void HeadersIndex::for_each_place(protocol::FieldTable arguments, Visit visit) {
  const HeadersCriteria criteria{arguments};
  for (const auto& [name, wanted] : arguments) {
    if (!criteria.counts(name)) continue;
    visit(wanted.type() == 'V' ? presence_place(name) : place_of(hash_of(name), hash_of(wanted)));
  }
}

HeadersIndex::Place HeadersIndex::least_crowded_place(protocol::FieldTable arguments) const {
  Place least = 0;
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  for_each_place(arguments, [&](Place place) {
    const auto found = places_.find(place);
    const std::size_t crowd = found == places_.end() ? 0 : found->second.size();
    if (crowd >= fewest) return;
    fewest = crowd;
    least = place;
  });
  return least;
}

void HeadersIndex::insert(const Binding* binding) {
  const auto arguments = binding->argument_table();
  const HeadersCriteria criteria{arguments};
  if (criteria.is_any()) {
    for_each_place(arguments, [&](Place place) { places_[place].push_back(binding); });
  } else if (criteria.empty()) {
    unconditional_.push_back(binding);
  } else {
    const Place place = least_crowded_place(arguments);
    place_of_.emplace(binding, place);
    places_[place].push_back(binding);
  }
}

void HeadersIndex::erase(const Binding* binding) {
  const auto arguments = binding->argument_table();
  if (const auto found = place_of_.find(binding); found != place_of_.end()) {
    remove_from(found->second, binding);
    place_of_.erase(found);
  } else if (HeadersCriteria{arguments}.is_any()) {
    for_each_place(arguments, [&](Place place) { remove_from(place, binding); });
  } else {
    std::erase(unconditional_, binding);
  }
}

void HeadersIndex::remove_from(Place place, const Binding* binding) {
  const auto found = places_.find(place);
  if (found == places_.end()) return;  // one of two criteria that stand in the same place
  std::erase(found->second, binding);
  if (found->second.empty()) places_.erase(found);
}

void HeadersIndex::match(const RoutedMessage& message, std::vector<const Binding*>& matches) const {
  matches.insert(matches.end(), unconditional_.begin(), unconditional_.end());
  const auto headers = message.headers;
  for (const auto& [name, held] : headers) {
    const std::uint64_t name_hash = hash_of(name);
    match_at(name_hash, headers, matches);
    match_at(place_of(name_hash, hash_of(held)), headers, matches);
  }
}

void HeadersIndex::match_at(Place place, protocol::FieldTable headers, std::vector<const Binding*>& matches) const {
  const auto found = places_.find(place);
  if (found == places_.end()) return;
  for (const Binding* binding : found->second)
    if (headers_match(binding->argument_table(), headers)) matches.push_back(binding);
}

}  // namespace leveret::broker
