#include "protocol/output_buffer.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace leveret::protocol {
namespace {

constexpr std::size_t chunk_size = 16 * 1024;

/// Chunks of `chunk_size` nobody uses at the moment; one reserve per thread.
class ChunkReserve {
 public:
  ~ChunkReserve() {
    while (count_ > 0) delete[] chunks_[--count_];
  }
  std::uint8_t* take() { return count_ > 0 ? chunks_[--count_] : new std::uint8_t[chunk_size]; }
  void give_back(std::uint8_t* chunk) {
    if (count_ < chunks_.size())
      chunks_[count_++] = chunk;
    else
      delete[] chunk;
  }

 private:
  std::array<std::uint8_t*, 64> chunks_{};
  std::size_t count_ = 0;
};

thread_local ChunkReserve reserve;

/// What gives a chunk up; one that was made for an uncommonly large frame is not kept in the reserve.
Keeper keeper_of(std::uint8_t* chunk, std::size_t size) {
  if (size == chunk_size)
    return {.object = chunk, .release = [](void* object) { reserve.give_back(static_cast<std::uint8_t*>(object)); }};
  return {.object = chunk, .release = [](void* object) { delete[] static_cast<std::uint8_t*>(object); }};
}

void release(const Keeper& keeper) {
  if (keeper.release) keeper.release(keeper.object);
}

}  // namespace

std::uint8_t* OutputBuffer::prepare_chunk(std::size_t size) {
  retire_chunk();
  chunk_size_ = std::max(size, chunk_size);
  chunk_ = size <= chunk_size ? reserve.take() : new std::uint8_t[size];
  write_at_ = chunk_;
  write_end_ = chunk_ + chunk_size_;
  return write_at_;
}

void OutputBuffer::retire_chunk() {
  if (chunk_ == nullptr) return;
  const Keeper keeper = keeper_of(chunk_, chunk_size_);
  const bool is_last_piece = !pieces_.empty() && pieces_.back().begin + pieces_.back().size == write_at_;
  if (write_at_ == chunk_)
    release(keeper);
  else if (is_last_piece && !pieces_.back().keeper.release)
    pieces_.back().keeper = keeper;
  else
    push_back({.begin = write_at_, .size = 0, .keeper = keeper});
  chunk_ = write_at_ = write_end_ = nullptr;
}

void OutputBuffer::commit(const std::uint8_t* end) {
  const auto added = static_cast<std::size_t>(end - write_at_);
  if (added == 0) return;
  const bool continues =
      !pieces_.empty() && pieces_.back().begin + pieces_.back().size == write_at_ && !pieces_.back().keeper.release;
  if (continues)
    pieces_.back().size += added;
  else
    push_back({.begin = write_at_, .size = added});
  write_at_ += added;
  size_ += added;
}

void OutputBuffer::append(Octets octets) {
  while (!octets.empty()) {
    if (room() == 0) prepare_chunk(1);
    const std::size_t part = std::min(octets.size(), room());
    std::memcpy(write_at_, octets.data(), part);
    commit(write_at_ + part);
    octets = octets.subspan(part);
  }
}

void OutputBuffer::append_external(Octets octets, Keeper keeper) {
  if (octets.empty()) return release(keeper);
  push_back({.begin = octets.data(), .size = octets.size(), .keeper = keeper});
  size_ += octets.size();
}

void OutputBuffer::push_back(const Piece& piece) {
  const bool is_half_written = first_ > 0 && first_ >= pieces_.size() / 2;
  if (pieces_.size() == pieces_.capacity() && is_half_written) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  pieces_.push_back(piece);
}

std::size_t OutputBuffer::fill(std::span<iovec> pieces) const {
  std::size_t count = 0;
  for (std::size_t i = first_; i < pieces_.size() && count < pieces.size(); ++i) {
    if (pieces_[i].size == 0) continue;
    pieces[count++] = {.iov_base = const_cast<std::uint8_t*>(pieces_[i].begin), .iov_len = pieces_[i].size};
  }
  return count;
}

void OutputBuffer::consume(std::size_t size) {
  if (size >= size_) return clear();
  size_ -= size;
  for (; size >= pieces_[first_].size; ++first_) {
    size -= pieces_[first_].size;
    release(pieces_[first_].keeper);
  }
  pieces_[first_].begin += size;
  pieces_[first_].size -= size;
}

void OutputBuffer::clear() {
  for (; first_ < pieces_.size(); ++first_) release(pieces_[first_].keeper);
  if (chunk_) release(keeper_of(chunk_, chunk_size_));
  chunk_ = write_at_ = write_end_ = nullptr;
  constexpr std::size_t pieces_kept_max = 64;
  if (pieces_.capacity() > pieces_kept_max)
    pieces_ = {};
  else
    pieces_.clear();
  first_ = size_ = 0;
}

}  // namespace leveret::protocol
