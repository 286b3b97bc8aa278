"""pika's BlockingConnection against a broker that is started for each test, with little memory: LEVERET_PROGRAM."""

import contextlib
import os
import re
import subprocess

import pika

from behaviour import HOST, behaviour, expect, run, wait_until

MEMORY_OCTETS = 100_000_000
BODY = bytes(64 * 1024)


def machine_octets():
    with open("/proc/meminfo") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:"))


@contextlib.contextmanager
def broker_short_of_memory():
    """Its port."""
    command = [os.environ["LEVERET_PROGRAM"], "server", "--ephemeral", "--amqp-port", "0", "--http-port", "0", "--prometheus-port", "0",
               "--memory-high-watermark", f"{MEMORY_OCTETS / machine_octets():.6f}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                if started := re.search(r"Server startup complete;.* amqp_port=(\d+)", line):
                    yield int(started[1])
                    break
        finally:
            process.terminate()
            process.communicate()


@behaviour("who publishes hears that memory is low, and who consumes makes room")
def _(port):
    parameters = pika.ConnectionParameters(HOST, port)
    with pika.BlockingConnection(parameters) as publisher, pika.BlockingConnection(parameters) as consumer:
        heard = []
        publisher.add_on_connection_blocked_callback(lambda _, frame: heard.append(frame.method.reason))
        publisher.add_on_connection_unblocked_callback(lambda _, frame: heard.append("unblocked"))
        channel = publisher.channel()
        queue = channel.queue_declare("", exclusive=False).method.queue

        def publish_some():
            for _ in range(4):  # no more than the kernel takes while the broker does not read
                channel.basic_publish("", queue, BODY)
            publisher.process_data_events(0)

        wait_until(lambda: heard, publish_some)
        expect(heard, ["low on memory"])
        consumer.channel().queue_purge(queue)
        wait_until(lambda: len(heard) > 1, lambda: publisher.process_data_events(0.05))
        expect(heard, ["low on memory", "unblocked"])
        channel.confirm_delivery()
        channel.basic_publish("", queue, b"goes on")


run(broker_short_of_memory)
