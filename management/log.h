#pragma once
#include <spdlog/spdlog.h>

namespace leveret::management {

/// The operator's log.  Stable words first, values as key=value; nothing per request, no secrets.
namespace log = ::spdlog;

}  // namespace leveret::management
