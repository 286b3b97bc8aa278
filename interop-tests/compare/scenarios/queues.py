"""queue.*: declaring, binding, purging and deleting queues, every argument and every refusal."""

from scenario import (
    basic, by, channel, connection, exchange, group, on, pause, publish, queue, scenario, scenario_of,
)  # fmt: skip
from wire import Typed

group("queue")

Q = queue.declare(queue="q")


def q(**arguments):
    return queue.declare(queue="q", arguments={k.replace("_", "-"): v for k, v in arguments.items()})


# Declaring

scenario("queue.declare: new, again, with messages", Q, Q, publish("", "q", b"1"), Q)
scenario("queue.declare: counts consumers", Q, basic.consume(queue="q", consumer_tag="c"), Q)
scenario("queue.declare: message count leaves out the unacknowledged", Q, publish("", "q", b"1"),
         publish("", "q", b"2"), basic.get(queue="q"), Q)
scenario("queue.declare: nowait gets no answer", queue.declare(queue="q", nowait=True),
         queue.declare(queue="q", passive=True))
scenario("queue.declare: named by the server", queue.declare(queue="", exclusive=True))
scenario("queue.declare: passive of a missing queue", queue.declare(queue="q", passive=True))
scenario("queue.declare: passive, nowait, missing", queue.declare(queue="q", passive=True, nowait=True))
scenario("queue.declare: passive ignores attributes and arguments", Q,
         queue.declare(queue="q", passive=True, durable=True, exclusive=True, auto_delete=True,
                       arguments={"x-max-length": 1}))
scenario("queue.declare: passive of the empty name, none declared", queue.declare(queue="", passive=True))
scenario("queue.declare: passive of the empty name, one declared", Q, queue.declare(queue="", passive=True))
scenario("queue.declare: reserved name", queue.declare(queue="amq.mine"))
scenario("queue.declare: passive of a missing reserved name", queue.declare(queue="amq.mine", passive=True))
scenario("queue.declare: amq.rabbitmq.reply-to", queue.declare(queue="amq.rabbitmq.reply-to"))
scenario("queue.declare: amq.rabbitmq.reply-to, passive", queue.declare(queue="amq.rabbitmq.reply-to", passive=True))
scenario("queue.declare: amq.rabbitmq.reply-to.nonsense, passive",
         queue.declare(queue="amq.rabbitmq.reply-to.nonsense", passive=True))
scenario("queue.declare: CR and LF in the name", queue.declare(queue="q\r\nr"), queue.declare(queue="qr", passive=True))
scenario("queue.declare: only CR and LF in the name", queue.declare(queue="\r\n", exclusive=True))
scenario("queue.declare: name that is not UTF-8", queue.declare(queue=b"q\xff"))
scenario("queue.declare: name of 255 octets", queue.declare(queue="q" * 255), queue.delete(queue="q" * 255))
scenario("queue.declare: exclusive and durable", queue.declare(queue="q", exclusive=True, durable=True))

for name, other in {
    "durable": {"durable": True},
    "auto-delete": {"auto_delete": True},
    "exclusive": {"exclusive": True},
    "all at once": {"durable": True, "auto_delete": True, "exclusive": True},
}.items():
    scenario(f"queue.declare: inequivalent in {name}", Q, queue.declare(queue="q", **other))
    scenario(f"queue.declare: inequivalent in {name}, the other way", queue.declare(queue="q", **other), Q)
scenario("queue.declare: inequivalent, nowait", Q, queue.declare(queue="q", durable=True, nowait=True))
scenario("queue.declare: exclusive of another connection, equal", queue.declare(queue="q", exclusive=True),
         by("b", queue.declare(queue="q", exclusive=True)))
scenario("queue.declare: exclusive of another connection, not exclusive", queue.declare(queue="q", exclusive=True),
         by("b", queue.declare(queue="q")))
scenario("queue.declare: exclusive of another connection, passive", queue.declare(queue="q", exclusive=True),
         by("b", queue.declare(queue="q", passive=True)))

# Arguments: equivalence

ARGUMENTS = {
    "x-message-ttl": (1000, 2000), "x-expires": (60000, 70000), "x-max-length": (10, 20),
    "x-max-length-bytes": (1000, 2000), "x-dead-letter-exchange": ("one", "two"),
    "x-overflow": ("drop-head", "reject-publish"), "x-max-priority": (5, 6), "x-queue-mode": ("default", "lazy"),
    "x-single-active-consumer": (True, False), "x-queue-type": ("classic", "quorum"),
    "x-queue-master-locator": ("client-local", "min-masters"), "x-anything": ("one", "two"),
    "x-queue-version": (1, 2),
}  # fmt: skip
for name, (one, two) in ARGUMENTS.items():
    scenario(f"queue.declare: {name} equal", q(**{name: one}), q(**{name: one}))
    scenario(f"queue.declare: {name} of two values", q(**{name: one}), q(**{name: two}))
    scenario(f"queue.declare: {name} added", Q, q(**{name: one}))
    scenario(f"queue.declare: {name} gone", q(**{name: one}), Q)
KEYED = {"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "one"}
scenario("queue.declare: x-dead-letter-routing-key of two values", q(**KEYED),
         q(**{**KEYED, "x-dead-letter-routing-key": "two"}))
scenario("queue.declare: x-dead-letter-routing-key gone", q(**KEYED), q(**{"x-dead-letter-exchange": "dlx"}))
scenario("queue.declare: integers of two types are equal", q(x_max_length=10), q(x_max_length=Typed("l", 10)),
         q(x_max_length=Typed("b", 10)), q(x_max_length=Typed("s", 10)), q(x_max_length=Typed("i", 10)))
scenario("queue.declare: an integer and its string", q(x_max_length=10), q(x_max_length="10"))
scenario("queue.declare: an integer and its float", q(x_max_length=10), q(x_max_length=10.0))

# Arguments: validity

INVALID = {
    "x-message-ttl": (-1, 0, "100", 1.5, True, None, [1], {"a": 1}, Typed("l", 2**32), Typed("l", 2**53), Typed("T", 5),
                      Typed("f", 1.5), Typed("x", b"1"), Typed("D", b"\0\0\0\0\1"), Typed("B", 200), Typed("u", 200),
                          Typed("s", -1)),
    "x-expires": (-1, 0, "100", 1.5, True, None, Typed("l", 2**32), Typed("l", 2**53)),
    "x-max-length": (-1, 0, "10", 1.5, True, None, Typed("l", 2**40)),
    "x-max-length-bytes": (-1, 0, "10", True),
    "x-max-priority": (-1, 0, 1, 255, 256, "5", True, 5.0),
    "x-dead-letter-exchange": ("", 5, True, b"\xff"),
    "x-dead-letter-routing-key": ("alone", 5),
    "x-overflow": ("drop-head", "reject-publish", "reject-publish-dlx", "nonsense", 5),
    "x-queue-mode": ("default", "lazy", "nonsense", 5),
    "x-queue-version": (1, 2, 3, 0, "1"),
    "x-single-active-consumer": (True, False, "true", 1),
    "x-queue-type": ("classic", "nonsense", 5, "", "x", True),
    "x-queue-master-locator": ("nonsense", 5),
    "x-delivery-limit": (5, -1, "5"), "x-quorum-initial-group-size": (3,), "x-max-in-memory-length": (5,),
    "x-max-age": ("1h", "nonsense", 5), "x-stream-max-segment-size-bytes": (5,), "x-initial-cluster-size": (3,),
    "x-queue-leader-locator": ("client-local", "nonsense"), "x-dead-letter-strategy": ("at-most-once",),
    "x-ha-policy": ("all",), "alternate-exchange": ("one",), "ttl": ("any",),
}  # fmt: skip
for name, values in INVALID.items():
    for value in values:
        scenario(f"queue.declare: {name} = {value!r}", q(**{name: value}))
scenario("queue.declare: x-dead-letter-routing-key of a wrong type with its exchange",
         q(**{"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": 5}))
scenario("queue.declare: several wrong arguments", q(**{"x-message-ttl": -1, "x-expires": 0, "x-max-length": -1}))
scenario("queue.declare: several wrong arguments, the other order",
         q(**{"x-max-length": -1, "x-expires": 0, "x-message-ttl": -1}))
ORDER = ("x-expires", "x-message-ttl", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy",
    "x-max-length",
         "x-max-length-bytes", "x-max-in-memory-length", "x-max-in-memory-bytes", "x-max-priority", "x-overflow",
         "x-queue-mode",
         "x-queue-version", "x-single-active-consumer", "x-queue-type", "x-quorum-initial-group-size", "x-max-age",
         "x-stream-max-segment-size-bytes", "x-initial-cluster-size", "x-queue-leader-locator")
for one, two in zip(ORDER, ORDER[1:]):
    scenario(f"queue.declare: {one} and {two} both of a wrong type", q(**{two: None, one: None}))
COMPARED = ("x-expires", "x-message-ttl", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-length",
    "x-max-length-bytes",
            "x-single-active-consumer", "x-max-priority", "x-overflow", "x-queue-mode", "x-queue-version",
            "x-queue-type")
VALUES = {**ARGUMENTS, "x-dead-letter-routing-key": ("one", "two")}
for one, two in zip(COMPARED, COMPARED[1:]):
    scenario(f"queue.declare: {one} and {two} both inequivalent",
             q(**{"x-dead-letter-exchange": "one", two: VALUES[two][0], one: VALUES[one][0]}),
             q(**{"x-dead-letter-exchange": "one", two: VALUES[two][1], one: VALUES[one][1]}))
for value in (Typed("b", 5), Typed("B", 5), Typed("s", 5), Typed("u", 5), Typed("i", 5), Typed("l", 5)):
    scenario(f"queue.declare: x-max-length added as {value.letter!r}", Q, q(x_max_length=value))
for name, value in {"x-dead-letter-exchange": 5, "x-overflow": True, "x-max-length": "10",
        "x-single-active-consumer": 1}.items():
    scenario(f"queue.declare: {name} inequivalent by its type", q(**{name: ARGUMENTS[name][0]}), q(**{name: value}))
scenario("queue.declare: x-expires starts anew with a declare, a get or a consumer", q(x_expires=400), pause(0.3),
         q(x_expires=400), pause(0.3), basic.get(queue="q"),
         pause(0.3), basic.consume(queue="q", consumer_tag="c"), pause(0.6), queue.declare(queue="q", passive=True),
         basic.cancel(consumer_tag="c"), pause(0.7),
         queue.declare(queue="q", passive=True))
DLX_TYPE = {"x-dead-letter-exchange": 5}
scenario("queue.declare: reserved name before the arguments", queue.declare(queue="amq.mine", arguments=DLX_TYPE))
scenario("queue.declare: type of x-dead-letter-exchange before x-queue-type",
         q(**{"x-queue-type": "nonsense", **DLX_TYPE}))
scenario("queue.declare: wrong x-queue-type of an existing queue", Q, q(**{"x-queue-type": "nonsense"}))
scenario("queue.declare: wrong x-dead-letter-exchange of an existing queue", Q, q(**DLX_TYPE))
scenario("queue.declare: unsupported argument of an existing queue", Q, q(**{"x-delivery-limit": 5}))
scenario("queue.declare: exclusive of another connection, wrong arguments", queue.declare(queue="q", exclusive=True),
         by("b", q(**DLX_TYPE)))


@scenario_of("queue.declare: the name the server made, used again")
def _(session):
    session.send(queue.declare(queue="", exclusive=True))
    name = session.client("a").last("queue.declare-ok")["queue"]
    session.send(queue.declare(queue=name, passive=True))
    session.send(queue.bind(queue=name, exchange="amq.direct", routing_key="k"))
    session.send(basic.consume(queue=name, consumer_tag="c"))
    session.send(queue.purge(queue=name))
    session.send(queue.declare(queue=name, exclusive=True))


scenario("queue.declare: inequivalent and wrong", Q, q(**{"x-message-ttl": -1}))
scenario("queue.declare: inequivalent attribute and argument", Q,
         queue.declare(queue="q", durable=True, arguments={"x-max-length": 1}))
scenario("queue.declare: wrong argument under a reserved name",
         queue.declare(queue="amq.mine", arguments={"x-message-ttl": -1}))
scenario("queue.declare: wrong argument, passive", Q, queue.declare(queue="q", passive=True,
         arguments={"x-message-ttl": -1}))
scenario("queue.declare: argument of an unknown type letter", q(a=Typed("U", b"\0\0")))
scenario("queue.declare: quorum, not durable", q(x_queue_type="quorum"))
scenario("queue.declare: quorum, exclusive",
         queue.declare(queue="q", durable=True, exclusive=True, arguments={"x-queue-type": "quorum"}))
scenario("queue.declare: quorum, auto-delete",
         queue.declare(queue="q", durable=True, auto_delete=True, arguments={"x-queue-type": "quorum"}))
scenario("queue.declare: quorum with x-max-priority",
         queue.declare(queue="q", durable=True, arguments={"x-queue-type": "quorum", "x-max-priority": 5}))
scenario("queue.declare: quorum", queue.declare(queue="q", durable=True, arguments={"x-queue-type": "quorum"}))
scenario("queue.declare: stream, not durable", q(x_queue_type="stream"))
scenario("queue.declare: x-expires ends the queue", q(x_expires=100), pause(0.5),
         queue.declare(queue="q", passive=True))

# The last declared queue

scenario("last declared queue: declare with the empty name makes a new one", Q, queue.declare(queue="", exclusive=True))
scenario("last declared queue: bind, purge, get, consume, delete by the empty name", Q,
         queue.bind(queue="", exchange="amq.direct", routing_key="k"), publish("amq.direct", "k", b"1"),
         queue.purge(queue=""), basic.get(queue=""), basic.consume(queue="", consumer_tag="c"),
         queue.unbind(queue="", exchange="amq.direct", routing_key="k"), queue.delete(queue=""))
scenario("last declared queue: bind with both names empty uses the queue's as key", Q,
         queue.bind(queue="", exchange="amq.direct", routing_key=""), publish("amq.direct", "q", b"1"),
         queue.purge(queue="q"), queue.unbind(queue="", exchange="amq.direct", routing_key=""),
         publish("amq.direct", "q", b"1"), queue.purge(queue="q"))
scenario("last declared queue: bind with an empty key and a queue's name", Q,
         queue.bind(queue="q", exchange="amq.direct", routing_key=""), publish("amq.direct", "q", b"1"),
         publish("amq.direct", "", b"1"), queue.purge(queue="q"))
for name, method in {
    "bind": queue.bind(queue="", exchange="amq.direct", routing_key="k"),
    "bind, no key": queue.bind(queue="", exchange="amq.direct"),
    "unbind": queue.unbind(queue="", exchange="amq.direct"), "purge": queue.purge(queue=""),
    "delete": queue.delete(queue=""), "get": basic.get(queue=""), "consume": basic.consume(queue="", consumer_tag="c"),
}.items():  # fmt: skip
    scenario(f"last declared queue: {name} without one", method)
scenario("last declared queue: belongs to the channel", Q, on(2, queue.purge(queue="")))
scenario("last declared queue: passive declare counts", by("b", Q), queue.declare(queue="q", passive=True),
         queue.purge(queue=""))
scenario("last declared queue: survives its deletion", Q, queue.delete(queue="q"), queue.purge(queue=""))
scenario("last declared queue: delete by the empty name after deletion", Q, queue.delete(queue="q"),
         queue.delete(queue=""))
scenario("last declared queue: publish to the empty routing key", Q, publish("", "", b"1", mandatory=True))
scenario("last declared queue: nowait declare counts", queue.declare(queue="q", nowait=True), queue.purge(queue=""))
scenario("last declared queue: refused declare does not count", Q, by("b", queue.declare(queue="r", exclusive=True)),
         queue.declare(queue="r"), channel.open(), queue.purge(queue=""))

# Deleting and purging

scenario("queue.delete: with messages", Q, publish("", "q", b"1"), publish("", "q", b"2"), queue.delete(queue="q"))
scenario("queue.delete: counts ready messages only", Q, publish("", "q", b"1"), publish("", "q", b"2"),
         basic.get(queue="q"), queue.delete(queue="q"), basic.ack(delivery_tag=1), queue.purge(queue="q"))
scenario("queue.delete: missing", queue.delete(queue="q"))
scenario("queue.delete: missing, if-unused and if-empty", queue.delete(queue="q", if_unused=True, if_empty=True))
scenario("queue.delete: missing reserved name", queue.delete(queue="amq.mine"))
scenario("queue.delete: nowait", Q, queue.delete(queue="q", nowait=True), queue.declare(queue="q", passive=True))
scenario("queue.delete: if-empty and not empty", Q, publish("", "q", b"1"), queue.delete(queue="q", if_empty=True))
scenario("queue.delete: if-empty with an unacknowledged message", Q, publish("", "q", b"1"), basic.get(queue="q"),
         queue.delete(queue="q", if_empty=True))
scenario("queue.delete: if-unused and used", Q, basic.consume(queue="q", consumer_tag="c"),
         queue.delete(queue="q", if_unused=True))
scenario("queue.delete: if-unused and if-empty, neither true", Q, publish("", "q", b"1"),
         basic.consume(queue="q", consumer_tag="c"), basic.recover(requeue=True), publish("", "q", b"2"),
         queue.delete(queue="q", if_unused=True, if_empty=True))
scenario("queue.delete: if-empty, fulfilled", Q, queue.delete(queue="q", if_empty=True, if_unused=True))
scenario("queue.delete: consumers on both channels are told", Q, basic.consume(queue="q", consumer_tag="c"),
         on(2, basic.consume(queue="q", consumer_tag="d")), by("b", basic.consume(queue="q", consumer_tag="e")),
         queue.delete(queue="q"), basic.cancel(consumer_tag="c"))
scenario("queue.delete: exclusive of another connection", queue.declare(queue="q", exclusive=True),
         by("b", queue.delete(queue="q")))
scenario("queue.purge: counts", Q, publish("", "q", b"1"), publish("", "q", b"2"), queue.purge(queue="q"))
scenario("queue.purge: spares the unacknowledged", Q, publish("", "q", b"1"), publish("", "q", b"2"),
         basic.get(queue="q"), queue.purge(queue="q"), basic.reject(delivery_tag=1, requeue=True),
         queue.purge(queue="q"))
scenario("queue.purge: missing", queue.purge(queue="q"))
scenario("queue.purge: nowait", Q, publish("", "q", b"1"), queue.purge(queue="q", nowait=True), Q)
scenario("queue.purge: exclusive of another connection", queue.declare(queue="q", exclusive=True),
         by("b", queue.purge(queue="q")))
scenario("queue.purge: name that is not UTF-8", queue.purge(queue=b"\xff"))

# Binding

BOUND = (Q, queue.bind(queue="q", exchange="amq.direct", routing_key="k"))
scenario("queue.bind: twice is one binding", *BOUND, BOUND[1], publish("amq.direct", "k", b"1"), queue.purge(queue="q"),
         queue.unbind(queue="q", exchange="amq.direct", routing_key="k"),
         publish("amq.direct", "k", b"1", mandatory=True))
scenario("queue.bind: arguments tell bindings apart", *BOUND,
         queue.bind(queue="q", exchange="amq.direct", routing_key="k", arguments={"a": 1}),
         queue.unbind(queue="q", exchange="amq.direct", routing_key="k"), publish("amq.direct", "k", b"1"),
         queue.purge(queue="q"))
scenario("queue.bind: nowait", Q, queue.bind(queue="q", exchange="amq.direct", routing_key="k", nowait=True),
         publish("amq.direct", "k", b"1"), queue.purge(queue="q"))
scenario("queue.bind: missing queue", queue.bind(queue="nothing", exchange="amq.direct", routing_key="k"))
scenario("queue.bind: missing exchange", Q, queue.bind(queue="q", exchange="nothing", routing_key="k"))
scenario("queue.bind: both missing", queue.bind(queue="nothing", exchange="void", routing_key="k"))
scenario("queue.bind: missing queue, nowait", queue.bind(queue="nothing", exchange="amq.direct", nowait=True))
scenario("queue.bind: default exchange", Q, queue.bind(queue="q", exchange="", routing_key="k"))
scenario("queue.bind: default exchange, missing queue", queue.bind(queue="nothing", exchange="", routing_key="k"))
scenario("queue.bind: exclusive of another connection", queue.declare(queue="q", exclusive=True),
         by("b", queue.bind(queue="q", exchange="amq.direct", routing_key="k")))
scenario("queue.bind: routing key that is not UTF-8", Q,
         queue.bind(queue="q", exchange="amq.direct", routing_key=b"\xff\0"), publish("amq.direct", b"\xff\0", b"1"),
         basic.get(queue="q"))
scenario("queue.bind: internal exchange", exchange.declare(exchange="x", type="fanout", internal=True), Q,
         queue.bind(queue="q", exchange="x"))
scenario("queue.unbind: missing binding", Q, queue.unbind(queue="q", exchange="amq.direct", routing_key="k"))
scenario("queue.unbind: missing queue", queue.unbind(queue="nothing", exchange="amq.direct", routing_key="k"))
scenario("queue.unbind: missing exchange", Q, queue.unbind(queue="q", exchange="nothing", routing_key="k"))
scenario("queue.unbind: both missing", queue.unbind(queue="nothing", exchange="void", routing_key="k"))
scenario("queue.unbind: default exchange", Q, queue.unbind(queue="q", exchange="", routing_key="q"))
scenario("queue.unbind: exclusive of another connection", queue.declare(queue="q", exclusive=True),
         by("b", queue.unbind(queue="q", exchange="amq.direct", routing_key="k")))
scenario("queue.unbind: other arguments", Q,
         queue.bind(queue="q", exchange="amq.direct", routing_key="k", arguments={"a": 1}),
         queue.unbind(queue="q", exchange="amq.direct", routing_key="k", arguments={"a": Typed("l", 1)}),
         publish("amq.direct", "k", b"1"), queue.purge(queue="q"))
for name, arguments in {
    "all": {"x-match": "all"}, "any": {"x-match": "any"}, "all-with-x": {"x-match": "all-with-x"},
    "any-with-x": {"x-match": "any-with-x"}, "nonsense": {"x-match": "nonsense"}, "an integer": {"x-match": 1},
    "none": {}, "capitals": {"x-match": "ALL"}, "empty": {"x-match": ""},
}.items():  # fmt: skip
    scenario(f"queue.bind: x-match {name}", Q, queue.bind(queue="q", exchange="amq.headers", arguments=arguments))
scenario("queue.bind: wrong x-match of an exchange that is no headers exchange", Q,
         queue.bind(queue="q", exchange="amq.direct", arguments={"x-match": "nonsense"}))
scenario("queue.unbind: wrong x-match", Q, queue.unbind(queue="q", exchange="amq.headers",
         arguments={"x-match": "nonsense"}))

# Auto-delete and exclusive

AUTO = queue.declare(queue="q", auto_delete=True)
scenario("auto-delete queue: stays while never consumed", AUTO, publish("", "q", b"1"), basic.get(queue="q"), AUTO)
scenario("auto-delete queue: gone with its last consumer", AUTO, basic.consume(queue="q", consumer_tag="c"),
         basic.cancel(consumer_tag="c"), queue.declare(queue="q", passive=True))
scenario("auto-delete queue: gone with the channel", on(2, AUTO, basic.consume(queue="q", consumer_tag="c"),
         channel.close()),
         queue.declare(queue="q", passive=True))
scenario("auto-delete queue: stays with one of two consumers", AUTO, basic.consume(queue="q", consumer_tag="c"),
         basic.consume(queue="q", consumer_tag="d"), basic.cancel(consumer_tag="c"), AUTO)
scenario("exclusive queue: every use by another connection", queue.declare(queue="q", exclusive=True),
         by("b", basic.get(queue="q"), channel.open(), basic.consume(queue="q", consumer_tag="c"), channel.open(),
            publish("", "q", b"1"), channel.open()), basic.get(queue="q"))


@scenario_of("exclusive queue: gone with its connection")
def _(session):
    session.send(queue.declare(queue="q", exclusive=True), "b")
    session.send(queue.declare(queue="q", passive=True))
    session.send(queue.declare(queue="q", passive=True), "b", 2)
    session.send(connection.close(), "b", 0)
    session.send(channel.open())
    session.send(queue.declare(queue="q", passive=True))
