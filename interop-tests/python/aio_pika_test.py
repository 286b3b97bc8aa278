"""aio-pika (asyncio) against the broker at AMQP_PORT."""

import asyncio
import contextlib
import datetime
import hashlib

import aio_pika
from aio_pika import exceptions
from aiormq.exceptions import ChannelLockedResource

from behaviour import HOST, PORT, behaviour, cut_connections, expect, expect_in, proxy_port, run, unique

LARGE_OCTETS = 10 * 1024 * 1024
SECONDS_TO_WAIT = 15


class Client:
    """What one test works with: a robust connection and a channel with publisher confirms, set up by `asynchronous`."""

    def name_queue(self):
        self.queues.append(unique("aio"))
        return self.queues[-1]

    async def queue(self, **options):
        return await self.channel.declare_queue(self.name_queue(), **options)

    async def exchange(self, kind, **options):
        return await self.channel.declare_exchange(unique("aio"), kind, auto_delete=True, **options)

    async def publish(self, queue, *bodies, **properties):
        for body in bodies:
            await self.channel.default_exchange.publish(aio_pika.Message(body, **properties), queue.name)

    async def take(self, queue):
        """The next message, for which it waits; acknowledged."""
        messages = asyncio.Queue()
        tag = await queue.consume(messages.put)
        message = await messages.get()
        await message.ack()
        await queue.cancel(tag)
        return message

    async def ready(self, queue):
        declared = await self.channel.declare_queue(queue.name, passive=True)
        return declared.declaration_result.message_count


def asynchronous(sentence):
    def register(function):
        async def start():
            client = Client()
            client.queues = []
            client.connection = await aio_pika.connect_robust(host=HOST, port=PORT)
            try:
                async with client.connection:
                    client.channel = await client.connection.channel()
                    await asyncio.wait_for(function(client), SECONDS_TO_WAIT)
            finally:
                await clean_up(client.queues)

        behaviour(sentence)(lambda _: run_in_new_loop(start()))

    return register


def run_in_new_loop(coroutine):
    loop = asyncio.new_event_loop()  # asyncio.run would install a handler of signals and show it tasks
    try:
        loop.run_until_complete(coroutine)
    finally:
        loop.close()


async def clean_up(queues):
    async with await aio_pika.connect(host=HOST, port=PORT) as connection:
        channel = await connection.channel()
        for queue in queues:
            await channel.queue_delete(queue)


async def expect_raises(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


@asynchronous("a queue iterator receives what was published and acknowledges it")
async def _(client):
    queue = await client.queue()
    await client.publish(queue, b"first", b"second")
    bodies = []
    async with queue.iterator() as messages:
        async for message in messages:
            async with message.process():
                bodies.append(message.body)
            if len(bodies) == 2:
                break
    expect(bodies, [b"first", b"second"])
    expect(await client.ready(queue), 0)


@asynchronous("get takes a message; on an empty queue it raises QueueEmpty")
async def _(client):
    queue = await client.queue()
    await client.publish(queue, b"only")
    expect((await queue.get(no_ack=True)).body, b"only")
    await expect_raises(exceptions.QueueEmpty, queue.get())


@asynchronous("nack and reject with requeue bring the message again; without requeue they drop it")
async def _(client):
    queue = await client.queue()
    await client.publish(queue, b"again")
    await (await queue.get()).nack(requeue=True)
    message = await queue.get()
    expect(message.redelivered, True)
    await message.reject(requeue=True)
    await (await queue.get()).reject(requeue=False)
    expect(await queue.get(fail=False), None)


@asynchronous("a burst of concurrent publishes is confirmed")
async def _(client):
    queue = await client.queue(durable=True)
    confirms = await asyncio.gather(*(client.channel.default_exchange.publish(
        aio_pika.Message(b"%d" % number, delivery_mode=aio_pika.DeliveryMode.PERSISTENT), queue.name)
        for number in range(300)))
    expect({type(confirm).__name__ for confirm in confirms}, {"Ack"})
    expect(await client.ready(queue), 300)


@asynchronous("an unroutable mandatory message is returned")
async def _(client):
    channel = await client.connection.channel(on_return_raises=True)
    error = await expect_raises(exceptions.DeliveryError, channel.default_exchange.publish(
        aio_pika.Message(b"lost"), unique("absent"), mandatory=True))
    expect((error.message.delivery.reply_code, error.message.delivery.reply_text), (312, "NO_ROUTE"))


@asynchronous("a publish nacked by reject-publish raises")
async def _(client):
    queue = await client.queue(arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    await client.publish(queue, b"fits")
    await expect_raises(exceptions.DeliveryError, client.publish(queue, b"refused"))


@asynchronous("a message of 10 MiB arrives unchanged")
async def _(client):
    queue = await client.queue()
    body = hashlib.shake_256(b"large").digest(LARGE_OCTETS)
    await client.publish(queue, body)
    expect((await queue.get(no_ack=True)).body == body, True, "equality")


@asynchronous("every property arrives unchanged")
async def _(client):
    queue = await client.queue()
    sent = {"content_type": "text/plain", "content_encoding": "utf-8", "priority": 3, "correlation_id": "c",
            "reply_to": "r", "message_id": "i", "type": "t", "user_id": "guest", "app_id": "a",
            "delivery_mode": aio_pika.DeliveryMode.PERSISTENT, "expiration": 60,
            "timestamp": datetime.datetime(2024, 2, 29, 12, 0, 0)}
    await client.publish(queue, b"body", **sent)
    message = await queue.get(no_ack=True)
    received = {name: getattr(message, name) for name in sent}
    received["timestamp"] = received["timestamp"].replace(tzinfo=None)
    expect(received, sent, "properties")


@asynchronous("headers of every field type the client can send arrive unchanged")
async def _(client):
    queue = await client.queue()
    headers = {"string": "värde", "octets": b"\x00\xff", "true": True, "byte": 5, "short": -300, "unsigned": 60000,
               "int": -70000, "unsigned int": 3 * 10**9, "long": -2**60, "none": None,
               "table": {"k": [1, {"x": None}]}, "array": ["a", 1, False]}
    await client.publish(queue, b"", headers=headers)
    message = await queue.get(no_ack=True)
    expect(dict(message.headers), {**headers, "octets": message.headers["octets"]}, "headers")
    expect(bytes(message.headers["octets"]), headers["octets"])


@asynchronous("prefetch limits what a consumer holds")
async def _(client):
    await client.channel.set_qos(prefetch_count=2)
    queue = await client.queue()
    await client.publish(queue, *[b"x"] * 5)
    held = asyncio.Queue()
    await queue.consume(held.put)
    first, _ = await held.get(), await held.get()
    expect(await client.ready(queue), 3)
    await first.ack()
    await held.get()
    expect(await client.ready(queue), 2)


@asynchronous("exchanges of all four types route, and one exchange feeds another")
async def _(client):
    for kind, key, headers, arguments in (("direct", "k", {}, {}), ("fanout", "", {}, {}), ("topic", "k.#", {}, {}),
                                          ("headers", "", {"h": 1}, {"x-match": "all", "h": 1})):
        source, exchange, queue = await client.exchange("fanout"), await client.exchange(kind), await client.queue()
        await exchange.bind(source)
        await queue.bind(exchange, key, arguments=arguments)
        sink = await client.queue()
        await sink.bind(exchange, "elsewhere", arguments={"x-match": "all", "none": 1})
        await exchange.publish(aio_pika.Message(kind.encode(), headers=headers), key.replace("#", "a.b"))
        expect((await queue.get(no_ack=True)).body, kind.encode(), kind)
        await exchange.unbind(source)
        await exchange.delete()


@asynchronous("queue arguments are taken and dead-letter what is rejected")
async def _(client):
    dead = await client.queue()
    queue = await client.queue(durable=True, arguments={
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.name, "x-max-length": 10,
        "x-message-ttl": 60000})
    await client.publish(queue, b"dead")
    await (await queue.get()).reject(requeue=False)
    message = await client.take(dead)
    expect((message.headers["x-death"][0]["reason"], message.headers["x-death"][0]["count"]), ("rejected", 1))


@asynchronous("404, 406 and 405 close the channel and the connection goes on")
async def _(client):
    absent, queue = unique("absent"), await client.queue()
    error = await expect_raises(exceptions.ChannelNotFoundEntity, client.channel.declare_queue(absent, passive=True))
    expect_in(f"no queue '{absent}' in vhost '/'", str(error))
    client.channel = await client.connection.channel()
    error = await expect_raises(exceptions.ChannelPreconditionFailed,
                                client.channel.declare_queue(queue.name, durable=True))
    expect_in("inequivalent arg 'durable'", str(error))
    async with await aio_pika.connect(host=HOST, port=PORT) as connection:
        channel = await connection.channel()
        exclusive = await channel.declare_queue(client.name_queue(), exclusive=True)
        client.channel = await client.connection.channel()
        await expect_raises(ChannelLockedResource,
                            client.channel.declare_queue(exclusive.name, passive=True))
    client.channel = await client.connection.channel()
    await client.publish(queue, b"still here")


@asynchronous("a wrong password is refused")
async def _(_client):
    error = await expect_raises(exceptions.AMQPConnectionError,
                                aio_pika.connect(host=HOST, port=PORT, login="guest", password="wrong"))
    expect_in("ACCESS_REFUSED", str(error))


@asynchronous("a transaction publishes at commit and forgets at rollback")
async def _(client):
    queue = await client.queue()
    channel = await client.connection.channel(publisher_confirms=False)
    with contextlib.suppress(ValueError):
        async with channel.transaction():
            await channel.default_exchange.publish(aio_pika.Message(b"dropped"), queue.name)
            raise ValueError
    async with channel.transaction():
        await channel.default_exchange.publish(aio_pika.Message(b"kept"), queue.name)
    expect((await queue.get(no_ack=True)).body, b"kept")
    expect(await queue.get(fail=False), None)


@asynchronous("a request is answered over direct reply-to")
async def _(client):
    queue = await client.queue()
    answers = asyncio.Queue()
    channel = await client.connection.channel()
    replies = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
    await replies.consume(answers.put, no_ack=True)

    async def serve(request):
        await client.channel.default_exchange.publish(aio_pika.Message(b"pong"), request.reply_to)

    await queue.consume(serve, no_ack=True)
    await channel.default_exchange.publish(
        aio_pika.Message(b"ping", reply_to="amq.rabbitmq.reply-to"), queue.name)
    expect((await answers.get()).body, b"pong")


@asynchronous("a robust connection that was cut restores its exclusive queue, its binding and its consumer")
async def _(client):
    connection = await aio_pika.connect_robust(host=HOST, port=proxy_port(), reconnect_interval=0.1)
    async with connection:
        channel = await connection.channel()
        received, restored = asyncio.Queue(), asyncio.Event()
        exchange = await client.channel.get_exchange("amq.topic")
        queue, key = await channel.declare_queue(unique("aio"), exclusive=True), unique("aio")
        await queue.bind(exchange.name, key)
        await queue.consume(received.put, no_ack=True)
        connection.reconnect_callbacks.add(lambda *_: restored.set())
        await asyncio.to_thread(cut_connections)
        await restored.wait()
        while received.empty():
            await exchange.publish(aio_pika.Message(b"after"), key, mandatory=False)
            with contextlib.suppress(asyncio.TimeoutError):
                expect((await asyncio.wait_for(received.get(), 0.2)).body, b"after")
                return


run(contextlib.nullcontext)
