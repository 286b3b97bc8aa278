#pragma once
#include <memory>

#include "storage/store.h"

namespace leveret::storage {

/// A store for tests and for brokers that need not survive: it remembers definitions while it lives, and no message.
/// `commit` calls its handler before it returns, on the same thread, so nothing here depends on time.
std::unique_ptr<Store> make_memory_store();

}  // namespace leveret::storage
