"""Where our HTTP answers differ from RabbitMQ 3.10.8's, and why that is meant.

Keys are "ENDPOINT MEMBER", MEMBER as in `object_totals.queues` or `[].name`; an endpoint or a member may be `*`, and a
member ending in `.*` stands for all below it.
"""

NO_RATES = "counters and rates are not taken yet"
NO_ERLANG = "there is no Erlang inside to tell of"
NO_PARTS = "memory is that of one process, which is not divided"
NEWER = "as RabbitMQ 4.x has it"
ONE_PLACE = "a classic queue of RabbitMQ's own making"
NO_PLUGINS = "RabbitMQ's own libraries and plug-ins"

DIFFERENCES = {
    "* garbage_collection": NO_ERLANG,
    "* [].garbage_collection": NO_ERLANG,
    "* reductions": NO_ERLANG,
    "* reductions_details": NO_ERLANG,
    "* [].reductions": NO_ERLANG,
    "* [].reductions_details": NO_ERLANG,
    "* pending_raft_commands": NO_ERLANG,
    "* [].pending_raft_commands": NO_ERLANG,
    "* idle_since": NO_RATES,
    "* [].idle_since": NO_RATES,
    "* message_stats": NO_RATES,
    "* [].message_stats": NO_RATES,
    "/api/overview churn_rates": NO_RATES,
    "/api/overview message_stats.*": NO_RATES,
    "/api/overview is_op_policy_updating_enabled": NEWER,
    "/api/overview default_queue_type": NEWER,
    "/api/overview listeners[].socket_opts.*": NO_ERLANG,
    "/api/overview listeners[].socket_opts": NO_ERLANG,
    "/api/overview contexts[].cowboy_opts": NO_ERLANG,
    "/api/overview contexts[].ip": "it listens on all addresses",
    "* backing_queue_status": ONE_PLACE,
    "* [].backing_queue_status": ONE_PLACE,
    "* memory": "memory is not counted by queue",
    "* [].memory": "memory is not counted by queue",
    "* message_bytes": NO_RATES,
    "* message_bytes_*": NO_RATES,
    "* [].message_bytes": NO_RATES,
    "* [].message_bytes_*": NO_RATES,
    "* messages_persistent": NO_RATES,
    "* [].messages_persistent": NO_RATES,
    "* recv_*": NO_RATES,
    "* send_*": NO_RATES,
    "* [].recv_*": NO_RATES,
    "* [].send_*": NO_RATES,
    "* protected_from_deletion": NEWER,
    "* [].protected_from_deletion": NEWER,
    "* [].send_oct*": NO_RATES,
    "* [].recv_oct*": NO_RATES,
    "/api/definitions vhosts[].*": NEWER,
    "/api/nodes/{node} memory.*": NO_PARTS,
    "/api/nodes/{node}/memory memory.*": NO_PARTS,
    "/api/nodes/{node}/memory/relative memory.*": NO_PARTS,
    "/api/nodes [].being_drained": NEWER,
    "/api/nodes [].db_dir": "not told",
    "/api/nodes [].ra_open_file_metrics": NO_ERLANG,
    "/api/nodes [].gc_*": NO_ERLANG,
    "/api/nodes [].io_*": NO_RATES,
    "/api/nodes [].mnesia_*": NO_ERLANG,
    "/api/nodes [].msg_store_*": NO_RATES,
    "/api/nodes [].queue_*": NO_RATES,
    "/api/nodes [].channel_*": NO_RATES,
    "/api/nodes [].connection_*": NO_RATES,
    "/api/nodes [].metrics_gc_queue_length": NO_ERLANG,
    "/api/nodes [].contexts[].cowboy_opts": NO_ERLANG,
    "/api/nodes [].contexts[].ip": "it listens on all addresses",
    "/api/nodes [].contexts[].node": "the same in every list of contexts",
    "/api/nodes [].contexts[].ssl_opts": "the same in every list of contexts",
    "/api/auth oauth_enabled": NEWER,
    "/api/deprecated-features *": NEWER,
}
