"""Prints every message of the queue `hello`."""

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.queue_declare(queue="hello")


def on_message(channel, method, properties, body):
    print("received", body.decode(), flush=True)


channel.basic_consume(queue="hello", on_message_callback=on_message, auto_ack=True)
print("waiting for messages", flush=True)
channel.start_consuming()
