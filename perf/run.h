#pragma once
#include <iosfwd>

#include "perf/options.h"

namespace leveret::perf {

/// Puts the load on the broker and prints what came of it: progress to `errors` once a second, the figures to `output`.
///
/// Returns the exit status: 0; 1 when a connection failed or messages are missing.  SIGINT ends the publishing early.
int run(const Options& options, std::ostream& output, std::ostream& errors);

/// The same for `leveret perf` with these words behind it.
int run(const std::vector<std::string>& words, std::ostream& output, std::ostream& errors);

}  // namespace leveret::perf
