#include <algorithm>
#include <tuple>

#include <boost/asio/awaitable.hpp>

#include "management/bindings.h"
#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/rates.h"

namespace leveret::management {
namespace {

json::object basics(const broker::ExchangeReport& exchange) {
  return {{"arguments", table_to_json(exchange.arguments)},
          {"auto_delete", exchange.is_auto_delete},
          {"durable", exchange.is_durable},
          {"internal", exchange.is_internal},
          {"name", to_json_text(exchange.name)},
          {"type", exchange.type},
          {"user_who_performed_action", to_json_text(exchange.user)},
          {"vhost", to_json_text(exchange.virtual_host)}};
}

json::object to_json(const Request& request, const broker::ExchangeReport& exchange, const SampleRanges& ranges) {
  json::object object = basics(exchange);
  const Series* series = request.statistics.exchange(exchange.virtual_host, exchange.name);
  if (const auto applied = request.broker.policies_of_exchange(exchange.virtual_host, exchange.name);
      applied && !applied->policy.empty())
    object["policy"] = to_json_text(applied->policy);
  if (exchange.delayed) {
    object["messages_delayed"] = exchange.delayed->messages();
    object["message_bytes_delayed"] = exchange.delayed->octets();
  }
  MessageStats stats{ranges.messages};
  stats.add(exchange.counters, {&series, 1}, 0);
  stats.put_into(object);
  return object;
}

Response list_in(const Request& request, const std::vector<std::string>& virtual_hosts) {
  std::vector<broker::ExchangeReport> exchanges;
  for (const auto& name : virtual_hosts)
    for (auto& exchange : request.broker.exchanges(name)) exchanges.push_back(std::move(exchange));
  std::sort(exchanges.begin(), exchanges.end(), [](auto& left, auto& right) {
    return std::tie(left.virtual_host, left.name) < std::tie(right.virtual_host, right.name);
  });
  const bool has_stats = !request.has_query_flag("disable_stats");
  const SampleRanges ranges{request};
  const Items items{
      .size = exchanges.size(),
      .name = [&](std::size_t i) { return std::string_view{exchanges[i].name}; },
      .make = [&](std::size_t i) { return has_stats ? to_json(request, exchanges[i], ranges) : basics(exchanges[i]); }};
  return list(request, items, Paging::offered);
}

std::optional<broker::ExchangeReport> exchange_in_path(const Request& request) {
  const std::string name = exchange_name(request.parameter("name"));
  for (auto& exchange : request.broker.exchanges(request.virtual_host()))
    if (exchange.name == name) return std::move(exchange);
  return {};
}

}  // namespace

std::string exchange_name(const std::string& in_path) {
  return in_path == "amq.default" ? "" : in_path;
}

Response list_exchanges(const Request& request) {
  return list_in(request, request.listed_virtual_hosts());
}

Response list_exchanges_in_virtual_host(const Request& request) {
  return list_in(request, {request.virtual_host()});
}

Response show_exchange(const Request& request) {
  const auto exchange = exchange_in_path(request);
  if (!exchange) throw not_found();
  json::object object = to_json(request, *exchange, SampleRanges{request});
  object["incoming"] = json::array{};
  object["outgoing"] = json::array{};
  return show(request, object);
}

Asking put_exchange(const Request& request) {
  const JsonBody body{request};
  const bool is_new = !exchange_in_path(request);
  broker::ExchangeCommand command{.name = exchange_name(checked_name(request.parameter("name"))),
                                  .type = body.has("type") ? checked_name(body.text("type")) : "direct",
                                  .is_durable = body.flag("durable"),
                                  .is_auto_delete = body.flag("auto_delete"),
                                  .is_internal = body.flag("internal"),
                                  .arguments = body.table("arguments")};
  accepted(co_await request.broker.declare_exchange(request.asker(), std::move(command)));
  co_return is_new ? created() : no_content();
}

Asking delete_exchange(const Request& request) {
  if (!exchange_in_path(request)) throw not_found();
  accepted(co_await request.broker.delete_exchange(request.asker(), exchange_name(request.parameter("name")),
                                                   request.has_query_flag("if-unused")));
  co_return no_content();
}

Response list_bindings_from_exchange(const Request& request) {
  const std::string name = exchange_name(request.parameter("name"));
  return list_bindings_where(request, [&](const broker::BindingReport& binding) { return binding.source == name; });
}

Response list_bindings_to_exchange(const Request& request) {
  const std::string name = exchange_name(request.parameter("name"));
  return list_bindings_where(request, [&](const broker::BindingReport& binding) {
    return !binding.is_to_queue && binding.destination == name;
  });
}

}  // namespace leveret::management
