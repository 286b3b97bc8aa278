"""Works on one task at a time; a dot in a task is a hundredth of a second of work."""

import time

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters(host="localhost"))
channel = connection.channel()
channel.queue_declare(queue="task_queue", durable=True)


def on_task(channel, method, properties, body):
    time.sleep(body.count(b".") * 0.01)
    print("done", body.decode(), flush=True)
    channel.basic_ack(delivery_tag=method.delivery_tag)


channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue="task_queue", on_message_callback=on_task)
print("waiting for tasks", flush=True)
channel.start_consuming()
