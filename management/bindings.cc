#include "management/bindings.h"

#include <algorithm>
#include <array>
#include <tuple>

#include <openssl/evp.h>
#include <boost/asio/awaitable.hpp>

#include "management/handlers.h"
#include "management/json_body.h"
#include "management/listing.h"
#include "management/target.h"

namespace leveret::management {
namespace {

constexpr std::size_t name_size_max = 255;

/// A short text that differs when the arguments do.
std::string hash_of(std::string_view arguments) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(arguments.data(), arguments.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) text.push_back(alphabet[digest[i] % alphabet.size()]);
  return text;
}

bool comes_before(const broker::BindingReport& left, const broker::BindingReport& right) {
  return std::tie(left.virtual_host, left.source, left.destination, left.routing_key, left.arguments) <
         std::tie(right.virtual_host, right.source, right.destination, right.routing_key, right.arguments);
}

Response list_sorted(const Request& request, std::vector<broker::BindingReport> bindings) {
  std::sort(bindings.begin(), bindings.end(), comes_before);
  const Items items{.size = bindings.size(),
                    .name = [&](std::size_t i) { return std::string_view{bindings[i].source}; },
                    .make = [&](std::size_t i) { return to_json(bindings[i]); }};
  return list(request, items);
}

/// "q" is a queue, "e" an exchange; nothing else is in a path that is routed here.
bool leads_to_queue(const Request& request) {
  const std::string& kind = request.parameter("kind");
  if (kind != "q" && kind != "e") throw not_found();
  return kind == "q";
}

bool is_between(const Request& request, const broker::BindingReport& binding) {
  const bool to_queue = leads_to_queue(request);
  const std::string& destination = request.parameter("destination");
  return binding.source == exchange_name(request.parameter("source")) && binding.is_to_queue == to_queue &&
         binding.destination == (to_queue ? destination : exchange_name(destination));
}

broker::BindingReport binding_in_path(const Request& request) {
  for (auto& binding : request.broker.bindings(request.virtual_host()))
    if (is_between(request, binding) && (properties_key(binding) == request.parameter("props") ||
                                         properties_key(binding) == percent_encoded(request.parameter("props"))))
      return std::move(binding);
  throw not_found();
}

}  // namespace

const std::string& checked_name(const std::string& name) {
  if (name.size() > name_size_max) throw bad_request("names have at most 255 octets");
  return name;
}

std::string checked_name(std::string&& name) {
  return checked_name(static_cast<const std::string&>(name));
}

std::string properties_key(const broker::BindingReport& binding) {
  if (binding.arguments.empty()) return binding.routing_key.empty() ? "~" : percent_encoded(binding.routing_key);
  return percent_encoded(binding.routing_key) + "~" + hash_of(binding.arguments);
}

json::object to_json(const broker::BindingReport& binding) {
  return {{"source", to_json_text(binding.source)},
          {"vhost", to_json_text(binding.virtual_host)},
          {"destination", to_json_text(binding.destination)},
          {"destination_type", binding.is_to_queue ? "queue" : "exchange"},
          {"routing_key", to_json_text(binding.routing_key)},
          {"arguments", table_to_json(binding.arguments)},
          {"properties_key", properties_key(binding)}};
}

Response list_bindings_where(const Request& request,
                             const std::function<bool(const broker::BindingReport&)>& is_meant) {
  auto bindings = request.broker.bindings(request.virtual_host());
  std::erase_if(bindings, [&](auto& binding) { return !is_meant(binding); });
  return list_sorted(request, std::move(bindings));
}

Response list_bindings(const Request& request) {
  std::vector<broker::BindingReport> all;
  for (const auto& name : request.listed_virtual_hosts())
    for (auto& binding : request.broker.bindings(name)) all.push_back(std::move(binding));
  return list_sorted(request, std::move(all));
}

Response list_bindings_in_virtual_host(const Request& request) {
  return list_bindings_where(request, [](auto&) { return true; });
}

Response list_bindings_between(const Request& request) {
  return list_bindings_where(request, [&](auto& binding) { return is_between(request, binding); });
}

Response list_bindings_of_queue(const Request& request) {
  if (!request.broker.has_queue(request.virtual_host(), request.parameter("name"))) throw not_found();
  return list_bindings_where(
      request, [&](auto& binding) { return binding.is_to_queue && binding.destination == request.parameter("name"); });
}

Response show_binding(const Request& request) {
  return show(request, to_json(binding_in_path(request)));
}

Asking post_binding(const Request& request) {
  const JsonBody body{request};
  const bool to_queue = leads_to_queue(request);
  const std::string& destination = checked_name(request.parameter("destination"));
  broker::BindingCommand command{.source = exchange_name(checked_name(request.parameter("source"))),
                                 .is_to_queue = to_queue,
                                 .destination = to_queue ? destination : exchange_name(destination),
                                 .routing_key = checked_name(body.text("routing_key")),
                                 .arguments = body.table("arguments")};
  broker::BindingReport made{.routing_key = command.routing_key, .arguments = command.arguments};
  accepted(co_await request.broker.bind(request.asker(), std::move(command)));
  // Its arguments are kept in order of their names, and the key depends on that.
  for (auto& binding : request.broker.bindings(request.virtual_host()))
    if (is_between(request, binding) && binding.routing_key == made.routing_key &&
        table_to_json(binding.arguments) == table_to_json(made.arguments))
      made.arguments = binding.arguments;
  Response response = created();
  response.headers.emplace_back("location", percent_encoded(destination) + "/" + properties_key(made));
  co_return response;
}

Asking delete_binding(const Request& request) {
  const broker::BindingReport binding = binding_in_path(request);
  broker::BindingCommand command{.source = binding.source,
                                 .is_to_queue = binding.is_to_queue,
                                 .destination = binding.destination,
                                 .routing_key = binding.routing_key,
                                 .arguments = binding.arguments};
  accepted(co_await request.broker.unbind(request.asker(), std::move(command)));
  co_return no_content();
}

}  // namespace leveret::management
