#pragma once
#include <rocksdb/slice.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/keys.h"
#include "storage/store.h"

namespace rocksdb {
class WriteBatch;
}

namespace leveret::storage {

/// A block spans at most this many positions,
inline constexpr std::uint32_t block_span_max = 4096;
/// and a message that would bring it above this many octets of content begins another one.
inline constexpr std::size_t block_octets_max = 256 << 10;

/// One message of a block, or one body of a block of shared bodies (whose position is the body's number).
struct BlockEntry {
  Position position{};
  bool redelivered = false;
  SharedBody shared_body{};  // where `content` is, when it is not here
  Octets content{};
  std::uint32_t body_octets = 0;
  std::uint32_t returns = 0;  // kept in the block's state, not in the block
};

/// Collects what one key will hold, and puts it into a write.
///
///     version : octet (2) | crc32c : 4 octets, lowest first, of the key and all that follows | count : varint
///     | count x { positions left out since the last : varint | flags : octet | size or shared body : varint
///                 | octets of the message's body : varint }
///     | the contents, one behind the other
///
/// flags: 1 redelivered, 2 shared.  The first entry's position is the last number of the key.
class BlockWriter {
 public:
  bool is_empty() const { return count_ == 0; }
  /// Whether a block with something in it may take one more.
  bool has_room(Position position, std::size_t octets) const {
    return position - first_ < block_span_max && octets_ + octets <= block_octets_max;
  }

  /// Adds to the block; its first entry says which position the key will have.  Positions rise.
  /// `entry.content` stays where it is until `put`.
  void add(const BlockEntry& entry);

  Position first() const { return first_; }

  /// Puts the block, which has something in it, and is empty again.  The last number of `key` is `first()`.
  void put(const Key& key, rocksdb::WriteBatch& write);

 private:
  Position first_ = 0;
  Position next_ = 0;
  std::size_t count_ = 0;
  std::size_t octets_ = 0;
  std::string table_{};
  std::vector<rocksdb::Slice> parts_{1};  // the first one for all that stands before the contents
};

/// What a block holds, in order of position; the contents point into `value`.  Nothing when it is damaged.
std::optional<std::vector<BlockEntry>> decode_block(std::string_view key, std::string_view value);

}  // namespace leveret::storage
