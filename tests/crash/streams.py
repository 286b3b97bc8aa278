"""A stream that is written, read, killed and read again.  The rules, besides those of every message (it is whole, and
somebody published it there):

- Every confirmed message is there, and none twice.
- Offsets begin at 0 and have no gaps; those of one publisher's messages rise as it published them.
- Who has once been told a message's offset finds it there ever after.
"""

import random
import time
from dataclasses import dataclass

from client import Client, Closed, ack_frame
from message import read_body

SILENCE_SECONDS = 10


@dataclass(frozen=True)
class ReaderPlan:
    """Reads a stream while it is written, from "first", "last", "next" or an offset on."""

    name: str
    seed: str
    stream: str
    start: str | int
    prefetch: int
    is_graceful: bool

    def run(self, port, finish, report):
        rng = random.Random(self.seed)
        client = Client(port)
        client.set_prefetch(self.prefetch)
        client.consume(self.stream, start=self.start)
        try:
            while not (finish.is_set() and self.is_graceful):
                take(report, client.events(0.02), client, rng.randint(1, self.prefetch))
        except Closed:
            take(report, leftovers(client))
            raise
        client.close_channel()
        take(report, client.events(0))
        client.close()


def leftovers(client):
    try:
        return client.events(0)
    except Closed:
        return []


def take(report, events, client=None, acknowledged_at_once=1):
    """Notes what was read in `report.read`, and what is wrong with it; whether something came."""
    tag = acknowledged = 0
    for number, event in enumerate(events, 1):
        if event[0] != "basic.deliver":
            raise AssertionError(f"unexpected {event}")
        tag, body, offset = event[1], event[4], event[5]
        identity = read_body(body)
        if not identity:
            raise AssertionError(f"offset {offset}: {len(body)} octets that are not what anybody published")
        if report.read and offset != report.read[-1][0] + 1:
            raise AssertionError(f"offset {offset} follows {report.read[-1][0]}")
        report.read.append((offset, identity))
        if client and number % acknowledged_at_once == 0:
            client.send(ack_frame(tag, multiple=True))
            acknowledged = tag
    if client and tag > acknowledged:
        client.send(ack_frame(tag, multiple=True))
    return tag > 0


def read_all(port, stream, report):
    """Reads all there is, from `first` on."""
    client = Client(port)
    count = client.declare(stream, passive=True)
    client.set_prefetch(500)
    client.consume(stream, start="first")
    heard = time.monotonic()
    while len(report.read) < count and not report.fault:
        try:
            if take(report, client.events(1), client, 100):
                heard = time.monotonic()
        except AssertionError as error:
            report.fault = str(error)
        if time.monotonic() - heard > SILENCE_SECONDS:
            report.fault = f"stream {stream} has {count} messages, and delivers nothing after {len(report.read)}"
    client.close_channel()
    client.close()


class StreamLedger:
    """What one stream must have."""

    def __init__(self, stream):
        self.stream = stream
        self.published = {}  # (publisher, sequence) -> whether it was confirmed
        self.offsets = {}  # offset -> (publisher, sequence), as somebody has seen it
        self.failures = []  # (rule, details)

    def take_publishes(self, report):
        for sequence, publish in enumerate(report.published, 1):
            if self.stream in publish.queues:
                self.published[report.publisher, sequence] = publish.confirmed

    def take_reads(self, report):
        """After the publishes of all clients of this life."""
        for offset, message in report.read:
            if message not in self.published:
                self.fail("never published to this stream", message, f"offset {offset}, read by {report.name}")
            known = self.offsets.setdefault(offset, message)
            if known != message:
                self.fail("another message at a known offset", message, f"offset {offset} was that of {known}")

    def expect_all(self, report):
        """`report` has all there is, just after a start."""
        self.take_reads(report)
        if report.read and report.read[0][0] != 0:
            self.fail("does not begin at offset 0", report.read[0][1], f"but at {report.read[0][0]}")
        offsets, newest = {}, {}
        for offset, message in report.read:
            if message in offsets:
                self.fail("twice in the stream", message, f"offsets {offsets[message]} and {offset}")
            offsets[message] = offset
            publisher, sequence = message
            if sequence < newest.get(publisher, 0):
                self.fail("out of order", message, f"behind message {newest[publisher]}")
            newest[publisher] = sequence
        for message, is_confirmed in self.published.items():
            if is_confirmed and message not in offsets:
                self.fail("confirmed and lost", message, f"the stream has {len(report.read)} messages")
        for offset, message in self.offsets.items():
            if offset >= len(report.read):
                self.fail("read and lost", message, f"offset {offset}; the stream has {len(report.read)} messages")

    def fail(self, rule, message, details):
        publisher, sequence = message
        text = f"stream {self.stream}, publisher {publisher}, message {sequence}; {details}"
        self.failures.append((f"stream: {rule}", text))
