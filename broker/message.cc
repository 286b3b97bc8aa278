#include "broker/message.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>

#include "broker/block_pool.h"
#include "broker/message_memory.h"
#include "protocol/byte_order.h"

namespace leveret::broker {

using protocol::load;
using protocol::store;

namespace {

/// A small body shares its block with the message; a larger one grows by doubling from here as its frames arrive.
constexpr std::uint32_t first_body_capacity_max = 256 * 1024;

/// Of a body that is too large for one block.
std::uint8_t* grow(std::uint8_t* octets, std::size_t size) {
  void* grown = std::realloc(octets, size);
  if (!grown) throw std::bad_alloc{};
  return static_cast<std::uint8_t*>(grown);
}

std::uint8_t* put(std::uint8_t* at, const void* octets, std::size_t size) {
  if (size) std::memcpy(at, octets, size);
  return at + size;
}

std::uint8_t* block_of(Message* message) {
  return reinterpret_cast<std::uint8_t*>(message + 1);
}

protocol::EssentialProperties essentials_of(Octets properties) {
  const auto decoded = protocol::decode_essential_properties(properties);
  return decoded ? *decoded : protocol::EssentialProperties{};
}

}  // namespace

/// What queues ask for.
void Message::note(const protocol::EssentialProperties& properties) {
  is_persistent_ = properties.delivery_mode == 2;
  has_priority_ = properties.priority.has_value();
  priority_ = properties.priority.value_or(0);
  if (const auto text = properties.expiration) {
    const char* digits = text->data() + (text->starts_with('+') ? 1 : 0);
    std::from_chars(digits, text->data() + text->size(), expiration_);
  }
}

/// Message and octets in one block, so that a small message is one piece of memory.
Message* Message::create(std::size_t octets) {
  MessageMemory::add(static_cast<std::int64_t>(sizeof(Message) + octets));
  return new (BlockPool::take(sizeof(Message) + octets)) Message;
}

void Message::destroy(Message* message) {
  MessageMemory::add(-static_cast<std::int64_t>(message->footprint()));
  const bool is_one_block = message->bytes_ == block_of(message);
  const std::size_t octets = is_one_block ? message->head_size() + message->body_capacity_ : 0;
  if (!is_one_block) std::free(message->bytes_);
  message->~Message();
  BlockPool::give_back(message, sizeof(Message) + octets);
}

MessageRef Message::clone() const {
  const Octets from = stored();
  Message* copy = create(from.size());
  copy->exchange_size_ = exchange_size_;
  copy->routing_key_size_ = routing_key_size_;
  copy->is_persistent_ = is_persistent_;
  copy->has_priority_ = has_priority_;
  copy->priority_ = priority_;
  copy->arrival_ = arrival_;
  copy->expiration_ = expiration_;
  copy->properties_size_ = properties_size_;
  copy->body_size_ = copy->body_capacity_ = body_size_;
  copy->bytes_ = block_of(copy);
  put(copy->bytes_, from.data(), from.size());
  return MessageRef{copy};
}

MessageRef Message::from_stored(Octets stored) {
  if (stored.size() < sizeof(std::uint64_t)) return {};
  const std::uint64_t arrival = load<std::uint64_t>(stored.data());
  const std::uint8_t* at = stored.data() + sizeof(arrival);
  std::size_t left = stored.size() - sizeof(arrival);
  const auto take_short = [&](std::uint8_t& size) {
    if (left < 1 || left < 1u + *at) return false;
    size = *at;
    at += 1u + size;
    left -= 1u + size;
    return true;
  };
  std::uint8_t exchange_size = 0;
  std::uint8_t routing_key_size = 0;
  if (!take_short(exchange_size) || !take_short(routing_key_size) || left < 4) return {};
  const std::uint32_t properties_size = load<std::uint32_t>(at);
  if (left - 4 < properties_size) return {};

  Message* message = create(stored.size());
  message->exchange_size_ = exchange_size;
  message->routing_key_size_ = routing_key_size;
  message->properties_size_ = properties_size;
  message->body_size_ = message->body_capacity_ = static_cast<std::uint32_t>(left - 4 - properties_size);
  message->bytes_ = block_of(message);
  put(message->bytes_, stored.data(), stored.size());
  message->arrival_ = static_cast<std::int64_t>(arrival);
  message->note(essentials_of(message->properties()));
  return MessageRef{message};
}

void MessageBuilder::begin(const Publishing& publishing, Octets properties,
                           const protocol::EssentialProperties& essential, std::uint64_t body_size) {
  const auto [exchange, routing_key, arrival] = publishing;
  expected_ = static_cast<std::uint32_t>(body_size);
  const std::size_t head = 14 + exchange.size() + routing_key.size() + properties.size();
  const std::uint32_t capacity = std::min(expected_, first_body_capacity_max);
  const bool fits = capacity == expected_;
  Message* message = Message::create(fits ? head + capacity : 0);
  message->bytes_ = fits ? block_of(message) : grow(nullptr, head + capacity);
  if (!fits) MessageMemory::add(static_cast<std::int64_t>(head + capacity));
  message->exchange_size_ = static_cast<std::uint8_t>(exchange.size());
  message->routing_key_size_ = static_cast<std::uint8_t>(routing_key.size());
  message->properties_size_ = static_cast<std::uint32_t>(properties.size());
  message->body_capacity_ = capacity;
  message->arrival_ = arrival.time_since_epoch().count();
  std::uint8_t* at = store(message->bytes_, static_cast<std::uint64_t>(message->arrival_));
  *at++ = message->exchange_size_;
  at = put(at, exchange.data(), exchange.size());
  *at++ = message->routing_key_size_;
  at = put(at, routing_key.data(), routing_key.size());
  at = store(at, message->properties_size_);
  put(at, properties.data(), properties.size());
  message->note(essential);
  message_ = MessageRef{message};
}

void MessageBuilder::begin(const Publishing& publishing, Octets properties, std::uint64_t body_size) {
  begin(publishing, properties, essentials_of(properties), body_size);
}

bool MessageBuilder::append(Octets body) {
  Message& message = *message_.message_;
  if (body.size() > expected_ - message.body_size_) return false;
  const auto size = static_cast<std::uint32_t>(message.body_size_ + body.size());
  if (size > message.body_capacity_) {
    const auto doubled = std::uint64_t{message.body_capacity_} * 2;
    const auto capacity = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(doubled, size, expected_));
    message.bytes_ = grow(message.bytes_, message.head_size() + capacity);
    MessageMemory::add(std::int64_t{capacity} - message.body_capacity_);
    message.body_capacity_ = capacity;
  }
  put(message.bytes_ + message.head_size() + message.body_size_, body.data(), body.size());
  message.body_size_ = size;
  return true;
}

MessageRef with_properties(const Message& message, const protocol::BasicProperties& properties,
                           const Publishing& publishing) {
  const std::string encoded = protocol::encode_properties(properties);
  MessageBuilder builder;
  builder.begin(publishing, protocol::as_octets(encoded), message.body().size());
  builder.append(message.body());
  return builder.finish();
}

}  // namespace leveret::broker
