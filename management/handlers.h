#pragma once
#include <boost/asio/awaitable.hpp>

#include "management/request.h"

/// Every handler, by the file it is in.  The table in routes.cc says what each one is for.
namespace leveret::management {

using Asking = boost::asio::awaitable<Response>;

// overview.cc
Response whoami(const Request& request);
Asking overview(const Request& request);
Response cluster_name(const Request& request);
Asking put_cluster_name(const Request& request);

// virtual_hosts.cc
Asking list_virtual_hosts(const Request& request);
Asking show_virtual_host(const Request& request);
Asking put_virtual_host(const Request& request);
Asking delete_virtual_host(const Request& request);
Response start_virtual_host(const Request& request);
Asking protect_virtual_host(const Request& request);
Asking unprotect_virtual_host(const Request& request);

// users.cc
Response list_users(const Request& request);
Response list_users_without_permissions(const Request& request);
Response show_user(const Request& request);
Asking put_user(const Request& request);
Asking delete_user(const Request& request);
Asking bulk_delete_users(const Request& request);

// permissions.cc
Response list_permissions(const Request& request);
Response list_permissions_of_user(const Request& request);
Response list_permissions_in_virtual_host(const Request& request);
Response show_permission(const Request& request);
Asking put_permission(const Request& request);
Asking delete_permission(const Request& request);
Response list_topic_permissions(const Request& request);
Response list_topic_permissions_of_user(const Request& request);
Response list_topic_permissions_in_virtual_host(const Request& request);
Response show_topic_permissions(const Request& request);
Asking put_topic_permission(const Request& request);
Asking delete_topic_permissions(const Request& request);
Asking delete_topic_permission(const Request& request);

// exchanges.cc
Response list_exchanges(const Request& request);
Response list_exchanges_in_virtual_host(const Request& request);
Response show_exchange(const Request& request);
Asking put_exchange(const Request& request);
Asking delete_exchange(const Request& request);
Response list_bindings_from_exchange(const Request& request);
Response list_bindings_to_exchange(const Request& request);

// queues.cc
Asking list_queues(const Request& request);
Asking list_queues_in_virtual_host(const Request& request);
Asking show_queue(const Request& request);
Asking put_queue(const Request& request);
Asking delete_queue(const Request& request);
Asking purge_queue(const Request& request);
Response act_on_queue(const Request& request);
Response rebalance_queues(const Request& request);

// bindings.cc
Response list_bindings(const Request& request);
Response list_bindings_in_virtual_host(const Request& request);
Response list_bindings_between(const Request& request);
Response list_bindings_of_queue(const Request& request);
Response show_binding(const Request& request);
Asking post_binding(const Request& request);
Asking delete_binding(const Request& request);

// messages.cc
Asking publish_message(const Request& request);
Asking get_messages(const Request& request);

// connections.cc
Asking list_connections(const Request& request);
Asking list_connections_in_virtual_host(const Request& request);
Asking list_connections_of_user(const Request& request);
Asking show_connection(const Request& request);
Asking close_connection(const Request& request);
Asking close_connections_of_user(const Request& request);
Asking list_channels(const Request& request);
Asking list_channels_in_virtual_host(const Request& request);
Asking list_channels_of_connection(const Request& request);
Asking show_channel(const Request& request);
Asking list_consumers(const Request& request);
Asking list_consumers_in_virtual_host(const Request& request);

// nodes.cc
Asking list_nodes(const Request& request);
Asking show_node(const Request& request);
Response put_resource_limits(const Request& request);
Response show_node_memory(const Request& request);
Response show_relative_node_memory(const Request& request);
Response show_node_tables(const Request& request);

// policies.cc
Response list_policies(const Request& request);
Response list_policies_in_virtual_host(const Request& request);
Response show_policy(const Request& request);
Asking put_policy(const Request& request);
Asking delete_policy(const Request& request);
Response list_operator_policies(const Request& request);
Response list_operator_policies_in_virtual_host(const Request& request);
Response show_operator_policy(const Request& request);
Asking put_operator_policy(const Request& request);
Asking delete_operator_policy(const Request& request);

// parameters.cc
Response list_parameters(const Request& request);
Response list_parameters_of_component(const Request& request);
Response list_parameters_in_virtual_host(const Request& request);
Response show_parameter(const Request& request);
Asking put_parameter(const Request& request);
Asking delete_parameter(const Request& request);
Response list_global_parameters(const Request& request);
Response show_global_parameter(const Request& request);
Asking put_global_parameter(const Request& request);
Asking delete_global_parameter(const Request& request);

// limits.cc
Response list_virtual_host_limits(const Request& request);
Response show_virtual_host_limits(const Request& request);
Asking put_virtual_host_limit(const Request& request);
Asking clear_virtual_host_limit(const Request& request);
Response list_user_limits(const Request& request);
Response show_user_limits(const Request& request);
Asking put_user_limit(const Request& request);
Asking clear_user_limit(const Request& request);

// definitions.cc
Asking export_definitions(const Request& request);
Asking export_definitions_of_virtual_host(const Request& request);
Asking import_definitions(const Request& request);
Asking import_definitions_into_virtual_host(const Request& request);

// health.cc
Response check_alarms(const Request& request);
Response check_local_alarms(const Request& request);
Response check_virtual_hosts(const Request& request);
Response check_in_service(const Request& request);
Asking check_connection_limit(const Request& request);
Response check_quorum(const Request& request);
Response check_certificates(const Request& request);
Response check_port_listener(const Request& request);
Response check_protocol_listener(const Request& request);
Response check_node_health(const Request& request);
Asking test_aliveness(const Request& request);

// features.cc
Response list_extensions(const Request& request);
Response list_feature_flags(const Request& request);
Response enable_feature_flag(const Request& request);
Response list_stream_clients(const Request& request);
Response list_deprecated_features(const Request& request);
boost::asio::awaitable<Response> list_login_attempts(const Request& request);
boost::asio::awaitable<Response> forget_login_attempts(const Request& request);
Response list_sources_of_logins(const Request& request);
Response forget_sources_of_logins(const Request& request);
Response show_version(const Request& request);
Response show_login_ways(const Request& request);
Response log_in_by_form(const Request& request);
Response reset_statistics(const Request& request);

// pages.cc
Response go_to_documentation(const Request& request);
Response show_documentation(const Request& request);

// openapi.cc
Response show_openapi(const Request& request);

}  // namespace leveret::management
