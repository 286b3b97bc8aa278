"""Prints what is published under the binding keys given on the command line."""

import sys

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters(host="localhost"))
channel = connection.channel()
channel.exchange_declare(exchange="topic_logs", exchange_type="topic")
queue = channel.queue_declare("", exclusive=True).method.queue
for key in sys.argv[1:]:
    channel.queue_bind(exchange="topic_logs", queue=queue, routing_key=key)


def on_message(channel, method, properties, body):
    print("log", method.routing_key, body.decode(), flush=True)


channel.basic_consume(queue=queue, on_message_callback=on_message, auto_ack=True)
print("waiting for logs", flush=True)
channel.start_consuming()
