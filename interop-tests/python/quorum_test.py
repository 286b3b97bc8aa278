"""pika with quorum queues, against the broker at AMQP_PORT.

What RabbitMQ learnt with 4.3, priorities and delayed retry, is left out where the broker is an older RabbitMQ.
"""

import time

import pika
from pika import exceptions

from behaviour import HOST, PORT, behaviour, expect, expect_in, expect_raises, run, unique, wait_until


class Client:
    """One connection with one channel in confirm mode; deletes its queues."""

    def __enter__(self):
        self.connection = self.connect()
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.queues = []
        return self

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()
        with self.connect() as connection:
            for name in self.queues:
                connection.channel().queue_delete(name)

    def connect(self):
        return pika.BlockingConnection(pika.ConnectionParameters(HOST, PORT))

    def queue(self, *bodies, **arguments):
        name = unique("quorum")
        self.queues.append(name)
        self.channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum", **arguments})
        for body in bodies:
            self.publish(name, body)
        return name

    def queue_with_letters(self, *bodies, **arguments):
        """And the queue that its dead letters go to."""
        letters = self.queue()
        arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": letters}
        return self.queue(*bodies, **arguments), letters

    def publish(self, queue, body, **properties):
        self.channel.basic_publish("", queue, body, pika.BasicProperties(**properties), mandatory=True)

    def get(self, queue, seconds=5):
        """Waits until there is one."""
        got = []

        def look():
            method, properties, body = self.channel.basic_get(queue)
            if method:
                got.append((method, properties, body))
            else:
                self.connection.process_data_events(0.02)

        wait_until(lambda: got, look, seconds)
        return got[0]

    def is_rabbitmq(self):
        return self.connection._impl.server_properties["product"] == "RabbitMQ"

    def is_as_rabbitmq_4_3(self):
        version = self.connection._impl.server_properties["version"]
        return not self.is_rabbitmq() or tuple(int(part) for part in version.split(".")[:2]) >= (4, 3)


def count_of(properties, name="x-delivery-count"):
    return (properties.headers or {}).get(name)


@behaviour("every message is kept, and comes in order")
def _(client):
    queue = client.queue(*[b"%d" % i for i in range(50)])
    bodies = []
    client.channel.basic_qos(prefetch_count=10)
    tag = client.channel.basic_consume(
        queue, lambda channel, method, _, body: (bodies.append(body), channel.basic_ack(method.delivery_tag)))
    wait_until(lambda: len(bodies) == 50, lambda: client.connection.process_data_events(0.05))
    expect(bodies, [b"%d" % i for i in range(50)], "bodies")
    client.channel.basic_cancel(tag)


@behaviour("a message that comes back says how often it was delivered")
def _(client):
    queue = client.queue(b"m")
    for count in (None, 1, 2):
        method, properties, _ = client.get(queue)
        if count_of(properties) or count:  # RabbitMQ before 4 says 0 the first time
            expect(count_of(properties), count, "x-delivery-count")
        expect(method.redelivered, bool(count), "redelivered")
        client.channel.basic_reject(method.delivery_tag, requeue=True)


@behaviour("a message that is rejected more often than x-delivery-limit is dead-lettered")
def _(client):
    queue, letters = client.queue_with_letters(b"poison", **{"x-delivery-limit": 2})
    for _ in range(3):
        method, _, _ = client.get(queue)
        client.channel.basic_reject(method.delivery_tag, requeue=True)
    _, properties, body = client.get(letters)
    expect(body, b"poison")
    expect(properties.headers["x-death"][0]["reason"], "delivery_limit")
    expect(properties.headers["x-death"][0]["queue"], queue)


@behaviour("so is one whose consumers go away as often")
def _(client):
    queue, letters = client.queue_with_letters(b"poison", **{"x-delivery-limit": 1})
    for _ in range(2):
        method, _, _ = client.get(queue)
        client.channel.close()
        client.channel = client.connection.channel()
    expect(client.get(letters)[2], b"poison")


@behaviour("dead letters at least once wait for a queue to take them")
def _(client):
    if client.is_rabbitmq():
        return  # it tries again after three minutes
    exchange = unique("letters")
    queue = client.queue(b"m", **{"x-dead-letter-exchange": exchange, "x-dead-letter-strategy": "at-least-once",
                                  "x-overflow": "reject-publish"})
    method, _, _ = client.get(queue)
    client.channel.basic_reject(method.delivery_tag, requeue=False)
    client.connection.process_data_events(0.3)
    client.channel.exchange_declare(exchange, "fanout")
    letters = client.queue()
    client.channel.queue_bind(letters, exchange)
    expect(client.get(letters)[2], b"m")
    client.channel.exchange_delete(exchange)


@behaviour("a higher priority goes first; 4 is that of messages which name none")
def _(client):
    if not client.is_as_rabbitmq_4_3():
        return
    queue = client.queue()
    for priority in (0, 31, 3, None, 5, 99):
        client.publish(queue, repr(priority).encode(), priority=priority)
    expect([client.get(queue)[2] for _ in range(6)], [b"31", b"99", b"5", b"None", b"3", b"0"], "bodies")


@behaviour("with delayed retry a message rests longer each time before it comes again")
def _(client):
    if not client.is_as_rabbitmq_4_3():
        return
    queue = client.queue(b"m", **{"x-delayed-retry-type": "all", "x-delayed-retry-min": 300,
                                  "x-delayed-retry-max": 500})
    method, _, _ = client.get(queue)
    for count, rest in ((1, 0.3), (2, 0.5), (3, 0.5)):
        client.channel.basic_reject(method.delivery_tag, requeue=True)
        since = time.monotonic()
        method, properties, _ = client.get(queue)
        rested = time.monotonic() - since
        if not rest - 0.01 <= rested < rest + 1:
            raise AssertionError(f"it rested for {rested:.3f} s in place of {rest} s")
        expect(count_of(properties, "x-acquired-count"), count, "x-acquired-count")


@behaviour("what a quorum queue cannot be is refused with 406")
def _(client):
    for refused in ({"durable": False}, {"exclusive": True}, {"auto_delete": True}):
        channel = client.connection.channel()
        error = expect_raises(exceptions.ChannelClosedByBroker, lambda: channel.queue_declare(
            unique("quorum"), arguments={"x-queue-type": "quorum"}, **{"durable": True, **refused}))
        expect(error.reply_code, 406)
        expect_in("invalid property", error.reply_text)


@behaviour("a prefetch of the whole channel is refused with 540")
def _(client):
    queue = client.queue()
    with client.connect() as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1, global_qos=True)
        error = expect_raises(exceptions.ConnectionClosedByBroker,
                              lambda: channel.basic_consume(queue, lambda *_: None))
        expect(error.reply_code, 540)


@behaviour("a single active consumer hands over to the next")
def _(client):
    queue = client.queue(**{"x-single-active-consumer": True})
    received = []
    first = client.channel.basic_consume(queue, lambda c, m, p, body: received.append(("first", body)), auto_ack=True)
    client.channel.basic_consume(queue, lambda c, m, p, body: received.append(("second", body)), auto_ack=True)
    client.publish(queue, b"1")
    wait_until(lambda: len(received) == 1, lambda: client.connection.process_data_events(0.05))
    client.channel.basic_cancel(first)
    client.publish(queue, b"2")
    wait_until(lambda: len(received) == 2, lambda: client.connection.process_data_events(0.05))
    expect(received, [("first", b"1"), ("second", b"2")], "received")


run(Client)
