"""What a user without the right may not do: every method, by configure, write and read; topics; virtual hosts.

Users come from the broker's HTTP API.  "a" is the limited user, "b" is guest and prepares.
"""

from scenario import (
    basic, by, channel, closed, confirm, connected, exchange, group, on, publish, queue, scenario, tx,
)  # fmt: skip

group("permissions")

USER = "limited"


def limited(configure="", write="", read="", topics=()):
    """The limited user with these rights on "/", connected as "a"; `topics` are (exchange, write, read)."""

    def run(session, client, number):
        make_user(session, configure, write, read)
        for name, topic_write, topic_read in topics:
            session.target.put("topic-permissions", "/", USER, exchange=name, write=topic_write, read=topic_read)
        session.connect("a", user=USER, password=USER)

    return run


def make_user(session, configure=None, write=None, read=None, tags=""):
    session.target.delete("users", USER)
    session.target.put("users", USER, password=USER, tags=tags)
    if configure is not None:
        session.target.put("permissions", "/", USER, configure=configure, write=write, read=read)


def without_rights(session, client, number):
    make_user(session)


ALL = ".*"
NO_QUEUES = "^(?!q)"  # everything but what begins with q
NO_EXCHANGES = "^(?!x)"
Q = queue.declare(queue="q")
X = exchange.declare(exchange="x", type="topic")
PREPARED = by("b", Q, X, queue.bind(queue="q", exchange="x", routing_key="#"))

# configure

CONFIGURE = {
    "queue.declare": Q, "queue.declare, nowait": queue.declare(queue="q", nowait=True),
    "queue.declare, named by the server": queue.declare(queue="", exclusive=True),
    "queue.delete": queue.delete(queue="q"),
    "exchange.declare": X, "exchange.delete": exchange.delete(exchange="x"),
    "queue.declare, passive": queue.declare(queue="q", passive=True),
    "exchange.declare, passive": exchange.declare(exchange="x", passive=True),
    "queue.delete, missing": queue.delete(queue="nothing"),
    "exchange.delete, missing": exchange.delete(exchange="nothing"),
    "exchange.declare of an unknown type": exchange.declare(exchange="y", type="nonsense"),
    "exchange.declare of a reserved name": exchange.declare(exchange="amq.mine", type="fanout"),
    "queue.declare of a reserved name": queue.declare(queue="amq.mine"),
    "queue.declare of wrong arguments": queue.declare(queue="r", arguments={"x-message-ttl": -1}),
    "exchange.delete of the default exchange": exchange.delete(exchange=""),
    "exchange.delete of a reserved one": exchange.delete(exchange="amq.direct"),
    "queue.delete, exclusive of another": queue.delete(queue="mine"),
}  # fmt: skip
for name, method in CONFIGURE.items():
    scenario(f"configure: {name}", by("b", queue.declare(queue="mine", exclusive=True)), PREPARED,
             limited("", ALL, ALL), method)

# write

for name, method in {
    "basic.publish": publish("x", "k", b"1"), "basic.publish to the default exchange": publish("", "q", b"1"),
    "basic.publish to amq.default by name": publish("amq.default", "q", b"1"),
    "basic.publish, missing exchange": publish("nothing", "k", b"1"),
    "basic.publish, mandatory": publish("x", "k", b"1", mandatory=True),
    "basic.publish, immediate": publish("x", "k", b"1", immediate=True),
    "basic.publish, wrong expiration": publish("x", "k", b"1", expiration="abc"),
    "basic.publish, user-id of another": publish("x", "k", b"1", user_id="guest"),
    "queue.bind": queue.bind(queue="q", exchange="x", routing_key="k"),
    "queue.unbind": queue.unbind(queue="q", exchange="x", routing_key="#"),
    "exchange.bind": exchange.bind(destination="x", source="amq.fanout"),
    "exchange.unbind": exchange.unbind(destination="x", source="amq.fanout"),
    "queue.bind, missing queue": queue.bind(queue="nothing", exchange="x", routing_key="k"),
    "queue.bind, default exchange": queue.bind(queue="q", exchange="", routing_key="k"),
    "queue.unbind, missing": queue.unbind(queue="nothing", exchange="x", routing_key="k"),
    "exchange.bind, default exchange": exchange.bind(destination="", source="x"),
}.items():  # fmt: skip
    scenario(f"write: {name}", PREPARED, limited(ALL, "", ALL), method)
    if "publish" in name:
        scenario(f"write: {name}, in confirm mode", PREPARED, limited(ALL, "", ALL), confirm.select(), method)
scenario("write: basic.publish in a transaction", PREPARED, limited(ALL, "", ALL), tx.select(), publish("x", "k", b"1"))
scenario("write: basic.publish to an internal exchange", by("b", exchange.declare(exchange="x", type="fanout",
         internal=True)), limited(ALL, "", ALL), publish("x", "k", b"1"))
scenario("write: the rule amq.default is for the default exchange", PREPARED, limited(ALL, "^amq\\.default$", ALL),
         publish("", "q", b"1"), publish("x", "k", b"1"))
scenario("write: an empty rule that matches only the empty name", PREPARED, limited(ALL, "^$", ALL),
         publish("", "q", b"1"))

# read

for name, method in {
    "basic.consume": basic.consume(queue="q", consumer_tag="c"), "basic.get": basic.get(queue="q"),
    "queue.purge": queue.purge(queue="q"),
    "queue.bind": queue.bind(queue="q", exchange="x", routing_key="k"),
    "queue.unbind": queue.unbind(queue="q", exchange="x", routing_key="#"),
    "exchange.bind": exchange.bind(destination="amq.fanout", source="x"),
    "exchange.unbind": exchange.unbind(destination="amq.fanout", source="x"),
    "basic.consume, missing": basic.consume(queue="nothing", consumer_tag="c"),
    "basic.get, missing": basic.get(queue="nothing"),
    "queue.purge, missing": queue.purge(queue="nothing"), "queue.bind, missing exchange": queue.bind(queue="q",
    exchange="nothing", routing_key="k"),
    "exchange.bind, missing": exchange.bind(destination="nothing", source="void"),
    "direct reply-to": basic.consume(queue="amq.rabbitmq.reply-to", no_ack=True, consumer_tag="c"),
    "basic.consume, nowait": basic.consume(queue="q", consumer_tag="c", nowait=True),
}.items():  # fmt: skip
    scenario(f"read: {name}", PREPARED, limited(ALL, ALL, ""), method)
scenario("direct reply-to: without any right", limited("", "", ""), basic.consume(queue="amq.rabbitmq.reply-to",
         no_ack=True, consumer_tag="c"))
scenario("direct reply-to: asking with only the right to write", PREPARED, limited("", ALL, ""),
         basic.consume(queue="amq.rabbitmq.reply-to", no_ack=True, consumer_tag="c"),
         publish("", "q", b"1", reply_to="amq.rabbitmq.reply-to"))

# Arguments that name exchanges

for rights in (("", ALL, ALL), (ALL, "", ALL), (ALL, ALL, "")):
    shown = "/".join(("configure", "write", "read")[i] for i in range(3) if not rights[i])
    scenario(f"alternate-exchange: without {shown}", PREPARED, limited(*rights),
             exchange.declare(exchange="y", type="fanout", arguments={"alternate-exchange": "x"}))
    scenario(f"dead letter exchange: without {shown}", PREPARED, limited(*rights),
             queue.declare(queue="r", arguments={"x-dead-letter-exchange": "x"}))
scenario("alternate-exchange: right to write only elsewhere", PREPARED, limited(ALL, "^y", ALL),
         exchange.declare(exchange="y", type="fanout", arguments={"alternate-exchange": "x"}))
scenario("alternate-exchange: right to read only elsewhere", PREPARED, limited(ALL, ALL, "^x"),
         exchange.declare(exchange="y", type="fanout", arguments={"alternate-exchange": "x"}))
scenario("alternate-exchange: of an existing exchange", PREPARED, by("b",
         exchange.declare(exchange="y", type="fanout", arguments={"alternate-exchange": "x"})),
         limited(ALL, "", ALL), exchange.declare(exchange="y", type="fanout", arguments={"alternate-exchange": "x"}))
scenario("dead letter exchange: right to write only elsewhere", PREPARED, limited(ALL, "^r", ALL),
         queue.declare(queue="r", arguments={"x-dead-letter-exchange": "x"}))
scenario("dead letter exchange: right to read only elsewhere", PREPARED, limited(ALL, ALL, "^x"),
         queue.declare(queue="r", arguments={"x-dead-letter-exchange": "x"}))
scenario("dead letter exchange: the default exchange", PREPARED, limited(ALL, "^r", ALL),
         queue.declare(queue="r", arguments={"x-dead-letter-exchange": ""}))
scenario("dead letter exchange: of an existing queue", PREPARED, by("b",
         queue.declare(queue="r", arguments={"x-dead-letter-exchange": "x"})),
         limited(ALL, "", ""), queue.declare(queue="r", arguments={"x-dead-letter-exchange": "x"}))
scenario("alternate-exchange: publishing needs no right on it", PREPARED,
         by("b", exchange.declare(exchange="y", type="fanout", arguments={"alternate-exchange": "x"})),
         limited("", "^y$", ""), publish("y", "k", b"1", mandatory=True), by("b", queue.purge(queue="q")))
scenario("dead letter exchange: wrong argument and no right", limited("", "", ""),
         queue.declare(queue="r", arguments={"x-dead-letter-exchange": "x", "x-message-ttl": -1}))

# Topics

TOPICS = (("x", "^a\\.", "^b\\."),)
scenario("topic: publish allowed", PREPARED, limited(ALL, ALL, ALL, TOPICS), publish("x", "a.b", b"1"),
         by("b", queue.purge(queue="q")))
scenario("topic: publish refused", PREPARED, limited(ALL, ALL, ALL, TOPICS), publish("x", "b.a", b"1"))
scenario("topic: publish refused in confirm mode", PREPARED, limited(ALL, ALL, ALL, TOPICS), confirm.select(),
         publish("x", "b.a", b"1"))
scenario("topic: bind allowed", PREPARED, limited(ALL, ALL, ALL, TOPICS),
         queue.bind(queue="q", exchange="x", routing_key="b.c"))
scenario("topic: bind refused", PREPARED, limited(ALL, ALL, ALL, TOPICS),
         queue.bind(queue="q", exchange="x", routing_key="a.c"))
scenario("topic: unbind refused", PREPARED, limited(ALL, ALL, ALL, TOPICS),
         queue.unbind(queue="q", exchange="x", routing_key="a.c"))
scenario("topic: exchange.bind refused", PREPARED, limited(ALL, ALL, ALL, TOPICS),
         exchange.bind(destination="amq.fanout", source="x", routing_key="a.c"))
scenario("topic: CC is not asked about", PREPARED, limited(ALL, ALL, ALL, TOPICS),
         publish("x", "a.b", b"1", headers={"CC": ["b.a"]}), by("b", queue.purge(queue="q")))
scenario("topic: another exchange is free", PREPARED, limited(ALL, ALL, ALL, TOPICS), publish("amq.topic", "b.a", b"1"),
         Q)
scenario("topic: an exchange that is no topic exchange", by("b", exchange.declare(exchange="x", type="direct")),
         limited(ALL, ALL, ALL, TOPICS), publish("x", "b.a", b"1"), Q)
scenario("topic: variables", PREPARED, limited(ALL, ALL, ALL, (("x", "^{username}\\.{vhost}$", ALL),)),
         publish("x", "limited./", b"1"), publish("x", "{username}./", b"1"))
scenario("topic: an empty rule", PREPARED, limited(ALL, ALL, ALL, (("x", "", ""),)), publish("x", "a", b"1"))

# Order of refusals

NOTHING = limited("", "", "")
for name, method in {
    "queue.bind": queue.bind(queue="q", exchange="x"), "queue.bind, missing both": queue.bind(queue="nothing",
    exchange="void"),
    "exchange.bind": exchange.bind(destination="x", source="amq.fanout"),
    "inequivalent queue": queue.declare(queue="q", durable=True),
    "inequivalent exchange": exchange.declare(exchange="x", type="fanout"), "empty queue name": queue.purge(queue=""),
    "unknown exchange type": exchange.declare(exchange="y", type="nonsense"),
    "basic.publish to a missing exchange": publish("nothing", "", b"1"),
    "consumer tag in use": basic.consume(queue="q", consumer_tag="c"),
}.items():  # fmt: skip
    scenario(f"no rights: {name}", PREPARED, NOTHING, method)

# Virtual hosts and users

scenario("virtual host: no permissions at all", without_rights, by("c", connected(user=USER, password=USER)),
         by("c", closed()))
scenario("virtual host: no permissions at all, no capability", without_rights,
         by("c", connected(user=USER, password=USER, capabilities={})), by("c", closed()))
scenario("user-id: of the impersonator", lambda s, c, n: make_user(s, ALL, ALL, ALL, "impersonator"),
         by("c", lambda s, c, n: s.connect("c", user=USER, password=USER), Q,
         publish("", "q", b"1", user_id="guest"), basic.get(queue="q")))


# What the broker does to connections when an administrator acts

HOST = "compare"
LISTED_TRIES = 50


def administer(verb, *path, **values):
    """An HTTP request to the broker, whatever it answers to a client."""

    def run(session, client, number):
        session.record("http", 0, ">", " ".join((verb, "/".join(path), str(values or ""))).strip())
        (session.target.put if verb == "PUT" else session.target.delete)(*path, **values)
        session.settle(0.3)

    return run


def close_by_http(session, client, number):
    """DELETE of the connection of client "a", by the name its addresses make, as soon as the broker lists it."""
    address = session.client("a").socket.getsockname()
    name = f"127.0.0.1:{address[1]} -> 127.0.0.1:{session.target.port}"
    for _ in range(LISTED_TRIES):
        if session.target.delete("connections", name):
            break
        session.settle(0.2)
    session.settle(0.3)


def in_host(*steps):
    """The steps with client "a" in a virtual host of its own, which is deleted in the end."""
    made = administer("PUT", "vhosts", HOST)
    return (made, lambda s, c, n: s.connect("a", virtual_host=HOST), *steps, administer("DELETE", "vhosts", HOST),
        closed(seconds=1))


scenario("virtual host: its name in a reply text", *in_host(queue.declare(queue="nothing", passive=True)))
scenario("virtual host: deleted under a connection", *in_host(queue.declare(queue="q")))
scenario("virtual host: max-queues", administer("PUT", "vhosts", HOST),
         administer("PUT", "vhost-limits", HOST, "max-queues", value=1),
         *in_host(queue.declare(queue="q"), queue.declare(queue="q"), queue.declare(queue="r")))
scenario("virtual host: max-connections", administer("PUT", "vhosts", HOST),
         administer("PUT", "vhost-limits", HOST, "max-connections", value=0),
         by("c", connected(virtual_host=HOST), closed(seconds=1)), administer("DELETE", "vhosts", HOST))
scenario("user: deleted under a connection", limited(ALL, ALL, ALL), Q, administer("DELETE", "users", USER),
         closed(seconds=1))
scenario("user: permissions taken away under a connection", PREPARED, limited(ALL, ALL, ALL), publish("x", "k", b"1"),
         administer("DELETE", "permissions", "/", USER), publish("x", "k", b"1"), closed(seconds=1))
scenario("user: permissions lowered under a connection", PREPARED, limited(ALL, ALL, ALL), publish("x", "k", b"1"),
         administer("PUT", "permissions", "/", USER, configure="", write="", read=""), publish("x", "k", b"1"),
             closed(seconds=1))
scenario("user: password changed under a connection", PREPARED, limited(ALL, ALL, ALL),
         administer("PUT", "users", USER, password="other", tags=""),
         queue.declare(queue="q"), closed(seconds=0.5))
scenario("user: max-channels", limited(ALL, ALL, ALL), administer("PUT", "user-limits", USER, "max-channels", value=1),
         channel.open(), on(2, channel.open()),
         closed(seconds=1))
scenario("user: max-connections", limited(ALL, ALL, ALL), administer("PUT", "user-limits", USER, "max-connections",
         value=1),
         by("c", connected(user=USER, password=USER), closed(seconds=1)))
scenario("connection: closed by an administrator", queue.declare(queue="q"), close_by_http, closed(seconds=1))
