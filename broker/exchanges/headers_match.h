#pragma once
#include <string_view>

#include "protocol/field_table.h"

namespace leveret::broker {

/// How a headers binding's arguments are to be read, by their x-match: all, any, all-with-x, any-with-x.
class HeadersCriteria {
 public:
  explicit HeadersCriteria(protocol::FieldTable arguments);

  bool is_any() const { return is_any_; }
  /// Whether the argument of that name is a criterion: x-match itself never is, others in x- only with `-with-x`.
  bool counts(std::string_view name) const { return name != "x-match" && (counts_x_ || !name.starts_with("x-")); }
  /// Whether there is none.
  bool empty() const;

 private:
  protocol::FieldTable arguments_;
  bool is_any_ = false;
  bool counts_x_ = false;
};

/// Whether a headers binding's arguments ask for what `headers` holds.  A criterion without a value (void) asks only
/// that the header is there.  `any` without criteria matches nothing, `all` without criteria everything.
bool headers_match(protocol::FieldTable arguments, protocol::FieldTable headers);

}  // namespace leveret::broker
