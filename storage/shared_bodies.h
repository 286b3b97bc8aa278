#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "storage/database.h"
#include "storage/store.h"

namespace rocksdb {
class WriteBatch;
}

namespace leveret::storage {

/// The blocks of bodies that several stored messages share, and how many unsettled messages still need each.
/// A block goes, in the write that settles the last of them.
///
/// What is known of a block is loaded when a message that needs it is settled, and forgotten with the next write when
/// there is much of it.
class SharedBodies {
 public:
  /// `database` outlives the object.
  explicit SharedBodies(const Database& database);

  /// The number of the next body.  Numbers are never used twice.
  SharedBody next() const { return SharedBody{next_}; }

  /// A block with the bodies `first` ... `first` + `count` - 1, which nobody needs so far.
  void add_block(SharedBody first, std::uint64_t count);

  /// One more unsettled message needs this body of a block that was just added, or one less needs a body.
  void acquire(SharedBody body);
  void release(SharedBody body);

  /// Deletes the blocks nobody needs any more.
  void put_changes(rocksdb::WriteBatch& write);

 private:
  struct Block {
    std::uint64_t count = 0;
    std::uint64_t references = 0;
    bool is_touched = false;
  };
  using Blocks = std::map<std::uint64_t, Block>;

  Blocks::iterator find(SharedBody body);
  void load(SharedBody body);
  void touch(Blocks::iterator block);

  const Database& database_;
  std::uint64_t next_ = 1;
  std::uint64_t stored_next_ = 1;
  Blocks blocks_{};                       // by first body
  std::vector<std::uint64_t> touched_{};  // first bodies of the blocks that changed since `put_changes`
};

}  // namespace leveret::storage
