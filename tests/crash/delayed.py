"""Messages that an exchange delays: published in one life, due in that one or a later one.

They come in another order than they were published in, and after a kill perhaps once more, so the ledger's rules are not
for them.  What holds: whatever was confirmed comes, and nothing comes that was not published.
"""

import time
from dataclasses import dataclass

from client import Client, ack_frame, publish_frames
from ledger import Failure
from message import make_body, random_size, read_body
from traffic import Publish, Publisher

EXCHANGE, QUEUE = "crash-delayed", "delayed"
DELAY_MAX = 4000  # milliseconds
SILENCE_SECONDS = 10


def declare(port):
    client = Client(port)
    client.declare_delayed_exchange(EXCHANGE, "fanout")
    client.declare(QUEUE)
    client.call(client.bind_frame(QUEUE, EXCHANGE, ""), "queue.bind-ok")
    client.close()


@dataclass(frozen=True)
class DelayerPlan:
    name: str
    publisher: int
    seed: str
    window: int
    frame_max: int
    is_graceful: bool

    def run(self, port, finish, report):
        Delayer(self, port, finish, report).run()


class Delayer(Publisher):
    """Publishes persistent messages with delays of all lengths."""

    def publish(self):
        frames = []
        for _ in range(self.rng.randint(1, min(100, self.plan.window))):
            size, delay = random_size(self.rng), self.rng.randint(1, DELAY_MAX)
            self.report.delayed.append(Publish((QUEUE,), size, True))
            sequence = len(self.report.delayed)
            self.unconfirmed.add(sequence)
            body = make_body(self.plan.publisher, sequence, size)
            frames.append(publish_frames(EXCHANGE, "", body, True, self.plan.frame_max, delay=delay))
        self.client.send(b"".join(frames))

    def note_confirm(self, sequence, is_acknowledged):
        self.report.delayed[sequence - 1].confirmed = is_acknowledged


class DelayedLedger:
    def __init__(self):
        self.published = {}  # (publisher, sequence) -> whether it was confirmed
        self.missing = set()  # confirmed, and not received yet

    def take_publishes(self, report):
        for sequence, publish in enumerate(report.delayed, 1):
            self.published[report.publisher, sequence] = publish.confirmed
            if publish.confirmed:
                self.missing.add((report.publisher, sequence))

    def receive_some(self, port):
        """Takes what is there; what is wrong with it."""
        client = Client(port)
        left = client.declare(QUEUE, passive=True)
        client.consume(QUEUE)
        wrong = []
        heard = time.monotonic()
        while left > 0:
            events = client.events(1)
            if events:
                heard = time.monotonic()
            elif time.monotonic() - heard < SILENCE_SECONDS:
                continue
            else:
                wrong.append(Failure("a queue of delayed messages delivers nothing", f"{left} are left"))
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
        return [] if message in self.published else [Failure("never published, or damaged", f"delayed message {message}")]

    def receive_all(self, port):
        """After that everything that was ever confirmed must have come."""
        wrong = []
        deadline = time.monotonic() + 2 * DELAY_MAX / 1000
        while self.missing and time.monotonic() < deadline and not wrong:
            wrong = self.receive_some(port)
            time.sleep(0.1)
        lost = sorted(self.missing)
        wrong += [Failure("delayed, confirmed and lost", f"publisher {p}, message {s}") for p, s in lost]
        self.missing.clear()
        return wrong
