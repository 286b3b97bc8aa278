"""The clients that work while the broker is killed: each a process that ends by telling what it did and saw.

Every client works until its connection ends, or, once `finish` is set and it is one of the graceful ones, until it
has closed its own connection: what the broker has answered to then is certain.
"""

import multiprocessing
import random
import time
import traceback
from dataclasses import dataclass, field

from client import (
    Client, Closed, Stalled, ack_frame, nack_frame, publish_frames, qos_frame, reject_frame,
)  # fmt: skip
from message import make_body, random_size, read_body

PIPE_SECONDS = 60
BARRIER_SECONDS = 0.02

# What has become of a delivery, as far as its consumer knows.
HELD, SETTLED, CERTAIN, REQUEUED = "not settled", "settlement sent", "settled", "requeued"


@dataclass
class Delivery:
    queue: str
    publisher: int
    sequence: int
    redelivered: bool
    outcome: str = HELD


@dataclass
class Publish:
    queues: tuple
    size: int
    persistent: bool
    confirmed: bool = False


@dataclass
class Report:
    """`fault` is what the client itself found wrong; `ordered` says that it was its queues' only consumer."""

    name: str
    publisher: int = 0
    published: list = field(default_factory=list)  # a Publish each, sequence 1 first
    later: list = field(default_factory=list)  # the same for those that come to their queue later
    deliveries: list = field(default_factory=list)  # in order of arrival
    facts: dict = field(default_factory=dict)  # queue name -> Fact
    read: list = field(default_factory=list)  # of a stream: (offset, (publisher, sequence)), in order of arrival
    ordered: bool = False
    fault: str = ""


@dataclass
class Fact:
    """What the broker has answered about a queue of one of the declarers; None is unknown."""

    exists: bool | None = None
    is_bound: bool = False
    messages: int = 0  # confirmed ones


@dataclass(frozen=True)
class Target:
    exchange: str
    routing_key: str
    queues: tuple


@dataclass(frozen=True)
class PublisherPlan:
    name: str
    publisher: int
    seed: str
    targets: tuple
    window: int  # unconfirmed publishes at most
    frame_max: int
    is_graceful: bool
    batch_max: int = 40
    transient_share: float = 0.04

    def run(self, port, finish, report):
        Publisher(self, port, finish, report).run()


class Publisher:
    def __init__(self, plan, port, finish, report):
        self.plan, self.finish, self.report = plan, finish, report
        self.rng = random.Random(plan.seed)
        self.published = report.published
        self.unconfirmed = set()
        report.publisher = plan.publisher
        self.client = Client(port, plan.frame_max)
        self.client.select_confirms()

    def run(self):
        heard = time.monotonic()
        while not (self.finish.is_set() and self.plan.is_graceful):
            if len(self.unconfirmed) < self.plan.window:
                self.publish()
            is_full = len(self.unconfirmed) >= self.plan.window
            if self.take_confirms(1 if is_full else 0) or not is_full:
                heard = time.monotonic()
            elif time.monotonic() - heard > 30:
                raise Stalled(f"{len(self.unconfirmed)} publishes wait for a confirm for 30 s")
        while self.unconfirmed:
            if not self.take_confirms(10):
                raise Stalled(f"{len(self.unconfirmed)} publishes wait for a confirm for 10 s, and nothing goes on")
        self.client.close()

    def publish(self):
        plan = self.plan
        frames = []
        for _ in range(self.rng.randint(1, min(plan.batch_max, plan.window))):
            target = self.rng.choice(plan.targets)
            size = random_size(self.rng)
            persistent = self.rng.random() >= plan.transient_share
            body = self.new_body(target.queues, size, persistent)
            frames.append(publish_frames(target.exchange, target.routing_key, body, persistent, plan.frame_max))
        self.client.send(b"".join(frames))

    def new_body(self, queues, size, persistent):
        """Of the next message, which is noted down."""
        self.published.append(Publish(queues, size, persistent))
        sequence = len(self.published)
        self.unconfirmed.add(sequence)
        return make_body(self.plan.publisher, sequence, size)

    def take_confirms(self, seconds):
        events = self.client.events(seconds)
        for name, tag, is_multiple in events:
            tags = [t for t in self.unconfirmed if t <= tag] if is_multiple else [tag]
            for sequence in tags:
                self.unconfirmed.remove(sequence)
                self.published[sequence - 1].confirmed = name == "basic.ack"
        return bool(events)


@dataclass(frozen=True)
class ConsumerPlan:
    """Takes from `consumed` by basic.consume and from `gotten` by basic.get."""

    name: str
    seed: str
    consumed: tuple
    gotten: tuple
    prefetch: int  # 0 is no limit
    is_global: bool
    patience: int  # deliveries held before some are settled
    is_graceful: bool
    gets_pause: float = 0.0

    def run(self, port, finish, report):
        Consumer(self, port, finish, report).run()


class Consumer:
    def __init__(self, plan, port, finish, report):
        self.plan, self.finish, self.report = plan, finish, report
        self.rng = random.Random(plan.seed)
        self.held = {}  # delivery tag -> Delivery, in order
        self.uncertain = []  # settled since the last barrier was sent
        self.behind_barrier = None  # settled before it was sent
        self.barrier_sent = 0.0
        self.client = Client(port)

    def run(self):
        try:
            self.work()
        except Closed:
            self.take(self.client_leftovers())
            raise

    def work(self):
        plan = self.plan
        self.client.set_prefetch(plan.prefetch, plan.is_global)
        for queue in plan.consumed:
            self.client.consume(queue)
        while not (self.finish.is_set() and plan.is_graceful):
            for queue in plan.gotten:
                self.get(queue)
            wait = 0.02 if plan.consumed else plan.gets_pause
            before = len(self.held)
            self.take(self.client.events(wait))
            self.settle(is_idle=len(self.held) == before)
            self.send_barrier()
        self.end()

    def get(self, queue):
        event = self.client.get(queue)
        if event[0] == "basic.get-ok":
            self.note(event[1], queue, event[2], event[3])

    def client_leftovers(self):
        try:
            return self.client.events(0)
        except Closed:
            return []

    def take(self, events):
        for event in events:
            if event[0] == "basic.deliver":
                self.note(event[1], event[3], event[2], event[4])
            elif event[0] == "basic.qos-ok":
                self.pass_barrier()
            else:
                raise AssertionError(f"unexpected {event}")

    def note(self, tag, queue, redelivered, body):
        identity = read_body(body)
        if not identity:
            raise AssertionError(f"a message of queue {queue} with {len(body)} octets is not what anybody published")
        delivery = Delivery(queue, *identity, redelivered)
        self.report.deliveries.append(delivery)
        self.held[tag] = delivery

    def settle(self, is_idle):
        frames = []
        while self.held and (is_idle or len(self.held) > self.plan.patience):
            is_idle = False
            frames.append(self.settle_some())
        if frames:
            self.client.send(b"".join(frames))

    def settle_some(self):
        """The frame that settles one held delivery, or all up to one of them."""
        tags = list(self.held)
        choice = self.rng.random()
        if choice < 0.03:
            tag = self.rng.choice(tags)
            self.held.pop(tag).outcome = REQUEUED
            return reject_frame(tag, requeue=True)
        if choice < 0.04:
            tag = tags[self.rng.randrange(min(3, len(tags)))]
            self.release_until(tag, REQUEUED)
            return nack_frame(tag, multiple=True, requeue=True)
        if choice < 0.05:
            self.release(tags[0], SETTLED)
            return reject_frame(tags[0], requeue=False)
        if choice < 0.6:
            tag = self.rng.choice(tags) if choice < 0.2 else tags[0]
            self.release(tag, SETTLED)
            return ack_frame(tag)
        tag = self.rng.choice(tags)
        self.release_until(tag, SETTLED)
        return ack_frame(tag, multiple=True)

    def release(self, tag, outcome):
        delivery = self.held.pop(tag)
        delivery.outcome = outcome
        if outcome == SETTLED:
            self.uncertain.append(delivery)

    def release_until(self, tag, outcome):
        for held in [held for held in self.held if held <= tag]:
            self.release(held, outcome)

    def send_barrier(self):
        """A channel's methods are handled in order: an answer to this one says that earlier settlements arrived."""
        now = time.monotonic()
        if self.behind_barrier is not None or not self.uncertain or now - self.barrier_sent < BARRIER_SECONDS:
            return
        self.behind_barrier, self.uncertain, self.barrier_sent = self.uncertain, [], now
        self.client.send(qos_frame(self.plan.prefetch, self.plan.is_global))

    def pass_barrier(self):
        for delivery in self.behind_barrier:
            delivery.outcome = CERTAIN
        self.behind_barrier = None

    def end(self):
        """Settles some of what is held and closes; the broker takes the rest back."""
        if self.held and self.rng.random() < 0.7:
            tag = self.rng.choice(list(self.held))
            self.release_until(tag, SETTLED)
            self.client.send(ack_frame(tag, multiple=True))
        self.client.close_channel()
        self.take(self.client_leftovers())
        for delivery in self.uncertain + (self.behind_barrier or []):
            delivery.outcome = CERTAIN
        for delivery in self.held.values():
            delivery.outcome = REQUEUED
        self.client.close()


@dataclass(frozen=True)
class DeclarerPlan:
    """Declares durable queues twice, from two connections at once: the second answer promises as much as the first."""

    name: str
    publisher: int
    seed: str
    prefix: str
    exchange: str

    def run(self, port, finish, report):
        Declarer(self, port, report).run()


class Declarer:
    def __init__(self, plan, port, report):
        self.plan, self.facts = plan, report.facts
        self.rng = random.Random(plan.seed)
        self.clients = [Client(port), Client(port)]
        self.clients[0].select_confirms()
        self.mine = []  # those that may be deleted

    def run(self):
        number = 0
        while True:
            number += 1
            self.declare(f"{self.plan.prefix}-{number}")
            if self.rng.random() < 0.3:
                self.declare_fleeting(f"{self.plan.prefix}-fleeting-{number}")
            if self.mine and self.rng.random() < 0.3:
                self.delete(self.mine.pop(self.rng.randrange(len(self.mine))))

    def declare(self, name):
        first, second = self.clients
        fact = self.facts[name] = Fact()
        first.send(first.declare_frame(name))
        second.declare(name)
        fact.exists = True
        first.call(b"", "queue.declare-ok")
        first.send(first.bind_frame(name, self.plan.exchange, name))
        second.call(second.bind_frame(name, self.plan.exchange, name), "queue.bind-ok")
        # Only now: the second one may have been the first to reach the broker.
        fact.is_bound = True
        first.call(b"", "queue.bind-ok")
        if self.rng.random() < 0.5:
            body = make_body(self.plan.publisher, len(self.facts), 20)
            first.call(publish_frames("", name, body, True, first.frame_max), "basic.ack")
            fact.messages = 1
        self.mine.append(name)

    def declare_fleeting(self, name):
        is_exclusive = self.rng.random() < 0.5
        self.clients[0].declare(name, durable=is_exclusive, exclusive=is_exclusive)
        self.facts[name] = Fact(exists=False)

    def delete(self, name):
        self.facts[name] = Fact()
        self.clients[1].delete(name)
        self.facts[name] = Fact(exists=False)


class Crew:
    """The clients of one round, each in a process of its own."""

    def __init__(self, port, plans):
        context = multiprocessing.get_context("fork")
        self.finish = context.Event()
        self.members = []
        for plan in plans:
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(plan, port, self.finish, there), daemon=True)
            process.start()
            there.close()
            self.members.append((plan, process, here))

    def reports(self):
        """One of each client, when all have ended."""
        reports = []
        for plan, process, pipe in self.members:
            try:
                reports.append(pipe.recv() if pipe.poll(PIPE_SECONDS) else Report(plan.name, fault="does not end"))
            except EOFError:
                reports.append(Report(plan.name, fault="ended without a report"))
            process.join(1)
            if process.is_alive():
                process.kill()
                process.join()
        return reports


def _work(plan, port, finish, pipe):
    report = Report(plan.name)
    try:
        plan.run(port, finish, report)
    except Closed:
        pass
    except Exception:
        report.fault = traceback.format_exc()
    pipe.send(report)
