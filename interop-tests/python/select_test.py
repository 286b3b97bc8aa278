"""pika's SelectConnection, where everything is a callback, against the broker at AMQP_PORT.

Here a test is a generator: it yields a function that takes a callback, and goes on with what the callback is given.
"""

import hashlib

import pika
from pika import exceptions

from behaviour import (HOST, PORT, behaviour, cut_connections, expect, expect_in, proxy_port, run, unique)

LARGE_OCTETS = 10 * 1024 * 1024
SECONDS_PER_TEST = 15


class Client:
    """Runs one generator on the loop of one connection."""

    def __enter__(self):
        self.queues = []
        return self

    def __exit__(self, *_):
        with pika.BlockingConnection(parameters()) as connection:
            channel = connection.channel()
            for queue in self.queues:
                channel.queue_delete(queue)

    def name_queue(self):
        self.queues.append(unique("select"))
        return self.queues[-1]

    def run(self, steps):
        """Runs `steps(self)` to its end.  Its loop starts with an open connection and channel."""
        self._steps = steps(self)
        self._error = None
        self._ended = False
        self.closed_because = None
        self.connection = pika.SelectConnection(parameters(), on_open_callback=self._on_open,
                                                on_open_error_callback=self._on_closed,
                                                on_close_callback=self._on_closed)
        self.connection.ioloop.call_later(SECONDS_PER_TEST, self._on_time_out)
        self.connection.ioloop.start()
        if self._error:
            raise self._error
        if not self._ended:
            raise AssertionError(f"the connection closed: {self.closed_because!r}")

    def _on_open(self, connection):
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel):
        self.channel = channel
        self._advance(None)

    def _on_closed(self, connection, error):
        self.closed_because = error
        connection.ioloop.stop()

    def _on_time_out(self):
        self._error = TimeoutError(f"not finished after {SECONDS_PER_TEST} s")
        self._end()

    def _advance(self, value):
        try:
            start = self._steps.send(value)
            start(lambda *given: self._advance(given[0] if len(given) == 1 else given))
        except StopIteration:
            self._ended = True
            self._end()
        except Exception as error:
            self._error = error
            self._end()

    def _end(self):
        if self.connection.is_open:
            self.connection.close()
        else:
            self.connection.ioloop.stop()

    def declare(self, **options):
        """A step: declares a queue of a new name and goes on with that name."""
        name = self.name_queue()
        return lambda go_on: self.channel.queue_declare(name, callback=lambda _frame: go_on(name), **options)

    def publish(self, queue, *bodies, **options):
        for body in bodies:
            self.channel.basic_publish("", queue, body, **options)

    def get(self, queue):
        """A step: goes on with (deliver, properties, body) of a message that is there."""
        return lambda go_on: self.channel.basic_get(
            queue, callback=lambda _channel, *delivery: go_on(delivery), auto_ack=True)

    def consume(self, queue, count, **options):
        """A step: goes on with a list of the next `count` deliveries as (deliver, properties, body)."""
        received = []

        def start(go_on):
            def on_message(_channel, *delivery):
                received.append(delivery)
                if len(received) == count:
                    go_on(received)

            self.channel.basic_consume(queue, on_message, **options)

        return start


def parameters(**changes):
    return pika.ConnectionParameters(**{"host": HOST, "port": PORT, **changes})


def steps(sentence):
    """Registers a generator as a behaviour."""
    return lambda generator: behaviour(sentence)(lambda client: client.run(generator))


@steps("a consumer receives what was published and acknowledges it")
def _(client):
    queue = yield client.declare()
    client.publish(queue, b"first", b"second")
    received = yield client.consume(queue, 2)
    expect([body for _, _, body in received], [b"first", b"second"])
    client.channel.basic_ack(received[-1][0].delivery_tag, multiple=True)
    yield lambda go_on: client.channel.close() or client.channel.add_on_close_callback(lambda *_: go_on())
    client.channel = yield lambda go_on: client.connection.channel(on_open_callback=go_on)
    frame = yield lambda go_on: client.channel.queue_declare(queue, passive=True, callback=go_on)
    expect(frame.method.message_count, 0)


@steps("get on an empty queue is answered with get-empty")
def _(client):
    queue = yield client.declare()

    def get(go_on):
        client.channel.add_callback(lambda _frame: go_on("empty"), [pika.spec.Basic.GetEmpty])
        client.channel.basic_get(queue, callback=lambda *_: go_on("message"))

    expect((yield get), "empty")


@steps("nack and reject with requeue bring the message again, redelivered")
def _(client):
    queue = yield client.declare()
    client.publish(queue, b"again")
    verdicts = []

    def consume(go_on):
        def on_message(channel, deliver, _properties, _body):
            verdicts.append(deliver.redelivered)
            settle = [channel.basic_nack, channel.basic_reject, channel.basic_ack][len(verdicts) - 1]
            settle(deliver.delivery_tag)
            if len(verdicts) == 3:
                go_on()

        client.channel.basic_consume(queue, on_message)

    yield consume
    expect(verdicts, [False, True, True])


@steps("confirms arrive for every publish of a burst, and a return before its confirm")
def _(client):
    queue = yield client.declare(durable=True)
    events = []
    confirmed = set()

    def publish(go_on):
        def on_confirm(frame):
            method = frame.method
            first = min(set(range(1, 201)) - confirmed) if method.multiple else method.delivery_tag
            confirmed.update(range(first, method.delivery_tag + 1))
            events.append("confirm")
            if len(confirmed) == 201:
                go_on()

        def on_selected(_frame):
            client.channel.basic_publish("", unique("absent"), b"lost", mandatory=True)
            for number in range(200):
                client.publish(queue, b"%d" % number, properties=pika.BasicProperties(delivery_mode=2))

        client.channel.add_on_return_callback(lambda *_: events.append("return"))
        client.channel.confirm_delivery(on_confirm, callback=on_selected)

    yield publish
    expect((events[0], events.count("return")), ("return", 1))
    frame = yield lambda go_on: client.channel.queue_declare(queue, passive=True, callback=go_on)
    expect(frame.method.message_count, 200)


@steps("an unroutable mandatory message is returned with its content")
def _(client):
    def publish(go_on):
        client.channel.add_on_return_callback(lambda _channel, *returned: go_on(returned))
        client.channel.basic_publish("amq.topic", "nobody", b"lost", pika.BasicProperties(app_id="me"), mandatory=True)

    method, properties, body = yield publish
    expect((method.reply_code, method.exchange, method.routing_key, properties.app_id, body),
           (312, "amq.topic", "nobody", "me", b"lost"))


@steps("a message of 10 MiB arrives unchanged")
def _(client):
    queue = yield client.declare()
    body = hashlib.shake_256(b"large").digest(LARGE_OCTETS)
    client.publish(queue, body)
    (_, _, received), = yield client.consume(queue, 1, auto_ack=True)
    expect(received == body, True, "equality")


@steps("properties and headers arrive unchanged")
def _(client):
    queue = yield client.declare()
    sent = pika.BasicProperties(content_type="a/b", content_encoding="c", headers={"n": 1, "t": {"a": [None, True]}},
                                delivery_mode=1, priority=0, correlation_id="", reply_to="r", expiration="100000",
                                message_id="i", timestamp=0, type="t", user_id="guest", app_id="a", cluster_id="c")
    client.publish(queue, b"body", properties=sent)
    _, properties, _ = yield client.get(queue)
    expect(vars(properties), vars(sent), "properties")


@steps("prefetch of one hands over the next message after each acknowledgement")
def _(client):
    queue = yield client.declare()
    yield lambda go_on: client.channel.basic_qos(prefetch_count=1, callback=go_on)
    client.publish(queue, b"1", b"2", b"3")
    events = []

    def consume(go_on):
        def on_message(channel, deliver, _properties, body):
            def acknowledge(frame):
                events.append((body, frame.method.message_count))
                channel.basic_ack(deliver.delivery_tag)
                if body == b"3":
                    go_on()

            channel.queue_declare(queue, passive=True, callback=acknowledge)

        client.channel.basic_consume(queue, on_message)

    yield consume
    expect(events, [(b"1", 2), (b"2", 1), (b"3", 0)])


@steps("exchanges of all four types route, and one exchange feeds another")
def _(client):
    queue = yield client.declare()
    names = {kind: unique(f"select.{kind}") for kind in ("direct", "fanout", "topic", "headers")}
    for kind, name in names.items():
        yield lambda go_on: client.channel.exchange_declare(name, kind, auto_delete=True, callback=go_on)
    chain = list(names.values())
    bindings = (("k", None), ("", None), ("a.#", None))
    for (destination, source), (key, arguments) in zip(zip(chain[1:], chain), bindings):
        yield lambda go_on: client.channel.exchange_bind(destination, source, key, arguments, callback=go_on)
    yield lambda go_on: client.channel.queue_bind(queue, names["headers"], "", {"x-match": "any", "h": 1},
                                                  callback=go_on)
    properties = pika.BasicProperties(headers={"h": 1})
    client.channel.basic_publish(names["headers"], "", b"headers", properties)
    client.channel.basic_publish(names["topic"], "a.b", b"topic", properties)
    client.channel.basic_publish(names["topic"], "b", b"no match", properties)
    client.channel.basic_publish(names["direct"], "k", b"stops at topic", properties)
    received = yield client.consume(queue, 2, auto_ack=True)
    expect([body for _, _, body in received], [b"headers", b"topic"])


@steps("a consumer is told when its queue is deleted")
def _(client):
    queue = yield client.declare()
    other = yield lambda go_on: client.connection.channel(on_open_callback=go_on)

    def consume(go_on):
        client.channel.add_on_cancel_callback(lambda frame: go_on(frame.method.consumer_tag))
        client.channel.basic_consume(queue, lambda *_: None, consumer_tag="told",
                                     callback=lambda _frame: other.queue_delete(queue))

    expect((yield consume), "told")


def channel_error(client, provoke):
    """A step: goes on with the error that closes the channel after `provoke(channel)`."""

    def start(go_on):
        client.channel.add_on_close_callback(lambda _channel, error: go_on(error))
        provoke(client.channel)

    return start


@steps("404, 406 and 403 close the channel with their texts and the connection goes on")
def _(client):
    queue = yield client.declare()
    absent = unique("absent")
    cases = ((404, f"no queue '{absent}' in vhost '/'", lambda channel: channel.queue_declare(absent, passive=True)),
             (406, "inequivalent arg 'durable'", lambda channel: channel.queue_declare(queue, durable=True)),
             (403, "ACCESS_REFUSED", lambda channel: channel.exchange_declare("amq.mine")),
             (404, f"no exchange '{absent}'", lambda channel: channel.basic_publish(absent, "", b"")))
    for code, text, provoke in cases:
        error = yield channel_error(client, provoke)
        expect((type(error), error.reply_code), (exceptions.ChannelClosedByBroker, code))
        expect_in(text, error.reply_text)
        client.channel = yield lambda go_on: client.connection.channel(on_open_callback=go_on)
    client.publish(queue, b"still here")
    expect((yield client.get(queue))[2], b"still here")


@steps("a transaction publishes at commit")
def _(client):
    queue = yield client.declare()
    yield lambda go_on: client.channel.tx_select(callback=go_on)
    client.publish(queue, b"dropped")
    yield lambda go_on: client.channel.tx_rollback(callback=go_on)
    client.publish(queue, b"kept")
    yield lambda go_on: client.channel.tx_commit(callback=go_on)
    expect((yield client.get(queue))[2], b"kept")


@steps("flow with active=true is answered")
def _(client):
    expect((yield lambda go_on: client.channel.flow(True, callback=go_on)), True)


@behaviour("a wrong password is refused with 403")
def _(_client):
    errors = []

    def on_error(connection, error):
        errors.append(error)
        connection.ioloop.stop()

    connection = pika.SelectConnection(parameters(credentials=pika.PlainCredentials("nobody", "x")),
                                       on_open_error_callback=on_error)
    connection.ioloop.start()
    expect(type(errors[0]), exceptions.ProbableAuthenticationError)
    expect_in("ACCESS_REFUSED", str(errors[0]))


@behaviour("a consumer that reconnects after a cut connection receives the message again")
def _(client):
    queue = client.name_queue()
    deliveries = []
    connections = []

    def on_channel(channel):
        channel.queue_declare(queue, durable=True, callback=lambda _frame: on_declared(channel))

    def on_declared(channel):
        channel.basic_consume(queue, on_message)
        if not deliveries:
            channel.basic_publish("", queue, b"survivor")

    def on_message(channel, deliver, _properties, body):
        deliveries.append((body, deliver.redelivered))
        if len(deliveries) == 1:
            cut_connections()
        else:
            channel.basic_ack(deliver.delivery_tag)
            channel.connection.close()

    while len(deliveries) < 2 and len(connections) < 3:
        connection = pika.SelectConnection(
            parameters(port=proxy_port()),
            on_open_callback=lambda opened: opened.channel(on_open_callback=on_channel),
            on_open_error_callback=lambda refused, _error: refused.ioloop.stop(),
            on_close_callback=lambda closed, _error: closed.ioloop.stop())
        connections.append(connection)
        connection.ioloop.start()
    expect(deliveries, [(b"survivor", False), (b"survivor", True)])
    expect(len(connections), 2, "connections made")


run(Client)
