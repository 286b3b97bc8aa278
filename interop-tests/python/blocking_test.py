"""pika's BlockingConnection against the broker at AMQP_PORT."""

import datetime
import decimal
import hashlib

import pika
from pika import exceptions

from behaviour import (HOST, PORT, behaviour, cut_connections, expect, expect_in, expect_raises, proxy_port, run,
                       unique, wait_until)

LARGE_OCTETS = 10 * 1024 * 1024


def parameters(**changes):
    return pika.ConnectionParameters(**{"host": HOST, "port": PORT, **changes})


class Client:
    """One connection with one channel, and the queues and exchanges to delete when the test is over."""

    def __enter__(self):
        self._queues = []
        self._exchanges = []
        self._connections = []
        self.connection = self.connect()
        self.channel = self.connection.channel()
        return self

    def __exit__(self, *_):
        for connection in self._connections:
            if connection.is_open:
                connection.close()
        with pika.BlockingConnection(parameters()) as connection:
            channel = connection.channel()
            for queue in self._queues:
                channel.queue_delete(queue)
            for exchange in self._exchanges:
                channel.exchange_delete(exchange)

    def connect(self, **changes):
        connection = pika.BlockingConnection(parameters(**changes))
        self._connections.append(connection)
        return connection

    def name_queue(self):
        self._queues.append(unique("blocking"))
        return self._queues[-1]

    def queue(self, **options):
        name = self.name_queue()
        self.channel.queue_declare(name, **options)
        return name

    def exchange(self, kind, **options):
        self._exchanges.append(unique("blocking"))
        self.channel.exchange_declare(self._exchanges[-1], kind, **options)
        return self._exchanges[-1]

    def publish(self, queue, *bodies, **options):
        for body in bodies:
            self.channel.basic_publish("", queue, body, **options)

    def get(self, queue, auto_ack=True):
        """Body of the queue's first message, None when it has none."""
        return self.channel.basic_get(queue, auto_ack=auto_ack)[2]

    def take(self, queue):
        """(deliver, properties, body) of the next message, for which it waits; acknowledged."""
        for delivery in self.channel.consume(queue, inactivity_timeout=10):
            if delivery[0] is None:
                raise TimeoutError(f"no message in {queue}")
            self.channel.basic_ack(delivery[0].delivery_tag)
            self.channel.cancel()  # returns what else has arrived
            return delivery

    def ready(self, queue):
        return self.channel.queue_declare(queue, passive=True).method.message_count

    def wait_until(self, condition):
        wait_until(condition, lambda: self.connection.process_data_events(0.1))


def expect_channel_closed(action, code, text):
    error = expect_raises(exceptions.ChannelClosedByBroker, action)
    expect(error.reply_code, code, "reply code")
    expect_in(text, error.reply_text)


# Publishing, consuming and settling


@behaviour("a consumer receives what was published, in order, and acknowledges it")
def _(client):
    queue = client.queue()
    client.publish(queue, b"first", b"second", b"third")
    received = []

    def on_message(channel, deliver, _properties, body):
        received.append((deliver.delivery_tag, deliver.redelivered, deliver.exchange, deliver.routing_key, body))
        channel.basic_ack(deliver.delivery_tag)
        if len(received) == 3:
            channel.stop_consuming()

    client.channel.basic_consume(queue, on_message)
    client.channel.start_consuming()
    expect(received, [(1, False, "", queue, b"first"), (2, False, "", queue, b"second"),
                      (3, False, "", queue, b"third")])
    expect(client.ready(queue), 0)


@behaviour("an empty body arrives as an empty body")
def _(client):
    queue = client.queue()
    client.publish(queue, b"")
    expect(client.get(queue), b"")


@behaviour("get takes one message and tells how many remain; on an empty queue it tells so")
def _(client):
    queue = client.queue()
    client.publish(queue, b"first", b"second")
    got, _, body = client.channel.basic_get(queue)
    expect((body, got.message_count, got.redelivered, got.routing_key), (b"first", 1, False, queue))
    client.channel.basic_ack(got.delivery_tag)
    expect(client.get(queue), b"second")
    expect(client.channel.basic_get(queue), (None, None, None))


@behaviour("a message nacked with requeue returns to its place and is marked redelivered")
def _(client):
    queue = client.queue()
    client.publish(queue, b"first", b"second", b"third")
    got, _, _ = client.channel.basic_get(queue)
    client.channel.basic_nack(got.delivery_tag, requeue=True)
    got, _, body = client.channel.basic_get(queue)
    expect((got.redelivered, body), (True, b"first"))
    got, _, body = client.channel.basic_get(queue)
    expect((got.redelivered, body), (False, b"second"))


@behaviour("nack with multiple returns everything up to the tag, in the old order")
def _(client):
    queue = client.queue()
    client.publish(queue, b"first", b"second", b"third")
    tags = [client.channel.basic_get(queue)[0].delivery_tag for _ in range(3)]
    client.channel.basic_nack(tags[1], multiple=True, requeue=True)
    expect([client.get(queue) for _ in range(3)], [b"first", b"second", None])


@behaviour("ack with multiple settles everything up to the tag and no more")
def _(client):
    queue = client.queue()
    client.publish(queue, b"first", b"second", b"third")
    tags = [client.channel.basic_get(queue)[0].delivery_tag for _ in range(3)]
    client.channel.basic_ack(tags[1], multiple=True)
    client.channel.close()
    client.channel = client.connection.channel()
    expect([client.get(queue), client.get(queue)], [b"third", None])


@behaviour("a rejected message is dropped without requeue and returned with it")
def _(client):
    queue = client.queue()
    client.publish(queue, b"dropped", b"returned")
    client.channel.basic_reject(client.channel.basic_get(queue)[0].delivery_tag, requeue=False)
    client.channel.basic_reject(client.channel.basic_get(queue)[0].delivery_tag, requeue=True)
    got, _, body = client.channel.basic_get(queue)
    expect((got.redelivered, body), (True, b"returned"))


@behaviour("recover with requeue delivers the unacknowledged messages again")
def _(client):
    queue = client.queue()
    client.publish(queue, b"again")
    client.channel.basic_get(queue)
    client.channel.basic_recover(requeue=True)
    got, _, body = client.channel.basic_get(queue)
    expect((got.redelivered, body), (True, b"again"))


@behaviour("what a closed channel had not acknowledged is delivered to the next one")
def _(client):
    queue = client.queue()
    client.publish(queue, b"kept")
    other = client.connection.channel()
    other.basic_get(queue)
    expect(client.get(queue), None)
    other.close()
    got, _, body = client.channel.basic_get(queue)
    expect((got.redelivered, body), (True, b"kept"))


@behaviour("prefetch limits how many unacknowledged messages a consumer holds")
def _(client):
    queue = client.queue()
    client.publish(queue, *[b"%d" % number for number in range(5)])
    tags = []
    client.channel.basic_qos(prefetch_count=2)
    client.channel.basic_consume(queue, lambda _channel, deliver, _properties, _body: tags.append(deliver.delivery_tag))
    client.wait_until(lambda: len(tags) == 2)
    expect(client.ready(queue), 3)
    client.channel.basic_ack(tags[0])
    client.wait_until(lambda: len(tags) == 3)
    expect(client.ready(queue), 2)


@behaviour("two consumers of one queue share its messages in turn")
def _(client):
    queue = client.queue()
    received = {"one": [], "two": []}
    for tag in received:
        client.channel.basic_consume(queue, lambda _channel, deliver, _properties, body: received[
            deliver.consumer_tag].append(body), auto_ack=True, consumer_tag=tag)
    client.publish(queue, b"0", b"1", b"2", b"3")
    client.wait_until(lambda: sum(map(len, received.values())) == 4)
    expect(received, {"one": [b"0", b"2"], "two": [b"1", b"3"]})


@behaviour("a cancelled consumer receives nothing more and its queue keeps the messages")
def _(client):
    queue = client.queue()
    tag = client.channel.basic_consume(queue, lambda *_: None)
    client.channel.basic_cancel(tag)
    client.publish(queue, b"stays")
    expect(client.get(queue), b"stays")


@behaviour("a consumer is told when its queue is deleted")
def _(client):
    queue = client.queue()
    cancelled = []
    client.channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
    tag = client.channel.basic_consume(queue, lambda *_: None)
    client.connect().channel().queue_delete(queue)
    client.wait_until(lambda: cancelled)
    expect(cancelled, [tag])


@behaviour("the consumer with the higher priority is served first")
def _(client):
    queue = client.queue()
    received = []

    def on_message(_channel, deliver, _properties, _body):
        received.append(deliver.consumer_tag)

    client.channel.basic_consume(queue, on_message, auto_ack=True, consumer_tag="low")
    client.channel.basic_consume(queue, on_message, auto_ack=True, consumer_tag="high", arguments={"x-priority": 10})
    client.publish(queue, b"1", b"2", b"3")
    client.wait_until(lambda: len(received) == 3)
    expect(received, ["high"] * 3)


# Publisher confirms, returns, transactions


@behaviour("a publish on a confirming channel is confirmed")
def _(client):
    queue = client.queue(durable=True)
    client.channel.confirm_delivery()
    persistent = pika.BasicProperties(delivery_mode=2)
    client.publish(queue, *[b"%d" % number for number in range(20)], properties=persistent, mandatory=True)
    expect(client.ready(queue), 20)


@behaviour("an unroutable mandatory message is returned with 312 NO_ROUTE, then confirmed")
def _(client):
    client.channel.confirm_delivery()
    properties = pika.BasicProperties(message_id="m-1", headers={"k": "v"})
    error = expect_raises(exceptions.UnroutableError, lambda: client.channel.basic_publish(
        "amq.direct", "nobody", b"lost", properties, mandatory=True))
    returned = error.messages[0]
    expect((returned.method.reply_code, returned.method.reply_text), (312, "NO_ROUTE"))
    expect((returned.method.exchange, returned.method.routing_key), ("amq.direct", "nobody"))
    expect((returned.body, returned.properties.message_id, returned.properties.headers), (b"lost", "m-1", {"k": "v"}))


@behaviour("without confirms a returned message reaches the return callback")
def _(client):
    returned = []
    client.channel.add_on_return_callback(
        lambda _channel, method, _properties, body: returned.append((method.reply_code, body)))
    client.channel.basic_publish("amq.fanout", "", b"lost", mandatory=True)
    client.wait_until(lambda: returned)
    expect(returned, [(312, b"lost")])


@behaviour("an unroutable message that is not mandatory is dropped and confirmed")
def _(client):
    client.channel.confirm_delivery()
    client.channel.basic_publish("amq.direct", "nobody", b"lost")


@behaviour("a queue with overflow reject-publish nacks what it has no room for")
def _(client):
    queue = client.queue(arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    client.channel.confirm_delivery()
    client.publish(queue, b"fits")
    expect_raises(exceptions.NackError, lambda: client.publish(queue, b"refused"))
    expect([client.get(queue), client.get(queue)], [b"fits", None])


@behaviour("transactional publishes appear at commit and vanish at rollback")
def _(client):
    queue = client.queue()
    reader = client.connect().channel()
    client.channel.tx_select()
    client.publish(queue, b"committed")
    expect(reader.basic_get(queue)[2], None)
    client.channel.tx_commit()
    client.publish(queue, b"rolled back")
    client.channel.tx_rollback()
    client.channel.tx_commit()
    expect([reader.basic_get(queue, auto_ack=True)[2] for _ in range(2)], [b"committed", None])


@behaviour("transactional acknowledgements take effect at commit and not after rollback")
def _(client):
    queue = client.queue()
    client.publish(queue, b"one")
    channel = client.connection.channel()
    channel.tx_select()
    tag = channel.basic_get(queue)[0].delivery_tag
    channel.basic_ack(tag)
    channel.tx_rollback()
    channel.basic_ack(tag)
    channel.tx_commit()
    channel.close()
    expect(client.get(queue), None)


@behaviour("confirm.select on a transactional channel closes it with 406")
def _(client):
    client.channel.tx_select()
    expect_channel_closed(client.channel.confirm_delivery, 406, "cannot switch from tx to confirm mode")


# Content


@behaviour("a message of 10 MiB arrives unchanged")
def _(client):
    queue = client.queue()
    body = hashlib.shake_256(b"large").digest(LARGE_OCTETS)
    client.channel.confirm_delivery()
    client.publish(queue, body)
    received = client.take(queue)[2]
    expect(len(received), LARGE_OCTETS, "size")
    expect(received == body, True, "equality")


@behaviour("every property arrives unchanged")
def _(client):
    queue = client.queue()
    sent = pika.BasicProperties(content_type="text/plain", content_encoding="utf-8", headers={"k": "v"},
                                delivery_mode=2, priority=7, correlation_id="c-1", reply_to="answers",
                                expiration="60000", message_id="m-1", timestamp=1700000000, type="order",
                                user_id="guest", app_id="interop", cluster_id="here")
    client.publish(queue, b"", properties=sent)
    expect(vars(client.take(queue)[1]), vars(sent), "properties")


@behaviour("a message without properties arrives without properties")
def _(client):
    queue = client.queue()
    client.publish(queue, b"")
    expect(vars(client.take(queue)[1]), vars(pika.BasicProperties()), "properties")


@behaviour("headers of every field type the client can send arrive unchanged")
def _(client):
    queue = client.queue()
    headers = {
        "string": "värde", "empty": "", "octets": b"\x00\xff\xfe", "true": True, "false": False,
        "integer": -2147483648, "big": 2**62, "decimal": decimal.Decimal("-12.345"), "whole": decimal.Decimal(7),
        "timestamp": datetime.datetime(2024, 2, 29, 12, 30, 15), "nothing": None,
        "table": {"inner": {"deep": [1, {"deeper": "x"}]}, "none": {}},
        "array": [1, "two", False, None, [3, []], {"k": 2**40}], "long": "x" * 70000, "": "empty name",
    }
    client.publish(queue, b"", properties=pika.BasicProperties(headers=headers))
    expect(client.take(queue)[1].headers, headers, "headers")


@behaviour("a user-id other than the connection's user closes the channel with 406")
def _(client):
    queue = client.queue()
    client.channel.confirm_delivery()
    properties = pika.BasicProperties(user_id="mallory")
    expect_channel_closed(lambda: client.publish(queue, b"", properties=properties), 406,
                          "user_id property set to 'mallory' but authenticated user was 'guest'")


@behaviour("an expiration that is no number closes the channel with 406")
def _(client):
    queue = client.queue()
    client.channel.confirm_delivery()
    properties = pika.BasicProperties(expiration="soon")
    expect_channel_closed(lambda: client.publish(queue, b"", properties=properties), 406, "invalid expiration 'soon'")


# Exchanges and bindings


@behaviour("a direct exchange routes by equal keys")
def _(client):
    exchange, queue = client.exchange("direct"), client.queue()
    client.channel.queue_bind(queue, exchange, "red")
    for key in ("red", "redder", ""):
        client.channel.basic_publish(exchange, key, key.encode())
    expect([client.get(queue), client.get(queue)], [b"red", None])


@behaviour("a fanout exchange copies to every bound queue, whatever the key")
def _(client):
    exchange, queues = client.exchange("fanout"), [client.queue() for _ in range(3)]
    for queue in queues:
        client.channel.queue_bind(queue, exchange, "ignored")
    client.channel.basic_publish(exchange, "other", b"copy")
    expect([client.get(queue) for queue in queues], [b"copy"] * 3)


@behaviour("a topic exchange follows * and #")
def _(client):
    exchange = client.exchange("topic")
    cases = {"*.orange.*": ["quick.orange.fox"], "lazy.#": ["lazy", "lazy.a.b.c"], "#.end": ["end", "a.b.end"],
             "*": ["lazy", "end"], "#": ["quick.orange.fox", "lazy", "lazy.a.b.c", "end", "a.b.end", ""]}
    queues = {}
    for binding_key in cases:
        queues[binding_key] = client.queue()
        client.channel.queue_bind(queues[binding_key], exchange, binding_key)
    for key in ("quick.orange.fox", "lazy", "lazy.a.b.c", "end", "a.b.end", ""):
        client.channel.basic_publish(exchange, key, key.encode())
    for binding_key, queue in queues.items():
        bodies = []
        while (body := client.get(queue)) is not None:
            bodies.append(body.decode())
        expect(bodies, cases[binding_key], binding_key)


@behaviour("a headers exchange matches all or any of its arguments")
def _(client):
    exchange, all_of, any_of = client.exchange("headers"), client.queue(), client.queue()
    criteria = {"format": "pdf", "pages": 3}
    client.channel.queue_bind(all_of, exchange, arguments={"x-match": "all", **criteria})
    client.channel.queue_bind(any_of, exchange, arguments={"x-match": "any", **criteria})
    for body, headers in ((b"both", criteria), (b"one", {"pages": 3}), (b"none", {"format": "zip"})):
        client.channel.basic_publish(exchange, "", body, pika.BasicProperties(headers=headers))
    expect([client.get(all_of), client.get(all_of)], [b"both", None])
    expect([client.get(any_of), client.get(any_of), client.get(any_of)], [b"both", b"one", None])


@behaviour("a message matching several bindings of one queue arrives once")
def _(client):
    exchange, queue = client.exchange("topic"), client.queue()
    for binding_key in ("a.#", "#.b", "a.b"):
        client.channel.queue_bind(queue, exchange, binding_key)
    client.channel.basic_publish(exchange, "a.b", b"once")
    expect([client.get(queue), client.get(queue)], [b"once", None])


@behaviour("an exchange bound to an exchange passes messages on until unbound")
def _(client):
    source, destination, queue = client.exchange("topic"), client.exchange("fanout"), client.queue()
    client.channel.queue_bind(queue, destination)
    client.channel.exchange_bind(destination, source, "orders.*")
    client.channel.basic_publish(source, "orders.new", b"passed")
    client.channel.basic_publish(source, "bills.new", b"elsewhere")
    client.channel.exchange_unbind(destination, source, "orders.*")
    client.channel.basic_publish(source, "orders.new", b"unbound")
    expect([client.get(queue), client.get(queue)], [b"passed", None])


@behaviour("an alternate exchange takes what its exchange cannot route")
def _(client):
    spare, queue = client.exchange("fanout"), client.queue()
    exchange = client.exchange("direct", arguments={"alternate-exchange": spare})
    client.channel.queue_bind(queue, spare)
    client.channel.confirm_delivery()
    client.channel.basic_publish(exchange, "nobody", b"caught", mandatory=True)
    expect(client.get(queue), b"caught")


@behaviour("CC and BCC headers route copies; BCC is removed")
def _(client):
    to, cc, bcc = client.queue(), client.queue(), client.queue()
    headers = {"CC": [cc], "BCC": [bcc]}
    client.publish(to, b"copied", properties=pika.BasicProperties(headers=headers))
    for queue in (to, cc, bcc):
        _, properties, body = client.channel.basic_get(queue, auto_ack=True)
        expect((body, properties.headers), (b"copied", {"CC": [cc]}))


@behaviour("publishing to an internal exchange is refused with 403")
def _(client):
    exchange = client.exchange("fanout", internal=True)
    client.channel.confirm_delivery()
    expect_channel_closed(lambda: client.channel.basic_publish(exchange, "", b""), 403, "ACCESS_REFUSED")


# Queues and their arguments


@behaviour("a queue declared without a name gets one from the broker")
def _(client):
    declared = client.channel.queue_declare("", exclusive=True).method
    expect(declared.queue[:8], "amq.gen-")
    client.publish(declared.queue, b"here")
    expect(client.get(declared.queue), b"here")


@behaviour("a declaration with equal arguments succeeds again; other arguments get 406")
def _(client):
    arguments = {"x-max-length": 5, "x-message-ttl": 60000, "x-expires": 600000, "x-dead-letter-exchange": "amq.fanout",
                 "x-dead-letter-routing-key": "dead", "x-max-length-bytes": 100000, "x-overflow": "drop-head",
                 "x-max-priority": 4, "x-single-active-consumer": False, "x-queue-mode": "lazy"}
    queue = client.queue(durable=True, arguments=arguments)
    client.channel.queue_declare(queue, durable=True, arguments=arguments)
    expect_channel_closed(lambda: client.channel.queue_declare(
        queue, durable=True, arguments={**arguments, "x-max-length": 6}), 406, "inequivalent arg 'x-max-length'")


@behaviour("an inequivalent durable flag gets 406 and its text names the queue")
def _(client):
    queue = client.queue(durable=True)
    expect_channel_closed(
        lambda: client.channel.queue_declare(queue, durable=False), 406,
        f"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{queue}' in vhost '/': "
        "received 'false' but current is 'true'")


@behaviour("an invalid queue argument gets 406")
def _(client):
    expect_channel_closed(lambda: client.channel.queue_declare(client.name_queue(), arguments={"x-message-ttl": -1}),
                          406, "invalid arg 'x-message-ttl'")


@behaviour("an expired message is dead-lettered with its x-death")
def _(client):
    dead = client.queue()
    queue = client.queue(arguments={"x-message-ttl": 1, "x-dead-letter-exchange": "",
                                    "x-dead-letter-routing-key": dead})
    client.publish(queue, b"late")
    _, properties, body = client.take(dead)
    death = properties.headers["x-death"][0]
    expect(body, b"late")
    expect((death["reason"], death["queue"], death["exchange"], death["routing-keys"], death["count"]),
           ("expired", queue, "", [queue], 1))
    expect(isinstance(death["time"], datetime.datetime), True, "time is a timestamp")
    expect((properties.headers["x-first-death-reason"], properties.headers["x-first-death-queue"]), ("expired", queue))


@behaviour("a rejected message and one pushed out by max-length are dead-lettered with their reasons")
def _(client):
    dead = client.queue()
    queue = client.queue(arguments={"x-max-length": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    client.publish(queue, b"old", b"new")
    client.channel.basic_reject(client.channel.basic_get(queue)[0].delivery_tag, requeue=False)
    reasons = {}
    for _ in range(2):
        _, properties, body = client.take(dead)
        reasons[body] = properties.headers["x-death"][0]["reason"]
    expect(reasons, {b"old": "maxlen", b"new": "rejected"})


@behaviour("a priority queue delivers the higher priority first")
def _(client):
    queue = client.queue(arguments={"x-max-priority": 5})
    for priority in (1, 5, 3, None):
        client.publish(queue, str(priority).encode(), properties=pika.BasicProperties(priority=priority))
    expect([client.get(queue) for _ in range(4)], [b"5", b"3", b"1", b"None"])


@behaviour("a single active consumer alone receives until it leaves")
def _(client):
    queue = client.queue(arguments={"x-single-active-consumer": True})
    received = []
    for tag in ("first", "second"):
        client.channel.basic_consume(queue, lambda _channel, deliver, _properties, _body: received.append(
            deliver.consumer_tag), auto_ack=True, consumer_tag=tag)
    client.publish(queue, b"1", b"2")
    client.wait_until(lambda: len(received) == 2)
    client.channel.basic_cancel("first")
    client.publish(queue, b"3")
    client.wait_until(lambda: len(received) == 3)
    expect(received, ["first", "first", "second"])


@behaviour("an auto-delete queue goes with its last consumer")
def _(client):
    queue = client.queue(auto_delete=True)
    client.channel.basic_cancel(client.channel.basic_consume(queue, lambda *_: None))
    expect_channel_closed(lambda: client.channel.queue_declare(queue, passive=True), 404, "no queue")


@behaviour("purge and delete tell how many messages went")
def _(client):
    queue = client.queue()
    client.publish(queue, b"1", b"2", b"3")
    expect(client.channel.queue_purge(queue).method.message_count, 3)
    client.publish(queue, b"4")
    expect(client.channel.queue_delete(queue).method.message_count, 1)


@behaviour("delete with if-empty or if-unused refuses with 406 while it is not so")
def _(client):
    queue = client.queue()
    client.publish(queue, b"1")
    expect_channel_closed(lambda: client.channel.queue_delete(queue, if_empty=True), 406, "not empty")
    client.channel = client.connection.channel()
    client.channel.basic_consume(queue, lambda *_: None)
    expect_channel_closed(lambda: client.channel.queue_delete(queue, if_unused=True), 406, "in use")


# Errors


@behaviour("a passive declare of an absent queue closes the channel with 404 and the connection goes on")
def _(client):
    name = client.name_queue()
    expect_channel_closed(lambda: client.channel.queue_declare(name, passive=True), 404,
                          f"NOT_FOUND - no queue '{name}' in vhost '/'")
    expect(client.connection.is_open, True, "connection is open")
    client.channel = client.connection.channel()
    client.publish(client.queue(), b"still here")


@behaviour("publishing to an absent exchange closes the channel with 404")
def _(client):
    client.channel.confirm_delivery()
    name = unique("absent")
    expect_channel_closed(lambda: client.channel.basic_publish(name, "", b""), 404,
                          f"NOT_FOUND - no exchange '{name}' in vhost '/'")


@behaviour("getting from and consuming from an absent queue closes the channel with 404")
def _(client):
    expect_channel_closed(lambda: client.channel.basic_get(unique("absent")), 404, "no queue")
    client.channel = client.connection.channel()
    expect_channel_closed(lambda: client.channel.basic_consume(unique("absent"), lambda *_: None), 404, "no queue")


@behaviour("declaring an exchange with another type gets 406")
def _(client):
    exchange = client.exchange("direct")
    expect_channel_closed(lambda: client.channel.exchange_declare(exchange, "fanout"), 406, "inequivalent arg 'type'")


@behaviour("declaring a queue named amq.* is refused with 403")
def _(client):
    expect_channel_closed(lambda: client.channel.queue_declare("amq.mine"), 403, "ACCESS_REFUSED")


@behaviour("a second acknowledgement of one delivery closes the channel with 406")
def _(client):
    queue = client.queue()
    client.publish(queue, b"once")
    tag = client.channel.basic_get(queue)[0].delivery_tag
    client.channel.basic_ack(tag)
    client.channel.basic_ack(tag)
    expect_channel_closed(lambda: client.ready(queue), 406, f"unknown delivery tag {tag}")


@behaviour("another connection's exclusive queue is locked with 405")
def _(client):
    queue = client.queue(exclusive=True)
    other = client.connect().channel()
    expect_channel_closed(lambda: other.queue_declare(queue, passive=True), 405, "RESOURCE_LOCKED")


@behaviour("a second consumer beside an exclusive one is refused with 403")
def _(client):
    queue = client.queue()
    client.channel.basic_consume(queue, lambda *_: None, exclusive=True)
    other = client.connection.channel()
    expect_channel_closed(lambda: other.basic_consume(queue, lambda *_: None), 403, "in exclusive use")


@behaviour("a wrong password is refused with 403")
def _(client):
    credentials = pika.PlainCredentials("guest", "wrong")
    error = expect_raises(exceptions.ProbableAuthenticationError, lambda: client.connect(credentials=credentials))
    expect_in("(403) 'ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.", str(error))


@behaviour("an absent virtual host is refused")
def _(client):
    error = expect_raises(exceptions.ProbableAccessDeniedError, lambda: client.connect(virtual_host="nowhere"))
    expect_in("(530) 'NOT_ALLOWED - vhost nowhere not found'", str(error))


@behaviour("an unknown exchange type closes the connection with 503")
def _(client):
    connection = client.connect()
    error = expect_raises(exceptions.ConnectionClosedByBroker,
                          lambda: connection.channel().exchange_declare(unique("odd"), "odd"))
    expect(error.reply_code, 503)


# Connections


@behaviour("the broker announces RabbitMQ's capabilities")
def _(client):
    impl = client.connection._impl
    announced = impl.server_properties["capabilities"]
    for capability in ("publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
                       "connection.blocked", "consumer_priorities", "authentication_failure_close",
                       "per_consumer_qos", "direct_reply_to"):
        expect(announced.get(capability), True, capability)


@behaviour("many channels of one connection work side by side")
def _(client):
    queue = client.queue()
    channels = [client.connection.channel() for _ in range(50)]
    for number, channel in enumerate(channels):
        channel.basic_publish("", queue, b"%d" % number)
        channel.queue_declare(queue, passive=True)
    expect([client.get(queue) for _ in channels], [b"%d" % number for number in range(50)])


@behaviour("small frames carry large messages")
def _(client):
    channel = client.connect(frame_max=4096).channel()
    queue = client.queue()
    body = hashlib.shake_256(b"small frames").digest(100_000)
    channel.confirm_delivery()
    channel.basic_publish("", queue, body)
    expect(channel.basic_get(queue, auto_ack=True)[2] == body, True, "equality")


@behaviour("a request is answered over direct reply-to")
def _(client):
    queue = client.queue()
    answers = []
    client.channel.basic_consume("amq.rabbitmq.reply-to", lambda _channel, _deliver, properties, body: answers.append(
        (properties.correlation_id, body)), auto_ack=True)
    client.publish(queue, b"ping", properties=pika.BasicProperties(reply_to="amq.rabbitmq.reply-to",
                                                                  correlation_id="7"))
    server = client.connect().channel()
    _, request, _ = server.basic_get(queue, auto_ack=True)
    expect(request.reply_to[:22], "amq.rabbitmq.reply-to.")
    server.basic_publish("", request.reply_to, b"pong", pika.BasicProperties(correlation_id=request.correlation_id))
    client.wait_until(lambda: answers)
    expect(answers, [("7", b"pong")])


@behaviour("after a lost connection a new one finds the unacknowledged message and the durable queue")
def _(client):
    queue = client.queue(durable=True)
    client.publish(queue, b"survivor")
    lost = client.connect(port=proxy_port())
    lost_channel = lost.channel()
    expect(lost_channel.basic_get(queue)[2], b"survivor")
    cut_connections()
    expect_raises(exceptions.AMQPConnectionError, lambda: lost.process_data_events(10))
    channel = client.connect(port=proxy_port()).channel()
    for deliver, _, body in channel.consume(queue, inactivity_timeout=10):
        expect((body, deliver.redelivered), (b"survivor", True))
        channel.basic_ack(deliver.delivery_tag)
        break


@behaviour("an exclusive queue goes with its connection")
def _(client):
    queue = unique("exclusive")
    owner = client.connect()
    owner.channel().queue_declare(queue, exclusive=True)
    owner.close()
    expect_channel_closed(lambda: client.channel.queue_declare(queue, passive=True), 404, "no queue")


run(Client)
