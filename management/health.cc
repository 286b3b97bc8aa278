#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
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
  if (name == "amqps") return "amqp/ssl";
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
  add(resources.has_disk_alarm, "disk space");
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

namespace {

using std::chrono::hours;

/// As RabbitMQ counts them: a month is the twelfth part of 365 days.
constexpr std::array units{
    std::pair{std::string_view{"day"}, hours{24}}, std::pair{std::string_view{"week"}, hours{168}},
    std::pair{std::string_view{"month"}, hours{730}}, std::pair{std::string_view{"year"}, hours{8760}}};

/// When those certificates of a file end that do so before `limit`; one that cannot be read has ended.
json::array ends_before(const std::filesystem::path& file, std::chrono::system_clock::time_point limit) {
  json::array ends;
  if (file.empty()) return ends;
  try {
    for (const auto end : broker::certificate_ends(file))
      if (end < limit)
        ends.push_back(
            json::string{fmt::format("{:%Y-%m-%d %H:%M:%S}", std::chrono::floor<std::chrono::seconds>(end))});
  } catch (const std::runtime_error& error) {
    ends.push_back(json::string{error.what()});
  }
  return ends;
}

}  // namespace

Response check_certificates(const Request& request) {
  const auto within = number<std::int64_t>(request.parameter("within"));
  if (!within || *within < 0) throw bad_request("Invalid expiration value.");
  const auto unit = std::find_if(units.begin(), units.end(), [&](const auto& one) {
    return request.parameter("unit") == one.first || request.parameter("unit") == fmt::format("{}s", one.first);
  });
  if (unit == units.end()) throw bad_request("Time unit not recognised. Supported units: days, weeks, months, years.");
  const auto limit = std::chrono::system_clock::now() + *within * unit->second;
  json::array expiring;
  for (const auto& listener : request.broker.listeners()) {
    json::array own = ends_before(listener.certificate, limit);
    json::array authorities = ends_before(listener.authorities, limit);
    if (own.empty() && authorities.empty()) continue;
    expiring.push_back(json::object{{"node", request.broker.node_name()},
                                    {"protocol", listener.protocol},
                                    {"interface", "[::]"},
                                    {"port", std::to_string(listener.port)},
                                    {"certfile", listener.certificate.string()},
                                    {"certfile_expires_on", std::move(own)},
                                    {"cacertfile", listener.authorities.string()},
                                    {"cacertfile_expires_on", std::move(authorities)}});
  }
  if (expiring.empty()) return healthy();
  return failed({{"reason", "Certificates expiring"}, {"expired", std::move(expiring)}});
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
  const broker::ResourceReport resources = request.broker.resources();
  std::vector<std::string> alarms;
  const auto add = [&](bool is_on, std::string_view resource) {
    if (is_on) alarms.push_back(fmt::format("{{resource_limit,{},{}}}", resource, request.broker.node_name()));
  };
  add(resources.has_disk_alarm, "disk");
  add(resources.has_memory_alarm, "memory");
  if (alarms.empty()) return healthy();
  return failed({{"reason", fmt::format("resource alarm(s) in effect:[{}]", fmt::join(alarms, ","))}});
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
