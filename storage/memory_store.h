#pragma once
#include <memory>

#include "storage/store.h"

namespace leveret::storage {

/// A store for tests and for brokers that need not survive: what it is handed it remembers while it lives.
/// `commit` and `read` call their handlers before they return, on the same thread, so nothing here depends on time.
std::unique_ptr<Store> make_memory_store();

}  // namespace leveret::storage
