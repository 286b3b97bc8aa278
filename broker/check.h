#pragma once
#include <cstdio>
#include <cstdlib>

#include <boost/assert/source_location.hpp>

namespace leveret::broker {

/// Stops the program, with file and line, when we are wrong: before it does harm.
inline void check(bool holds, const char* what, boost::source_location where = BOOST_CURRENT_LOCATION) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "%s:%u: check failed: %s\n", where.file_name(), static_cast<unsigned>(where.line()), what);
  std::abort();
}

}  // namespace leveret::broker
