#include "storage/block.h"

#include <rocksdb/write_batch.h>

#include <array>

#include "storage/crc32c.h"

namespace leveret::storage {
namespace {

constexpr char block_version = 2;
constexpr std::uint8_t redelivered_flag = 1;
constexpr std::uint8_t shared_flag = 2;
constexpr std::size_t preamble_size = 5;

std::string_view text(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

std::array<char, 4> little_endian(std::uint32_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8), static_cast<char>(value >> 16),
          static_cast<char>(value >> 24)};
}

}  // namespace

void BlockWriter::add(const BlockEntry& entry) {
  if (is_empty()) first_ = next_ = entry.position;
  const bool is_shared = entry.shared_body != SharedBody::none;
  append_varint(table_, entry.position - next_);
  table_.push_back(static_cast<char>((entry.redelivered ? redelivered_flag : 0u) | (is_shared ? shared_flag : 0u)));
  if (is_shared) {
    append_varint(table_, static_cast<std::uint64_t>(entry.shared_body));
  } else {
    append_varint(table_, entry.content.size());
    parts_.emplace_back(reinterpret_cast<const char*>(entry.content.data()), entry.content.size());
    octets_ += entry.content.size();
  }
  append_varint(table_, entry.body_octets);
  next_ = entry.position + 1;
  ++count_;
}

void BlockWriter::put(const Key& key, rocksdb::WriteBatch& write) {
  std::string head;
  append_varint(head, count_);
  head += table_;
  parts_.front() = head;

  std::uint32_t crc = crc32c(key);
  for (const auto& part : parts_) crc = crc32c(text(part), crc);
  const auto crc_octets = little_endian(crc);
  head.insert(0, 1, block_version);
  head.insert(1, crc_octets.data(), crc_octets.size());
  parts_.front() = head;

  const rocksdb::Slice key_part = key;
  write.Put(rocksdb::SliceParts{&key_part, 1}, rocksdb::SliceParts{parts_.data(), static_cast<int>(parts_.size())});
  count_ = octets_ = 0;
  table_.clear();
  parts_.resize(1);
}

std::optional<std::vector<BlockEntry>> decode_block(std::string_view key, std::string_view value) {
  if (key.size() < 9 || value.size() < preamble_size || value[0] != block_version) return std::nullopt;
  const std::uint32_t crc = crc32c(value.substr(preamble_size), crc32c(key));
  const auto crc_octets = little_endian(crc);
  if (value.substr(1, 4) != std::string_view{crc_octets.data(), crc_octets.size()}) return std::nullopt;

  value.remove_prefix(preamble_size);
  const auto count = take_varint(value);
  if (!count || *count > block_span_max) return std::nullopt;
  std::vector<BlockEntry> entries;
  entries.reserve(*count);
  std::vector<std::size_t> sizes;
  sizes.reserve(*count);
  Position next = last_number({key.data(), key.size()});
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto gap = take_varint(value);
    if (!gap || value.empty()) return std::nullopt;
    const auto flags = static_cast<std::uint8_t>(value.front());
    value.remove_prefix(1);
    const auto number = take_varint(value);
    const auto body_octets = take_varint(value);
    if (!number || !body_octets) return std::nullopt;
    const bool is_shared = flags & shared_flag;
    entries.push_back({.position = next + *gap,
                       .redelivered = (flags & redelivered_flag) != 0,
                       .shared_body = SharedBody{is_shared ? *number : 0},
                       .body_octets = static_cast<std::uint32_t>(*body_octets)});
    sizes.push_back(is_shared ? 0 : *number);
    next += *gap + 1;
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (sizes[i] > value.size()) return std::nullopt;
    entries[i].content = {reinterpret_cast<const std::uint8_t*>(value.data()), sizes[i]};
    value.remove_prefix(sizes[i]);
  }
  if (!value.empty()) return std::nullopt;
  return entries;
}

}  // namespace leveret::storage
