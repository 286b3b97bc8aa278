#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/asio/awaitable.hpp>

#include "management/handlers.h"
#include "management/messages.h"

namespace leveret::management {
namespace {

constexpr std::string_view aliveness_queue = "aliveness-test";

Response healthy() {
  return answer(json::object{{"status", "ok"}});
}

/// RabbitMQ answers what is not well with 503, so that load balancers understand it.
Response failed(json::object members) {
  members["status"] = "failed";
  Response response = answer(members);
  response.status = 503;
  return response;
}

template <class Integer>
std::optional<Integer> number(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

/// The names by which people call a protocol.
std::string protocol_name(const std::string& given) {
  const std::string name = boost::algorithm::to_lower_copy(given);
  constexpr std::array<std::string_view, 5> amqp{"amqp091", "amqp0.9.1", "amqp0-9-1", "amqp10", "amqp1.0"};
  return std::find(amqp.begin(), amqp.end(), name) == amqp.end() ? name : "amqp";
}

}  // namespace

namespace {

Response check_alarms(const Request& request, std::string_view where) {
  const broker::ResourceReport resources = request.broker.resources();
  json::array alarms;
  const auto add = [&](bool is_on, std::string_view resource) {
    if (is_on) alarms.push_back(json::object{{"node", request.broker.node_name()}, {"resource", resource}});
  };
  add(resources.has_disk_alarm, "disk");
  add(resources.has_memory_alarm, "memory");
  if (alarms.empty()) return healthy();
  const json::string reason{fmt::format("There are alarms in effect {}", where)};
  return failed({{"reason", reason}, {"alarms", std::move(alarms)}});
}

}  // namespace

Response check_alarms(const Request& request) {
  return check_alarms(request, "in the cluster");
}

Response check_local_alarms(const Request& request) {
  return check_alarms(request, "on the node");
}

/// Whoever can ask is being served.
Response check_in_service(const Request&) {
  return healthy();
}

/// No number of clients alone keeps the next one out, but for an operator's limit, which has an answer of its own.
Asking check_connection_limit(const Request& request) {
  const auto connections = co_await request.broker.connections();
  co_return answer(json::object{{"status", "ok"}, {"current", connections.size()}, {"limit", "infinity"}});
}

Response check_virtual_hosts(const Request&) {
  return healthy();  // none can be down by itself
}

Response check_quorum(const Request&) {
  return answer(json::object{{"status", "ok"}, {"reason", "single node cluster"}});
}

Response check_certificates(const Request& request) {
  constexpr std::array<std::string_view, 8> units{"day", "days", "week", "weeks", "month", "months", "year", "years"};
  const auto within = number<std::int64_t>(request.parameter("within"));
  if (!within || *within < 0) throw bad_request("Invalid expiration value.");
  if (std::find(units.begin(), units.end(), request.parameter("unit")) == units.end())
    throw bad_request("Time unit not recognised. Supported units: days, weeks, months, years.");
  return healthy();  // there is no TLS yet
}

Response check_port_listener(const Request& request) {
  const auto port = number<std::uint32_t>(request.parameter("port"));
  if (!port) throw bad_request("Invalid port");
  json::array ports;
  for (const auto& listener : request.broker.listeners()) {
    if (listener.port == *port) return answer(json::object{{"status", "ok"}, {"port", *port}});
    ports.push_back(listener.port);
  }
  return failed({{"reason", "No active listener"}, {"missing", *port}, {"ports", std::move(ports)}});
}

Response check_protocol_listener(const Request& request) {
  const std::string wanted = protocol_name(request.parameter("protocol"));
  json::array protocols;
  for (const auto& listener : request.broker.listeners()) {
    if (listener.protocol == wanted) return answer(json::object{{"status", "ok"}, {"protocol", wanted}});
    protocols.push_back(json::string{listener.protocol});
  }
  return failed({{"reason", "No active listener"}, {"missing", wanted}, {"protocols", std::move(protocols)}});
}

Response check_node_health(const Request& request) {
  const std::string& node = request.parameter("node");
  if (!node.empty() && node != request.broker.node_name()) throw not_found();
  return healthy();
}

/// Declares a queue, publishes to it and gets the message back, as a client would.
Asking test_aliveness(const Request& request) {
  const broker::Asker asker = request.asker();
  broker::QueueCommand queue{.name = std::string{aliveness_queue}};
  accepted(co_await request.broker.declare_queue(asker, std::move(queue)));
  broker::PublishCommand message{
      .routing_key = std::string{aliveness_queue}, .properties = encode_properties({}), .body = "test_message"};
  accepted(co_await request.broker.publish(asker, std::move(message)));
  std::string name{aliveness_queue};
  const auto messages = accepted(co_await request.broker.get(asker, std::move(name), 1, broker::AfterGet::acknowledge));
  if (messages.empty()) co_return failed({{"reason", "the message did not come back"}});
  co_return healthy();
}

}  // namespace leveret::management
