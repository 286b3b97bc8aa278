"""pika with stream queues, against the broker at AMQP_PORT.

What RabbitMQ learnt after 3.10 is left out where the broker says that it is older: that are dead letters in streams and
filters.
"""

import datetime
import time

import pika
from pika import exceptions

from behaviour import HOST, PORT, behaviour, expect, expect_in, expect_raises, run, unique, wait_until


class Client:
    """One connection with one channel in confirm mode; deletes its streams."""

    def __enter__(self):
        self.connection = pika.BlockingConnection(pika.ConnectionParameters(HOST, PORT))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.streams = []
        return self

    def __exit__(self, *_):
        try:
            if self.connection.is_open:
                self.connection.close()
        except exceptions.ConnectionClosedByBroker:
            pass  # pika gives back what it has not handed out, and RabbitMQ 3 takes nothing back from a stream
        with pika.BlockingConnection(pika.ConnectionParameters(HOST, PORT)) as connection:
            for name in self.streams:
                connection.channel().queue_delete(name)

    def stream(self, **arguments):
        name = unique("stream")
        self.streams.append(name)
        self.channel.queue_declare(name, durable=True, arguments={"x-queue-type": "stream", **arguments})
        return name

    def publish(self, stream, *bodies, **properties):
        for body in bodies:
            self.channel.basic_publish("", stream, body, pika.BasicProperties(**properties), mandatory=True)

    def filled(self, count, **arguments):
        name = self.stream(**arguments)
        self.publish(name, *[b"%d" % i for i in range(count)])
        return name

    def new_channel(self, prefetch=100):
        channel = self.connection.channel()
        channel.basic_qos(prefetch_count=prefetch)
        return channel

    def reader(self, stream, offset="first", prefetch=100, acknowledge=True, **arguments):
        return Reader(self, stream, offset, prefetch, acknowledge, arguments)

    def is_since(self, *version):
        told = self.connection._impl.server_properties["version"]
        return tuple(int(part) for part in told.split(".")[:2]) >= version


class Reader:
    """A consumer on a channel of its own, and what it has received."""

    def __init__(self, client, stream, offset, prefetch, acknowledge, arguments):
        self.connection = client.connection
        self.acknowledge = acknowledge
        self.received = []
        self.channel = client.new_channel(prefetch)
        if offset is not None:
            arguments["x-stream-offset"] = offset
        self.tag = self.channel.basic_consume(stream, self.take, arguments=arguments)

    def take(self, channel, deliver, properties, body):
        self.received.append((deliver, properties, body))
        if self.acknowledge:
            channel.basic_ack(deliver.delivery_tag)

    def bodies(self, count):
        wait_until(lambda: len(self.received) >= count, lambda: self.connection.process_data_events(0.05))
        return [body for _, _, body in self.received]

    def offsets(self, count):
        self.bodies(count)
        return [properties.headers["x-stream-offset"] for _, properties, _ in self.received]

    def expect_no_more(self):
        count = len(self.received)
        self.connection.process_data_events(0.3)
        expect(len(self.received), count, "messages received")


def numbers(first, last):
    return [b"%d" % i for i in range(first, last)]


def refusal(client, action):
    """What the broker closes the connection with."""
    error = expect_raises(exceptions.ConnectionClosedByBroker, action)
    return error.reply_code, error.reply_text


def channel_refusal(action):
    error = expect_raises(exceptions.ChannelClosedByBroker, action)
    return error.reply_code, error.reply_text


# --- reading


@behaviour("a stream is read from its first message by one consumer after the other")
def _(client):
    stream = client.filled(10)
    for _ in range(2):
        expect(client.reader(stream).bodies(10), numbers(0, 10), "bodies")


@behaviour("each delivery has its offset as header x-stream-offset, beside the headers of the message")
def _(client):
    stream = client.stream()
    client.publish(stream, b"a", headers={"mine": "x"}, content_type="text/plain", message_id="7")
    client.publish(stream, b"b")
    reader = client.reader(stream)
    offsets = reader.offsets(2)
    expect(offsets[0], 0, "the first offset")
    if offsets[1] <= offsets[0]:
        raise AssertionError(f"offsets do not rise: {offsets}")
    _, properties, _ = reader.received[0]
    expect(properties.headers["mine"], "x", "header")
    expect((properties.content_type, properties.message_id), ("text/plain", "7"), "properties")


@behaviour("without an offset a consumer gets what comes after it")
def _(client):
    stream = client.filled(3)
    reader = client.reader(stream, offset=None)
    reader.expect_no_more()
    client.publish(stream, b"new")
    expect(reader.bodies(1), [b"new"], "bodies")


@behaviour("a consumer at the end gets new messages as they come")
def _(client):
    stream = client.filled(3)
    reader = client.reader(stream)
    expect(reader.bodies(3), numbers(0, 3), "bodies")
    for i in range(3, 6):
        client.publish(stream, b"%d" % i)
        expect(reader.bodies(i + 1), numbers(0, i + 1), "bodies")


@behaviour("an integer is the offset to begin at")
def _(client):
    stream = client.filled(10)
    expect(client.reader(stream, offset=4).bodies(6), numbers(4, 10), "bodies")


@behaviour("an offset that lies ahead is waited for")
def _(client):
    stream = client.filled(2)
    reader = client.reader(stream, offset=4)
    client.publish(stream, b"2", b"3", b"4")
    expect(reader.bodies(1), [b"4"], "bodies")


@behaviour("'last' begins with the last messages, 'next' behind them")
def _(client):
    stream = client.filled(5)
    last, following = client.reader(stream, offset="last"), client.reader(stream, offset="next")
    client.publish(stream, b"5")
    expect(last.bodies(2)[-2:], [b"4", b"5"], "bodies of the one")
    expect(following.bodies(1), [b"5"], "bodies of the other")


@behaviour("a timestamp, or a span of time, begins with what came since")
def _(client):
    stream = client.filled(3)
    time.sleep(2.1)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    client.publish(stream, b"late")
    since = now - datetime.timedelta(seconds=1)
    expect(client.reader(stream, offset=since).bodies(1), [b"late"], "bodies since a second ago")
    expect(client.reader(stream, offset="1h").bodies(4), numbers(0, 3) + [b"late"], "bodies since an hour ago")


@behaviour("a timestamp in the future is the end")
def _(client):
    stream = client.filled(3)
    reader = client.reader(stream, offset=datetime.datetime(2100, 1, 1))
    reader.expect_no_more()


@behaviour("the prefetch bounds what is unacknowledged, and an acknowledgement gives credit")
def _(client):
    stream = client.filled(10)
    reader = client.reader(stream, prefetch=3, acknowledge=False)
    reader.bodies(3)
    reader.expect_no_more()
    reader.channel.basic_ack(reader.received[1][0].delivery_tag, multiple=True)
    expect(reader.bodies(5), numbers(0, 5), "bodies")
    reader.expect_no_more()


@behaviour("what was not acknowledged is read again by the next consumer, as any message")
def _(client):
    stream = client.filled(3)
    reader = client.reader(stream, acknowledge=False)
    reader.bodies(3)
    reader.channel.close()
    again = client.reader(stream)
    expect(again.bodies(3), numbers(0, 3), "bodies")
    expect([deliver.redelivered for deliver, _, _ in again.received], [False] * 3, "redelivered")


@behaviour("many consumers read a long stream, each all of it and in order")
def _(client):
    stream = client.stream()
    publisher = client.connection.channel()
    bodies = [b"%d " % i + b"x" * 500 for i in range(3000)]
    for body in bodies:
        publisher.basic_publish("", stream, body)
    readers = [client.reader(stream, prefetch=500) for _ in range(4)]
    for reader in readers:
        expect(reader.bodies(3000), bodies, "bodies")


@behaviour("an exchange routes to a stream as to any queue")
def _(client):
    stream = client.stream()
    client.channel.queue_bind(stream, "amq.topic", f"{stream}.#")
    client.channel.basic_publish("amq.topic", f"{stream}.a", b"routed", mandatory=True)
    reader = client.reader(stream)
    expect(reader.bodies(1), [b"routed"], "bodies")
    deliver = reader.received[0][0]
    expect((deliver.exchange, deliver.routing_key), ("amq.topic", f"{stream}.a"), "exchange and key")


@behaviour("a stream keeps transient messages, and dead letters")
def _(client):
    stream = client.stream()
    client.publish(stream, b"transient", delivery_mode=1)
    if not client.is_since(3, 12):
        return
    source = client.channel.queue_declare("", exclusive=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": stream, "x-message-ttl": 1}).method.queue
    client.channel.basic_publish("", source, b"dead")
    reader = client.reader(stream)
    expect(reader.bodies(2), [b"transient", b"dead"], "bodies")
    expect(reader.received[1][1].headers["x-death"][0]["queue"], source, "queue of the death")


@behaviour("consumers are told when their stream is deleted")
def _(client):
    stream = client.filled(1)
    cancelled = []
    channel = client.new_channel()
    channel.add_on_cancel_callback(cancelled.append)
    channel.basic_consume(stream, lambda *_: None)
    client.channel.queue_delete(stream)
    wait_until(lambda: cancelled, lambda: client.connection.process_data_events(0.05))


@behaviour("a cancelled consumer gets no more, and its deliveries can still be acknowledged")
def _(client):
    stream = client.filled(5)
    reader = client.reader(stream, prefetch=2, acknowledge=False)
    reader.bodies(2)
    reader.channel.basic_cancel(reader.tag)
    reader.channel.basic_ack(2, multiple=True)
    reader.expect_no_more()
    expect(reader.channel.is_open, True, "channel is open")


# --- retention


@behaviour("max-length-bytes drops the oldest segments and keeps the newest messages")
def _(client):
    stream = client.stream(**{"x-max-length-bytes": 5000, "x-stream-max-segment-size-bytes": 1000})
    client.publish(stream, *[b"%03d" % i + b"x" * 200 for i in range(100)])
    reader = client.reader(stream)
    wait_until(lambda: reader.received and reader.received[-1][2].startswith(b"099"),
               lambda: client.connection.process_data_events(0.05))
    kept = [int(body[:3]) for _, _, body in reader.received]
    expect(kept, list(range(kept[0], 100)), "what is kept")
    if not 5 <= len(kept) <= 30:
        raise AssertionError(f"{len(kept)} messages are kept of 100")


# --- refusals


@behaviour("a stream is durable, not exclusive and not deleted by itself, and its client names it")
def _(client):
    for how, word in ({"durable": False}, "non-durable"), ({"exclusive": True}, "exclusive-owner"), (
            {"auto_delete": True}, "auto-delete"):
        name = unique("stream")
        attributes = {"durable": True, **how}
        code, text = channel_refusal(lambda: client.connection.channel().queue_declare(
            name, arguments={"x-queue-type": "stream"}, **attributes))
        expect((code, text), (406, f"PRECONDITION_FAILED - invalid property '{word}' for queue '{name}' in vhost '/'"),
               "refusal")
    code, text = channel_refusal(lambda: client.connection.channel().queue_declare(
        "", durable=True, arguments={"x-queue-type": "stream"}))
    expect_in("Cannot declare a server-named queue for type rabbit_stream_queue", text)


@behaviour("arguments are checked, and compared when a stream is declared again")
def _(client):
    name = unique("stream")

    def declare(name, **arguments):
        client.connection.channel().queue_declare(name, durable=True,
                                                  arguments={"x-queue-type": "stream", **arguments})

    for argument, value, why in (("x-max-age", "7X", ": invalid_max_age"),
                                 ("x-initial-cluster-size", 0, ": {value_zero,0}"),
                                 ("x-queue-leader-locator", "nowhere", ": invalid_queue_locator_arg"),
                                 ("x-max-length", 1, " of queue type rabbit_stream_queue")):
        expect(channel_refusal(lambda: declare(name, **{argument: value})),
               (406, f"PRECONDITION_FAILED - invalid arg '{argument}' for queue '{name}' in vhost '/'{why}"), "refusal")
    expect(channel_refusal(lambda: declare(name, **{"x-stream-max-segment-size-bytes": 3_000_000_001})),
           (406, "PRECONDITION_FAILED - Exceeded max value for x-stream-max-segment-size-bytes"), "refusal")
    stream = client.stream(**{"x-max-age": "7D"})
    declare(stream, **{"x-max-age": "7D"})
    expect_in("inequivalent arg 'x-max-age'", channel_refusal(lambda: declare(stream, **{"x-max-age": "8D"}))[1])


@behaviour("a consumer needs a prefetch, and an offset that can be understood")
def _(client):
    stream = client.stream()
    expect(channel_refusal(lambda: client.connection.channel().basic_consume(stream, lambda *_: None)),
           (406, f"PRECONDITION_FAILED - consumer prefetch count is not set for 'queue '{stream}' in vhost '/''"),
           "refusal")
    expect(channel_refusal(lambda: client.reader(stream, offset="10X")),
           (406, f"PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue '{stream}' in vhost '/': "
                 '{invalid_stream_offset_arg,{longstr,<<"10X">>}}'), "refusal")
    expect_in("of queue type rabbit_stream_queue",
              channel_refusal(lambda: client.reader(stream, **{"x-priority": 1}))[1])


@behaviour("a consumer of a stream acknowledges")
def _(client):
    stream = client.stream()
    expect(refusal(client, lambda: client.new_channel().basic_consume(stream, lambda *_: None, auto_ack=True)),
           (540, f"NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues queue '{stream}' in "
                 "vhost '/'"), "refusal")


@behaviour("basic.get is refused")
def _(client):
    stream = client.filled(1)
    expect(refusal(client, lambda: client.channel.basic_get(stream)),
           (540, f"NOT_IMPLEMENTED - basic.get not supported by stream queues queue '{stream}' in vhost '/'"),
           "refusal")


@behaviour("queue.purge is refused")
def _(client):
    stream = client.filled(1)
    expect(refusal(client, lambda: client.channel.queue_purge(stream)),
           (540, f"NOT_IMPLEMENTED - queue.purge not supported by stream queues queue '{stream}' in vhost '/'"),
           "refusal")


@behaviour("basic.nack and basic.reject give credit and nothing else")
def _(client):
    if not client.is_since(4):
        return
    stream = client.filled(3)
    reader = client.reader(stream, prefetch=1, acknowledge=False)
    reader.bodies(1)
    reader.channel.basic_nack(1)
    reader.bodies(2)
    reader.channel.basic_reject(2, requeue=False)
    expect(reader.bodies(3), [b"0", b"1", b"2"], "bodies")


# --- filters


@behaviour("a consumer with a filter gets what matches it, and what has no value where it asks for that")
def _(client):
    if not client.is_since(3, 13):
        return
    stream = client.stream()
    for body, value in (b"1", "a"), (b"2", "b"), (b"3", None), (b"4", "c"), (b"5", "a"):
        headers = {"x-stream-filter-value": value} if value else {}
        client.publish(stream, body, headers=headers)
    # A filter may let others pass: the client looks again.
    one = client.reader(stream, **{"x-stream-filter": "a"})
    expect([body for body in one.bodies(2) if body in (b"1", b"5")], [b"1", b"5"], "bodies of a")
    two = client.reader(stream, **{"x-stream-filter": ["b", "c"], "x-stream-match-unfiltered": True})
    expect([body for body in two.bodies(3) if body in (b"2", b"3", b"4")], [b"2", b"3", b"4"], "bodies of b and c")


run(Client)
