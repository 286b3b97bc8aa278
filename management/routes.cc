#include "management/handlers.h"
#include "management/router.h"

namespace leveret::management {
namespace {

constexpr Method GET = Method::get;
constexpr Method PUT = Method::put;
constexpr Method POST = Method::post;
constexpr Method DELETE = Method::remove;

// What bodies hold: member and type, an asterisk for those that must be there.
constexpr std::string_view name_body = "name*: string";
constexpr std::string_view resource_limits_body =
    "memory_limit: integer, memory_high_watermark: number, disk_free_limit: integer, disk_free_share: number";
constexpr std::string_view virtual_host_body =
    "description: string, tags: list, default_queue_type: string, tracing: boolean, protected_from_deletion: boolean";
constexpr std::string_view user_body =
    "tags*: list, password: string, password_hash: string, hashing_algorithm: string";
constexpr std::string_view permission_body = "configure*: string, write*: string, read*: string";
constexpr std::string_view topic_permission_body = "exchange*: string, write*: string, read*: string";
constexpr std::string_view exchange_body =
    "type: string, durable: boolean, auto_delete: boolean, internal: boolean, arguments: object";
constexpr std::string_view queue_body = "durable: boolean, auto_delete: boolean, arguments: object, node: string";
constexpr std::string_view binding_body = "routing_key: string, arguments: object";
constexpr std::string_view publish_body =
    "properties*: object, routing_key*: string, payload*: string, payload_encoding*: string";
constexpr std::string_view definitions_body =
    "users: array, vhosts: array, permissions: array, topic_permissions: array, global_parameters: array, "
    "parameters: array, policies: array, queues: array, exchanges: array, bindings: array";
constexpr std::string_view policy_body = "pattern*: string, definition*: object, priority: integer, apply-to: string";
constexpr std::string_view value_body = "value*: any";
constexpr std::string_view limit_body = "value*: integer";
constexpr std::string_view get_body = "count*: integer, ackmode*: string, encoding*: string, truncate: integer";

const Route table[]{
    {GET, "/api/whoami", Right::user, whoami, "Who asks"},
    {GET, "/api/overview", Right::user, overview, "What the broker is and how much is in it"},
    {GET, "/api/cluster-name", Right::user, cluster_name, "The cluster's name"},
    {PUT, "/api/cluster-name", Right::administrator, put_cluster_name, "Names the cluster", name_body},

    {GET, "/api/nodes", Right::monitoring, list_nodes, "Nodes"},
    {GET, "/api/nodes/{node}", Right::monitoring, show_node, "A node"},
    {PUT, "/api/nodes/{node}/resource-limits", Right::administrator, put_resource_limits,
     "Where the alarms of memory and disk begin, until the broker ends", resource_limits_body},
    {GET, "/api/nodes/{node}/memory", Right::monitoring, show_node_memory, "What a node's memory is used for"},
    {GET, "/api/nodes/{node}/memory/relative", Right::monitoring, show_relative_node_memory,
     "What a node's memory is used for, in percent"},
    {GET, "/api/nodes/{node}/memory/ets", Right::monitoring, show_node_tables,
     "Erlang's tables, of which there are none"},
    {GET, "/api/nodes/{node}/memory/ets/relative", Right::monitoring, show_node_tables, "The same, in percent"},
    {GET, "/api/nodes/{node}/memory/ets/{filter}", Right::monitoring, show_node_tables, "Some of these tables"},
    {GET, "/api/nodes/{node}/memory/ets/{filter}/relative", Right::monitoring, show_node_tables,
     "Some of these tables, in percent"},

    {GET, "/api/vhosts", Right::user, list_virtual_hosts, "Virtual hosts"},
    {GET, "/api/vhosts/{vhost}", Right::administrator, show_virtual_host, "A virtual host"},
    {PUT, "/api/vhosts/{vhost}", Right::administrator, put_virtual_host, "Makes or changes a virtual host",
     virtual_host_body},
    {DELETE, "/api/vhosts/{vhost}", Right::administrator, delete_virtual_host,
     "Deletes a virtual host with all that is in it"},
    {POST, "/api/vhosts/{vhost}/start/{node}", Right::administrator, start_virtual_host, "Starts a virtual host"},
    {POST, "/api/vhosts/{vhost}/deletion/protection", Right::administrator, protect_virtual_host,
     "Protects a virtual host from deletion"},
    {DELETE, "/api/vhosts/{vhost}/deletion/protection", Right::administrator, unprotect_virtual_host,
     "Lets a virtual host be deleted again"},
    {GET, "/api/vhosts/{vhost}/permissions", Right::administrator, list_permissions_in_virtual_host,
     "Permissions in a virtual host"},
    {GET, "/api/vhosts/{vhost}/topic-permissions", Right::administrator, list_topic_permissions_in_virtual_host,
     "Topic permissions in a virtual host"},
    {GET, "/api/vhosts/{vhost}/connections", Right::virtual_host, list_connections_in_virtual_host,
     "Connections to a virtual host"},
    {GET, "/api/vhosts/{vhost}/channels", Right::virtual_host, list_channels_in_virtual_host,
     "Channels in a virtual host"},

    {GET, "/api/users", Right::administrator, list_users, "Users"},
    {GET, "/api/users/without-permissions", Right::administrator, list_users_without_permissions,
     "Users who may enter no virtual host"},
    {POST, "/api/users/bulk-delete", Right::administrator, bulk_delete_users, "Deletes users", "users*: list"},
    {GET, "/api/users/{user}", Right::administrator, show_user, "A user"},
    {PUT, "/api/users/{user}", Right::administrator, put_user, "Makes or changes a user", user_body},
    {DELETE, "/api/users/{user}", Right::administrator, delete_user, "Deletes a user"},
    {GET, "/api/users/{user}/permissions", Right::administrator, list_permissions_of_user, "A user's permissions"},
    {GET, "/api/users/{user}/topic-permissions", Right::administrator, list_topic_permissions_of_user,
     "A user's topic permissions"},

    {GET, "/api/permissions", Right::administrator, list_permissions, "Permissions"},
    {GET, "/api/permissions/{vhost}/{user}", Right::administrator, show_permission,
     "What a user may do in a virtual host"},
    {PUT, "/api/permissions/{vhost}/{user}", Right::administrator, put_permission,
     "Says what a user may do in a virtual host", permission_body},
    {DELETE, "/api/permissions/{vhost}/{user}", Right::administrator, delete_permission,
     "Keeps a user out of a virtual host"},
    {GET, "/api/topic-permissions", Right::administrator, list_topic_permissions, "Topic permissions"},
    {GET, "/api/topic-permissions/{vhost}/{user}", Right::administrator, show_topic_permissions,
     "A user's topic permissions in a virtual host"},
    {PUT, "/api/topic-permissions/{vhost}/{user}", Right::administrator, put_topic_permission,
     "Says which routing keys a user may use with an exchange", topic_permission_body},
    {DELETE, "/api/topic-permissions/{vhost}/{user}", Right::administrator, delete_topic_permissions,
     "Deletes a user's topic permissions in a virtual host"},
    {DELETE, "/api/topic-permissions/{vhost}/{user}/{exchange}", Right::administrator, delete_topic_permission,
     "Deletes a user's topic permission for one exchange"},

    {GET, "/api/exchanges", Right::user, list_exchanges, "Exchanges"},
    {GET, "/api/exchanges/{vhost}", Right::virtual_host, list_exchanges_in_virtual_host, "Exchanges in a virtual host"},
    {GET, "/api/exchanges/{vhost}/{name}", Right::virtual_host, show_exchange, "An exchange"},
    {PUT, "/api/exchanges/{vhost}/{name}", Right::virtual_host, put_exchange, "Declares an exchange", exchange_body},
    {DELETE, "/api/exchanges/{vhost}/{name}", Right::virtual_host, delete_exchange, "Deletes an exchange"},
    {GET, "/api/exchanges/{vhost}/{name}/bindings/source", Right::virtual_host, list_bindings_from_exchange,
     "Bindings that start from an exchange"},
    {GET, "/api/exchanges/{vhost}/{name}/bindings/destination", Right::virtual_host, list_bindings_to_exchange,
     "Bindings that lead to an exchange"},
    {POST, "/api/exchanges/{vhost}/{name}/publish", Right::virtual_host, publish_message, "Publishes a message",
     publish_body},

    {GET, "/api/queues", Right::user, list_queues, "Queues"},
    {GET, "/api/queues/detailed", Right::user, list_queues, "Queues, with all that is known of them"},
    {GET, "/api/queues/{vhost}", Right::virtual_host, list_queues_in_virtual_host, "Queues in a virtual host"},
    {GET, "/api/queues/{vhost}/{name}", Right::virtual_host, show_queue, "A queue"},
    {PUT, "/api/queues/{vhost}/{name}", Right::virtual_host, put_queue, "Declares a queue", queue_body},
    {DELETE, "/api/queues/{vhost}/{name}", Right::virtual_host, delete_queue, "Deletes a queue"},
    {GET, "/api/queues/{vhost}/{name}/bindings", Right::virtual_host, list_bindings_of_queue, "A queue's bindings"},
    {DELETE, "/api/queues/{vhost}/{name}/contents", Right::virtual_host, purge_queue, "Drops all ready messages"},
    {POST, "/api/queues/{vhost}/{name}/actions", Right::administrator, act_on_queue, "Acts on a mirrored queue",
     "action*: string"},
    {POST, "/api/queues/{vhost}/{name}/get", Right::virtual_host, get_messages, "Looks at, or takes, ready messages",
     get_body},
    {POST, "/api/rebalance/queues", Right::administrator, rebalance_queues, "Spreads queues over nodes"},

    {GET, "/api/bindings", Right::user, list_bindings, "Bindings"},
    {GET, "/api/bindings/{vhost}", Right::virtual_host, list_bindings_in_virtual_host, "Bindings in a virtual host"},
    {GET, "/api/bindings/{vhost}/e/{source}/{kind}/{destination}", Right::virtual_host, list_bindings_between,
     "Bindings between an exchange and a queue (q) or exchange (e)"},
    {POST, "/api/bindings/{vhost}/e/{source}/{kind}/{destination}", Right::virtual_host, post_binding,
     "Binds a queue (q) or exchange (e) to an exchange", binding_body},
    {GET, "/api/bindings/{vhost}/e/{source}/{kind}/{destination}/{props}", Right::virtual_host, show_binding,
     "A binding, by its properties_key"},
    {DELETE, "/api/bindings/{vhost}/e/{source}/{kind}/{destination}/{props}", Right::virtual_host, delete_binding,
     "Unbinds a queue (q) or exchange (e)"},

    {GET, "/api/connections", Right::user, list_connections, "Connections"},
    {GET, "/api/connections/username/{user}", Right::user, list_connections_of_user, "A user's connections"},
    {DELETE, "/api/connections/username/{user}", Right::user, close_connections_of_user,
     "Closes a user's connections; X-Reason says why"},
    {GET, "/api/connections/{name}", Right::user, show_connection, "A connection"},
    {DELETE, "/api/connections/{name}", Right::user, close_connection, "Closes a connection; X-Reason says why"},
    {GET, "/api/connections/{name}/channels", Right::user, list_channels_of_connection, "A connection's channels"},
    {GET, "/api/channels", Right::user, list_channels, "Channels"},
    {GET, "/api/channels/{name}", Right::user, show_channel, "A channel"},
    {GET, "/api/consumers", Right::user, list_consumers, "Consumers"},
    {GET, "/api/consumers/{vhost}", Right::virtual_host, list_consumers_in_virtual_host, "Consumers in a virtual host"},

    {GET, "/api/stream/connections", Right::user, list_stream_clients, "Clients of the stream protocol: none"},
    {GET, "/api/stream/connections/{vhost}", Right::virtual_host, list_stream_clients, "Those in a virtual host: none"},
    {GET, "/api/stream/consumers", Right::user, list_stream_clients, "Their consumers: none"},
    {GET, "/api/stream/consumers/{vhost}", Right::virtual_host, list_stream_clients,
     "Their consumers in a virtual host: none"},
    {GET, "/api/stream/publishers", Right::user, list_stream_clients, "Their publishers: none"},
    {GET, "/api/stream/publishers/{vhost}", Right::virtual_host, list_stream_clients,
     "Their publishers in a virtual host: none"},
    {GET, "/api/stream/publishers/{vhost}/{queue}", Right::virtual_host, list_stream_clients,
     "Their publishers to a stream: none"},

    {GET, "/api/policies", Right::user, list_policies, "Policies"},
    {GET, "/api/policies/{vhost}", Right::virtual_host, list_policies_in_virtual_host, "Policies in a virtual host"},
    {GET, "/api/policies/{vhost}/{name}", Right::policymaker, show_policy, "A policy"},
    {PUT, "/api/policies/{vhost}/{name}", Right::policymaker, put_policy, "Makes or changes a policy", policy_body},
    {DELETE, "/api/policies/{vhost}/{name}", Right::policymaker, delete_policy, "Deletes a policy"},
    {GET, "/api/operator-policies", Right::user, list_operator_policies, "Operator policies"},
    {GET, "/api/operator-policies/{vhost}", Right::virtual_host, list_operator_policies_in_virtual_host,
     "Operator policies in a virtual host"},
    {GET, "/api/operator-policies/{vhost}/{name}", Right::administrator, show_operator_policy, "An operator policy"},
    {PUT, "/api/operator-policies/{vhost}/{name}", Right::administrator, put_operator_policy,
     "Makes or changes an operator policy", policy_body},
    {DELETE, "/api/operator-policies/{vhost}/{name}", Right::administrator, delete_operator_policy,
     "Deletes an operator policy"},

    {GET, "/api/parameters", Right::policymaker, list_parameters, "Parameters of virtual hosts"},
    {GET, "/api/parameters/{component}", Right::policymaker, list_parameters_of_component, "A component's parameters"},
    {GET, "/api/parameters/{component}/{vhost}", Right::policymaker, list_parameters_in_virtual_host,
     "A component's parameters in a virtual host"},
    {GET, "/api/parameters/{component}/{vhost}/{name}", Right::policymaker, show_parameter, "A parameter"},
    {PUT, "/api/parameters/{component}/{vhost}/{name}", Right::policymaker, put_parameter,
     "Makes or changes a parameter", value_body},
    {DELETE, "/api/parameters/{component}/{vhost}/{name}", Right::policymaker, delete_parameter, "Deletes a parameter"},
    {GET, "/api/global-parameters", Right::policymaker, list_global_parameters, "Parameters of the whole broker"},
    {GET, "/api/global-parameters/{name}", Right::policymaker, show_global_parameter, "A global parameter"},
    {PUT, "/api/global-parameters/{name}", Right::policymaker, put_global_parameter,
     "Makes or changes a global parameter", value_body},
    {DELETE, "/api/global-parameters/{name}", Right::policymaker, delete_global_parameter,
     "Deletes a global parameter"},

    {GET, "/api/vhost-limits", Right::user, list_virtual_host_limits, "Limits of virtual hosts"},
    {GET, "/api/vhost-limits/{vhost}", Right::virtual_host, show_virtual_host_limits, "A virtual host's limits"},
    {PUT, "/api/vhost-limits/{vhost}/{name}", Right::administrator, put_virtual_host_limit,
     "Limits a virtual host: max-connections or max-queues", limit_body},
    {DELETE, "/api/vhost-limits/{vhost}/{name}", Right::administrator, clear_virtual_host_limit,
     "Clears a virtual host's limit"},
    {GET, "/api/user-limits", Right::user, list_user_limits, "Limits of users"},
    {GET, "/api/user-limits/{user}", Right::user, show_user_limits, "A user's limits"},
    {PUT, "/api/user-limits/{user}/{name}", Right::administrator, put_user_limit,
     "Limits a user: max-connections or max-channels", limit_body},
    {DELETE, "/api/user-limits/{user}/{name}", Right::administrator, clear_user_limit, "Clears a user's limit"},

    {GET, "/api/definitions", Right::administrator, export_definitions, "All definitions, as a file to import"},
    {POST, "/api/definitions", Right::administrator, import_definitions, "Imports definitions", definitions_body},
    {GET, "/api/all-configuration", Right::administrator, export_definitions, "All definitions, by their old name"},
    {POST, "/api/all-configuration", Right::administrator, import_definitions, "Imports definitions", definitions_body},
    {GET, "/api/definitions/{vhost}", Right::administrator, export_definitions_of_virtual_host,
     "A virtual host's definitions"},
    {POST, "/api/definitions/{vhost}", Right::administrator, import_definitions_into_virtual_host,
     "Imports definitions into a virtual host", definitions_body},

    {GET, "/api/aliveness-test/{vhost}", Right::virtual_host, test_aliveness, "Publishes a message and gets it back"},
    {GET, "/api/health/checks/alarms", Right::user, check_alarms, "Is any alarm raised"},
    {GET, "/api/health/checks/local-alarms", Right::user, check_local_alarms, "Is any alarm raised on this node"},
    {GET, "/api/health/checks/certificate-expiration/{within}/{unit}", Right::user, check_certificates,
     "Does a certificate expire soon"},
    {GET, "/api/health/checks/port-listener/{port}", Right::user, check_port_listener, "Does a port accept clients"},
    {GET, "/api/health/checks/protocol-listener/{protocol}", Right::user, check_protocol_listener,
     "Is a protocol served"},
    {GET, "/api/health/checks/virtual-hosts", Right::user, check_virtual_hosts, "Do all virtual hosts run"},
    {GET, "/api/health/checks/node-is-mirror-sync-critical", Right::user, check_quorum,
     "Would mirrors be lost without this node"},
    {GET, "/api/health/checks/node-is-quorum-critical", Right::user, check_quorum,
     "Would a quorum be lost without this node"},
    {GET, "/api/health/checks/is-in-service", Right::user, check_in_service, "Does this node take clients"},
    {GET, "/api/health/checks/ready-to-serve-clients", Right::user, check_in_service, "Does this node take clients"},
    {GET, "/api/health/checks/below-node-connection-limit", Right::user, check_connection_limit,
     "May more clients connect"},
    {GET, "/api/healthchecks/node", Right::user, check_node_health, "Is this node well"},
    {GET, "/api/healthchecks/node/{node}", Right::user, check_node_health, "Is a node well"},

    {GET, "/api/extensions", Right::user, list_extensions, "Plug-ins of the web UI"},
    {GET, "/api/feature-flags", Right::administrator, list_feature_flags, "Feature flags"},
    {PUT, "/api/feature-flags/{name}/enable", Right::administrator, enable_feature_flag, "Enables a feature flag",
     name_body},
    {GET, "/api/deprecated-features", Right::administrator, list_deprecated_features, "Deprecated features"},
    {GET, "/api/deprecated-features/used", Right::administrator, list_deprecated_features,
     "Deprecated features in use"},
    {GET, "/api/auth/attempts/{node}", Right::monitoring, list_login_attempts,
     "How many have logged in, or tried to, by each protocol"},
    {DELETE, "/api/auth/attempts/{node}", Right::monitoring, forget_login_attempts, "Forgets logins"},
    {GET, "/api/auth/attempts/{node}/source", Right::monitoring, list_sources_of_logins,
     "Logins by where they came from, which are not counted"},
    {DELETE, "/api/auth/attempts/{node}/source", Right::monitoring, forget_sources_of_logins, "Forgets logins"},
    {GET, "/api/version", Right::user, show_version, "RabbitMQ's version whose behaviour clients may count on"},
    {GET, "/api/auth", Right::anyone, show_login_ways, "How to log in"},
    {POST, "/api/login", Right::anyone, log_in_by_form, "Logs in with a form's username and password"},
    {DELETE, "/api/reset", Right::administrator, reset_statistics, "Forgets statistics"},
    {DELETE, "/api/reset/{node}", Right::administrator, reset_statistics, "Forgets a node's statistics"},
    {GET, "/", Right::anyone, go_to_documentation, "Leads to this API's documentation"},
    {GET, "/api", Right::anyone, go_to_documentation, "Leads to this API's documentation"},
    {GET, "/doc/stats.html", Right::anyone, go_to_documentation, "Leads to this API's documentation"},
    {GET, "/api/index.html", Right::anyone, show_documentation, "This API, for people"},
    {GET, "/api/openapi.json", Right::anyone, show_openapi, "This API, for programs"},
};

}  // namespace

std::span<const Route> routes() {
  return table;
}

}  // namespace leveret::management
