#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/octets.h"

namespace leveret::protocol {

/// Keeps external octets alive: `release(object)` is called once, when they are written or the buffer ends.
/// Both null where nothing needs keeping.
struct Keeper {
  void* object = nullptr;
  void (*release)(void* object) = nullptr;
};

/// What a connection has to write: encoded frames in chunks of its own, and references to octets that stay where they
/// are, in the order they were appended.
///
///     prepare/commit, append       ->  [chunk ........][chunk ...]
///     append_external                        ^ [body, kept by its Keeper]
///     fill, writev, consume        <-  pieces, oldest first
///
/// Chunks come from a small reserve that the buffers of a thread share and go back to it as soon as they are written:
/// a busy connection allocates nothing, an empty buffer holds no chunk.  Belongs to one thread at a time.
class OutputBuffer {
 public:
  OutputBuffer() = default;
  ~OutputBuffer() { clear(); }
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;

  /// Contiguous room for `size` octets, until the next call of any other member.  commit() says where they end.
  std::uint8_t* prepare(std::size_t size) { return size <= room() ? write_at_ : prepare_chunk(size); }
  void commit(const std::uint8_t* end);

  /// Copies `octets`.
  void append(Octets octets);

  /// Refers to `octets`, which `keeper` keeps; it is released even if `octets` are empty.
  void append_external(Octets octets, Keeper keeper);

  /// Unwritten octets.
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// The oldest unwritten octets, as many pieces as `pieces` has room for; returns how many there are.
  std::size_t fill(std::span<iovec> pieces) const;

  /// Forgets the oldest `size` octets (at most size()): they are written.
  void consume(std::size_t size);

  /// Forgets everything.
  void clear();

 private:
  struct Piece {
    const std::uint8_t* begin = nullptr;
    std::size_t size = 0;
    Keeper keeper{};
  };

  std::size_t room() const { return static_cast<std::size_t>(write_end_ - write_at_); }
  std::uint8_t* prepare_chunk(std::size_t size);
  void retire_chunk();
  void push_back(const Piece& piece);

  std::vector<Piece> pieces_{};  // unwritten from `first_` on
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::uint8_t* chunk_ = nullptr;  // the one being filled; a full one is kept by its last piece
  std::size_t chunk_size_ = 0;
  std::uint8_t* write_at_ = nullptr;
  std::uint8_t* write_end_ = nullptr;
};

}  // namespace leveret::protocol
