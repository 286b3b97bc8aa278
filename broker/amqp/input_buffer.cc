#include "broker/amqp/input_buffer.h"

#include <algorithm>

namespace leveret::broker::amqp {
namespace {

/// So much is kept for the next time, and is the least that is worth a read.
constexpr std::size_t quiet_size = 4 * 1024;

}  // namespace

std::span<std::uint8_t> InputBuffer::space() {
  if (begin_ > 0) {
    std::copy(room_.begin() + static_cast<std::ptrdiff_t>(begin_), room_.begin() + static_cast<std::ptrdiff_t>(end_),
              room_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  const bool is_busy = was_filled_ && room_.size() < shared_.size();
  if (is_filled() || is_busy) {
    own_.resize(2 * own_.size());
    room_ = own_;
  }
  return room_.subspan(end_);
}

void InputBuffer::keep(protocol::Octets unread) {
  was_filled_ = is_filled();
  if (unread.empty()) {
    if (!was_filled_ && own_.size() > quiet_size) own_ = {};
    room_ = shared_;
    begin_ = end_ = 0;
  } else if (room_.data() != shared_.data()) {
    begin_ = static_cast<std::size_t>(unread.data() - own_.data());
  } else {
    const std::size_t size = was_filled_ ? shared_.size() : std::max(quiet_size, 2 * unread.size());
    if (own_.size() < size) own_.resize(size);
    std::copy(unread.begin(), unread.end(), own_.begin());
    room_ = own_;
    begin_ = 0;
    end_ = unread.size();
  }
}

}  // namespace leveret::broker::amqp
