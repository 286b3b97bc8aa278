#pragma once

namespace leveret::broker {

/// Gives the system back what the allocator keeps for later.  For any thread; takes some milliseconds.
void release_free_memory();

}  // namespace leveret::broker
