#include "storage/block_state.h"

#include <algorithm>
#include <bit>

namespace leveret::storage {
namespace {

constexpr std::uint8_t shared_flag = 1;
constexpr std::uint8_t returns_flag = 2;

constexpr std::size_t words(std::size_t span) {
  return (span + 63) / 64;
}

}  // namespace

BlockState::BlockState(const std::vector<BlockEntry>& entries)
    : span_(static_cast<std::uint16_t>(entries.back().position - entries.front().position + 1)),
      live_(static_cast<std::uint16_t>(entries.size())) {
  std::uint32_t expected = 0;
  for (const auto& entry : entries) {
    const auto offset = static_cast<std::uint32_t>(entry.position - entries.front().position);
    for (; expected < offset; ++expected) set_gone(expected);
    ++expected;
    body_octets_ += entry.body_octets;
    has_shared_ = has_shared_ || entry.shared_body != SharedBody::none;
    if (entry.returns > 0) set_returns(offset, entry.returns);
  }
}

void BlockState::set_gone(std::uint32_t offset) {
  if (!gone_) gone_ = std::make_unique<std::uint64_t[]>(words(span_));
  gone_[offset / 64] |= std::uint64_t{1} << (offset % 64);
}

void BlockState::settle(std::uint32_t offset, std::uint32_t body_octets) {
  set_gone(offset);
  --live_;
  body_octets_ -= std::min<std::uint64_t>(body_octets, body_octets_);
}

void BlockState::set_returns(std::uint32_t offset, std::uint32_t count) {
  if (!returns_) returns_ = std::make_unique<ReturnCounts>();
  returns_->set(offset, count);
}

std::string BlockState::encode() const {
  std::string output(1, static_cast<char>((has_shared_ ? shared_flag : 0u) | (returns_ ? returns_flag : 0u)));
  append_varint(output, span_);
  append_varint(output, body_octets_);
  if (returns_) returns_->encode(output);
  const std::size_t head_size = output.size();
  for (std::uint32_t octet = 0; gone_ && octet * 8 < span_; ++octet) {
    output.push_back(static_cast<char>(gone_[octet / 8] >> (octet % 8 * 8)));
  }
  while (output.size() > head_size && output.back() == '\0') output.pop_back();
  return output;
}

std::optional<BlockState> BlockState::decode(std::string_view input) {
  if (input.empty()) return std::nullopt;
  BlockState state;
  const auto flags = static_cast<std::uint8_t>(input.front());
  state.has_shared_ = (flags & shared_flag) != 0;
  input.remove_prefix(1);
  const auto span = take_varint(input);
  const auto body_octets = take_varint(input);
  if (!span || !body_octets || *span == 0 || *span > block_span_max) return std::nullopt;
  if (flags & returns_flag) {
    auto returns = ReturnCounts::decode(input);
    if (!returns) return std::nullopt;
    state.returns_ = std::make_unique<ReturnCounts>(std::move(*returns));
  }
  if (input.size() > (*span + 7) / 8) return std::nullopt;
  state.span_ = static_cast<std::uint16_t>(*span);
  state.body_octets_ = *body_octets;
  std::uint32_t gone = 0;
  for (std::uint32_t octet = 0; octet < input.size(); ++octet) {
    const auto bits = static_cast<std::uint8_t>(input[octet]);
    if (bits == 0) continue;
    if (!state.gone_) state.gone_ = std::make_unique<std::uint64_t[]>(words(*span));
    state.gone_[octet / 8] |= std::uint64_t{bits} << (octet % 8 * 8);
    gone += static_cast<std::uint32_t>(std::popcount(bits));
  }
  if (gone >= *span) return std::nullopt;  // a block without an unsettled message has been deleted
  state.live_ = static_cast<std::uint16_t>(*span - gone);
  return state;
}

}  // namespace leveret::storage
