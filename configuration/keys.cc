#include "configuration/keys.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <numeric>
#include <utility>

#include <fmt/ranges.h>

#include "configuration/listener_keys.h"

namespace leveret::configuration {
namespace {

constexpr std::uint64_t frame_size_least = 4096;
constexpr std::uint64_t message_size_most = 512ull * 1024 * 1024;
constexpr Word log_levels{"debug info notice warning error critical alert emergency none"};

void add(std::optional<std::vector<std::string>>& list, const std::string& value) {
  if (!list) list.emplace();
  list->push_back(value);
}

/// The log has fewer levels than RabbitMQ's.
std::string log_level(const std::string& name) {
  if (name == "notice") return "info";
  if (name == "alert" || name == "emergency") return "critical";
  return name == "none" ? "off" : name;
}

std::vector<Key> joined(std::initializer_list<std::vector<Key>> parts) {
  std::vector<Key> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// Each row is read by a person as well: docs/operations.md shows these three tables, and a test compares them.
const std::vector<Key> with_effect = joined(
    {{
         Key{"listeners.tcp", Word{"none"}, "no AMQP without TLS",
             [](Draft& d, const Value&) { d.listens_to_nobody = true; }},
         Key{"listeners.tcp.$name", Listener{}, "where AMQP is served; may be given again under other names",
             [](Draft& d, const Value& v) {
               if (!d.amqp) d.amqp.emplace();
               d.amqp->push_back(v.address);
             }},
         Key{"listeners.ssl.$name", Listener{}, "where AMQP with TLS is served; may be given again under other names",
             [](Draft& d, const Value& v) { d.options.amqp_tls.push_back(v.address); }},
     },
     tls_keys("ssl_options", [](Draft& d) -> broker::TlsOptions& { return d.options.tls; }),
     {
         Key{"handshake_timeout", Number{.least = 1, .unit = "ms"}, "how long a handshake may take",
             [](Draft& d, const Value& v) { d.options.broker.handshake_timeout = v.milliseconds(); }},
         Key{"heartbeat", Number{.most = 65'535, .unit = "s"}, "the heartbeat that clients are offered; 0 for none",
             [](Draft& d, const Value& v) { d.options.broker.heartbeat = v.seconds(); }},
         Key{"frame_max", Octets{.least = frame_size_least, .most = UINT32_MAX}, "the largest frame",
             [](Draft& d, const Value& v) { d.options.broker.frame_max = v.as<std::uint32_t>(); }},
         Key{"channel_max", Number{.most = 65'535}, "channels of a connection; 0 for any number",
             [](Draft& d, const Value& v) { d.options.broker.channel_max = v.as<std::uint16_t>(); }},
         Key{"connection_max", Limit{}, "connections of all clients together",
             [](Draft& d, const Value& v) { d.options.broker.connection_max = v.number; }},
         Key{"channel_max_per_node", Limit{}, "channels of all connections together",
             [](Draft& d, const Value& v) { d.options.broker.channel_max_per_node = v.number; }},
         Key{"max_message_size", Octets{.most = message_size_most}, "the largest body of a message",
             [](Draft& d, const Value& v) { d.options.broker.message_size_max = *v.number; }},
         Key{"consumer_timeout", Number{.unit = "ms"}, "how long a delivery may stay unacknowledged; 0 for ever",
             [](Draft& d, const Value& v) { d.options.broker.consumer_timeout = v.milliseconds(); }},

         Key{"default_user", Text{}, "the first user's name",
             [](Draft& d, const Value& v) { d.options.broker.default_user = v.text; }},
         Key{"default_pass", Text{}, "the password of that user",
             [](Draft& d, const Value& v) { d.options.broker.default_password = v.text; }},
         Key{"default_user_tags.$tag", Flag{}, "the tags of that user",
             [](Draft& d, const Value& v) {
               if (!d.default_user_tags) d.default_user_tags.emplace();
               if (v.flag) d.default_user_tags->push_back(v.name);
             }},
         Key{"default_permissions.configure", Text{}, "what that user may configure",
             [](Draft& d, const Value& v) { d.options.broker.default_permission.configure = v.text; }},
         Key{"default_permissions.write", Text{}, "what that user may write to",
             [](Draft& d, const Value& v) { d.options.broker.default_permission.write = v.text; }},
         Key{"default_permissions.read", Text{}, "what that user may read",
             [](Draft& d, const Value& v) { d.options.broker.default_permission.read = v.text; }},
         Key{"default_vhost", Text{}, "the first virtual host's name",
             [](Draft& d, const Value& v) { d.options.broker.default_virtual_host = v.text; }},
         Key{"loopback_users", Word{"none"}, "every user may log in from anywhere",
             [](Draft& d, const Value&) { d.has_no_loopback_users = true; }},
         Key{"loopback_users.$user", Flag{},
             "whether that user may log in from this machine only; who is not named may not be",
             [](Draft& d, const Value& v) {
               if (!d.loopback_users) d.loopback_users.emplace();
               if (v.flag) d.loopback_users->push_back(v.name);
             }},
         Key{"auth_mechanisms.$number", Word{"PLAIN AMQPLAIN ANONYMOUS"},
             "how clients may log in; the others may not be used",
             [](Draft& d, const Value& v) { add(d.auth_mechanisms, v.text); }},
         Key{"anonymous_login_user", Text{}, "who logs in with ANONYMOUS; none for nobody",
             [](Draft& d, const Value& v) { d.options.broker.anonymous_user = v.text == "none" ? "" : v.text; }},
         Key{"anonymous_login_pass", Text{}, "with which password",
             [](Draft& d, const Value& v) { d.options.broker.anonymous_password = v.text; }},

         Key{"load_definitions", File{}, "definitions to import at every start; a folder: all its .json files",
             [](Draft& d, const Value& v) { d.options.definitions.emplace_back(v.text); }},
         Key{"management.load_definitions", File{}, "the same",
             [](Draft& d, const Value& v) { d.options.definitions.emplace_back(v.text); }},
         Key{"definitions.local.path", File{}, "the same",
             [](Draft& d, const Value& v) { d.options.definitions.emplace_back(v.text); }},
         Key{"cluster_name", Text{}, "the cluster's name, until it is given another",
             [](Draft& d, const Value& v) { d.options.broker.cluster_name = v.text; }},

         Key{"vm_memory_high_watermark.relative", Share{}, "with more of the memory in use, publishers wait",
             [](Draft& d, const Value& v) { d.options.broker.memory_high_watermark = v.share; }},
         Key{"vm_memory_high_watermark.absolute", Octets{}, "the same as octets; wins over the share",
             [](Draft& d, const Value& v) { d.options.broker.memory_limit = v.number; }},
         Key{"total_memory_available_override_value", Octets{.least = 1},
             "how much memory there is, where the system tells wrongly",
             [](Draft& d, const Value& v) { d.options.broker.memory_size = v.number; }},
         Key{"disk_free_limit.relative", Share{.most = 1000},
             "with less free, as a share of the memory, publishers wait; wins over octets",
             [](Draft& d, const Value& v) { d.options.broker.disk_free_share = v.share; }},
         Key{"disk_free_limit.absolute", Octets{}, "the same as octets",
             [](Draft& d, const Value& v) { d.options.broker.disk_free_limit = *v.number; }},

     },
     http_keys("management", "the HTTP API", [](Draft& d) -> HttpDraft& { return d.http; }),
     {
         Key{"management.listener.port", port, "the same port",
             [](Draft& d, const Value& v) { d.http.plain().port = v.as<std::uint16_t>(); }},
         Key{"management.listener.ip", Host{}, "the same address",
             [](Draft& d, const Value& v) { d.http.plain().host = v.text; }},
         Key{"management.tcp.request_timeout", Number{.least = 1, .unit = "ms"},
             "how long a request may take to arrive",
             [](Draft& d, const Value& v) { d.options.http_request_timeout = v.milliseconds(); }},
         Key{"management.tcp.idle_timeout", Number{.least = 1, .unit = "ms"},
             "how long a connection may wait for the next request",
             [](Draft& d, const Value& v) { d.options.http_idle_timeout = v.milliseconds(); }},
         Key{"management.http.max_body_size", Octets{.least = 1}, "the largest body of a request",
             [](Draft& d, const Value& v) { d.options.http_body_size_max = *v.number; }},
         Key{"management.cors.allow_origins.$number", Text{}, "an origin whose pages may use the HTTP API; * for all",
             [](Draft& d, const Value& v) { d.options.http_cors_origins.push_back(v.text); }},
         Key{"management.cors.max_age", Number{.unit = "s"}, "how long a browser may remember that",
             [](Draft& d, const Value& v) { d.options.http_cors_max_age = v.seconds(); }},
     },
     http_keys("prometheus", "the metrics", [](Draft& d) -> HttpDraft& { return d.prometheus; }),
     {
         Key{"log.console.level", log_levels, "what is logged",
             [](Draft& d, const Value& v) { d.options.log_level = log_level(v.text); }},
     }});

constexpr const char* one_node = "there is one node";
constexpr const char* one_log = "the log goes to standard output";
constexpr const char* other_machinery = "about RabbitMQ's own machinery";
constexpr const char* system_sockets = "sockets have the system's settings";
constexpr const char* statistics_are_cheap = "answers are made when they are asked for";

constexpr const char* no_renegotiation = "nothing is negotiated twice";
constexpr const char* openssl = "OpenSSL decides";

const std::array without_effect{
    Key{"listeners.ssl", Word{"none"}, "there is no TLS unless it is asked for"},
    Key{"ssl_options", Word{"none"}, "there is no TLS unless it is asked for"},
    Key{"ssl_options.client_renegotiation", Word{"false"}, no_renegotiation},
    Key{"ssl_options.secure_renegotiate", Flag{}, no_renegotiation},
    Key{"ssl_options.reuse_sessions", Flag{}, openssl},
    Key{"ssl_options.honor_ecc_order", Flag{}, openssl},
    Key{"ssl_options.hibernate_after", Text{}, other_machinery},
    Key{"ssl_options.bypass_pem_cache", Flag{}, other_machinery},
    Key{"ssl_options.log_level", Text{}, "a handshake that fails is logged"},
    Key{"ssl_handshake_timeout", Text{}, "handshake_timeout counts from the first octet on"},
    Key{"num_acceptors.*", Text{}, other_machinery},
    Key{"socket_writer.gc_threshold", Text{}, other_machinery},
    Key{"reverse_dns_lookups", Word{"false"}, "names are never looked up"},
    Key{"tcp_listen_options.*", Text{}, system_sockets},
    Key{"erlang.K", Text{}, other_machinery},
    Key{"definitions.import_backend", Word{"local_filesystem local"}, "definitions come from files only"},
    Key{"definitions.skip_if_unchanged", Flag{}, "an import leaves alone what is there"},
    Key{"definitions.hashing.algorithm", Text{}, "an import leaves alone what is there"},
    Key{"auth_backends.$number", Word{"internal rabbit_auth_backend_internal"}, "users are the broker's own"},
    Key{"password_hashing_module", Word{"rabbit_password_hashing_sha256"}, "new hashes are of SHA-256"},
    Key{"initial_frame_max", Text{}, "frames of a handshake have the same limit as others"},
    Key{"default_worker_pool_size", Text{}, other_machinery},
    Key{"vm_memory_high_watermark_paging_ratio", Text{}, "a backlog leaves memory at 64 MiB"},
    Key{"vm_memory_calculation_strategy", Text{}, "resident memory counts"},
    Key{"memory_monitor_interval", Text{}, "memory is looked at once a second"},
    Key{"cluster_partition_handling", Text{}, one_node},
    Key{"cluster_keepalive_interval", Text{}, one_node},
    Key{"cluster_formation.peer_discovery_backend", Word{"classic_config rabbit_peer_discovery_classic_config"},
        one_node},
    Key{"cluster_formation.node_type", Text{}, one_node},
    Key{"cluster_formation.target_cluster_size_hint", Text{}, one_node},
    Key{"net_ticktime", Text{}, one_node},
    Key{"distribution.listener.*", Text{}, one_node},
    Key{"delegate_count", Text{}, other_machinery},
    Key{"mirroring_sync_batch_size", Text{}, one_node},
    Key{"mirroring_sync_max_throughput", Text{}, one_node},
    Key{"queue_master_locator", Text{}, one_node},
    Key{"queue_leader_locator", Text{}, one_node},
    Key{"collect_statistics", Text{}, statistics_are_cheap},
    Key{"collect_statistics_interval", Text{}, statistics_are_cheap},
    Key{"hipe_compile", Text{}, other_machinery},
    Key{"mnesia_table_loading_retry_timeout", Text{}, other_machinery},
    Key{"mnesia_table_loading_retry_limit", Text{}, other_machinery},
    Key{"metadata_store.*", Text{}, other_machinery},
    Key{"message_store_shutdown_timeout", Text{}, other_machinery},
    Key{"queue_index_embed_msgs_below", Text{}, other_machinery},
    Key{"background_gc_enabled", Text{}, other_machinery},
    Key{"background_gc_target_interval", Text{}, other_machinery},
    Key{"proxy_protocol", Word{"false"}, "proxies' headers are not read"},
    Key{"vhost_restart_strategy", Text{}, "virtual hosts do not end by themselves"},
    Key{"motd_file", Text{}, other_machinery},
    Key{"product.name", Text{}, "the product is Leveret"},
    Key{"product.version", Text{}, "the product is Leveret"},
    Key{"log.dir", Text{}, one_log},
    Key{"log.console", Flag{}, one_log},
    Key{"log.console.*", Text{}, one_log},
    Key{"log.file", Text{}, one_log},
    Key{"log.file.*", Text{}, one_log},
    Key{"log.exchange", Word{"false"}, one_log},
    Key{"log.syslog", Word{"false"}, one_log},
    Key{"log.journald", Word{"false"}, one_log},
    Key{"log.$category.level", Text{}, "all categories have one level, log.console.level"},
    Key{"log.$category.file", Text{}, one_log},
    Key{"sysmon_handler.*", Text{}, other_machinery},
    Key{"raft.*", Text{}, other_machinery},
    Key{"classic_queue.*", Text{}, other_machinery},
    Key{"quorum_queue.*", Text{}, other_machinery},
    Key{"deprecated_features.permit.*", Flag{}, "no feature is given up"},
    Key{"management.rates_mode", Text{}, statistics_are_cheap},
    Key{"management.sample_retention_policies.*", Text{}, "samples are kept for a time of their own"},
    Key{"management.db_cache_multiplier", Text{}, statistics_are_cheap},
    Key{"management.http_log_dir", Text{}, "requests are not logged"},
    Key{"management.login_session_timeout", Text{}, "no session is kept"},
    Key{"management.csp.policy", Text{}, "there is no web UI"},
    Key{"management.headers.*", Text{}, "there is no web UI"},
    Key{"management.tcp.*", Text{}, other_machinery},
    Key{"management.listener.ssl", Word{"false"}, "management.ssl.port is the listener with TLS"},
    Key{"management.ssl.client_renegotiation", Word{"false"}, no_renegotiation},
    Key{"management.ssl.secure_renegotiate", Flag{}, no_renegotiation},
    Key{"management.ssl.honor_ecc_order", Flag{}, openssl},
    Key{"management.ssl.request_timeout", Text{}, "management.tcp.request_timeout counts for both"},
    Key{"management.ssl.idle_timeout", Text{}, "management.tcp.idle_timeout counts for both"},
    Key{"management.listener.server.*", Text{}, other_machinery},
    Key{"management_agent.*", Text{}, statistics_are_cheap},
    Key{"prometheus.return_per_object_metrics", Word{"false"}, "/metrics/per-object has them"},
    Key{"prometheus.path", Word{"/metrics"}, "it is the path"},
    Key{"prometheus.tcp.*", Text{}, other_machinery},
};

constexpr const char* no_such_tls = "this is not there for TLS";
constexpr const char* no_clusters = "there are no clusters yet";

const std::array refused{
    Key{"ssl_options.*", Text{}, no_such_tls},
    Key{"ssl_cert_login_from", Text{}, "nobody logs in by a certificate"},
    Key{"management.ssl.*", Text{}, no_such_tls},
    Key{"management.listener.ssl", Text{}, "management.ssl.port is the listener with TLS"},
    Key{"management.listener.ssl_opts.*", Text{}, "management.ssl.* is for TLS"},
    Key{"prometheus.ssl.*", Text{}, no_such_tls},
    Key{"cluster_formation.*", Text{}, no_clusters},
    Key{"cluster_partition_handling.*", Text{}, no_clusters},
    Key{"definitions.*", Text{}, "definitions come from files only: load_definitions"},
    Key{"auth_backends.*", Text{}, "users are the broker's own, whom other services do not know"},
    Key{"auth_ldap.*", Text{}, "LDAP is not there"},
    Key{"auth_http.*", Text{}, "authentication by HTTP is not there"},
    Key{"auth_oauth2.*", Text{}, "OAuth 2 is not there"},
    Key{"credential_validator.*", Text{}, "passwords are not judged"},
    Key{"mqtt.*", Text{}, "MQTT is not there"},
    Key{"web_mqtt.*", Text{}, "MQTT is not there"},
    Key{"stomp.*", Text{}, "STOMP is not there"},
    Key{"web_stomp.*", Text{}, "STOMP is not there"},
    Key{"stream.*", Text{}, "the stream protocol is not there"},
    Key{"management.path_prefix", Text{}, "the HTTP API has no other path"},
    Key{"management.disable_basic_auth", Text{}, "there is no other way to log in"},
    Key{"default_users.*", Text{}, "one default user is made; import others with load_definitions"},
    Key{"default_policies.*", Text{}, "import policies with load_definitions"},
    Key{"default_limits.*", Text{}, "import limits with load_definitions"},
};

std::vector<std::string_view> words_of(std::string_view name) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t dot = name.find('.');
    words.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return words;
    name.remove_prefix(dot + 1);
  }
}

/// Levenshtein's.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The key's name with the words of `name` where the key takes any.
std::string as_meant_by(const Key& key, std::string_view name) {
  const auto given = words_of(name);
  std::vector<std::string_view> words = words_of(key.name);
  for (std::size_t i = 0; i < words.size(); ++i)
    if ((words[i].starts_with('$') || words[i] == "*") && i < given.size()) words[i] = given[i];
  return fmt::format("{}", fmt::join(words, "."));
}

}  // namespace

std::span<const Key> keys_with_effect() {
  return with_effect;
}

std::span<const Key> keys_without_effect() {
  return without_effect;
}

std::span<const Key> refused_keys() {
  return refused;
}

bool fits(const Key& key, std::string_view name) {
  const auto wanted = words_of(key.name);
  const auto given = words_of(name);
  const bool takes_rest = wanted.back() == "*";
  if (takes_rest ? given.size() < wanted.size() : given.size() != wanted.size()) return false;
  return std::equal(wanted.begin(), wanted.end(), given.begin(), [](std::string_view word, std::string_view actual) {
    return word == actual || word == "*" || (word.starts_with('$') && !actual.empty());
  });
}

const Key* find_key(std::span<const Key> keys, std::string_view name) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return fits(key, name); });
  return found == keys.end() ? nullptr : &*found;
}

std::string variable_word(const Key& key, std::string_view name) {
  const auto wanted = words_of(key.name);
  const auto given = words_of(name);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i].starts_with('$')) return std::string{given[i]};
  return {};
}

std::string nearest_key(std::string_view name) {
  std::string nearest;
  std::size_t least = SIZE_MAX;
  for (const auto keys : {keys_with_effect(), keys_without_effect()})
    for (const Key& key : keys) {
      std::string candidate = as_meant_by(key, name);
      const std::size_t changes = distance(name, candidate);
      if (changes >= least) continue;
      least = changes;
      nearest = std::move(candidate);
    }
  return nearest;
}

}  // namespace leveret::configuration
