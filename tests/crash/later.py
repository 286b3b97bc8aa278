"""Messages that come to their queue later: an exchange delays them, or they die in another queue first.

They come in another order than they were published in, and after a kill perhaps once more, so the ledger's rules are not
for them.  What holds: whatever was confirmed comes, in this life or a later one, and nothing comes that was not published.
"""

import time
from dataclasses import dataclass

from client import Client, ack_frame, publish_frames, reject_frame
from ledger import Failure
from message import random_size, read_body
from traffic import Publisher

LATE_MAX = 4000  # milliseconds
SILENCE_SECONDS = 10


@dataclass(frozen=True)
class Way:
    """How messages come to `queue`."""

    name: str
    queue: str
    exchange: str
    routing_key: str
    is_delayed: bool = False


DELAYED = Way("delayed", "delayed", "crash-delayed", "", is_delayed=True)
DYING = Way("dead-lettered", "dead", "", "dying")
DYING_ONCE_AT_LEAST = Way("dead-lettered at least once", "surely-dead", "", "surely-dying")
WAYS = (DELAYED, DYING, DYING_ONCE_AT_LEAST)


def declare(port):
    client = Client(port)
    for way in WAYS:
        client.declare(way.queue)
    client.declare_delayed_exchange(DELAYED.exchange, "fanout")
    client.call(client.bind_frame(DELAYED.queue, DELAYED.exchange, ""), "queue.bind-ok")
    # They die of their age, of the queue's length, and of being rejected.
    client.declare(DYING.routing_key, x_message_ttl=LATE_MAX // 4, x_max_length=200,
                   x_dead_letter_exchange="", x_dead_letter_routing_key=DYING.queue)  # fmt: skip
    client.declare(DYING_ONCE_AT_LEAST.routing_key, x_queue_type="quorum", x_message_ttl=LATE_MAX // 4,
                   x_overflow="reject-publish", x_dead_letter_strategy="at-least-once",
                   x_dead_letter_exchange="", x_dead_letter_routing_key=DYING_ONCE_AT_LEAST.queue)  # fmt: skip
    client.close()


@dataclass(frozen=True)
class LatePublisherPlan:
    name: str
    publisher: int
    seed: str
    way: Way
    window: int
    frame_max: int
    is_graceful: bool

    def run(self, port, finish, report):
        LatePublisher(self, port, finish, report).run()


class LatePublisher(Publisher):
    """Publishes persistent messages, with delays of all lengths where they are delayed."""

    def __init__(self, plan, port, finish, report):
        super().__init__(plan, port, finish, report)
        self.published = report.later

    def publish(self):
        way = self.plan.way
        frames = []
        for _ in range(self.rng.randint(1, min(100, self.plan.window))):
            size = random_size(self.rng)
            delay = self.rng.randint(1, LATE_MAX) if way.is_delayed else None
            body = self.new_body((way.queue,), size, True)
            frames.append(publish_frames(way.exchange, way.routing_key, body, True, self.plan.frame_max, delay=delay))
        self.client.send(b"".join(frames))


@dataclass(frozen=True)
class RejecterPlan:
    """Consumes from the queues that messages die in, and rejects what comes."""

    name: str
    is_graceful: bool

    def run(self, port, finish, report):
        client = Client(port)
        client.set_prefetch(100)
        for way in (DYING, DYING_ONCE_AT_LEAST):
            client.consume(way.routing_key)
        while not (finish.is_set() and self.is_graceful):
            client.send(b"".join(reject_frame(event[1], requeue=False) for event in client.events(0.02)))
        client.close()


class LateLedger:
    def __init__(self, way):
        self.way = way
        self.published = {}  # (publisher, sequence) -> whether it was confirmed
        self.missing = set()  # confirmed, and not received yet

    def take_publishes(self, report):
        for sequence, publish in enumerate(report.later, 1):
            if publish.queues != (self.way.queue,):
                continue
            self.published[report.publisher, sequence] = publish.confirmed
            if publish.confirmed:
                self.missing.add((report.publisher, sequence))

    def receive_some(self, port):
        """Takes what is there; what is wrong with it."""
        client = Client(port)
        left = client.declare(self.way.queue, passive=True)
        client.consume(self.way.queue)
        wrong = []
        heard = time.monotonic()
        while left > 0:
            events = client.events(1)
            if events:
                heard = time.monotonic()
            elif time.monotonic() - heard < SILENCE_SECONDS:
                continue
            else:
                wrong.append(Failure(f"a queue of {self.way.name} messages delivers nothing", f"{left} are left"))
                break
            for event in events:
                left -= 1
                wrong += self._receive(read_body(event[4]))
            client.send(ack_frame(events[-1][1], multiple=True))
        client.close_channel()
        client.close()
        return wrong

    def _receive(self, message):
        self.missing.discard(message)
        if message in self.published:
            return []
        return [Failure("never published, or damaged", f"{self.way.name} message {message}")]

    def receive_all(self, port):
        """After that everything that was ever confirmed must have come."""
        wrong = []
        deadline = time.monotonic() + 2 * LATE_MAX / 1000
        while self.missing and time.monotonic() < deadline and not wrong:
            wrong = self.receive_some(port)
            time.sleep(0.1)
        lost = sorted(self.missing)
        wrong += [Failure(f"{self.way.name}, confirmed and lost", f"publisher {p}, message {s}") for p, s in lost]
        self.missing.clear()
        return wrong
