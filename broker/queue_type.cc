#include "broker/queue_type.h"

namespace leveret::broker {

std::string_view name_of(QueueType type) {
  return type == QueueType::quorum ? "quorum" : type == QueueType::stream ? "stream" : "classic";
}

QueueType queue_type_of(protocol::FieldTable arguments) {
  const auto argument = arguments.find("x-queue-type");
  const auto name = argument ? argument->as_text().value_or("") : "";
  return name == "quorum" ? QueueType::quorum : name == "stream" ? QueueType::stream : QueueType::classic;
}

}  // namespace leveret::broker
