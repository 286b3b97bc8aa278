#include "management/connections.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include <fmt/format.h>
#include <boost/asio/awaitable.hpp>

#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/rates.h"
#include "management/statistics_columns.h"

namespace leveret::management {
namespace {

using broker::ChannelReport;
using broker::ConnectionReport;
using broker::ConsumerActivities;
using broker::ConsumerActivity;
using broker::ConsumerReport;

std::string name_of(const ConnectionReport& connection, const ChannelReport& channel) {
  return fmt::format("{} ({})", connection.name(), channel.number);
}

/// Null for all that is only there with TLS, or with a certificate.
void add_tls(json::object& object, const std::optional<broker::TlsReport>& tls) {
  const auto add = [&](std::string_view name, std::string broker::TlsReport::*member) {
    object[name] = tls && !(*tls.*member).empty() ? json::value(*tls.*member) : nullptr;
  };
  object["ssl"] = tls.has_value();
  add("peer_cert_issuer", &broker::TlsReport::peer_issuer);
  add("peer_cert_subject", &broker::TlsReport::peer_subject);
  add("peer_cert_validity", &broker::TlsReport::peer_validity);
  add("ssl_cipher", &broker::TlsReport::cipher);
  add("ssl_hash", &broker::TlsReport::hash);
  add("ssl_key_exchange", &broker::TlsReport::key_exchange);
  add("ssl_protocol", &broker::TlsReport::protocol);
}

std::string_view state_of(const ConnectionReport& connection) {
  switch (connection.blocking) {
    case broker::Blocking::blocking:
      return "blocking";
    case broker::Blocking::blocked:
      return "blocked";
    case broker::Blocking::no:
      break;
  }
  return "running";
}

json::object to_json(const broker::BrokerQuery& broker, const ConnectionReport& connection) {
  const auto connected_at =
      std::chrono::duration_cast<std::chrono::milliseconds>(connection.connected_at.time_since_epoch());
  json::object properties = table_to_json(connection.client_properties);
  json::object object{{"auth_mechanism", connection.mechanism},
                      {"channel_max", connection.channel_max},
                      {"channels", connection.channels.size()},
                      {"connected_at", connected_at.count()},
                      {"frame_max", connection.frame_max},
                      {"host", connection.host},
                      {"name", connection.name()},
                      {"node", broker.node_name()},
                      {"peer_host", connection.peer_host},
                      {"peer_port", connection.peer_port},
                      {"port", connection.port},
                      {"protocol", "AMQP 0-9-1"},
                      {"state", state_of(connection)},
                      {"timeout", connection.heartbeat.count()},
                      {"type", "network"},
                      {"user", connection.user},
                      {"user_who_performed_action", connection.user},
                      {"vhost", to_json_text(connection.virtual_host)}};
  if (const json::value* name = properties.if_contains("connection_name")) object["user_provided_name"] = *name;
  object["client_properties"] = std::move(properties);
  add_tls(object, connection.tls);
  return object;
}

json::object to_json(const broker::BrokerQuery& broker, const ConnectionReport& connection,
                     const ChannelReport& channel) {
  return {{"acks_uncommitted", channel.uncommitted_settlements},
          {"confirm", channel.is_confirming},
          {"connection_details",
           json::object{
               {"name", connection.name()}, {"peer_host", connection.peer_host}, {"peer_port", connection.peer_port}}},
          {"consumer_count", channel.consumers.size()},
          {"global_prefetch_count", channel.global_prefetch},
          {"messages_unacknowledged", channel.unacknowledged},
          {"messages_uncommitted", channel.uncommitted_messages},
          {"messages_unconfirmed", channel.unconfirmed},
          {"name", name_of(connection, channel)},
          {"node", broker.node_name()},
          {"number", channel.number},
          {"prefetch_count", channel.prefetch},
          {"state", "running"},
          {"transactional", channel.is_transactional},
          {"user", connection.user},
          {"user_who_performed_action", connection.user},
          {"vhost", to_json_text(connection.virtual_host)}};
}

std::string_view name_of(ConsumerActivity activity) {
  switch (activity) {
    case ConsumerActivity::single_active:
      return "single_active";
    case ConsumerActivity::waiting:
      return "waiting";
    case ConsumerActivity::up:
      break;
  }
  return "up";
}

json::object to_json(const broker::BrokerQuery& broker, const ConnectionReport& connection,
                     const ChannelReport& channel, const ConsumerReport& consumer, ConsumerActivity activity) {
  return {{"arguments", table_to_json(consumer.arguments)},
          {"ack_required", consumer.is_acknowledging},
          {"active", activity != ConsumerActivity::waiting},
          {"activity_status", name_of(activity)},
          {"channel_details", json::object{{"connection_name", connection.name()},
                                           {"name", name_of(connection, channel)},
                                           {"node", broker.node_name()},
                                           {"number", channel.number},
                                           {"peer_host", connection.peer_host},
                                           {"peer_port", connection.peer_port},
                                           {"user", connection.user}}},
          {"consumer_tag", to_json_text(consumer.tag)},
          {"exclusive", consumer.is_exclusive},
          {"prefetch_count", consumer.prefetch},
          {"queue",
           json::object{{"name", to_json_text(consumer.queue)}, {"vhost", to_json_text(connection.virtual_host)}}}};
}

json::object with_traffic(const Request& request, const ConnectionReport& connection, const SampleRanges& ranges) {
  json::object object = to_json(request.broker, connection);
  put_transfers(object, connection.transfers, request.statistics.connection(connection.id), ranges);
  object["send_pend"] = connection.octets_to_send;
  return object;
}

json::object with_traffic(const Request& request, const ConnectionReport& connection, const ChannelReport& channel,
                          const SampleRanges& ranges) {
  using Columns = columns::Channel;
  json::object object = to_json(request.broker, connection, channel);
  const Series* series = request.statistics.channel(channel.id);
  MessageStats stats{ranges.messages};
  stats.add(channel.counters.publishes, {&series, 1}, Columns::first_publish);
  stats.add_deliveries(channel.counters.deliveries, {&series, 1}, Columns::first_delivery);
  stats.put_into(object);
  put_idle_since(object, series);
  return object;
}

/// What `disable_stats` leaves.
json::object basics(const broker::BrokerQuery& broker, const ConnectionReport& connection) {
  return {{"name", connection.name()},
          {"node", broker.node_name()},
          {"user", connection.user},
          {"vhost", to_json_text(connection.virtual_host)}};
}

/// Users see their own connections; monitoring users those of all.
bool is_visible(const Request& request, const ConnectionReport& connection) {
  const std::string_view chosen = request.header("x-vhost");  // as in Request::visible_virtual_hosts
  if (!chosen.empty() && chosen != connection.virtual_host) return false;
  return request.is_monitor() || connection.user == request.user.name;
}

using IsMeant = std::function<bool(const ConnectionReport&)>;

boost::asio::awaitable<std::vector<ConnectionReport>> visible_connections(const Request& request, IsMeant is_meant) {
  auto connections = co_await request.broker.connections();
  std::erase_if(connections, [&](const auto& one) { return !is_visible(request, one) || !is_meant(one); });
  std::sort(connections.begin(), connections.end(), [](auto& left, auto& right) { return left.id < right.id; });
  co_return connections;
}

bool any(const ConnectionReport&) {
  return true;
}

IsMeant in_virtual_host(const Request& request) {
  return [&request](const ConnectionReport& connection) { return connection.virtual_host == request.virtual_host(); };
}

IsMeant of_user(const Request& request) {
  return [&request](const ConnectionReport& connection) { return connection.user == request.parameter("user"); };
}

IsMeant named(const Request& request) {
  return [&request](const ConnectionReport& connection) { return connection.name() == request.parameter("name"); };
}

Asking list_connections_where(const Request& request, IsMeant is_meant) {
  const auto connections = co_await visible_connections(request, std::move(is_meant));
  const bool has_stats = !request.has_query_flag("disable_stats");
  const SampleRanges ranges{request};
  std::vector<json::object> objects;
  for (const auto& connection : connections)
    objects.push_back(has_stats ? with_traffic(request, connection, ranges) : basics(request.broker, connection));
  co_return list(request, items_of(std::move(objects)), Paging::offered);
}

Asking list_channels_where(const Request& request, IsMeant is_meant) {
  if (request.has_query_flag("disable_stats")) throw bad_request("Stats in management UI are disabled on this node");
  const SampleRanges ranges{request};
  const auto connections = co_await visible_connections(request, std::move(is_meant));
  std::vector<json::object> objects;
  for (const auto& connection : connections)
    for (const auto& channel : connection.channels)
      objects.push_back(with_traffic(request, connection, channel, ranges));
  co_return list(request, items_of(std::move(objects)), Paging::offered);
}

/// A channel's consumers, all of them or those of one queue, are put behind `consumers`.
template <class Consumers>
void add_consumers(Consumers& consumers, const broker::BrokerQuery& broker, const ConnectionReport& connection,
                   const ChannelReport& channel, const ConsumerActivities& activities,
                   std::optional<std::string_view> queue = {}) {
  for (const auto& consumer : channel.consumers) {
    if (queue && consumer.queue != queue) continue;
    const auto found = activities.find(consumer.id);
    const auto activity = found == activities.end() ? ConsumerActivity::up : found->second;
    consumers.push_back(to_json(broker, connection, channel, consumer, activity));
  }
}

Asking list_consumers_where(const Request& request, IsMeant is_meant) {
  const auto connections = co_await visible_connections(request, std::move(is_meant));
  const auto activities = co_await request.broker.consumer_activities();
  std::vector<json::object> objects;
  for (const auto& connection : connections)
    for (const auto& channel : connection.channels)
      add_consumers(objects, request.broker, connection, channel, activities);
  co_return list(request, items_of(std::move(objects)));
}

}  // namespace

boost::asio::awaitable<json::array> consumers_of(const Request& request,
                                                 const std::vector<ConnectionReport>& connections,
                                                 std::string_view virtual_host, std::string_view queue) {
  const auto activities = co_await request.broker.consumer_activities();
  json::array consumers;
  for (const auto& connection : connections) {
    if (connection.virtual_host != virtual_host) continue;
    for (const auto& channel : connection.channels)
      add_consumers(consumers, request.broker, connection, channel, activities, queue);
  }
  co_return consumers;
}

json::object owner_of(const std::vector<ConnectionReport>& connections, std::optional<broker::ConnectionId> owner) {
  for (const auto& connection : connections)
    if (connection.id == owner)
      return {{"name", connection.name()}, {"peer_host", connection.peer_host}, {"peer_port", connection.peer_port}};
  return {};
}

Asking list_connections(const Request& request) {
  return list_connections_where(request, any);
}

Asking list_connections_in_virtual_host(const Request& request) {
  return list_connections_where(request, in_virtual_host(request));
}

Asking list_connections_of_user(const Request& request) {
  return list_connections_where(request, of_user(request));
}

namespace {

/// Others' connections are for those with a tag.  Throws: Refusal.
void check_owner(const Request& request, std::string_view owner, bool has_tag) {
  if (!has_tag && owner != request.user.name) throw not_authorised("User not authorised to access object");
}

/// Those in the path, of which there may be several.  Throws: Refusal.
boost::asio::awaitable<std::vector<ConnectionReport>> connections_in_path(const Request& request, bool has_tag) {
  auto connections = co_await request.broker.connections();
  std::erase_if(connections, [is_meant = named(request)](const auto& one) { return !is_meant(one); });
  if (connections.empty()) throw not_found();
  for (const auto& connection : connections) check_owner(request, connection.user, has_tag);
  co_return connections;
}

}  // namespace

Asking show_connection(const Request& request) {
  const auto found = co_await connections_in_path(request, request.is_monitor());
  co_return show(request, with_traffic(request, found.front(), SampleRanges{request}));
}

namespace {

std::string reason_of(const Request& request) {
  const std::string_view reason = request.header("x-reason");
  return reason.empty() ? "Closed via management plugin" : std::string{reason};
}

Asking close_connections_where(const Request& request, IsMeant is_meant) {
  std::string reason = reason_of(request);
  // By id: what is meant is looked at on other threads.
  std::vector<broker::ConnectionId> ids;
  const auto found = co_await visible_connections(request, std::move(is_meant));
  for (const auto& connection : found) ids.push_back(connection.id);
  IsMeant is_found = [ids](const ConnectionReport& connection) {
    return std::find(ids.begin(), ids.end(), connection.id) != ids.end();
  };
  co_await request.broker.close_connections(std::move(is_found), std::move(reason));
  co_return no_content();
}

}  // namespace

Asking close_connection(const Request& request) {
  co_await connections_in_path(request, request.is_administrator());
  co_return co_await close_connections_where(request, named(request));
}

Asking close_connections_of_user(const Request& request) {
  check_owner(request, request.parameter("user"), request.is_administrator());
  return close_connections_where(request, of_user(request));
}

Asking list_channels(const Request& request) {
  return list_channels_where(request, any);
}

Asking list_channels_in_virtual_host(const Request& request) {
  return list_channels_where(request, in_virtual_host(request));
}

Asking list_channels_of_connection(const Request& request) {
  co_await connections_in_path(request, request.is_monitor());
  co_return co_await list_channels_where(request, named(request));
}

Asking show_channel(const Request& request) {
  const auto connections = co_await visible_connections(request, any);
  for (const auto& connection : connections)
    for (const auto& channel : connection.channels) {
      if (name_of(connection, channel) != request.parameter("name")) continue;
      json::object object = with_traffic(request, connection, channel, SampleRanges{request});
      json::array consumers;
      add_consumers(consumers, request.broker, connection, channel, co_await request.broker.consumer_activities());
      object["consumer_details"] = std::move(consumers);
      object["publishes"] = json::array{};
      object["deliveries"] = json::array{};
      co_return show(request, object);
    }
  throw not_found();
}

Asking list_consumers(const Request& request) {
  return list_consumers_where(request, any);
}

Asking list_consumers_in_virtual_host(const Request& request) {
  return list_consumers_where(request, in_virtual_host(request));
}

}  // namespace leveret::management
