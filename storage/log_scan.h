#pragma once
#include <cstddef>
#include <string_view>

namespace leveret::storage {

/// Looks for damage in a log of RocksDB's that is not merely its end.
///
/// A power loss may leave the last write torn, pages of it in any order, and nobody was told of that one.  Each write
/// begins when the one before has been synced.  So where something is not what was written, and another write begins
/// behind it, what was synced has been lost, and RocksDB, which stops there, would not say so.
///
///     a log: blocks of 32 KiB, of fragments that do not cross them
///     a fragment: crc32c of type and payload, masked : 4 octets | size of the payload : 2 octets | type : octet
///                 | payload;  lowest octets first
///     types: 1 a whole write | 2 the first, 3 a middle, 4 the last part of one;  zeros where nothing was written yet
class LogScan {
 public:
  static constexpr std::size_t block_size = 32 << 10;

  /// The next block, or what there is of the last one.
  void take_block(std::string_view block);

  bool has_found_damage() const { return has_found_damage_; }

 private:
  bool has_met_end_ = false;  // something that is not what was written, or was not written yet
  bool has_found_damage_ = false;
};

}  // namespace leveret::storage
