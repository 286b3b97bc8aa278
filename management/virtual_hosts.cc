#include <algorithm>
#include <array>

#include <boost/asio/awaitable.hpp>

#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/rates.h"
#include "management/statistics_columns.h"
#include "management/virtual_hosts.h"

namespace leveret::management {
namespace {

json::object basics(const broker::BrokerQuery& broker, const broker::VirtualHostReport& virtual_host) {
  const json::value tags = json::value_from(virtual_host.tags);
  const json::string queue_type{virtual_host.default_queue_type.empty() ? "undefined"
                                                                        : virtual_host.default_queue_type};
  return {{"name", to_json_text(virtual_host.name)},
          {"description", virtual_host.description},
          {"tags", tags},
          {"default_queue_type", queue_type},
          {"protected_from_deletion", virtual_host.is_protected},
          {"metadata", metadata_of(virtual_host)},
          {"tracing", virtual_host.is_traced},
          {"cluster_state", json::object{{broker.node_name(), "running"}}}};
}

using Traffic = broker::TrafficReport::OfVirtualHost;

/// RabbitMQ tells of messages where there are queues only, and its web UI shows "NaN" elsewhere; of what passes, where
/// there were clients.
void add_traffic(json::object& object, const Traffic& traffic, const Series* series, const SampleRanges& ranges) {
  using Columns = columns::VirtualHost;
  const std::span<const Series* const> only{&series, 1};
  put_lengths(object, traffic.numbers, only, {.ready = Columns::ready, .unacknowledged = Columns::unacknowledged},
              ranges.messages);
  if (traffic.transfers.reads > 0) {
    put_counters(object, traffic.transfers, only, Columns::first_transfer, ranges.octets);
    for (const auto name : {"recv_cnt", "recv_cnt_details", "send_cnt", "send_cnt_details"}) object.erase(name);
  }
  MessageStats stats{ranges.messages};
  stats.add(traffic.channels.publishes, only, Columns::first_publish);
  stats.add_deliveries(traffic.channels.deliveries, only, Columns::first_delivery);
  stats.put_into(object);
}

json::object to_json(const Request& request, const broker::VirtualHostReport& virtual_host,
                     const broker::TrafficReport& traffic, const SampleRanges& ranges) {
  json::object object = basics(request.broker, virtual_host);
  const auto found = traffic.virtual_hosts.find(virtual_host.name);
  add_traffic(object, found == traffic.virtual_hosts.end() ? Traffic{} : found->second,
              request.statistics.virtual_host(virtual_host.name), ranges);
  return object;
}

}  // namespace

void change(broker::VirtualHostReport& virtual_host, const JsonBody& body) {
  if (body.has("description")) virtual_host.description = body.text("description");
  if (body.has("tags")) virtual_host.tags = body.list("tags");
  for (const auto name : {"default_queue_type", "defaultqueuetype"})
    if (body.has(name)) virtual_host.default_queue_type = body.text(name);
  virtual_host.is_traced = body.flag("tracing", virtual_host.is_traced);
  virtual_host.is_protected = body.flag("protected_from_deletion", virtual_host.is_protected);
  constexpr std::array<std::string_view, 5> queue_types{"", "classic", "quorum", "stream", "undefined"};
  if (std::find(queue_types.begin(), queue_types.end(), virtual_host.default_queue_type) == queue_types.end())
    throw bad_request(json::array{"unknown_queue_type", virtual_host.default_queue_type});
  if (virtual_host.default_queue_type == "undefined") virtual_host.default_queue_type.clear();
}

json::object metadata_of(const broker::VirtualHostReport& virtual_host) {
  json::object metadata{{"description", virtual_host.description}, {"tags", json::value_from(virtual_host.tags)}};
  if (!virtual_host.default_queue_type.empty()) metadata["default_queue_type"] = virtual_host.default_queue_type;
  return metadata;
}

Asking list_virtual_hosts(const Request& request) {
  const auto traffic = co_await request.broker.traffic();
  const SampleRanges ranges{request};
  std::vector<json::object> objects;
  for (const auto& virtual_host : request.broker.virtual_hosts())
    if (request.is_monitor() || request.broker.may_enter(request.user.name, virtual_host.name))
      objects.push_back(to_json(request, virtual_host, traffic, ranges));
  co_return list(request, items_of(std::move(objects)), Paging::offered);
}

Asking show_virtual_host(const Request& request) {
  const auto virtual_host = request.broker.find_virtual_host(request.virtual_host());
  if (!virtual_host) throw not_found();
  const auto traffic = co_await request.broker.traffic();
  co_return show(request, to_json(request, *virtual_host, traffic, SampleRanges{request}));
}

Asking put_virtual_host(const Request& request) {
  const JsonBody body{request};
  const auto current = request.broker.find_virtual_host(request.virtual_host());
  broker::VirtualHostReport wanted = current.value_or(broker::VirtualHostReport{.name = request.virtual_host()});
  change(wanted, body);
  std::string creator = request.creator();
  accepted(co_await request.broker.put_virtual_host(std::move(wanted), std::move(creator)));
  co_return current ? no_content() : created();
}

Asking delete_virtual_host(const Request& request) {
  const auto virtual_host = request.broker.find_virtual_host(request.virtual_host());
  if (!virtual_host) throw not_found();
  if (virtual_host->is_protected)
    throw Refusal{412, "precondition_failed",
                  json::string{"Cannot delete virtual host '" + virtual_host->name +
                               "': it is protected from deletion. To delete it, first clear the protection."}};
  accepted(co_await request.broker.remove_virtual_host(virtual_host->name));
  co_return no_content();
}

Response start_virtual_host(const Request& request) {
  if (!request.broker.find_virtual_host(request.virtual_host())) throw not_found();
  if (request.parameter("node") != request.broker.node_name())
    throw bad_request(json::string{"Request to node " + request.parameter("node") + " failed with nodedown"});
  return no_content();  // it runs: there is no way to stop one
}

namespace {

Asking set_protection(const Request& request, bool is_protected) {
  auto virtual_host = request.broker.find_virtual_host(request.virtual_host());
  if (!virtual_host) throw not_found();
  virtual_host->is_protected = is_protected;
  accepted(co_await request.broker.put_virtual_host(*std::move(virtual_host), {}));
  co_return no_content();
}

}  // namespace

Asking protect_virtual_host(const Request& request) {
  return set_protection(request, true);
}

Asking unprotect_virtual_host(const Request& request) {
  return set_protection(request, false);
}

}  // namespace leveret::management
