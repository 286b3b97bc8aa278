"""Publishes a message under a routing key: emit_log_topic.py KEY WORDS..."""

import sys

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters(host="localhost"))
channel = connection.channel()
channel.exchange_declare(exchange="topic_logs", exchange_type="topic")
key, message = sys.argv[1], " ".join(sys.argv[2:])
channel.basic_publish(exchange="topic_logs", routing_key=key, body=message)
print("sent", key, message)
connection.close()
