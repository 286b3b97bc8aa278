#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "storage/store.h"

namespace rocksdb {
class WriteBatch;
}

namespace leveret::storage {

/// The blocks of bodies that several stored messages share, and how many unsettled messages still need each.
/// A block goes, in the write that settles the last of them.
class SharedBodies {
 public:
  /// The number of the next body.  Numbers are not used twice in the life of the process.
  SharedBody next() const { return SharedBody{next_}; }
  void start_at(SharedBody next) { next_ = static_cast<std::uint64_t>(next); }

  /// A block with the bodies `first` ... `first` + `count` - 1, which nobody needs so far.
  void add_block(SharedBody first, std::uint64_t count);

  /// The first body of the block that has `body`; `none` when no block has it.
  SharedBody block_of(SharedBody body);

  /// One more unsettled message needs this body, or one less.  A block of ours has it.
  void acquire(SharedBody body);
  void release(SharedBody body);

  /// Deletes the blocks nobody needs any more.
  void put_changes(rocksdb::WriteBatch& write);

 private:
  struct Block {
    std::uint64_t count = 0;
    std::uint64_t references = 0;
  };
  using Blocks = std::map<std::uint64_t, Block>;

  Blocks::iterator find(SharedBody body);

  std::uint64_t next_ = 1;
  Blocks blocks_{};                        // by first body
  std::vector<std::uint64_t> released_{};  // first bodies of the blocks whose last reference may have gone
};

}  // namespace leveret::storage
