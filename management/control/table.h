#pragma once
#include <iosfwd>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "management/control/invocation.h"

namespace leveret::management::control {

/// What a command lists.
struct Table {
  std::vector<std::string> columns{};
  std::vector<std::vector<boost::json::value>> rows{};
};

/// Prints it as the invocation wants it: table (tabs between columns), pretty_table, csv or json.
/// Throws: Failure for a formatter there is not.
void print(const Table& table, const Invocation& invocation, std::ostream& output);

/// A value in a table: text as it is, a list as [a, b], an object as [{"name",value}].
std::string text_of(const boost::json::value& value);

}  // namespace leveret::management::control
