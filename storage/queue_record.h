#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/encoding.h"
#include "storage/store.h"

namespace leveret::storage {

/// What is stored of a queue as a whole, in each commit that changes something of it, so that a restart need not look
/// at messages.
///
///     head : varint | next : varint | delivered mark : varint
///     | unsettled messages : varint | octets of their bodies : varint | how many of them share a body : varint
///     | and when there are any, delayed messages : varint | octets of their bodies : varint
///
/// What is delayed is counted there alone.
struct QueueRecord {
  Position head = 0;  // nothing unsettled lies before it
  Position next = 0;  // the next position that was never used
  Position delivered_before = 0;
  std::uint64_t messages = 0;
  std::uint64_t body_octets = 0;
  std::uint64_t shared = 0;
  std::uint64_t delayed = 0;
  std::uint64_t delayed_body_octets = 0;

  friend bool operator==(const QueueRecord&, const QueueRecord&) = default;
};

inline std::string encode_queue_record(const QueueRecord& record) {
  std::string output;
  for (const auto number :
       {record.head, record.next, record.delivered_before, record.messages, record.body_octets, record.shared}) {
    append_varint(output, number);
  }
  if (record.delayed > 0) {
    append_varint(output, record.delayed);
    append_varint(output, record.delayed_body_octets);
  }
  return output;
}

inline std::optional<QueueRecord> decode_queue_record(std::string_view input) {
  QueueRecord record;
  for (auto* number :
       {&record.head, &record.next, &record.delivered_before, &record.messages, &record.body_octets, &record.shared}) {
    const auto value = take_varint(input);
    if (!value) return std::nullopt;
    *number = *value;
  }
  if (!input.empty()) {
    const auto delayed = take_varint(input);
    const auto octets = take_varint(input);
    if (!delayed || !octets) return std::nullopt;
    record.delayed = *delayed;
    record.delayed_body_octets = *octets;
  }
  if (!input.empty()) return std::nullopt;
  record.next = std::max({record.next, record.head, record.delivered_before});
  return record;
}

}  // namespace leveret::storage
