#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/octets.h"

namespace leveret::broker::amqp {

/// Octets of a connection that have arrived and are not yet handled.
///
/// They arrive in the buffer that all connections of a shard share, and only what is left of them, the beginning of a
/// frame mostly, is kept in memory of its own.  What follows is read there, until all is handled; a connection that is
/// quiet has none.
///
///     space, received, unread, keep: nobody else uses the shared buffer between the first and the last of them
class InputBuffer {
 public:
  /// `shared` outlives it.
  explicit InputBuffer(std::span<std::uint8_t> shared) : shared_(shared), room_(shared) {}

  /// Room for what arrives next; never empty.
  std::span<std::uint8_t> space();
  void received(std::size_t size) { end_ += size; }
  /// All of the room was filled when it was last read.
  bool may_have_more() const { return was_filled_; }
  protocol::Octets unread() const { return room_.subspan(begin_, end_ - begin_); }
  /// What is left of it once the connection has handled what it could.
  void keep(protocol::Octets unread);

  /// Octets of memory of its own.
  std::size_t own_octets() const { return own_.size(); }

 private:
  bool is_filled() const { return end_ == room_.size(); }

  const std::span<std::uint8_t> shared_;
  std::vector<std::uint8_t> own_{};
  std::span<std::uint8_t> room_;  // the one of the two that what is unread lies in
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool was_filled_ = false;
};

}  // namespace leveret::broker::amqp
