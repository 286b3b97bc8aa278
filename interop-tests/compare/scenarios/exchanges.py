"""exchange.*: declaring, deleting, binding exchanges, and every refusal."""

from scenario import by, channel, exchange, group, on, publish, queue, scenario
from wire import Typed

group("exchange")

X = exchange.declare(exchange="x", type="direct")
Q = queue.declare(queue="q")

# Declaring

for kind in ("direct", "fanout", "topic", "headers"):
    scenario(f"exchange.declare: type {kind}", exchange.declare(exchange="x", type=kind))
scenario("exchange.declare: nowait gets no answer", exchange.declare(exchange="x", type="direct", nowait=True),
         exchange.declare(exchange="x", passive=True))
scenario("exchange.declare: unknown type", exchange.declare(exchange="x", type="nonsense"))
scenario("exchange.declare: empty type", exchange.declare(exchange="x", type=""))
scenario("exchange.declare: type that names a class of atom", exchange.declare(exchange="x", type="x-delayed-message"))
scenario("exchange.declare: unknown type of an existing exchange", X, exchange.declare(exchange="x", type="nonsense"))
scenario("exchange.declare: type in capitals", exchange.declare(exchange="x", type="Direct"))
scenario("exchange.declare: type x-local-random", exchange.declare(exchange="x", type="x-local-random"))
scenario("exchange.declare: passive of a missing exchange", exchange.declare(exchange="x", type="direct", passive=True))
scenario("exchange.declare: passive ignores type and attributes", X,
         exchange.declare(exchange="x", type="nonsense", passive=True, durable=True, auto_delete=True, internal=True))
scenario("exchange.declare: passive, nowait, missing", exchange.declare(exchange="x", passive=True, nowait=True))
scenario("exchange.declare: passive of the default exchange", exchange.declare(exchange="", passive=True))
scenario("exchange.declare: the default exchange", exchange.declare(exchange="", type="direct", durable=True))
scenario("exchange.declare: new reserved name", exchange.declare(exchange="amq.mine", type="direct"))
scenario("exchange.declare: name starting with amq without a dot", exchange.declare(exchange="amqmine", type="direct"))
scenario("exchange.declare: existing reserved name, equal",
         exchange.declare(exchange="amq.direct", type="direct", durable=True))
scenario("exchange.declare: existing reserved name, unlike", exchange.declare(exchange="amq.direct", type="fanout"))
scenario("exchange.declare: passive of a missing reserved name", exchange.declare(exchange="amq.mine", passive=True))
for name in ("amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace",
             "amq.rabbitmq.log", "amq.rabbitmq.event"):
    scenario(f"exchange.declare: {name} exists", exchange.declare(exchange=name, passive=True))
scenario("exchange.declare: amq.rabbitmq.trace again",
         exchange.declare(exchange="amq.rabbitmq.trace", type="topic", durable=True, internal=True))
scenario("exchange.declare: CR and LF in the name", exchange.declare(exchange="x\r\ny", type="direct"),
         exchange.declare(exchange="xy", passive=True), exchange.declare(exchange="x\r\ny", passive=True))
scenario("exchange.declare: name that is not UTF-8", exchange.declare(exchange=b"x\xff", type="direct"))
scenario("exchange.declare: name of 255 octets", exchange.declare(exchange="x" * 255, type="direct"),
         exchange.delete(exchange="x" * 255))
scenario("exchange.declare: name of characters beyond ASCII", exchange.declare(exchange="añ✓", type="direct"),
         exchange.declare(exchange="añ✓", type="fanout"))

# Equivalence

for name, other in {
    "type": {"type": "fanout"},
    "durable": {"type": "direct", "durable": True},
    "auto-delete": {"type": "direct", "auto_delete": True},
    "internal": {"type": "direct", "internal": True},
    "alternate-exchange": {"type": "direct", "arguments": {"alternate-exchange": "other"}},
    "an unknown argument": {"type": "direct", "arguments": {"x-anything": "other"}},
    "all at once": {"type": "fanout", "durable": True, "auto_delete": True, "internal": True},
}.items():
    scenario(f"exchange.declare: inequivalent in {name}", X, exchange.declare(exchange="x", **other))
scenario("exchange.declare: inequivalent durable, the other way", exchange.declare(exchange="x", type="direct",
         durable=True), X)
scenario("exchange.declare: inequivalent auto-delete, the other way",
         exchange.declare(exchange="x", type="direct", auto_delete=True), X)
scenario("exchange.declare: inequivalent alternate-exchange of two values",
         exchange.declare(exchange="x", type="direct", arguments={"alternate-exchange": "one"}),
         exchange.declare(exchange="x", type="direct", arguments={"alternate-exchange": "two"}))
scenario("exchange.declare: alternate-exchange gone",
         exchange.declare(exchange="x", type="direct", arguments={"alternate-exchange": "one"}), X)
scenario("exchange.declare: inequivalent, nowait", X, exchange.declare(exchange="x", type="fanout", nowait=True))
scenario("exchange.declare: alternate-exchange of a wrong type",
         exchange.declare(exchange="x", type="direct", arguments={"alternate-exchange": 5}))
scenario("exchange.declare: alternate-exchange of an empty name",
         exchange.declare(exchange="x", type="direct", arguments={"alternate-exchange": ""}))
scenario("exchange.declare: alternate-exchange that is no name in UTF-8",
         exchange.declare(exchange="x", type="direct", arguments={"alternate-exchange": b"\xff"}))

# Deleting

scenario("exchange.delete: existing", X, exchange.delete(exchange="x"), exchange.declare(exchange="x", passive=True))
scenario("exchange.delete: missing", exchange.delete(exchange="x"))
scenario("exchange.delete: missing, if-unused", exchange.delete(exchange="x", if_unused=True))
scenario("exchange.delete: nowait", X, exchange.delete(exchange="x", nowait=True),
         exchange.declare(exchange="x", passive=True))
scenario("exchange.delete: the default exchange", exchange.delete(exchange=""))
scenario("exchange.delete: a reserved exchange", exchange.delete(exchange="amq.direct"))
scenario("exchange.delete: a missing reserved exchange", exchange.delete(exchange="amq.mine"))
scenario("exchange.delete: amq.rabbitmq.trace", exchange.delete(exchange="amq.rabbitmq.trace"))
scenario("exchange.delete: if-unused and used as a source", X, Q, queue.bind(queue="q", exchange="x"),
         exchange.delete(exchange="x", if_unused=True))
scenario("exchange.delete: if-unused and only a destination", X,
         exchange.bind(destination="x", source="amq.fanout"), exchange.delete(exchange="x", if_unused=True))
scenario("exchange.delete: used, without if-unused", X, Q, queue.bind(queue="q", exchange="x"),
         exchange.delete(exchange="x"), exchange.declare(exchange="x", passive=True))
scenario("exchange.delete: if-unused after the binding is gone", X, Q, queue.bind(queue="q", exchange="x"),
         queue.unbind(queue="q", exchange="x"), exchange.delete(exchange="x", if_unused=True))

# Binding exchanges

XY = (exchange.declare(exchange="x", type="fanout"), exchange.declare(exchange="y", type="fanout"))
scenario("exchange.bind: two exchanges", *XY, Q, exchange.bind(destination="y", source="x"),
         queue.bind(queue="q", exchange="y"), publish("x", "k", b"1"), queue.purge(queue="q"))
scenario("exchange.bind: twice is one binding", *XY, Q, exchange.bind(destination="y", source="x"),
         exchange.bind(destination="y", source="x"), queue.bind(queue="q", exchange="y"), publish("x", "", b"1"),
         queue.purge(queue="q"))
scenario("exchange.bind: nowait", *XY, exchange.bind(destination="y", source="x", nowait=True))
scenario("exchange.bind: an exchange to itself", XY[0], Q, exchange.bind(destination="x", source="x"),
         queue.bind(queue="q", exchange="x"), publish("x", "", b"1"), queue.purge(queue="q"))
scenario("exchange.bind: a circle", *XY, Q, exchange.bind(destination="y", source="x"),
         exchange.bind(destination="x", source="y"), queue.bind(queue="q", exchange="x"),
         queue.bind(queue="q", exchange="y"), publish("x", "", b"1"), queue.purge(queue="q"))
scenario("exchange.bind: missing source", XY[0], exchange.bind(destination="x", source="nothing"))
scenario("exchange.bind: missing destination", XY[0], exchange.bind(destination="nothing", source="x"))
scenario("exchange.bind: both missing", exchange.bind(destination="nothing", source="void"))
scenario("exchange.bind: from the default exchange", XY[0], exchange.bind(destination="x", source=""))
scenario("exchange.bind: to the default exchange", XY[0], exchange.bind(destination="", source="x"))
scenario("exchange.bind: missing, nowait", exchange.bind(destination="nothing", source="void", nowait=True))
scenario("exchange.unbind: existing", *XY, exchange.bind(destination="y", source="x"),
         exchange.unbind(destination="y", source="x"))
scenario("exchange.unbind: missing binding", *XY, exchange.unbind(destination="y", source="x"))
scenario("exchange.unbind: missing source", XY[0], exchange.unbind(destination="x", source="nothing"))
scenario("exchange.unbind: missing destination", XY[0], exchange.unbind(destination="nothing", source="x"))
scenario("exchange.unbind: from the default exchange", XY[0], exchange.unbind(destination="x", source=""))
scenario("exchange.unbind: nowait", *XY, exchange.unbind(destination="y", source="x", nowait=True))
scenario("exchange.bind: a headers exchange with a wrong x-match", XY[0],
         exchange.bind(destination="x", source="amq.headers", arguments={"x-match": "nonsense"}))
scenario("exchange.bind: an internal exchange as destination",
         exchange.declare(exchange="x", type="fanout", internal=True), Q, queue.bind(queue="q", exchange="x"),
         exchange.bind(destination="x", source="amq.fanout"), publish("amq.fanout", "", b"1"), queue.purge(queue="q"))
scenario("exchange.declare: publishing to an internal exchange",
         exchange.declare(exchange="x", type="fanout", internal=True), publish("x", "k", b"1"))
scenario("exchange.bind: from amq.rabbitmq.trace", XY[0], exchange.bind(destination="x", source="amq.rabbitmq.trace"))

# Auto-delete

AUTO = exchange.declare(exchange="x", type="fanout", auto_delete=True)
scenario("auto-delete exchange: stays while never bound", AUTO, exchange.declare(exchange="x", passive=True))
scenario("auto-delete exchange: gone with its last binding", AUTO, Q, queue.bind(queue="q", exchange="x"),
         queue.unbind(queue="q", exchange="x"), exchange.declare(exchange="x", passive=True))
scenario("auto-delete exchange: stays with one of two bindings", AUTO, Q,
         queue.bind(queue="q", exchange="x", routing_key="1"),
         queue.bind(queue="q", exchange="x", routing_key="2"), queue.unbind(queue="q", exchange="x", routing_key="1"),
         exchange.declare(exchange="x", passive=True))
scenario("auto-delete exchange: gone with its queue", AUTO, Q, queue.bind(queue="q", exchange="x"),
         queue.delete(queue="q"), exchange.declare(exchange="x", passive=True))
scenario("auto-delete exchange: being a destination keeps nothing", AUTO, Q,
         exchange.bind(destination="x", source="amq.fanout"), exchange.unbind(destination="x", source="amq.fanout"),
         exchange.declare(exchange="x", passive=True))
scenario("auto-delete exchange: a chain goes as one", AUTO, exchange.declare(exchange="y", type="fanout",
         auto_delete=True),
         Q, exchange.bind(destination="y", source="x"), queue.bind(queue="q", exchange="y"),
         queue.delete(queue="q"), exchange.declare(exchange="x", passive=True), channel.open(),
         exchange.declare(exchange="y", passive=True))
scenario("auto-delete exchange: an unbind of nothing deletes nothing", AUTO, Q,
         queue.unbind(queue="q", exchange="x"), exchange.declare(exchange="x", passive=True))

# Alternate exchanges

AE = exchange.declare(exchange="x", type="direct", arguments={"alternate-exchange": "ae"})
scenario("alternate-exchange: takes what is not routed", AE, exchange.declare(exchange="ae", type="fanout"), Q,
         queue.bind(queue="q", exchange="ae"), publish("x", "k", b"1", mandatory=True), queue.purge(queue="q"))
scenario("alternate-exchange: missing", AE, publish("x", "k", b"1", mandatory=True))
scenario("alternate-exchange: routes nowhere either", AE, exchange.declare(exchange="ae", type="fanout"),
         publish("x", "k", b"1", mandatory=True))
scenario("alternate-exchange: a circle",
         AE, exchange.declare(exchange="ae", type="direct", arguments={"alternate-exchange": "x"}),
         publish("x", "k", b"1", mandatory=True))
scenario("alternate-exchange: the default exchange by name",
         exchange.declare(exchange="x", type="fanout", arguments={"alternate-exchange": "amq.direct"}), Q,
         queue.bind(queue="q", exchange="amq.direct", routing_key="k"), publish("x", "k", b"1", mandatory=True),
         queue.purge(queue="q"))
scenario("alternate-exchange: of a bound exchange", AE, exchange.declare(exchange="ae", type="fanout"), Q,
         queue.declare(queue="r"), queue.bind(queue="q", exchange="x", routing_key="k"),
         queue.bind(queue="r", exchange="ae"), publish("x", "k", b"1"), queue.purge(queue="q"), queue.purge(queue="r"))
scenario("alternate-exchange: through an exchange binding",
         exchange.declare(exchange="y", type="fanout"), AE, exchange.declare(exchange="ae", type="fanout"), Q,
         exchange.bind(destination="x", source="y"), queue.bind(queue="q", exchange="ae"),
         publish("y", "k", b"1", mandatory=True), queue.purge(queue="q"))

# Declared arguments seen elsewhere
scenario("exchange.declare: every argument type is accepted",
         exchange.declare(exchange="x", type="direct", arguments={
             "t": True, "b": Typed("b", -1), "B": Typed("B", 1), "s": Typed("s", -1), "u": Typed("u", 1), "I": -1,
             "i": Typed("i", 1), "l": Typed("l", 1), "f": Typed("f", 1.5), "d": 1.5, "S": "s", "A": [1, "a"],
             "T": Typed("T", 1), "F": {"k": "v"}, "V": None, "x": Typed("x", b"\0"), "D": Typed("D", b"\2\0\0\0\1")}))
for letter in ("U", "L", "q", "\0"):
    scenario(f"exchange.declare: argument of unknown type letter {letter!r}",
             exchange.declare(exchange="x", type="direct", arguments={"a": Typed(letter, b"\0\0\0\0\0\0\0\0")}))
scenario("exchange.declare: a key twice in arguments",
         exchange.declare(exchange="x", type="direct", arguments=b"\0\0\0\x08\x01at\x01\x01at\x00"))
scenario("exchange.declare: arguments cut short",
         exchange.declare(exchange="x", type="direct", arguments=b"\0\0\0\x40\x01at\x01"))

scenario("exchange.declare: on two channels", X, on(2, exchange.declare(exchange="x", type="direct")),
         by("b", exchange.declare(exchange="x", type="fanout")))
