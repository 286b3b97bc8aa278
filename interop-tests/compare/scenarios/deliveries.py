"""basic.consume and what follows: consumers, prefetch, acknowledgement, redelivery, direct reply-to."""

from scenario import (
    basic, by, channel, closed, confirm, connection, group, hang_up, on, pause, perform, publish, queue,
    quietly_connected, scenario, scenario_of, tx,
)  # fmt: skip
from wire import Typed

group("delivery")

Q = queue.declare(queue="q")
STATE = queue.declare(queue="q", passive=True)
GET = basic.get(queue="q", no_ack=True)


def consume(tag="c", queue_name="q", **values):
    return basic.consume(queue=queue_name, consumer_tag=tag, **values)


def fill(*bodies, **properties):
    """Publishes the bodies to q."""

    def run(session, client, number):
        for content in bodies:
            publish("", "q", content, **properties)(session, client, number)

    return run


# Consuming

scenario("basic.consume: delivers in order", Q, fill(b"1", b"2"), consume(), fill(b"3"))
scenario("basic.consume: no-ack", Q, fill(b"1", b"2"), consume(no_ack=True), STATE, basic.ack(delivery_tag=1))
scenario("basic.consume: nowait", Q, fill(b"1"), consume(nowait=True))
scenario("basic.consume: nowait with an empty tag", Q, consume("", nowait=True), fill(b"1"))
scenario("basic.consume: empty tag", Q, consume(""), fill(b"1"))
scenario("basic.consume: missing queue", consume(queue_name="nothing"))
scenario("basic.consume: missing queue, nowait", consume(queue_name="nothing", nowait=True))
scenario("basic.consume: tag in use on the channel", Q, consume(), consume(), closed(seconds=0.5))
scenario("basic.consume: tag in use on another channel", Q, consume(), on(2, consume()))
scenario("basic.consume: tag in use, missing queue", Q, consume(), consume(queue_name="nothing"))
scenario("basic.consume: tag free again after cancel", Q, consume(), basic.cancel(consumer_tag="c"), consume())
scenario("basic.consume: tag that is not UTF-8", Q, consume(b"\xff"))
scenario("basic.consume: tag with CR and LF", Q, consume("c\r\nd"), fill(b"1"))
scenario("basic.consume: tag of 255 octets", Q, consume("c" * 255), fill(b"1"))
scenario("basic.consume: tag with a reserved beginning", Q, consume("amq.mine"), fill(b"1"))
scenario("basic.consume: exclusive, then another", Q, consume(exclusive=True), on(2, consume("d")))
scenario("basic.consume: exclusive, then another exclusive", Q, consume(exclusive=True),
         by("b", consume("d", exclusive=True)))
scenario("basic.consume: exclusive, after another", Q, consume(), on(2, consume("d", exclusive=True)))
scenario("basic.consume: exclusive and free again", Q, consume(exclusive=True), basic.cancel(consumer_tag="c"),
         on(2, consume("d", exclusive=True)))
scenario("basic.consume: exclusive on the same channel twice", Q, consume(exclusive=True), consume("d"))
scenario("basic.consume: no-local is ignored", Q, consume(no_local=True), fill(b"1"))
for name, arguments in {
    "x-priority 5": {"x-priority": 5}, "x-priority -1": {"x-priority": -1}, "x-priority '5'": {"x-priority": "5"},
    "x-priority true": {"x-priority": True}, "x-priority 1.5": {"x-priority": 1.5},
    "x-priority void": {"x-priority": None},
    "unknown": {"x-anything": 1}, "x-cancel-on-ha-failover": {"x-cancel-on-ha-failover": True},
    "x-cancel-on-ha-failover 1": {"x-cancel-on-ha-failover": 1}, "x-stream-offset": {"x-stream-offset": "first"},
    "x-credit": {"x-credit": {"credit": 1, "drain": False}}, "x-priority long": {"x-priority": Typed("l", 2**40)},
}.items():  # fmt: skip
    scenario(f"basic.consume: argument {name}", Q, consume(arguments=arguments), fill(b"1"))
scenario("basic.consume: several consumers take turns", Q, consume("c"), consume("d"), on(2, consume("e")),
         fill(b"1", b"2", b"3", b"4", b"5", b"6"))
scenario("basic.consume: higher priority first", Q, basic.qos(prefetch_count=1),
         consume("low", arguments={"x-priority": -1}),
         consume("middle"), consume("high", arguments={"x-priority": 10}), fill(b"1", b"2", b"3", b"4"),
         basic.ack(delivery_tag=1), basic.ack(delivery_tag=2))
scenario("basic.consume: from two queues the tags rise", Q, queue.declare(queue="r"), fill(b"1"),
         publish("", "r", b"2"), consume(), consume("d", "r"),
         fill(b"3"), publish("", "r", b"4"))
scenario("basic.consume: single active consumer", queue.declare(queue="q",
         arguments={"x-single-active-consumer": True}), consume("c"), consume("d"),
         fill(b"1", b"2"), basic.cancel(consumer_tag="c"), fill(b"3"), STATE)
scenario("basic.consume: single active consumer, exclusive", queue.declare(queue="q",
         arguments={"x-single-active-consumer": True}), consume(exclusive=True))
scenario("basic.consume: exclusive queue of another connection", queue.declare(queue="q", exclusive=True),
         by("b", consume()))
scenario("basic.consume: the client's own exclusive queue, consumed exclusively",
         queue.declare(queue="q", exclusive=True), consume(exclusive=True), consume("d"))

# Cancelling

scenario("basic.cancel: unknown tag", basic.cancel(consumer_tag="nothing"))
scenario("basic.cancel: unknown tag, nowait", basic.cancel(consumer_tag="nothing", nowait=True))
scenario("basic.cancel: of another channel", Q, consume(), on(2, basic.cancel(consumer_tag="c")), fill(b"1"))
scenario("basic.cancel: nowait", Q, consume(), basic.cancel(consumer_tag="c", nowait=True), fill(b"1"), STATE)
scenario("basic.cancel: unacknowledged messages stay", Q, fill(b"1"), consume(), basic.cancel(consumer_tag="c"), STATE,
         basic.ack(delivery_tag=1), STATE)
scenario("basic.cancel: unacknowledged messages can be requeued", Q, fill(b"1"), consume(),
         basic.cancel(consumer_tag="c"),
         basic.reject(delivery_tag=1, requeue=True), GET)
scenario("basic.cancel: told when the queue goes", Q, consume(), by("b", queue.delete(queue="q")),
         basic.cancel(consumer_tag="c"))
scenario("basic.cancel: not told without the capability", quietly_connected(capabilities={}), Q, consume(),
         by("b", queue.delete(queue="q")), consume())
scenario("basic.cancel: messages of a deleted queue can be acknowledged", Q, fill(b"1"), consume(),
         by("b", queue.delete(queue="q")),
         basic.ack(delivery_tag=1), basic.qos(prefetch_count=1))

# Prefetch

scenario("basic.qos: prefetch-size", basic.qos(prefetch_size=1))
scenario("basic.qos: prefetch-size, global", basic.qos(prefetch_size=1, prefetch_count=1, global_=True))
scenario("basic.qos: per consumer", basic.qos(prefetch_count=1), Q, fill(b"1", b"2", b"3", b"4"), consume("c"),
         consume("d"), basic.ack(delivery_tag=1), basic.ack(delivery_tag=2))
scenario("basic.qos: global", basic.qos(prefetch_count=2, global_=True), Q, fill(b"1", b"2", b"3", b"4"), consume("c"),
         consume("d"), basic.ack(delivery_tag=1))
scenario("basic.qos: both", basic.qos(prefetch_count=1), basic.qos(prefetch_count=3, global_=True), Q,
         fill(b"1", b"2", b"3", b"4", b"5"), consume("c"), consume("d"),
         basic.ack(delivery_tag=2, multiple=True))
scenario("basic.qos: later value is for later consumers", basic.qos(prefetch_count=1), Q, fill(b"1", b"2", b"3", b"4"),
         consume("c"), basic.qos(prefetch_count=2), basic.ack(delivery_tag=1), consume("d"))
scenario("basic.qos: global is for all at once", Q, fill(b"1", b"2", b"3", b"4"),
         basic.qos(prefetch_count=1, global_=True), consume("c"), basic.qos(prefetch_count=3, global_=True))
scenario("basic.qos: global lowered", Q, fill(b"1", b"2", b"3", b"4"), basic.qos(prefetch_count=3, global_=True),
         consume("c"), basic.qos(prefetch_count=1, global_=True),
         basic.ack(delivery_tag=2, multiple=True), basic.ack(delivery_tag=3))
scenario("basic.qos: global counts what was delivered before", Q, fill(b"1", b"2", b"3", b"4"),
         basic.qos(prefetch_count=2), consume("c"), basic.qos(prefetch_count=1, global_=True),
         basic.ack(delivery_tag=1), basic.ack(delivery_tag=2))
scenario("basic.qos: global 0 is no limit", Q, fill(b"1", b"2", b"3"), basic.qos(prefetch_count=1, global_=True),
         consume("c"), basic.qos(prefetch_count=0, global_=True))
scenario("basic.qos: no-ack consumers ignore it", basic.qos(prefetch_count=1), Q, fill(b"1", b"2", b"3"),
         consume("c", no_ack=True))
scenario("basic.qos: no-ack consumers ignore the global one", basic.qos(prefetch_count=1, global_=True), Q,
         fill(b"1", b"2", b"3"), consume("c", no_ack=True))
scenario("basic.qos: messages of basic.get count for the global one", basic.qos(prefetch_count=1, global_=True), Q,
         fill(b"1", b"2"), basic.get(queue="q"), consume("c"), basic.ack(delivery_tag=1))
scenario("basic.qos: 65535", basic.qos(prefetch_count=65535))

# Settling

scenario("basic.ack: one", Q, fill(b"1"), basic.get(queue="q"), basic.ack(delivery_tag=1), STATE)
scenario("basic.ack: unknown tag", basic.ack(delivery_tag=99))
scenario("basic.ack: unknown tag, multiple", Q, fill(b"1"), basic.get(queue="q"),
         basic.ack(delivery_tag=99, multiple=True))
scenario("basic.ack: tag 0", basic.ack(delivery_tag=0))
scenario("basic.ack: tag 0, multiple, nothing to acknowledge", basic.ack(delivery_tag=0, multiple=True), Q)
scenario("basic.ack: tag 0, multiple", Q, fill(b"1", b"2"), basic.get(queue="q"), basic.get(queue="q"),
         basic.ack(delivery_tag=0, multiple=True), channel.close(), channel.open(), STATE)
scenario("basic.ack: tag 0 with messages", Q, fill(b"1"), basic.get(queue="q"), basic.ack(delivery_tag=0))
scenario("basic.ack: twice", Q, fill(b"1"), basic.get(queue="q"), basic.ack(delivery_tag=1), basic.ack(delivery_tag=1))
scenario("basic.ack: twice, multiple", Q, fill(b"1", b"2"), basic.get(queue="q"), basic.get(queue="q"),
         basic.ack(delivery_tag=1), basic.ack(delivery_tag=1, multiple=True))
scenario("basic.ack: multiple, over a gap", Q, fill(b"1", b"2", b"3"), consume(), basic.ack(delivery_tag=2),
         basic.ack(delivery_tag=3, multiple=True), channel.close(), channel.open(), STATE)
scenario("basic.ack: multiple of an acknowledged one in the middle", Q, fill(b"1", b"2", b"3"), consume(),
         basic.ack(delivery_tag=2), basic.ack(delivery_tag=2, multiple=True))
scenario("basic.ack: of another channel's tag", Q, fill(b"1"), basic.get(queue="q"), on(2, basic.ack(delivery_tag=1)))
scenario("basic.ack: of a no-ack delivery", Q, fill(b"1"), GET, basic.ack(delivery_tag=1))
scenario("basic.ack: greatest tag", basic.ack(delivery_tag=2**64 - 1))
for name, method in {"reject": basic.reject, "nack": basic.nack}.items():
    scenario(f"basic.{name}: unknown tag", method(delivery_tag=99))
    scenario(f"basic.{name}: tag 0", method(delivery_tag=0))
    scenario(f"basic.{name}: after ack", Q, fill(b"1"), basic.get(queue="q"), basic.ack(delivery_tag=1),
             method(delivery_tag=1))
    scenario(f"basic.{name}: without requeue drops", Q, fill(b"1"), basic.get(queue="q"), method(delivery_tag=1), STATE)
    scenario(f"basic.{name}: with requeue sets redelivered", Q, fill(b"1"), basic.get(queue="q"),
             method(delivery_tag=1, requeue=True), basic.get(queue="q"))
    scenario(f"basic.{name}: with requeue, in its place", Q, fill(b"1", b"2", b"3"), basic.get(queue="q"),
             basic.get(queue="q"), method(delivery_tag=2, requeue=True),
             method(delivery_tag=1, requeue=True), GET, GET, GET)
    scenario(f"basic.{name}: with requeue behind a later one", Q, fill(b"1", b"2", b"3"), basic.get(queue="q"),
             basic.get(queue="q"), basic.get(queue="q"), method(delivery_tag=3, requeue=True),
             method(delivery_tag=1, requeue=True), GET, GET)
    scenario(f"basic.{name}: of another consumer's, requeued to its consumer", Q, basic.qos(prefetch_count=1),
             consume("c"), fill(b"1"), method(delivery_tag=1, requeue=True))
scenario("basic.nack: multiple, requeue", Q, fill(b"1", b"2", b"3"), consume(), basic.cancel(consumer_tag="c"),
         basic.nack(delivery_tag=2, multiple=True, requeue=True), GET, GET, GET)
scenario("basic.nack: tag 0, multiple, nothing", basic.nack(delivery_tag=0, multiple=True), Q)
scenario("basic.nack: tag 0, multiple, requeue", Q, fill(b"1", b"2"), basic.get(queue="q"), basic.get(queue="q"),
         basic.nack(delivery_tag=0, multiple=True, requeue=True), GET, GET)
scenario("basic.nack: unknown tag, multiple", basic.nack(delivery_tag=5, multiple=True))

# Recovering

scenario("basic.recover: requeue, nothing unacknowledged", basic.recover(requeue=True))
scenario("basic.recover: requeue", Q, fill(b"1", b"2"), basic.get(queue="q"), basic.get(queue="q"),
         basic.recover(requeue=True), GET, GET)
scenario("basic.recover: requeue with a consumer", Q, fill(b"1", b"2"), consume(), basic.recover(requeue=True))
scenario("basic.recover: requeue makes old tags unknown", Q, fill(b"1"), basic.get(queue="q"),
         basic.recover(requeue=True), basic.ack(delivery_tag=1))
scenario("basic.recover: without requeue", basic.recover(requeue=False))
scenario("basic.recover: without requeue, messages unacknowledged", Q, fill(b"1"), basic.get(queue="q"),
         basic.recover(requeue=False))
scenario("basic.recover-async: requeue", Q, fill(b"1"), basic.get(queue="q"), basic.recover_async(requeue=True), GET)
scenario("basic.recover-async: without requeue", basic.recover_async(requeue=False))

# Redelivery

scenario("redelivery: after channel.close, in order", Q, fill(b"1", b"2", b"3"), on(2, consume(), channel.close()), GET,
         GET, GET)
scenario("redelivery: after connection.close", Q, fill(b"1", b"2"), by("b", consume(), on(0, connection.close())), GET,
         GET)
scenario("redelivery: after the client hangs up", Q, fill(b"1", b"2"), by("b", consume(), hang_up()), pause(0.3), GET,
         GET)
scenario("redelivery: to another consumer", Q, by("b", consume()), fill(b"1", b"2"), consume("d"),
         by("b", on(0, connection.close())))
scenario("redelivery: of a quorum queue counts", queue.declare(queue="q", durable=True,
         arguments={"x-queue-type": "quorum"}), fill(b"1"), pause(0.3), basic.get(queue="q"),
         basic.reject(delivery_tag=1, requeue=True), pause(0.2), basic.get(queue="q"))
scenario("redelivery: not set for a message nobody got", Q, fill(b"1", b"2"), basic.qos(prefetch_count=1), consume(),
         basic.cancel(consumer_tag="c"), basic.reject(delivery_tag=1, requeue=True), GET, GET)

# Direct reply-to

REPLY_TO = "amq.rabbitmq.reply-to"
scenario("direct reply-to: consume", consume(queue_name=REPLY_TO, no_ack=True))
scenario("direct reply-to: consume with acknowledgement", consume(queue_name=REPLY_TO))
scenario("direct reply-to: consume twice", consume(queue_name=REPLY_TO, no_ack=True),
         consume("d", queue_name=REPLY_TO, no_ack=True))
scenario("direct reply-to: consume exclusively", consume(queue_name=REPLY_TO, no_ack=True, exclusive=True))
scenario("direct reply-to: consume, nowait", consume(queue_name=REPLY_TO, no_ack=True, nowait=True))
scenario("direct reply-to: empty consumer tag", consume("", queue_name=REPLY_TO, no_ack=True))
scenario("direct reply-to: cancel and consume again", consume(queue_name=REPLY_TO, no_ack=True),
         basic.cancel(consumer_tag="c"), consume(queue_name=REPLY_TO, no_ack=True))
scenario("direct reply-to: publish without a consumer", Q, publish("", "q", b"1", reply_to=REPLY_TO))
scenario("direct reply-to: publish without a consumer, to a missing exchange",
         publish("x", "q", b"1", reply_to=REPLY_TO))
scenario("direct reply-to: publish without a consumer, on a channel beside one", Q,
         consume(queue_name=REPLY_TO, no_ack=True), on(2, publish("", "q", b"1", reply_to=REPLY_TO)))
scenario("direct reply-to: the name a server sees", Q, consume(queue_name=REPLY_TO, no_ack=True),
         publish("", "q", b"1", reply_to=REPLY_TO), by("b", GET))
scenario("direct reply-to: publish to the bare name", publish("", REPLY_TO, b"1", mandatory=True))
scenario("direct reply-to: publish to a malformed name", publish("", REPLY_TO + ".nonsense", b"1", mandatory=True))
scenario("direct reply-to: publish to the bare name with a consumer", consume(queue_name=REPLY_TO, no_ack=True),
         publish("", REPLY_TO, b"1", mandatory=True))
for name, method in {"get": basic.get(queue=REPLY_TO), "purge": queue.purge(queue=REPLY_TO),
        "delete": queue.delete(queue=REPLY_TO),
                     "bind": queue.bind(queue=REPLY_TO, exchange="amq.direct", routing_key="k"),
                     "unbind": queue.unbind(queue=REPLY_TO, exchange="amq.direct", routing_key="k")}.items():
    scenario(f"direct reply-to: {name}", method)
scenario("direct reply-to: bind with a consumer", consume(queue_name=REPLY_TO, no_ack=True),
         queue.bind(queue=REPLY_TO, exchange="amq.direct", routing_key="k"))
scenario("direct reply-to: declare with other attributes", queue.declare(queue=REPLY_TO, durable=True, exclusive=True,
         arguments={"x-message-ttl": -1}))


def asked(session):
    """A request has gone from "a" to "b"; the name to answer to."""
    session.send(Q)
    session.send(consume(queue_name=REPLY_TO, no_ack=True))
    publish("", "q", b"request", reply_to=REPLY_TO, correlation_id="1")(session, "a", 1)
    session.send(GET, "b")
    return session.clients["b"].last("basic.get-ok")["properties"]["reply-to"]


def after_request(name, *steps):
    """A scenario that goes on with steps made from the name to answer to."""

    @scenario_of("direct reply-to: " + name)
    def _(session):
        reply_to = asked(session)
        for step in steps:
            perform(step(reply_to), session, "a", 1)


after_request("an answer", lambda name: by("b", publish("", name, b"answer", correlation_id="1")))
after_request("two answers", lambda name: by("b", publish("", name, b"one"), publish("", name, b"two")))
after_request("a mandatory answer", lambda name: by("b", publish("", name, b"answer", mandatory=True)))
after_request("an answer in confirm mode", lambda name: by("b", confirm.select(),
              publish("", name, b"answer", mandatory=True)))
after_request("an answer after cancel", lambda name: basic.cancel(consumer_tag="c"),
              lambda name: by("b", publish("", name, b"late", mandatory=True)))
after_request("an answer after the channel is gone", lambda name: channel.close(),
              lambda name: by("b", publish("", name, b"late", mandatory=True)))
after_request("an answer in confirm mode after the channel is gone", lambda name: channel.close(),
              lambda name: by("b", confirm.select(), publish("", name, b"late", mandatory=True)))
after_request("a passive declare of the name", lambda name: by("b", queue.declare(queue=name, passive=True)))
after_request("a declare of the name", lambda name: by("b", queue.declare(queue=name)))
after_request("a declare of the name after the channel is gone", lambda name: channel.close(),
              lambda name: by("b", queue.declare(queue=name, passive=True)))
after_request("a get of the name", lambda name: by("b", basic.get(queue=name)))
after_request("a delete of the name", lambda name: by("b", queue.delete(queue=name)))
after_request("a consumer of the name", lambda name: by("b", consume(queue_name=name, no_ack=True)))
after_request("an answer through another exchange", lambda name: by("b",
              publish("amq.direct", name, b"answer", mandatory=True)))
after_request("an answer in a transaction", lambda name: by("b", tx.select(), publish("", name, b"answer"),
              tx.commit()))
after_request("an answer by CC", lambda name: by("b", publish("", "nothing", b"answer", headers={"CC": [name]},
              mandatory=True)))
