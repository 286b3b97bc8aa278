"""pika with the exchange types of RabbitMQ's plugins, against the broker at AMQP_PORT.

RabbitMQ itself needs its plugins for them: consistent_hash_exchange, random_exchange, recent_history_exchange, sharding
and delayed_message_exchange.
"""

import time

import pika
from pika import exceptions

from behaviour import HOST, PORT, behaviour, expect, expect_in, expect_raises, run, unique


class Client:
    """One connection with one channel; its queues end with it, its exchanges delete themselves."""

    def __enter__(self):
        self.connection = pika.BlockingConnection(pika.ConnectionParameters(HOST, PORT))
        self.channel = self.connection.channel()
        return self

    def __exit__(self, *_):
        self.connection.close()

    def exchange(self, kind, **arguments):
        name = unique("types")
        self.channel.exchange_declare(name, kind, auto_delete=True, arguments=arguments)
        return name

    def queue(self, exchange=None, key=""):
        name = self.channel.queue_declare("", exclusive=True).method.queue
        if exchange:
            self.channel.queue_bind(name, exchange, key)
        return name

    def publish(self, exchange, key="", body=b"", **properties):
        self.channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties))

    def count(self, queue):
        return self.channel.queue_declare(queue, passive=True).method.message_count

    def bodies(self, queue, count):
        received = []
        for deliver, _, body in self.channel.consume(queue, inactivity_timeout=10):
            if deliver is None:
                raise TimeoutError(f"received {received}, waited for {count}")
            received.append((body, time.monotonic()))
            self.channel.basic_ack(deliver.delivery_tag)
            if len(received) == count:
                self.channel.cancel()
                return received


def expect_about(actual, expected, what):
    if abs(actual - expected) > expected * 0.15:
        raise AssertionError(f"{what} is {actual}, expected about {expected}")


@behaviour("a consistent hash spreads routing keys by the weights of the bindings")
def _(client):
    exchange = client.exchange("x-consistent-hash")
    queues = [client.queue(exchange, weight) for weight in ("1", "2", "2")]
    for number in range(4000):
        client.publish(exchange, str(number))
    counts = [client.count(queue) for queue in queues]
    expect(sum(counts), 4000, "the sum")
    for count, share in zip(counts, (800, 1600, 1600)):
        expect_about(count, share, "a share")


@behaviour("a consistent hash keeps messages with one value of its header together")
def _(client):
    exchange = client.exchange("x-consistent-hash", **{"hash-header": "customer"})
    queues = [client.queue(exchange, "1") for _ in range(3)]
    for number in range(30):
        client.publish(exchange, str(number), headers={"customer": "one"})
    expect(sorted(client.count(queue) for queue in queues), [0, 0, 30])


@behaviour("a consistent hash spreads by message_id and by timestamp")
def _(client):
    for name in ("message_id", "timestamp"):
        exchange = client.exchange("x-consistent-hash", **{"hash-property": name})
        queues = [client.queue(exchange, "1") for _ in range(2)]
        for number in range(4000):
            client.publish(exchange, "", **{name: number if name == "timestamp" else str(number)})
        for queue in queues:
            expect_about(client.count(queue), 2000, f"a share by {name}")


@behaviour("a binding of a consistent hash needs a weight")
def _(client):
    exchange = client.exchange("x-consistent-hash")
    queue = client.queue()
    error = expect_raises(exceptions.ChannelClosedByBroker, lambda: client.channel.queue_bind(queue, exchange, "a"))
    expect(error.reply_code, 406)
    expect_in("The binding key must be an integer", error.reply_text)


@behaviour("a random exchange gives each queue its share")
def _(client):
    exchange = client.exchange("x-random")
    queues = [client.queue(exchange) for _ in range(2)]
    for _ in range(4000):
        client.publish(exchange, "same key")
    for queue in queues:
        expect_about(client.count(queue), 2000, "a share")


@behaviour("a new binding receives the recent history")
def _(client):
    exchange = client.exchange("x-recent-history", **{"x-recent-history-length": 3})
    client.queue(exchange)
    for number in range(5):
        client.publish(exchange, "", str(number).encode())
    queue = client.queue(exchange)
    expect([body for body, _ in client.bodies(queue, 3)], [b"2", b"3", b"4"])


@behaviour("delayed messages come when they are due")
def _(client):
    exchange = client.exchange("x-delayed-message", **{"x-delayed-type": "direct"})
    queue = client.queue(exchange, "key")
    start = time.monotonic()
    for delay in (600, 200, 400):
        client.publish(exchange, "key", str(delay).encode(), headers={"x-delay": delay})
    client.publish(exchange, "key", b"0")
    received = client.bodies(queue, 4)
    expect([body for body, _ in received], [b"0", b"200", b"400", b"600"])
    for body, moment in received:
        late = moment - start - int(body) / 1000
        if not -0.005 <= late <= 0.5:
            raise AssertionError(f"a delay of {int(body)} ms ended {late * 1000:.0f} ms late")


@behaviour("a delayed exchange needs a type")
def _(client):
    error = expect_raises(exceptions.ChannelClosedByBroker, lambda: client.exchange("x-delayed-message"))
    expect(error.reply_text, "PRECONDITION_FAILED - Invalid argument, 'x-delayed-type' must be an existing exchange type")


run(Client)
