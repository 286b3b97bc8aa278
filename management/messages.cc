#include "management/messages.h"

#include <algorithm>
#include <concepts>
#include <tuple>

#include <boost/asio/awaitable.hpp>

#include "management/base64.h"
#include "management/bindings.h"
#include "management/handlers.h"
#include "protocol/properties.h"
#include "protocol/utf8.h"

namespace leveret::management {

using protocol::BasicProperties;

namespace {

constexpr std::int64_t count_max = 10'000;  // of messages in one answer

std::string decode_payload(const std::string& text) {
  auto octets = decode_base64(text);
  if (!octets) throw bad_request(json::array{"not_base64", text});
  return *std::move(octets);
}

/// RabbitMQ's name of a property: content_type for content-type.
std::string json_name(std::string_view name) {
  std::string text{name};
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

std::string_view text_property(const json::value& value, const std::string& name) {
  if (!value.is_string()) throw bad_request(json::array{"not_string", name});
  const std::string_view text = value.get_string();
  if (text.size() > 255) throw bad_request(json::array{"too_long", name});
  return text;
}

template <class Integer>
Integer integer_property(const json::value& value, const std::string& name) {
  if (!value.is_int64() && !value.is_uint64()) throw bad_request(json::array{"not_int", name});
  boost::system::error_code error;
  const auto number = value.to_number<Integer>(error);
  if (error) throw bad_request(json::array{"out_of_range", name});
  return number;
}

/// The properties given in JSON; headers are encoded into `headers`, which outlives them.
BasicProperties properties_from(const json::object& object, std::string& headers) {
  BasicProperties properties;
  const auto read = [&](auto field) {
    const std::string name = json_name(field.name);
    const json::value* value = object.if_contains(name);
    if (!value || value->is_null()) return;
    auto& property = properties.*field.member;
    using Value = typename std::remove_cvref_t<decltype(property)>::value_type;
    if constexpr (std::is_same_v<Value, protocol::FieldTable>) {
      headers = JsonBody{object}.table(name);
      property = protocol::FieldTable{protocol::as_octets(headers)};
    } else if constexpr (std::is_integral_v<Value>) {
      property = integer_property<Value>(*value, name);
    } else {
      property = text_property(*value, name);
    }
  };
  std::apply([&](auto... field) { (read(field), ...); }, BasicProperties::fields);
  return properties;
}

void put_property(json::object& object, const std::string& name, const std::optional<protocol::FieldTable>& value) {
  if (value) object[name] = to_json(*value);
}
void put_property(json::object& object, const std::string& name, const std::optional<std::string_view>& value) {
  if (value) object[name] = to_json_text(*value);
}
template <std::integral Integer>
void put_property(json::object& object, const std::string& name, const std::optional<Integer>& value) {
  if (value) object[name] = *value;
}

broker::PublishCommand publish_command(const Request& request) {
  const JsonBody body{request};
  body.require({"routing_key", "properties", "payload", "payload_encoding"});
  const json::value* payload = body.find("payload");
  if (!payload->is_string()) throw bad_request("payload_not_string");
  const std::string encoding = body.text("payload_encoding");
  if (encoding != "string" && encoding != "base64") throw bad_request(json::array{"unsupported_encoding", encoding});
  const json::value* properties = body.find("properties");
  const bool is_empty = properties->is_array() && properties->get_array().empty();
  if (!is_empty && !properties->is_object()) throw bad_request(json::array{"not_an_object", "properties"});
  std::string text{payload->get_string()};
  return {.exchange = exchange_name(checked_name(request.parameter("name"))),
          .routing_key = checked_name(body.text("routing_key")),
          .properties = encode_properties(is_empty ? json::object{} : properties->get_object()),
          .body = encoding == "base64" ? decode_payload(text) : std::move(text)};
}

broker::AfterGet after_get(const std::string& mode) {
  if (mode == "ack_requeue_true" || mode == "reject_requeue_true") return broker::AfterGet::requeue;
  if (mode == "ack_requeue_false") return broker::AfterGet::acknowledge;
  if (mode == "reject_requeue_false") return broker::AfterGet::reject;
  throw bad_request(json::array{"unknown_ackmode", mode});
}

struct Presentation {
  bool is_base64 = false;
  std::optional<std::size_t> truncate{};
};

json::object to_json(const broker::GottenMessage& message, const Presentation& presentation) {
  const std::string_view shown =
      std::string_view{message.body}.substr(0, presentation.truncate.value_or(std::string::npos));
  const bool is_base64 = presentation.is_base64 || !protocol::is_utf8(shown);
  json::object properties = properties_to_json(message.properties);
  return {{"payload_bytes", message.body.size()},
          {"redelivered", message.is_redelivered},
          {"exchange", to_json_text(message.exchange)},
          {"routing_key", to_json_text(message.routing_key)},
          {"message_count", message.messages_left},
          // RabbitMQ writes an empty object as an array here, and clients have come to rely on that.
          {"properties", properties.empty() ? json::value(json::array{}) : json::value(std::move(properties))},
          {"payload", is_base64 ? json::string{encode_base64(shown)} : json::string{shown}},
          {"payload_encoding", is_base64 ? "base64" : "string"}};
}

}  // namespace

std::string encode_properties(const json::object& object) {
  std::string headers;
  return protocol::encode_properties(properties_from(object, headers));
}

json::object properties_to_json(const std::string& encoded) {
  json::object object;
  const auto properties = protocol::decode_properties(protocol::as_octets(encoded));
  if (!properties) return object;
  std::apply([&](auto... field) { (put_property(object, json_name(field.name), *properties.*field.member), ...); },
             BasicProperties::fields);
  return object;
}

Asking publish_message(const Request& request) {
  broker::PublishCommand command = publish_command(request);
  const auto published = co_await request.broker.publish(request.asker(), std::move(command));
  const auto has_word_of_its_own = [](protocol::ReplyCode code) {
    return code == protocol::ReplyCode::access_refused || code == protocol::ReplyCode::resource_error;
  };
  if (!published && !has_word_of_its_own(published.error().code)) {
    const protocol::AmqpError& error = published.error();
    throw bad_request(json::string{std::to_string(static_cast<unsigned>(error.code)) + " " + error.reply_text()});
  }
  co_return answer(json::object{{"routed", accepted(published)}});
}

Asking get_messages(const Request& request) {
  const JsonBody body{request};
  body.require({"ackmode", "count", "encoding"});
  const broker::AfterGet after = after_get(body.text("ackmode"));
  const std::int64_t count = std::clamp<std::int64_t>(body.integer("count").value_or(0), 0, count_max);
  const std::string encoding = body.text("encoding");
  if (encoding != "auto" && encoding != "base64") throw bad_request("Unsupported encoding. Please use auto or base64.");
  Presentation presentation{.is_base64 = encoding == "base64"};
  if (const auto truncate = body.integer("truncate"); truncate && *truncate >= 0)
    presentation.truncate = static_cast<std::size_t>(*truncate);
  const auto messages =
      co_await request.broker.get(request.asker(), request.parameter("name"), static_cast<std::size_t>(count), after);
  if (!messages && messages.error().code == protocol::ReplyCode::not_found)
    throw Refusal{404, "not_found", json::string{messages.error().reply_text()}};
  json::array listed;
  for (const auto& message : accepted(messages)) listed.push_back(to_json(message, presentation));
  co_return answer(listed);
}

}  // namespace leveret::management
