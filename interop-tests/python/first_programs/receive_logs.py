"""Listens to everything that is told from now on."""

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters(host="localhost"))
channel = connection.channel()
channel.exchange_declare(exchange="logs", exchange_type="fanout")
queue = channel.queue_declare(queue="", exclusive=True).method.queue
channel.queue_bind(exchange="logs", queue=queue)
channel.basic_consume(
    queue=queue,
    on_message_callback=lambda channel, method, properties, body: print("log", body.decode(), flush=True),
    auto_ack=True,
)
print("waiting for logs", flush=True)
channel.start_consuming()
