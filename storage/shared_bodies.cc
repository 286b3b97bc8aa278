#include "storage/shared_bodies.h"

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include <string>
#include <utility>

#include "storage/encoding.h"
#include "storage/keys.h"

namespace leveret::storage {
namespace {

/// So many blocks stay known from one write to the next.
constexpr std::size_t loaded_max = 4096;

}  // namespace

SharedBodies::SharedBodies(const Database& database) : database_(database) {
  const auto stored = database_.get(Key{KeyKind::next_body});
  if (!stored) return;
  std::string_view input{*stored};
  const auto next = take_varint(input);
  if (!next) throw database_.damaged("the number of the next shared body cannot be read");
  next_ = stored_next_ = *next;
}

void SharedBodies::add_block(SharedBody first, std::uint64_t count) {
  const auto number = static_cast<std::uint64_t>(first);
  touch(blocks_.insert_or_assign(number, Block{.count = count}).first);
  next_ = number + count;
}

void SharedBodies::touch(Blocks::iterator block) {
  if (!std::exchange(block->second.is_touched, true)) touched_.push_back(block->first);
}

SharedBodies::Blocks::iterator SharedBodies::find(SharedBody body) {
  const auto number = static_cast<std::uint64_t>(body);
  auto block = blocks_.upper_bound(number);
  if (block == blocks_.begin()) return blocks_.end();
  --block;
  return number - block->first < block->second.count ? block : blocks_.end();
}

void SharedBodies::load(SharedBody body) {
  database_.patiently([&] {
    const auto number = static_cast<std::uint64_t>(body);
    KeyRange blocks{database_, Key{KeyKind::references}, end_of(KeyKind::references)};
    blocks.seek_back(Key{KeyKind::references, number});
    blocks.check();
    if (blocks.is_valid()) {
      std::string_view value = blocks.value();
      const auto count = take_varint(value);
      const auto references = take_varint(value);
      const auto first = last_number(blocks.key());
      if (count && references && number - first < *count) {
        blocks_.emplace(first, Block{.count = *count, .references = *references});
        return;
      }
    }
    throw database_.damaged(fmt::format("shared body {} is missing", number));
  });
}

void SharedBodies::acquire(SharedBody body) {
  ++find(body)->second.references;
}

void SharedBodies::release(SharedBody body) {
  if (find(body) == blocks_.end()) load(body);
  const auto block = find(body);
  --block->second.references;
  touch(block);
}

void SharedBodies::put_changes(rocksdb::WriteBatch& write) {
  for (const auto first : touched_) {
    const auto block = blocks_.find(first);
    block->second.is_touched = false;
    if (block->second.references == 0) {
      write.Delete(Key{KeyKind::body, first});
      write.Delete(Key{KeyKind::references, first});
      blocks_.erase(block);
      continue;
    }
    std::string record;
    append_varint(record, block->second.count);
    append_varint(record, block->second.references);
    write.Put(Key{KeyKind::references, first}, record);
  }
  touched_.clear();
  if (blocks_.size() > loaded_max) blocks_.clear();

  if (next_ == stored_next_) return;
  std::string record;
  append_varint(record, next_);
  write.Put(Key{KeyKind::next_body}, record);
  stored_next_ = next_;
}

}  // namespace leveret::storage
