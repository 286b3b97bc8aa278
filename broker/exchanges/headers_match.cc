#include "broker/exchanges/headers_match.h"

#include <optional>

namespace leveret::broker {
namespace {

bool satisfies(const protocol::FieldValue& wanted, const std::optional<protocol::FieldValue>& held) {
  return held && (wanted.type() == 'V' || protocol::equivalent(wanted, *held));
}

}  // namespace

HeadersCriteria::HeadersCriteria(protocol::FieldTable arguments) : arguments_(arguments) {
  const auto x_match = arguments.find("x-match");
  const std::string_view mode = x_match ? x_match->as_text().value_or("all") : "all";
  is_any_ = mode.starts_with("any");
  counts_x_ = mode.ends_with("-with-x");
}

bool HeadersCriteria::empty() const {
  for (const auto& [name, wanted] : arguments_)
    if (counts(name)) return false;
  return true;
}

bool headers_match(protocol::FieldTable arguments, protocol::FieldTable headers) {
  const HeadersCriteria criteria{arguments};
  for (const auto& [name, wanted] : arguments) {
    if (!criteria.counts(name)) continue;
    const bool holds = satisfies(wanted, headers.find(name));
    if (criteria.is_any() && holds) return true;
    if (!criteria.is_any() && !holds) return false;
  }
  return !criteria.is_any();
}

}  // namespace leveret::broker
