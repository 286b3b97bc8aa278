#pragma once
#include <string_view>

#include "protocol/field_table.h"

namespace leveret::broker {

enum class QueueType { classic, quorum, stream };

/// "classic", "quorum", "stream".
std::string_view name_of(QueueType type);

/// What `x-queue-type` says; classic when it says nothing.
QueueType queue_type_of(protocol::FieldTable arguments);

}  // namespace leveret::broker
