#include "perf/figures.h"

#include <algorithm>

namespace leveret::perf {

void Figures::add(const Figures& other) {
  published += other.published;
  confirmed += other.confirmed;
  rejected += other.rejected;
  received += other.received;
  delivery.add(other.delivery);
  confirmation.add(other.confirmation);
  last_published = std::max(last_published, other.last_published);
  last_received = std::max(last_received, other.last_received);
}

}  // namespace leveret::perf
