#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/clock.h"
#include "protocol/octets.h"
#include "protocol/properties.h"

namespace leveret::broker {

using protocol::Octets;

class MessageRef;

/// A message as it was published: exchange, routing key, the content header's property octets and the body, all kept
/// as they came.  One block of memory, which is also what the store keeps:
///
///     arrival : milliseconds since 1970, longlong | exchange size : octet | exchange
///     | routing key size : octet | routing key | properties size : long | properties | body
///
/// Numbers are big-endian.
///
/// Belongs to one shard; another shard gets a copy (`clone`).  References are counted without atomics.
class Message {
 public:
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  std::string_view exchange() const { return {text(9), exchange_size_}; }
  std::string_view routing_key() const { return {text(10u + exchange_size_), routing_key_size_}; }
  Octets properties() const { return {bytes_ + properties_at(), properties_size_}; }
  Octets body() const { return {bytes_ + head_size(), body_size_}; }

  /// Everything above in one piece, as the store keeps it.
  Octets stored() const { return {bytes_, head_size() + body_size_}; }

  /// Octets of memory it occupies, near enough for limits.
  std::size_t footprint() const { return sizeof(Message) + head_size() + body_capacity_; }

  /// delivery-mode 2.
  bool is_persistent() const { return is_persistent_; }

  /// When it came to the broker, or was dead-lettered: from then on it ages.
  WallTime arrival() const { return WallTime{std::chrono::milliseconds{arrival_}}; }
  /// How old it may get, by its own property.
  std::optional<std::chrono::milliseconds> expiration() const {
    return expiration_ < 0 ? std::nullopt : std::optional{std::chrono::milliseconds{expiration_}};
  }
  std::optional<std::uint8_t> priority() const { return has_priority_ ? std::optional{priority_} : std::nullopt; }

  MessageRef clone() const;

  /// Nothing when `stored` is not what `stored()` gave.
  static MessageRef from_stored(Octets stored);

 private:
  friend class MessageRef;
  friend class MessageBuilder;

  Message() = default;
  const char* text(std::size_t at) const { return reinterpret_cast<const char*>(bytes_) + at; }
  std::size_t properties_at() const { return 14u + exchange_size_ + routing_key_size_; }
  void note(const protocol::EssentialProperties& properties);
  std::size_t head_size() const { return properties_at() + properties_size_; }
  static Message* create(std::size_t octets);
  static void destroy(Message* message);

  std::uint32_t references_ = 0;
  std::uint8_t exchange_size_ = 0;
  std::uint8_t routing_key_size_ = 0;
  bool is_persistent_ = false;
  bool has_priority_ = false;
  std::uint8_t priority_ = 0;
  std::uint32_t properties_size_ = 0;
  std::uint32_t body_size_ = 0;
  std::uint32_t body_capacity_ = 0;
  std::int64_t arrival_ = 0;
  std::int64_t expiration_ = -1;
  std::uint8_t* bytes_ = nullptr;
};

/// One of the owners of a message, all on its shard.
class MessageRef {
 public:
  MessageRef() = default;
  MessageRef(const MessageRef& other) : message_(other.message_) {
    if (message_) ++message_->references_;
  }
  MessageRef(MessageRef&& other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
  MessageRef& operator=(MessageRef other) noexcept {
    std::swap(message_, other.message_);
    return *this;
  }
  ~MessageRef() { reset(); }

  void reset() {
    if (message_ && --message_->references_ == 0) Message::destroy(message_);
    message_ = nullptr;
  }
  explicit operator bool() const { return message_ != nullptr; }
  bool is_unique() const { return message_->references_ == 1; }
  const Message& operator*() const { return *message_; }
  const Message* operator->() const { return message_; }

  /// Gives the reference away as a plain pointer, for an owner that cannot hold a MessageRef; `adopt` takes it back.
  Message* release() { return std::exchange(message_, nullptr); }
  static MessageRef adopt(Message* message) {
    MessageRef reference;
    reference.message_ = message;
    return reference;
  }

 private:
  friend class Message;
  friend class MessageBuilder;
  explicit MessageRef(Message* message) : message_(message) { ++message_->references_; }

  Message* message_ = nullptr;
};

/// Where, and when, a message was published.  The names have at most 255 octets.
struct Publishing {
  std::string_view exchange{};
  std::string_view routing_key{};
  WallTime arrival{};
};

/// Assembles a message from basic.publish, its content header and as many body frames as come.
///
/// Memory grows with the octets that have arrived, not with those announced.
class MessageBuilder {
 public:
  /// `essential` is what decoding gives of `properties`; `body_size` is what the header announces.
  void begin(const Publishing& publishing, Octets properties, const protocol::EssentialProperties& essential,
             std::uint64_t body_size);
  void begin(const Publishing& publishing, Octets properties, std::uint64_t body_size);
  /// False, and nothing appended, when that is more than was announced.
  bool append(Octets body);
  bool is_complete() const { return message_->body_size_ == expected_; }
  MessageRef finish() { return std::move(message_); }
  void abandon() { message_.reset(); }

 private:
  MessageRef message_{};
  std::uint32_t expected_ = 0;
};

/// A copy of the message's body under other properties.
MessageRef with_properties(const Message& message, const protocol::BasicProperties& properties,
                           const Publishing& publishing);

}  // namespace leveret::broker
