#pragma once
#include "broker/queue_record.h"
#include "storage/store.h"

namespace leveret::broker {

/// Before its format 3, a store had the messages of all priorities of a queue in one row: moves them into their lanes,
/// where `Queue` expects them.  Interrupted at any moment, it goes on at the next start.
/// False when there was nothing to move.
///
/// While nobody else uses the store.  Errors: StoreError, when the messages cannot be read.
bool move_into_lanes(storage::Store& store, const QueueRecord& queue);

}  // namespace leveret::broker
