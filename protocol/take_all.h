#pragma once
#include <string>

#include "protocol/output_buffer.h"

namespace leveret::protocol {

/// Everything that waits to be written, taken off in one piece: for whoever has no socket that takes pieces.
std::string take_all(OutputBuffer& output);

}  // namespace leveret::protocol
