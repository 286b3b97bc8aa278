#include "broker/exchanges/message_history.h"

#include "protocol/octets.h"

namespace leveret::broker {
namespace {

constexpr std::int64_t default_length = 20;

std::size_t length_in(protocol::FieldTable arguments) {
  const auto length = arguments.find("x-recent-history-length");
  return static_cast<std::size_t>(length ? length->as_integer().value_or(default_length) : default_length);
}

}  // namespace

MessageHistory::MessageHistory(protocol::FieldTable arguments) : length_(length_in(arguments)) {}

bool MessageHistory::is_refused(protocol::FieldTable headers) {
  const auto refusal = headers.find("x-recent-history-no-store");
  return refusal && refusal->as_bool().value_or(false);
}

void MessageHistory::keep(const Message& message) {
  std::string copy{protocol::as_text(message.stored())};
  const std::lock_guard lock{mutex_};
  stored_.push_back(std::move(copy));
  if (stored_.size() > length_) stored_.pop_front();
}

std::vector<MessageRef> MessageHistory::messages() const {
  const std::lock_guard lock{mutex_};
  std::vector<MessageRef> copies;
  copies.reserve(stored_.size());
  for (const std::string& stored : stored_) copies.push_back(Message::from_stored(protocol::as_octets(stored)));
  return copies;
}

}  // namespace leveret::broker
