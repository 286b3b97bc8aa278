#pragma once
#include <string>
#include <utility>

#include "broker/definition_changes.h"
#include "storage/store.h"

namespace leveret::broker {

/// The store's definitions for whoever changes them: each change is counted, so that an answer can wait until it is on
/// disk.  Takes calls from any thread.
class DefinitionStore {
 public:
  DefinitionStore(storage::Store& store, DefinitionChanges& changes) : store_(store), changes_(changes) {}

  void put(std::string key, std::string value) {
    store_.put_definition(std::move(key), std::move(value));
    changes_.add();
  }
  void erase(std::string key) {
    store_.erase_definition(std::move(key));
    changes_.add();
  }

 private:
  storage::Store& store_;
  DefinitionChanges& changes_;
};

}  // namespace leveret::broker
