"""Queues of type stream: declaring, consuming, and what is not done with them."""

from scenario import basic, group, on, pause, publish, queue, scenario, tx  # fmt: skip
from wire import Typed

group("stream")


def stream(**arguments):
    named = {name.replace("_", "-"): value for name, value in arguments.items()}
    return queue.declare(queue="s", durable=True, arguments={"x-queue-type": "stream", **named})


def consume(offset="first", tag="c", arguments=None, **values):
    return basic.consume(queue="s", consumer_tag=tag, arguments={"x-stream-offset": offset, **(arguments or {})},
                         **values)


S = stream()
QOS = basic.qos(prefetch_count=10)
FILL = (publish("", "s", b"1"), publish("", "s", b"2"), publish("", "s", b"3"), pause(0.5))

# Declaring

scenario("stream: declare, and again", S, S)
scenario("stream: declare, then as a classic queue", S, queue.declare(queue="s", durable=True))
scenario("stream: declare, of a classic queue", queue.declare(queue="s", durable=True), S)
scenario("stream: named by the server", queue.declare(queue="", durable=True, arguments={"x-queue-type": "stream"}))
for name, attributes in {
    "not durable": {}, "exclusive": {"durable": True, "exclusive": True},
    "auto-delete": {"durable": True, "auto_delete": True}, "all of it": {"exclusive": True, "auto_delete": True},
}.items():  # fmt: skip
    scenario(f"stream: {name}", queue.declare(queue="s", arguments={"x-queue-type": "stream"}, **attributes))
for name, value in (
    ("x-max-age", "7D"), ("x-max-age", "1Y"), ("x-max-age", "7X"), ("x-max-age", "0s"), ("x-max-age", "1.5h"),
    ("x-max-age", "1D2h"), ("x-max-age", "7 D"), ("x-max-age", 7), ("x-max-age", True), ("x-max-age", "9999999999D"),
    ("x-max-length-bytes", 0), ("x-max-length-bytes", -1), ("x-max-length-bytes", "a"),
    ("x-stream-max-segment-size-bytes", 0), ("x-stream-max-segment-size-bytes", -1),
    ("x-stream-max-segment-size-bytes", "a"), ("x-stream-max-segment-size-bytes", 3_000_000_000),
    ("x-stream-max-segment-size-bytes", 3_000_000_001), ("x-stream-filter-size-bytes", 16),
    ("x-stream-filter-size-bytes", 255), ("x-initial-cluster-size", 1), ("x-initial-cluster-size", 0),
    ("x-initial-cluster-size", -1), ("x-initial-cluster-size", "a"), ("x-queue-leader-locator", "client-local"),
    ("x-queue-leader-locator", "balanced"), ("x-queue-leader-locator", "nowhere"), ("x-queue-leader-locator", 1),
    ("x-max-length", 1), ("x-message-ttl", 1), ("x-expires", 1), ("x-dead-letter-exchange", "a"),
    ("x-dead-letter-routing-key", "a"), ("x-overflow", "drop-head"), ("x-single-active-consumer", True),
    ("x-single-active-consumer", False), ("x-max-priority", 1), ("x-queue-mode", "lazy"), ("x-delivery-limit", 1),
    ("x-queue-version", 1), ("x-anything", 1),
):  # fmt: skip
    scenario(f"stream: {name} = {value!r}", stream(**{name: value}))
for name, value, other in (
    ("x-max-age", "7D", "168h"), ("x-max-length-bytes", 1000, 2000), ("x-stream-max-segment-size-bytes", 1000, 2000),
    ("x-initial-cluster-size", 1, 2), ("x-queue-leader-locator", "client-local", "balanced"), ("x-anything", 1, 2),
):  # fmt: skip
    scenario(f"stream: inequivalent in {name}", stream(**{name: value}), stream(**{name: other}))
    scenario(f"stream: inequivalent in {name}, which is left out", stream(**{name: value}), S)
    scenario(f"stream: inequivalent in {name}, which is new", S, stream(**{name: value}))

# Consuming

for name, offset in {
    "first": "first", "last": "last", "next": "next", "0": 0, "2": 2, "-1": -1, "100": 100, "1h": "1h", "0s": "0s",
    "10X": "10X", "'5'": "5", "1.5h": "1.5h", "a time in 2001": Typed("T", 1_000_000_000),
    "a time in 2100": Typed("T", 4_102_444_800),
}.items():  # fmt: skip
    scenario(f"stream: consume from {name}", S, *FILL, QOS, consume(offset))
scenario("stream: consume without an offset", S, *FILL, QOS, basic.consume(queue="s", consumer_tag="c"),
         publish("", "s", b"4"))
scenario("stream: consume without a prefetch", S, consume())
scenario("stream: consume without a prefetch, and no-ack", S, consume(no_ack=True))
scenario("stream: consume without a prefetch, and a wrong argument", S, consume(arguments={"x-priority": 1}))
scenario("stream: consume with no-ack", S, QOS, consume(no_ack=True))
scenario("stream: consume with a global prefetch", S, basic.qos(prefetch_count=10, global_=True), consume())
scenario("stream: consume with both kinds of prefetch", S, QOS, basic.qos(prefetch_count=10, global_=True), consume())
scenario("stream: consume exclusively, and another beside it", S, *FILL, QOS, consume(exclusive=True),
         on(2, QOS), on(2, consume()))
for name, value in (("x-priority", 1), ("x-priority", "a"), ("x-cancel-on-ha-failover", True), ("x-anything", 1)):
    scenario(f"stream: consumer argument {name} = {value!r}", S, QOS, consume(arguments={name: value}))
scenario("stream: a prefetch of two, and credit", S, *FILL, basic.qos(prefetch_count=2), consume(),
         basic.ack(delivery_tag=1), basic.ack(delivery_tag=2))
scenario("stream: acknowledged all at once", S, *FILL, basic.qos(prefetch_count=2), consume(),
         basic.ack(delivery_tag=2, multiple=True))
scenario("stream: acknowledged twice", S, *FILL, QOS, consume(), basic.ack(delivery_tag=1), basic.ack(delivery_tag=1))
scenario("stream: cancel", S, *FILL, basic.qos(prefetch_count=2), consume(), basic.cancel(consumer_tag="c"),
         basic.ack(delivery_tag=2, multiple=True))
scenario("stream: deleted under a consumer", S, *FILL, QOS, consume(), on(2, queue.delete(queue="s")))
scenario("stream: headers stay, and the offset is the broker's", S,
         publish("", "s", b"1", headers={"a": 1, "x-stream-offset": 77}), pause(0.5), QOS, consume())

# What is not done with them

scenario("stream: basic.get", S, *FILL, basic.get(queue="s"))
scenario("stream: queue.purge", S, *FILL, queue.purge(queue="s"))
for name, settlement in {
    "nack": basic.nack(delivery_tag=1, requeue=True), "nack without requeue": basic.nack(delivery_tag=1),
    "nack of several": basic.nack(delivery_tag=3, multiple=True, requeue=True),
    "reject": basic.reject(delivery_tag=1, requeue=True), "reject without requeue": basic.reject(delivery_tag=1),
}.items():  # fmt: skip
    scenario(f"stream: {name}", S, *FILL, QOS, consume(), settlement)
scenario("stream: nack in a transaction", S, *FILL, tx.select(), QOS, consume(), basic.nack(delivery_tag=1),
         tx.commit())
scenario("stream: recover", S, *FILL, QOS, consume(), basic.recover(requeue=True))
scenario("stream: delete if unused", S, *FILL, QOS, consume(), on(2, queue.delete(queue="s", if_unused=True)))
scenario("stream: delete if empty", S, *FILL, queue.delete(queue="s", if_empty=True))
scenario("stream: counts", S, *FILL, S, queue.declare(queue="s", passive=True))
