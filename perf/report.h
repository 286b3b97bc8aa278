#pragma once
#include <chrono>
#include <iosfwd>

#include "perf/figures.h"
#include "perf/options.h"

namespace leveret::perf {

/// What a run has come to.
struct Result {
  Figures figures{};
  TimePoint started{};
  std::uint64_t missing = 0;  // messages published and accepted, and not received
};

/// One line for what was counted in `span`, `since_start` into the run.
void print_progress(std::ostream& output, const Figures& figures, std::chrono::duration<double> span,
                    std::chrono::duration<double> since_start);

void print_report(std::ostream& output, const Result& result);
void print_json(std::ostream& output, const Options& options, const Result& result);

}  // namespace leveret::perf
