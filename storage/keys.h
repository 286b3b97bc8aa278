#pragma once
#include <rocksdb/slice.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "storage/encoding.h"
#include "storage/store.h"

namespace leveret::storage {

/// The first octet of every key in the database.
enum class KeyKind : char {
  body = 'b',        // first body number               -> a block of bodies that several messages share
  clean = 'c',       //                                 -> nothing; there while the last stop was a clean one
  definition = 'd',  // the definition's key            -> its value
  delayed = 't',     // queue, time due, position       -> a block of one message
  messages = 'm',    // queue, first position           -> a block of messages
  next_body = 'n',   //                                 -> the number of the next shared body
  queue = 'q',       // queue                           -> its QueueRecord
  references = 'r',  // first body number of a block    -> how many bodies it has, how many messages need them
  state = 's',       // queue, first position of block  -> the block's BlockState
};

/// A key of at most three numbers, each eight octets big-endian.
class Key {
 public:
  explicit Key(KeyKind kind) : size_(1) { octets_[0] = static_cast<char>(kind); }
  Key(KeyKind kind, std::uint64_t number) : size_(9) {
    octets_[0] = static_cast<char>(kind);
    put_big_endian(&octets_[1], number);
  }
  Key(KeyKind kind, QueueId queue) : Key(kind, static_cast<std::uint64_t>(queue)) {}
  Key(KeyKind kind, QueueId queue, Position first) : Key(kind, queue) {
    size_ = 17;
    put_big_endian(&octets_[9], first);
  }

  Key(KeyKind kind, QueueId queue, const DelayedPlace& place) : Key(kind, queue, static_cast<Position>(place.due)) {
    size_ = 25;
    put_big_endian(&octets_[17], place.position);
  }

  operator std::string_view() const { return {octets_.data(), size_}; }
  operator rocksdb::Slice() const { return {octets_.data(), size_}; }

 private:
  std::array<char, 25> octets_{};
  std::size_t size_;
};

inline std::string definition_key(std::string_view key) {
  std::string result{static_cast<char>(KeyKind::definition)};
  return result.append(key);
}

/// The first key behind all those of a kind, or of a kind's queue.
inline Key end_of(KeyKind kind) {
  return Key{static_cast<KeyKind>(static_cast<char>(kind) + 1)};
}
inline Key end_of(KeyKind kind, QueueId queue) {
  return Key{kind, static_cast<std::uint64_t>(queue) + 1};
}

/// The place in the key of a delayed message.
inline DelayedPlace delayed_place(std::string_view key) {
  return {.due = DueTime{big_endian(key.data() + 9)}, .position = big_endian(key.data() + 17)};
}

/// The last number of a key.
inline std::uint64_t last_number(const rocksdb::Slice& key) {
  return big_endian(key.data() + key.size() - 8);
}

}  // namespace leveret::storage
