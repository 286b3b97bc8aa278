#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block.h"
#include "storage/return_counts.h"
#include "storage/store.h"

namespace leveret::storage {

/// A message of a block that has its body in a block of shared bodies.
struct SharedReference {
  std::uint32_t offset = 0;  // from the block's first position
  SharedBody body{};
};

/// What is left of a block: which of its positions hold unsettled messages, and how often these came back.  Kept beside
/// the block, which is never written again, and much smaller.
///
///     flags : octet | span : varint | octets of the unsettled bodies : varint | ReturnCounts, with flag 2
///     | one bit a position, lowest first, from the first one to the last one that is gone
///
/// flags: 1 some messages share bodies, 2 some have come back.
class BlockState {
 public:
  BlockState() = default;
  /// Of a new block; positions left out are gone.
  explicit BlockState(const std::vector<BlockEntry>& entries);

  /// Nothing when the octets are not what `encode` gave.
  static std::optional<BlockState> decode(std::string_view input);
  std::string encode() const;

  /// Positions from the first to the last message.
  std::uint32_t span() const { return span_; }
  std::uint32_t live() const { return live_; }
  std::uint64_t body_octets() const { return body_octets_; }
  bool has_shared() const { return has_shared_; }

  bool is_gone(std::uint32_t offset) const { return gone_ && (gone_[offset / 64] >> (offset % 64) & 1); }
  /// An unsettled message is settled.
  void settle(std::uint32_t offset, std::uint32_t body_octets);

  /// How often the message there was delivered and came back.
  std::uint32_t returns(std::uint32_t offset) const { return returns_ ? returns_->at(offset) : 0; }
  void set_returns(std::uint32_t offset, std::uint32_t count);

 private:
  void set_gone(std::uint32_t offset);

  std::unique_ptr<std::uint64_t[]> gone_{};  // one bit a position: settled, or never there
  std::unique_ptr<ReturnCounts> returns_{};  // of one that is gone as well, so that runs stay whole
  std::uint64_t body_octets_ = 0;
  std::uint16_t span_ = 0;
  std::uint16_t live_ = 0;
  bool has_shared_ = false;
};

}  // namespace leveret::storage
