#pragma once
#include <functional>
#include <vector>

namespace leveret::storage {

/// Of cursors that see different messages of one queue, the one with the first message by `place`; null when all are at
/// their ends.
template <class Cursor, class Place>
Cursor* first_of(const std::vector<Cursor*>& cursors, Place place) {
  Cursor* first = nullptr;
  for (Cursor* cursor : cursors) {
    if (cursor->is_valid() && (!first || std::invoke(place, *cursor) < std::invoke(place, *first))) first = cursor;
  }
  return first;
}

}  // namespace leveret::storage
