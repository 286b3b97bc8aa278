#include "storage/shared_bodies.h"

#include <rocksdb/write_batch.h>

#include <algorithm>

#include "storage/keys.h"

namespace leveret::storage {

void SharedBodies::add_block(SharedBody first, std::uint64_t count) {
  const auto number = static_cast<std::uint64_t>(first);
  blocks_.insert_or_assign(number, Block{.count = count});
  next_ = std::max(next_, number + count);
}

SharedBodies::Blocks::iterator SharedBodies::find(SharedBody body) {
  const auto number = static_cast<std::uint64_t>(body);
  auto block = blocks_.upper_bound(number);
  if (block == blocks_.begin()) return blocks_.end();
  --block;
  return number - block->first < block->second.count ? block : blocks_.end();
}

SharedBody SharedBodies::block_of(SharedBody body) {
  const auto block = find(body);
  return block == blocks_.end() ? SharedBody::none : SharedBody{block->first};
}

void SharedBodies::acquire(SharedBody body) {
  ++find(body)->second.references;
}

void SharedBodies::release(SharedBody body) {
  const auto block = find(body);
  if (--block->second.references == 0) released_.push_back(block->first);
}

void SharedBodies::put_changes(rocksdb::WriteBatch& write) {
  for (const auto first : released_) {
    const auto block = blocks_.find(first);
    if (block == blocks_.end() || block->second.references > 0) continue;
    write.Delete(Key{KeyKind::body, first});
    blocks_.erase(block);
  }
  released_.clear();
}

}  // namespace leveret::storage
