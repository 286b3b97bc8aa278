"""Where our HTTP answers differ from RabbitMQ 3.10.8's, and why that is meant.

Keys are "ENDPOINT MEMBER", MEMBER as in `object_totals.queues` or `[].name`; an endpoint or a member may be `*`, and a
member ending in `.*` stands for all below it.
"""

NOT_COUNTED = "reads and writes of the disk are not counted"
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
    "/api/overview message_stats.disk_*": NOT_COUNTED,
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
    "* protected_from_deletion": NEWER,
    "* [].protected_from_deletion": NEWER,
    "/api/definitions vhosts[].*": NEWER,
    "/api/connections/username/guest [].*": "told whole, as in /api/connections",
    "/api/nodes/{node} memory.*": NO_PARTS,
    "/api/nodes/{node}/memory memory.*": NO_PARTS,
    "/api/nodes/{node}/memory/relative memory.*": NO_PARTS,
    "/api/nodes [].being_drained": NEWER,
    "/api/nodes [].config_files[]": "it was started without any",
    "/api/nodes [].ra_open_file_metrics": NO_ERLANG,
    "/api/nodes [].metrics_gc_queue_length": NO_ERLANG,
    "/api/nodes [].contexts[].cowboy_opts": NO_ERLANG,
    "/api/nodes [].contexts[].ip": "it listens on all addresses",
    "/api/nodes [].contexts[].node": "the same in every list of contexts",
    "/api/nodes [].contexts[].ssl_opts": "the same in every list of contexts",
    "/api/auth oauth_enabled": NEWER,
    "/api/deprecated-features *": NEWER,
}
