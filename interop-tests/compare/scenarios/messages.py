"""basic.publish, get, return: routing, flags, properties, and what a publisher may not say."""

from scenario import (
    basic, by, confirm, exchange, group, on, pause, publish, queue, scenario, scenario_of,
)  # fmt: skip
from wire import Typed

group("message")

Q = queue.declare(queue="q")
GET = basic.get(queue="q", no_ack=True)

# Where it goes

scenario("basic.publish: to a queue by the default exchange", Q, publish("", "q", b"hello"), GET, GET)
scenario("basic.publish: missing exchange", publish("x", "k", b"1"))
scenario("basic.publish: missing exchange, confirm mode", confirm.select(), publish("x", "k", b"1"))
scenario("basic.publish: missing exchange, mandatory", publish("x", "k", b"1", mandatory=True))
scenario("basic.publish: missing queue", publish("", "nothing", b"1"))
scenario("basic.publish: missing queue, mandatory", publish("", "nothing", b"1", mandatory=True, message_id="m"))
scenario("basic.publish: missing queue, mandatory, confirm mode", confirm.select(),
         publish("", "nothing", b"1", mandatory=True))
scenario("basic.publish: missing queue, confirm mode", confirm.select(), publish("", "nothing", b"1"))
scenario("basic.publish: routed, mandatory, confirm mode", confirm.select(), Q, publish("", "q", b"1", mandatory=True))
scenario("basic.publish: mandatory with an empty body", publish("", "nothing", b"", mandatory=True))
scenario("basic.publish: immediate", Q, publish("", "q", b"1", immediate=True))
scenario("basic.publish: immediate and mandatory", publish("", "nothing", b"1", immediate=True, mandatory=True))
scenario("basic.publish: immediate to a missing exchange", publish("x", "k", b"1", immediate=True))
scenario("basic.publish: exchange name that is not UTF-8", publish(b"\xff", "k", b"1"))
scenario("basic.publish: exchange name with CR and LF", exchange.declare(exchange="xy", type="fanout"),
         publish("x\r\ny", "k", b"1"))
scenario("basic.publish: CC and BCC", Q, queue.declare(queue="r"), queue.declare(queue="s"),
         publish("", "q", b"1", headers={"CC": ["r", "q"], "BCC": ["s"], "other": 1}), GET,
         basic.get(queue="r", no_ack=True),
         basic.get(queue="s", no_ack=True))
for name, value in {"a string": "q", "a number": 5, "an array of numbers": [5, "q"], "an empty array": [],
        "a table": {"q": 1}, "void": None}.items():
    scenario(f"basic.publish: CC is {name}", Q, publish("", "nothing", b"1", headers={"CC": value}, mandatory=True),
             GET)
    scenario(f"basic.publish: BCC is {name}", Q, publish("", "nothing", b"1", headers={"BCC": value}, mandatory=True),
             GET)
scenario("basic.publish: CC alone is routed, mandatory", Q, publish("", "nothing", b"1", headers={"CC": ["q"]},
         mandatory=True), GET)
scenario("basic.publish: BCC of a returned message stays", publish("", "nothing", b"1",
         headers={"BCC": ["void"], "a": 1}, mandatory=True))
scenario("basic.publish: only BCC in the headers", Q, publish("", "q", b"1", headers={"BCC": ["q"]}), GET)
scenario("basic.publish: amq.rabbitmq.trace", publish("amq.rabbitmq.trace", "k", b"1"))

# Properties

ALL = {
    "content_type": "text/plain", "content_encoding": "utf-8", "headers": {"a": 1, "b": "x", "l": Typed("l", 5),
    "L": ["x", {"y": None}]},
    "delivery_mode": 2, "priority": 3, "correlation_id": "c", "reply_to": "r", "expiration": "60000", "message_id": "m",
    "timestamp": 1700000000, "type": "t", "user_id": "guest", "app_id": "a", "cluster_id": "cl",
}  # fmt: skip
scenario("properties: all of them come back as they went", Q, publish("", "q", b"1", **ALL), GET)
scenario("properties: all of them in a return", publish("", "nothing", b"1", mandatory=True, **ALL))
for value in (0, 1, 2, 3, 255):
    scenario(f"properties: delivery-mode {value}", Q, publish("", "q", b"1", delivery_mode=value), GET)
    scenario(f"properties: delivery-mode {value} to a missing queue", publish("", "nothing", b"1", delivery_mode=value,
             mandatory=True))
for value in (0, 9, 10, 255):
    scenario(f"properties: priority {value}", Q, publish("", "q", b"1", priority=value), GET)
for value in ("abc", "", "-1", "1.5", "0", "10", " 10", "10 ", "010", "+5", "4294967295", "4294967296",
        "99999999999999999999", "1e3", "0x10"):
    scenario(f"properties: expiration '{value}'", Q, publish("", "q", b"1", expiration=value), pause(0.1), GET)
scenario("properties: wrong expiration to a missing exchange", publish("x", "q", b"1", expiration="abc"))
scenario("properties: wrong expiration and immediate", publish("", "q", b"1", expiration="abc", immediate=True))
scenario("properties: wrong expiration of another's user-id", publish("", "q", b"1", expiration="abc",
         user_id="somebody"))
scenario("properties: wrong expiration to a missing queue", publish("", "nothing", b"1", expiration="abc",
         mandatory=True))
scenario("properties: user-id of another", Q, publish("", "q", b"1", user_id="somebody"), GET)
scenario("properties: user-id of another to a missing exchange", publish("x", "q", b"1", user_id="somebody"))
scenario("properties: empty user-id", publish("", "q", b"1", user_id=""))
scenario("properties: short strings that are not UTF-8", Q, publish("", "q", b"1", content_type=b"\xff",
         message_id=b"\xfe"), GET)
scenario("properties: header name that is not UTF-8", Q, publish("", "q", b"1", headers=b"\0\0\0\x04\x01\xfft\x01"),
         GET)
scenario("properties: headers of every type", Q, publish("", "q", b"1", headers={
    "t": True, "b": Typed("b", -1), "B": Typed("B", 200), "s": Typed("s", -1), "u": Typed("u", 1), "I": -1,
    "i": Typed("i", 1),
    "l": Typed("l", 1), "f": Typed("f", 1.5), "d": 1.5, "S": "s", "A": [1, "a", True], "T": Typed("T", 1),
    "F": {"k": "v"},
    "V": None, "x": Typed("x", b"\0"), "D": Typed("D", b"\2\0\0\0\1")}), GET)

# Routing

TOPIC = (("#", "a.#", "a.*", "*.b", "a.b", "*", "", "#.#", "a.#.b", "*.#", "#.*", "a..b", ".", "*.*"),
         ("", "a", "a.b", "a.b.c", "b", "a.", ".b", "a..b", ".", "..", "a.x.y.b", "A.B"))


@scenario_of("topic exchange: every key against every binding key")
def _(session):
    for binding_key in TOPIC[0]:
        session.send(queue.declare(queue="q " + binding_key))
        session.send(queue.bind(queue="q " + binding_key, exchange="amq.topic", routing_key=binding_key))
    for key in TOPIC[1]:
        publish("amq.topic", key, key.encode())(session, "a", 1)
    for binding_key in TOPIC[0]:
        session.send(basic.consume(queue="q " + binding_key, consumer_tag=binding_key or "empty", no_ack=True))


HEADERS = {
    "all of two": {"x-match": "all", "a": 1, "b": "x"}, "any of two": {"x-match": "any", "a": 1, "b": "x"},
    "default of two": {"a": 1, "b": "x"}, "all of none": {"x-match": "all"}, "any of none": {"x-match": "any"},
    "void is any value": {"x-match": "all", "a": None}, "all with x-key": {"x-match": "all", "x-key": 1, "a": 1},
    "all-with-x": {"x-match": "all-with-x", "x-key": 1}, "any with x-key": {"x-match": "any", "x-key": 1},
    "any-with-x": {"x-match": "any-with-x", "x-key": 1, "a": 7}, "nothing at all": {},
    "float": {"x-match": "all", "a": 1.0}, "long": {"x-match": "all", "a": Typed("l", 1)},
    "string": {"x-match": "all", "a": "1"},
    "boolean": {"x-match": "all", "a": True}, "array": {"x-match": "all", "a": [1, "x"]},
    "table": {"x-match": "all", "a": {"k": 1}},
    "any-with-x of none": {"x-match": "any-with-x"}, "all-with-x of none": {"x-match": "all-with-x"},
}  # fmt: skip
SENT = {
    "a and b": {"a": 1, "b": "x"}, "a": {"a": 1}, "b": {"b": "x"}, "none": {}, "a unlike": {"a": 2, "b": "y"},
    "x-key": {"x-key": 1}, "a and x-key": {"a": 1, "x-key": 1}, "float": {"a": 1.0}, "long": {"a": Typed("l", 1)},
    "string": {"a": "1"}, "boolean": {"a": True}, "array": {"a": [1, "x"]}, "table": {"a": {"k": 1}},
    "void": {"a": None},
    "timestamp": {"a": Typed("T", 1)}, "octets": {"a": Typed("x", b"1")},
}  # fmt: skip


@scenario_of("headers exchange: every message against every binding")
def _(session):
    for name, arguments in HEADERS.items():
        session.send(queue.declare(queue="q " + name))
        session.send(queue.bind(queue="q " + name, exchange="amq.headers", arguments=arguments))
    for name, headers in SENT.items():
        publish("amq.headers", "", name.encode(), headers=headers)(session, "a", 1)
    publish("amq.headers", "", b"without headers")(session, "a", 1)
    for name in HEADERS:
        session.send(basic.consume(queue="q " + name, consumer_tag=name, no_ack=True))


scenario("direct exchange: one queue bound by two keys gets one copy", Q,
         queue.bind(queue="q", exchange="amq.topic", routing_key="a"),
         queue.bind(queue="q", exchange="amq.topic", routing_key="*"), publish("amq.topic", "a", b"1"),
         queue.purge(queue="q"))

# basic.get

scenario("basic.get: empty", Q, GET)
scenario("basic.get: missing queue", basic.get(queue="nothing"))
scenario("basic.get: counts what is left", Q, publish("", "q", b"1"), publish("", "q", b"2"), publish("", "q", b"3"),
         basic.get(queue="q"),
         basic.get(queue="q"), basic.get(queue="q"), basic.get(queue="q"))
scenario("basic.get: no-ack takes a delivery tag", Q, publish("", "q", b"1"), publish("", "q", b"2"), GET,
         basic.get(queue="q"),
         basic.ack(delivery_tag=1))
scenario("basic.get: exclusive of another connection", queue.declare(queue="q", exclusive=True),
         by("b", basic.get(queue="q")))
scenario("basic.get: a queue with an exclusive consumer", Q, basic.consume(queue="q", consumer_tag="c", exclusive=True),
         on(2, basic.get(queue="q")))
scenario("basic.get: a queue with a single active consumer", queue.declare(queue="q",
         arguments={"x-single-active-consumer": True}), basic.get(queue="q"))
scenario("basic.get: ignores prefetch", basic.qos(prefetch_count=1, global_=True), Q, publish("", "q", b"1"),
         publish("", "q", b"2"),
         basic.get(queue="q"), basic.get(queue="q"))
scenario("basic.get: amq.rabbitmq.reply-to", basic.get(queue="amq.rabbitmq.reply-to"))
scenario("basic.get: a body in many frames", Q, publish("", "q", b"x" * 300000), GET)

# Limits

L = {"x-max-length": 2}
for overflow in ("drop-head", "reject-publish", "reject-publish-dlx"):
    limited = queue.declare(queue="q", arguments={**L, "x-overflow": overflow, "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "dead"})
    scenario(f"limit: {overflow}", queue.declare(queue="dead"), limited, confirm.select(), publish("", "q", b"1"),
             publish("", "q", b"2"),
             publish("", "q", b"3"), publish("", "q", b"4"), GET, GET, GET, basic.get(queue="dead", no_ack=True),
             basic.get(queue="dead", no_ack=True))
scenario("limit: x-max-length 0 and no consumer", queue.declare(queue="q", arguments={"x-max-length": 0}),
         confirm.select(), publish("", "q", b"1"), GET)
scenario("limit: x-max-length 0 and a consumer", queue.declare(queue="q", arguments={"x-max-length": 0}),
         basic.consume(queue="q", consumer_tag="c", no_ack=True), publish("", "q", b"1"))
scenario("limit: x-max-length-bytes counts bodies", queue.declare(queue="q", arguments={"x-max-length-bytes": 10}),
         publish("", "q", b"12345"),
         publish("", "q", b"12345", message_id="m" * 50), publish("", "q", b"1"),
         queue.declare(queue="q", passive=True))
scenario("limit: the unacknowledged do not count", queue.declare(queue="q", arguments=L), publish("", "q", b"1"),
         publish("", "q", b"2"), basic.get(queue="q"),
         publish("", "q", b"3"), publish("", "q", b"4"), basic.reject(delivery_tag=1, requeue=True), GET, GET, GET)
scenario("limit: reject-publish with one of two queues full", exchange.declare(exchange="x", type="fanout"),
         queue.declare(queue="q", arguments={"x-max-length": 0, "x-overflow": "reject-publish"}),
         queue.declare(queue="r"),
         queue.bind(queue="q", exchange="x"), queue.bind(queue="r", exchange="x"), confirm.select(),
         publish("x", "", b"1"), basic.get(queue="r"))
scenario("priority queue: order", queue.declare(queue="q", arguments={"x-max-priority": 3}), publish("", "q", b"none"),
         publish("", "q", b"1", priority=1),
         publish("", "q", b"9", priority=9), publish("", "q", b"3", priority=3), publish("", "q", b"0", priority=0),
         publish("", "q", b"2", priority=2),
         GET, GET, GET, GET, GET, GET)
scenario("priority queue: full", queue.declare(queue="q", arguments={"x-max-priority": 3, "x-max-length": 2}),
         publish("", "q", b"1", priority=1),
         publish("", "q", b"3", priority=3), publish("", "q", b"2", priority=2), GET, GET)
scenario("time-to-live: of the queue", queue.declare(queue="q", arguments={"x-message-ttl": 100}),
         publish("", "q", b"1"), pause(0.3), GET)
scenario("time-to-live: zero, no consumer", queue.declare(queue="q", arguments={"x-message-ttl": 0}),
         publish("", "q", b"1"), pause(0.1), GET)
scenario("time-to-live: zero, a consumer", queue.declare(queue="q", arguments={"x-message-ttl": 0}),
         basic.consume(queue="q", consumer_tag="c", no_ack=True),
         publish("", "q", b"1"), publish("", "q", b"2", expiration="0"))
scenario("time-to-live: of a message behind another", Q, publish("", "q", b"1"),
         publish("", "q", b"2", expiration="50"), publish("", "q", b"3"), pause(0.3),
         queue.declare(queue="q", passive=True), GET, GET, GET)

# Dead letters

DEAD = queue.declare(queue="dead")
DEAD_GET = basic.get(queue="dead", no_ack=True)


def dying(**arguments):
    return queue.declare(queue="q", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead",
                                               **{k.replace("_", "-"): v for k, v in arguments.items()}})


scenario("dead letter: rejected", DEAD, dying(), publish("", "q", b"1", headers={"a": 1}, expiration="60000"),
         basic.get(queue="q"),
         basic.reject(delivery_tag=1), DEAD_GET)
scenario("dead letter: nacked, multiple", DEAD, dying(), publish("", "q", b"1"), publish("", "q", b"2"),
         basic.get(queue="q"), basic.get(queue="q"),
         basic.nack(delivery_tag=2, multiple=True), DEAD_GET, DEAD_GET)
scenario("dead letter: expired", DEAD, dying(x_message_ttl=50), publish("", "q", b"1"), pause(0.3), DEAD_GET)
scenario("dead letter: expired by the message's own time", DEAD, dying(), publish("", "q", b"1", expiration="50"),
         pause(0.3), DEAD_GET)
scenario("dead letter: too many", DEAD, dying(x_max_length=1), publish("", "q", b"1"), publish("", "q", b"2"),
         pause(0.1), DEAD_GET)
scenario("dead letter: purge and delete are no death", DEAD, dying(), publish("", "q", b"1"), queue.purge(queue="q"),
         publish("", "q", b"2"),
         queue.delete(queue="q"), pause(0.1), DEAD_GET)
scenario("dead letter: keeps its routing keys", DEAD, queue.declare(queue="q",
         arguments={"x-dead-letter-exchange": "amq.fanout"}),
         queue.bind(queue="dead", exchange="amq.fanout"), publish("", "q", b"1",
         headers={"CC": ["one", "two"], "BCC": ["three"]}), basic.get(queue="q"),
         basic.reject(delivery_tag=1), DEAD_GET)
scenario("dead letter: a new routing key removes CC", DEAD, dying(), publish("", "q", b"1",
         headers={"CC": ["one"], "BCC": ["two"]}), basic.get(queue="q"),
         basic.reject(delivery_tag=1), DEAD_GET)
scenario("dead letter: twice by rejection", DEAD, dying(), queue.declare(queue="dead2"), publish("", "q", b"1"),
         basic.get(queue="q"), basic.reject(delivery_tag=1),
         queue.delete(queue="dead"), queue.declare(queue="dead", arguments={"x-dead-letter-exchange": "",
         "x-dead-letter-routing-key": "dead2"}),
         publish("", "q", b"2", message_id="m"), basic.get(queue="q"), basic.reject(delivery_tag=2),
         basic.get(queue="dead"), basic.reject(delivery_tag=3),
         basic.get(queue="dead2", no_ack=True))
scenario("dead letter: the same queue twice counts", queue.declare(queue="q",
         arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q"}),
         publish("", "q", b"1"), basic.get(queue="q"), basic.reject(delivery_tag=1), basic.get(queue="q"),
         basic.reject(delivery_tag=2), basic.get(queue="q"))
scenario("dead letter: a cycle of expiries ends", queue.declare(queue="q",
         arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q",
         "x-message-ttl": 50}), publish("", "q", b"1"), pause(0.4), queue.declare(queue="q", passive=True))
scenario("dead letter: missing exchange", queue.declare(queue="q", arguments={"x-dead-letter-exchange": "nothing"}),
         publish("", "q", b"1"), basic.get(queue="q"),
         basic.reject(delivery_tag=1), queue.declare(queue="q", passive=True))
scenario("dead letter: persistent message", DEAD, dying(), publish("", "q", b"1", delivery_mode=2, priority=1),
         basic.get(queue="q"), basic.reject(delivery_tag=1), DEAD_GET)
scenario("dead letter: x-death from the publisher", DEAD, dying(), publish("", "q", b"1",
         headers={"x-death": "nonsense"}), basic.get(queue="q"), basic.reject(delivery_tag=1), DEAD_GET)
