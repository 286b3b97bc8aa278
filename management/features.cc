#include "management/base64.h"
#include "management/handlers.h"
#include "management/json_body.h"
#include "management/statistics.h"
#include "management/target.h"

/// What RabbitMQ's tools ask for before anything else: plug-ins, feature flags, how to log in.
namespace leveret::management {
namespace {

struct FeatureFlag {
  std::string_view name{};
  std::string_view description{};
};

/// Those of RabbitMQ that stand for something which is here; all of them always are.
constexpr FeatureFlag feature_flags[]{
    {"classic_mirrored_queue_version", "Support setting version for classic mirrored queues"},
    {"drop_unroutable_metric", "Count unroutable publishes to be dropped in stats"},
    {"empty_basic_get_metric", "Count AMQP `basic.get` on empty queues in stats"},
    {"implicit_default_bindings", "Default bindings are now implicit, instead of being stored in the database"},
    {"maintenance_mode_status", "Maintenance mode status"},
    {"quorum_queue", "Support queues of type `quorum`"},
    {"user_limits", "Configure connection and channel limits for a user"},
    {"virtual_host_metadata", "Virtual host metadata (description, tags, etc)"},
};

bool is_feature_flag(std::string_view name) {
  for (const auto& flag : feature_flags)
    if (flag.name == name) return true;
  return false;
}

}  // namespace

Response list_extensions(const Request&) {
  return answer(json::array{json::object{{"javascript", "dispatcher.js"}}});
}

Response list_feature_flags(const Request&) {
  json::array flags;
  for (const auto& [name, description] : feature_flags)
    flags.push_back(json::object{{"name", name},
                                 {"desc", description},
                                 {"doc_url", ""},
                                 {"state", "enabled"},
                                 {"stability", "stable"},
                                 {"provided_by", "rabbit"}});
  return answer(flags);
}

Response enable_feature_flag(const Request& request) {
  if (!is_feature_flag(request.parameter("name"))) throw bad_request("unsupported");
  return no_content();
}

/// The stream protocol is not spoken here.
Response list_stream_clients(const Request&) {
  return answer(json::array{});
}

/// Nothing here is on its way out.
Response list_deprecated_features(const Request&) {
  return answer(json::array{});
}

namespace {

void check_node(const Request& request) {
  if (request.parameter("node") != request.broker.node_name()) throw not_found();
}

}  // namespace

boost::asio::awaitable<Response> list_login_attempts(const Request& request) {
  check_node(request);
  json::array attempts;
  for (const auto& [protocol, counters] : co_await request.broker.logins())
    attempts.push_back(json::object{{"protocol", protocol},
                                    {"auth_attempts", counters.all()},
                                    {"auth_attempts_failed", counters.refused},
                                    {"auth_attempts_succeeded", counters.accepted}});
  co_return answer(attempts);
}

boost::asio::awaitable<Response> forget_login_attempts(const Request& request) {
  check_node(request);
  co_await request.broker.forget_logins();
  co_return no_content();
}

/// Where they came from is in the log alone, as with RabbitMQ unless it is told to count that, too.
Response list_sources_of_logins(const Request& request) {
  check_node(request);
  return answer(json::array{});
}

Response forget_sources_of_logins(const Request& request) {
  check_node(request);
  return no_content();
}

Response show_version(const Request& request) {
  return answer(json::string{request.broker.rabbitmq_version()});
}

/// How the web UI finds out whether to log in with OAuth 2.
Response show_login_ways(const Request&) {
  return answer(
      json::object{{"oauth_enabled", false}, {"enable_uaa", false}, {"uaa_client_id", ""}, {"uaa_location", ""}});
}

/// Takes name and password from a form and keeps them in a cookie, for pages.
Response log_in_by_form(const Request& request) {
  const auto form = parse_query(request.body);
  std::string name;
  std::string password;
  for (const auto& [key, value] : form.value_or(std::vector<std::pair<std::string, std::string>>{})) {
    if (key == "username") name = value;
    if (key == "password") password = value;
  }
  if (!request.broker.log_in(name, password)) throw Refusal{401, "not_authorized", "Login failed"};
  Response response = answer("ok");
  const std::string credentials = encode_base64(name + ":" + password);
  response.headers.emplace_back("set-cookie", "auth=" + credentials + "; Version=1; SameSite=Strict");
  return response;
}

/// Counters go on; it is the samples that are forgotten.
Response reset_statistics(const Request& request) {
  const std::string& node = request.parameter("node");
  if (!node.empty() && node != request.broker.node_name()) throw not_found();
  request.statistics.clear();
  return no_content();
}

}  // namespace leveret::management
