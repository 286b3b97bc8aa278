#include <algorithm>
#include <tuple>

#include <boost/asio/awaitable.hpp>

#include "management/bindings.h"
#include "management/connections.h"
#include "management/facts.h"
#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/policies.h"
#include "management/rates.h"
#include "management/statistics_columns.h"

namespace leveret::management {
namespace {

/// What a queue's arguments say it is; classic when they say nothing.
std::string_view type_of(const json::object& arguments) {
  const json::value* type = arguments.if_contains("x-queue-type");
  return type && type->is_string() ? std::string_view{type->get_string()} : "classic";
}

void add_numbers(json::object& object, const broker::QueueNumbers& numbers) {
  object["messages"] = numbers.messages();
  object["messages_ready"] = numbers.ready;
  object["messages_unacknowledged"] = numbers.unacknowledged;
}

void add_traffic(json::object& object, const broker::QueueReport& queue, const Series* series,
                 const SampleRanges& ranges) {
  using Columns = columns::Queue;
  const std::span<const Series* const> only{&series, 1};
  put_lengths(object, queue.numbers, only, {.ready = Columns::ready, .unacknowledged = Columns::unacknowledged},
              ranges.lengths);
  MessageStats stats{ranges.messages};
  stats.add_published(queue.counters.published, series, Columns::published);
  stats.add_deliveries(queue.counters.deliveries, only, Columns::first_delivery);
  stats.add(queue.counters.disk, only, Columns::first_disk);
  stats.put_into(object);
}

/// What `disable_stats` leaves: what the queue is, without what it does.
json::object basics(const broker::BrokerQuery& broker, const broker::QueueReport& queue) {
  json::object arguments = table_to_json(queue.arguments);
  const json::string type{type_of(arguments)};
  json::object object{{"arguments", std::move(arguments)},
                      {"auto_delete", queue.is_auto_delete},
                      {"durable", queue.is_durable},
                      {"exclusive", queue.is_exclusive},
                      {"name", to_json_text(queue.name)},
                      {"node", broker.node_name()},
                      {"state", "running"},
                      {"type", type},
                      {"vhost", to_json_text(queue.virtual_host)}};
  if (type == "classic") return object;
  object["leader"] = broker.node_name();
  object["members"] = json::array{json::string{broker.node_name()}};
  object["online"] = json::array{json::string{broker.node_name()}};
  return object;
}

void add_sizes(json::object& object, const broker::QueueReport& queue) {
  const auto& numbers = queue.numbers;
  object["message_bytes"] = numbers.octets();
  object["message_bytes_ready"] = numbers.octets_ready;
  object["message_bytes_unacknowledged"] = numbers.octets_unacknowledged;
  object["message_bytes_persistent"] = numbers.octets_persistent;
  object["message_bytes_ram"] = numbers.octets_in_memory();
  object["message_bytes_paged_out"] = numbers.octets_out_of_memory();
  object["messages_persistent"] = numbers.persistent;
  object["messages_ram"] = numbers.in_memory();
  object["messages_ready_ram"] = numbers.ready_in_memory();
  object["messages_unacknowledged_ram"] = numbers.unacknowledged_in_memory();
  object["messages_paged_out"] = numbers.out_of_memory();
  object["consumers"] = numbers.consumers;
  if (!queue.consumer_capacity) return;
  object["consumer_capacity"] = *queue.consumer_capacity;
  object["consumer_utilisation"] = *queue.consumer_capacity;
}

json::value tag_or_null(const std::optional<std::string>& tag) {
  return tag ? json::value(to_json_text(*tag)) : json::value();
}

json::object to_json(const Request& request, const broker::QueueReport& queue, const SampleRanges& ranges) {
  json::object object = basics(request.broker, queue);
  const Series* series = request.statistics.queue(queue.id);
  add_traffic(object, queue, series, ranges);
  put_idle_since(object, series);
  add_sizes(object, queue);
  if (type_of(object.at("arguments").as_object()) == "quorum") {
    object["single_active_consumer_ctag"] = tag_or_null(queue.favoured.single_active);  // RabbitMQ's name of it
    object["messages_delayed"] = queue.numbers.delayed;
    object["message_bytes_delayed"] = queue.numbers.octets_delayed;
    object["messages_dlx"] = queue.numbers.dead_lettering;
    object["message_bytes_dlx"] = queue.numbers.octets_dead_lettering;
  }
  add_policies(object, request.broker.policies_of_queue(queue.virtual_host, queue.name));
  object["exclusive_consumer_tag"] = tag_or_null(queue.favoured.exclusive);
  object["single_active_consumer_tag"] = tag_or_null(queue.favoured.single_active);
  object["head_message_timestamp"] = queue.head_timestamp ? json::value(*queue.head_timestamp) : json::value();
  object["recoverable_slaves"] = nullptr;
  return object;
}

/// Sorting ten thousand queues needs one of their members.
json::object part_of(const Request& request, const broker::QueueReport& queue, const SampleRanges& ranges,
                     std::string_view member) {
  if (member == "name") return {{"name", to_json_text(queue.name)}};
  json::object part;
  if (member == "message_stats" || member.ends_with("_details")) {
    add_traffic(part, queue, request.statistics.queue(queue.id), ranges);
  } else {
    add_numbers(part, queue.numbers);
    add_sizes(part, queue);
  }
  if (part.contains(member) || member == "message_stats") return part;
  part = basics(request.broker, queue);
  return part.contains(member) ? part : to_json(request, queue, ranges);
}

Asking list_in(const Request& request, std::vector<std::string> virtual_hosts) {
  auto queues = co_await request.broker.queues(std::move(virtual_hosts));
  std::sort(queues.begin(), queues.end(), [](auto& left, auto& right) {
    return std::tie(left.virtual_host, left.name) < std::tie(right.virtual_host, right.name);
  });
  const bool has_stats = !request.has_query_flag("disable_stats");
  const bool has_totals = request.has_query_flag("enable_queue_totals");
  const SampleRanges ranges{request};
  const auto make = [&](std::size_t i) {
    if (has_stats) return to_json(request, queues[i], ranges);
    json::object object = basics(request.broker, queues[i]);
    const auto policies = request.broker.policies_of_queue(queues[i].virtual_host, queues[i].name);
    if (policies && !policies->policy.empty()) object["policy"] = to_json_text(policies->policy);
    if (has_totals) add_numbers(object, queues[i].numbers);
    return object;
  };
  Items items{
      .size = queues.size(), .name = [&](std::size_t i) { return std::string_view{queues[i].name}; }, .make = make};
  if (has_stats)
    items.make_part = [&](std::size_t i, std::string_view member) {
      return part_of(request, queues[i], ranges, member);
    };
  co_return list(request, items, Paging::offered);
}

void check_exists(const Request& request) {
  if (!request.broker.has_queue(request.virtual_host(), request.parameter("name"))) throw not_found();
}

}  // namespace

Asking list_queues(const Request& request) {
  return list_in(request, request.listed_virtual_hosts());
}

Asking list_queues_in_virtual_host(const Request& request) {
  return list_in(request, {request.virtual_host()});
}

Asking show_queue(const Request& request) {
  std::vector<std::string> virtual_hosts{request.virtual_host()};
  const auto queues = co_await request.broker.queues(std::move(virtual_hosts));
  const auto queue = std::find_if(queues.begin(), queues.end(),
                                  [&](const auto& report) { return report.name == request.parameter("name"); });
  if (queue == queues.end()) throw not_found();
  json::object object = to_json(request, *queue, SampleRanges{request});
  const auto connections = co_await request.broker.connections();
  object["consumer_details"] = co_await consumers_of(request, connections, queue->virtual_host, queue->name);
  object["incoming"] = json::array{};
  object["deliveries"] = json::array{};
  if (const json::object owner = owner_of(connections, queue->owner); !owner.empty())
    object["owner_pid_details"] = owner;
  co_return show(request, object);
}

Asking put_queue(const Request& request) {
  const JsonBody body{request};
  const std::string& name = checked_name(request.parameter("name"));
  if (const std::string node = body.text("node"); !node.empty() && node != request.broker.node_name())
    throw bad_request(json::string{"Node " + node + " could not be contacted"});
  const bool is_new = !request.broker.has_queue(request.virtual_host(), name);
  broker::QueueCommand command{.name = name,
                               .is_durable = body.flag("durable"),
                               .is_auto_delete = body.flag("auto_delete"),
                               .arguments = body.table("arguments")};
  accepted(co_await request.broker.declare_queue(request.asker(), std::move(command)));
  co_return is_new ? created() : no_content();
}

Asking delete_queue(const Request& request) {
  check_exists(request);
  accepted(co_await request.broker.delete_queue(request.asker(), request.parameter("name"),
                                                request.has_query_flag("if-unused"),
                                                request.has_query_flag("if-empty")));
  co_return no_content();
}

Asking purge_queue(const Request& request) {
  check_exists(request);
  accepted(co_await request.broker.purge_queue(request.asker(), request.parameter("name")));
  co_return no_content();
}

/// Mirrors are synchronised by themselves where there are any, and here there are none.
Response act_on_queue(const Request& request) {
  check_exists(request);
  const JsonBody body{request};
  const std::string action = body.require({"action"}).text("action");
  if (action == "sync" || action == "cancel_sync") return no_content();
  throw bad_request(json::array{"unknown", action});
}

/// Queues stay where they are: shards of one process need no leaders moved.
Response rebalance_queues(const Request&) {
  return no_content();
}

}  // namespace leveret::management
