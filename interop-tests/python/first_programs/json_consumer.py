"""Reads ten readings and prints their sum."""

import json

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters(host="localhost"))
channel = connection.channel()
channel.queue_declare(queue="readings", durable=True)
print("waiting for readings", flush=True)
total = 0
for method, properties, body in channel.consume("readings"):
    reading = json.loads(body)
    total += reading["celsius"]
    channel.basic_ack(method.delivery_tag)
    if reading["number"] == 9:
        break
channel.cancel()
print(f"{reading['sensor']} {properties.content_type} {total}", flush=True)
connection.close()
