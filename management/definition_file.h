#pragma once
#include <filesystem>

#include "management/router.h"

namespace leveret::management {

/// Imports the definitions in a file, as POST /api/definitions does, and waits until all is done.  The shards run.
/// Errors: std::runtime_error with one line that names the file and says why.
void import_definition_file(Router& router, const std::filesystem::path& file);

}  // namespace leveret::management
