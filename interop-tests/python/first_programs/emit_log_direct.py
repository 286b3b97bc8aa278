"""Publishes a message under a severity: emit_log_direct.py KEY WORDS..."""

import sys

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters(host="localhost"))
channel = connection.channel()
channel.exchange_declare(exchange="direct_logs", exchange_type="direct")
key, message = sys.argv[1], " ".join(sys.argv[2:])
channel.basic_publish(exchange="direct_logs", routing_key=key, body=message)
print("sent", key, message)
connection.close()
