#pragma once
#include <spdlog/spdlog.h>

namespace leveret::broker {

/// The operator's log.  Stable words first, values as key=value; nothing per message, no secrets.
namespace log = ::spdlog;

}  // namespace leveret::broker
