"""What a broker that has just been started has kept."""

import time

from client import ChannelClosed, Client, ack_frame, publish_frames
from ledger import Failure
from message import read_body
from traffic import CERTAIN, Delivery, Report

SILENCE_SECONDS = 10


def check_facts(port, facts, exchange):
    """Compares the queues with what the declarers were told, and deletes them.  What is wrong."""
    wrong = []
    client = Client(port)
    client.select_confirms()
    for name, fact in facts.items():
        try:
            messages = client.declare(name, passive=True)
        except ChannelClosed as refusal:
            client.select_confirms()
            if refusal.code != 404:
                wrong.append(Failure("a declared queue refuses", f"queue {name}: {refusal}"))
            elif fact.exists:
                wrong.append(Failure("a durable queue is gone after queue.declare-ok", f"queue {name}"))
            continue
        if fact.exists is False:
            wrong.append(Failure("a transient, exclusive or deleted queue is there", f"queue {name}"))
        if messages < fact.messages:
            wrong.append(Failure("a new queue lost its confirmed message", f"queue {name} has {messages} messages"))
        if fact.is_bound and not leads_to_a_queue(client, exchange, name):
            wrong.append(Failure("a durable binding is gone after queue.bind-ok", f"queue {name}, exchange {exchange}"))
        client.delete(name)
    client.close()
    return wrong


def leads_to_a_queue(client, exchange, routing_key):
    publish = publish_frames(exchange, routing_key, b"", False, client.frame_max, mandatory=True)
    client.call(publish, "basic.ack")
    return not any(name == "basic.return" for name, *_ in client.events(0))


def count_messages(client, queues):
    return {queue: client.declare(queue, passive=True) for queue in queues}


def drain(port, queue, prefetch):
    """Takes everything out of a queue that has no other client, and is certain of it."""
    report = Report("the only consumer", ordered=True)
    client = Client(port)
    left = client.declare(queue, passive=True)
    client.set_prefetch(prefetch)
    client.consume(queue)
    heard = time.monotonic()
    while left > 0 and not report.fault:
        newest = 0
        for event in client.events(1):
            newest = event[1]
            left -= 1
            identity = read_body(event[4])
            if identity:
                report.deliveries.append(Delivery(queue, *identity, event[2], CERTAIN))
            else:
                report.fault = f"a message of queue {queue} with {len(event[4])} octets is not what anybody published"
        if newest:
            client.send(ack_frame(newest, multiple=True))
            heard = time.monotonic()
        elif time.monotonic() - heard > SILENCE_SECONDS:
            report.fault = f"queue {queue} has {left} messages more, and delivers nothing for {SILENCE_SECONDS} s"
    after = client.declare(queue, passive=True)
    if not report.fault and (after or left or any(name == "basic.deliver" for name, *_ in client.events(0))):
        report.fault = f"queue {queue} announced {len(report.deliveries)} messages and has {after} more"
    client.close_channel()
    client.close()
    return report
