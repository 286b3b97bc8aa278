"""Publishes ten readings of a thermometer as JSON."""

import json

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters(host="localhost"))
channel = connection.channel()
channel.queue_declare(queue="readings", durable=True)
for number in range(10):
    reading = {"sensor": "küche", "number": number, "celsius": 20.5 + number}
    channel.basic_publish(
        exchange="",
        routing_key="readings",
        body=json.dumps(reading),
        properties=pika.BasicProperties(content_type="application/json", delivery_mode=2),
    )
print("published 10 readings")
connection.close()
