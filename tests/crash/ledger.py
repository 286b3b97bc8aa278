"""What must be in the queues, worked out from what clients have published, received and settled.

A life is the time between two starts of the broker.  The rules:

- A message is in a queue only if it was published to it, and is whole.
- A confirmed persistent message is in each of its queues until its settlement has been sent; then it may come back
  after a kill, and after a clean stop only if nothing said that the settlement had arrived.
- A transient message does not outlive its life.
- Within a life a message is delivered once, and once more for each time it was taken back.
- Who receives a message for the first time may see `redelivered` false; nobody does after that, not even after a kill.
- First deliveries to one consumer are in order of publication; so is everything in a queue just recovered.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum

from traffic import CERTAIN, HELD, REQUEUED, SETTLED


class Ending(Enum):
    KILL = "kill"
    STOP = "stop"


class Presence(Enum):
    HERE = "here"  # as far as anybody knows
    MAYBE = "maybe"  # its settlement was sent, and the broker killed
    GONE = "gone"


@dataclass(frozen=True)
class Failure:
    """`rule` is the same for all that broke it."""

    rule: str
    details: str

    def __str__(self):
        return f"{self.rule}: {self.details}"


@dataclass
class Entry:
    """One message in one queue."""

    life: int
    size: int
    persistent: bool
    confirmed: bool
    presence: Presence = Presence.HERE
    was_received: bool = False  # in an earlier life
    story: list = field(default_factory=list)
    # of this life
    deliveries: int = 0
    first_deliveries: int = 0  # those not marked as redelivered
    returns: int = 0
    loose: int = 0  # deliveries of which nobody knows whether the broker took them back
    settlement: str = HELD

    @property
    def must_be_here(self):
        return self.presence is Presence.HERE and self.persistent and self.confirmed and self.settlement == HELD


class Ledger:
    def __init__(self):
        self.queues = defaultdict(dict)  # queue -> (publisher, sequence) -> Entry
        self.touched = {}  # (queue, publisher, sequence) -> Entry: delivered in this life
        self.failures = []
        self.life = 1
        self.last_ending = None

    def fail(self, rule, details):
        self.failures.append(Failure(rule, details))

    def fail_message(self, rule, queue, message, details=""):
        publisher, sequence = message
        details = f"; {details}" if details else ""
        entry = self.queues[queue].get(message)
        if not entry:
            self.fail(rule, f"queue {queue}, publisher {publisher}, message {sequence}{details}")
            return
        kind = "persistent" if entry.persistent else "transient"
        known = "confirmed" if entry.confirmed else "not confirmed"
        story = "".join(f"\n      {line}" for line in entry.story) or " never received"
        self.fail(rule, f"queue {queue}, publisher {publisher}, message {sequence} ({entry.size} octets, {kind}, "
                  f"{known}, published in life {entry.life}){details}; history:{story}")  # fmt: skip

    # Taking reports

    def take_publishes(self, report):
        for sequence, publish in enumerate(report.published, 1):
            for queue in publish.queues:
                self.queues[queue][report.publisher, sequence] = Entry(
                    self.life, publish.size, publish.persistent, publish.confirmed)  # fmt: skip

    def take_deliveries(self, report):
        """After the publishes of all clients of this life."""
        newest = {}  # (queue, publisher) -> last sequence, of those whose order counts
        for delivery in report.deliveries:
            queue, message = delivery.queue, (delivery.publisher, delivery.sequence)
            entry = self.queues[queue].get(message)
            if not entry:
                self.fail_message("never published to this queue", queue, message, f"delivered to {report.name}")
                continue
            self.take_delivery(report.name, entry, delivery)
            if entry.presence is Presence.GONE:
                self.fail_message("came back after it was settled for good", queue, message)
                entry.presence = Presence.MAYBE
            if not entry.persistent and entry.life != self.life:
                self.fail_message("transient, and outlived the broker", queue, message)
            if entry.was_received and not delivery.redelivered:
                self.fail_message("received in an earlier life, and comes again with redelivered=false", queue, message)
            if report.ordered or not delivery.redelivered:
                key = queue, delivery.publisher
                if delivery.sequence <= newest.get(key, 0):
                    self.fail_message("out of order", queue, message, f"{report.name} received {newest[key]} before it")
                newest[key] = delivery.sequence

    def take_delivery(self, name, entry, delivery):
        self.touched[delivery.queue, delivery.publisher, delivery.sequence] = entry
        flag = "redelivered" if delivery.redelivered else "first"
        entry.story.append(f"life {self.life}: to {name}, {flag}, {delivery.outcome}")
        entry.deliveries += 1
        entry.first_deliveries += not delivery.redelivered
        entry.returns += delivery.outcome == REQUEUED
        entry.loose += delivery.outcome in (HELD, SETTLED)
        if delivery.outcome in (SETTLED, CERTAIN) and entry.settlement != CERTAIN:
            entry.settlement = delivery.outcome

    # Comparing

    def count_bounds(self, queue):
        """How many messages a queue just recovered has: at least, and at most."""
        entries = self.queues[queue].values()
        least = sum(entry.must_be_here for entry in entries)
        return least, sum(entry.persistent and entry.presence is not Presence.GONE for entry in entries)

    def expect_empty(self, queue):
        """A single consumer has taken all there was at the start of this life."""
        for message, entry in self.queues[queue].items():
            if entry.must_be_here:
                self.fail_message("confirmed and lost", queue, message)
            if entry.deliveries == 0:
                entry.presence = Presence.GONE

    def expect_never_received(self, queue, report):
        for delivery in report.deliveries:
            if delivery.queue == queue and delivery.redelivered:
                message = delivery.publisher, delivery.sequence
                self.fail_message("redelivered=true, in a queue that never had a consumer", queue, message)

    def expect_exact_marks(self, queue, report, unanswered_gets):
        """After a clean stop: of a queue served by basic.get alone, the broker knows just what it has handed out."""
        if self.last_ending is not Ending.STOP:
            return
        wrong = []
        for delivery in report.deliveries:
            message = delivery.publisher, delivery.sequence
            entry = self.queues[queue].get(message) if delivery.queue == queue else None
            if entry and delivery.redelivered and not entry.was_received and entry.life == self.life - 1:
                wrong.append(message)
        if len(wrong) > unanswered_gets:
            self.fail_message("redelivered=true after a clean stop, and never received", queue, wrong[-1],
                              f"so are {len(wrong)} messages of this queue")  # fmt: skip

    # Ending a life

    def end_life(self, ending):
        for (queue, *message), entry in self.touched.items():
            allowed = 1 + entry.returns
            if ending is Ending.STOP:
                allowed += entry.loose  # a connection that the broker closed gave it to another one
            if entry.deliveries > allowed:
                times = f"delivered {entry.deliveries} times in one life, returned {entry.returns} times"
                self.fail_message("duplicated", queue, tuple(message), times)
            if entry.first_deliveries > 1:
                self.fail_message("redelivered=false more than once", queue, tuple(message))
            if entry.settlement == CERTAIN and ending is Ending.STOP:
                entry.presence = Presence.GONE
            else:
                entry.presence = Presence.HERE if entry.settlement == HELD else Presence.MAYBE
            entry.was_received = True
            entry.deliveries = entry.first_deliveries = entry.returns = entry.loose = 0
            entry.settlement = HELD
        self.touched.clear()
        self.last_ending = ending
        self.life += 1

    def take_failures(self):
        taken, self.failures = self.failures, []
        return taken
