#pragma once
#include <filesystem>
#include <vector>

#include "configuration/options.h"

namespace leveret::configuration {

/// Takes up what files in the format of rabbitmq.conf say; a folder stands for its .conf files, by name.  Of a key that
/// comes twice the last one counts.
///
/// Errors: std::runtime_error with one line that names file and line: a key that is not known (and the one that may be
/// meant), one that stands for something that is missing here, a value of the wrong kind (and what was expected).
void read_configuration_files(const std::vector<std::filesystem::path>& paths, Options& options);

}  // namespace leveret::configuration
