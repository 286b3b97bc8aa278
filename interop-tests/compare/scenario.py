"""How a scenario is written: a name and a list of steps.

    scenario("queue.purge: of a queue with two messages",
             queue.declare(queue="q"), publish("", "q", b"1"), publish("", "q", b"2"), queue.purge(queue="q"))

A step is a method (sent on channel 1 of client "a") or one of the functions below; `on` and `by` choose another
channel or client.  Channels and connections open by themselves.  A scenario that needs a value from an answer is a
function of the session, under `@scenario_of(name)`.
"""

import functools
from dataclasses import dataclass

import wire


@dataclass(frozen=True)
class Scenario:
    name: str
    group: str
    steps: tuple

    def run(self, session):
        for step in self.steps:
            perform(step, session, "a", 1)


SCENARIOS = []
_group = [""]


def group(name):
    """The group of the scenarios that follow, up to the next call."""
    _group[0] = name


def scenario(name, *steps):
    SCENARIOS.append(Scenario(name, _group[0], steps))


def scenario_of(name):
    """Decorates a function of the session that is a whole scenario."""

    def register(function):
        scenario(name, lambda session, client, channel: function(session))
        return function

    return register


def perform(step, session, client, channel):
    if isinstance(step, wire.Method):
        session.send(step, client, channel)
    else:
        step(session, client, channel)


class _Class:
    def __init__(self, name):
        self._name = name

    def __getattr__(self, method):
        name = f"{self._name}.{method.rstrip('_').replace('_', '-')}"
        if name not in wire.SPECS:
            raise AttributeError(name)
        return lambda **values: wire.Method(name, {k.rstrip("_").replace("_", "-"): v for k, v in values.items()})


access, basic, channel, confirm = _Class("access"), _Class("basic"), _Class("channel"), _Class("confirm")
connection, exchange, queue, tx = _Class("connection"), _Class("exchange"), _Class("queue"), _Class("tx")


def _step(function):
    """Turns f(session, client, channel, ...) into a function that makes a step of the remaining arguments."""

    @functools.wraps(function)
    def make(*arguments, **options):
        return lambda session, client, number: function(session, client, number, *arguments, **options)

    return make


@_step
def on(session, client, number, new_number, *steps):
    """The steps on another channel."""
    for step in steps:
        perform(step, session, client, new_number)


@_step
def by(session, client, number, new_client, *steps):
    """The steps by another client."""
    for step in steps:
        perform(step, session, new_client, number)


def publish(exchange_name, routing_key, body=b"", mandatory=False, immediate=False, **properties):
    """basic.publish with its content; `properties` with underscores for hyphens."""
    values = {"exchange": exchange_name, "routing-key": routing_key}
    values.update({k: True for k, v in (("mandatory", mandatory), ("immediate", immediate)) if v})
    properties = {k.replace("_", "-"): v for k, v in properties.items()}
    return lambda session, client, number: session.publish(
        wire.Method("basic.publish", values), properties, body, client, number
    )


@_step
def together(session, client, number, *methods):
    """Methods written in one go, before any answer is read."""
    connected = session.client(client)
    session.open_channel(connected, number)
    for method in methods:
        session.record(client, number, ">", str(method))
    connected.send_bytes(b"".join(wire.encode_frame(wire.METHOD, number, m.encode()) for m in methods))
    session.settle()


@_step
def frame(session, client, number, kind, payload, end=wire.FRAME_END, what=None):
    """One frame as it is, of any type, on this channel; `what` says so in the record."""
    session.open_channel(session.client(client), number)
    what = what or f"frame type={kind} payload={wire.show(payload)}"
    session.send_bytes(wire.encode_frame(kind, number, payload, end), client, number, what)


def method_frame(method):
    """The method alone, waiting for no answer (its content may follow by `header` and `body`)."""
    return frame(wire.METHOD, method.encode(), what=f"frame {method}")


def header(body_size, class_id=60, weight=0, **properties):
    properties = {k.replace("_", "-"): v for k, v in properties.items()}
    octets_ = wire.encode_header(properties, body_size, class_id, weight)
    what = f"header body-size={body_size} class={class_id} weight={weight} properties={wire.show(properties)}"
    return frame(wire.HEADER, octets_, what=what)


def body(content):
    return frame(wire.BODY, content, what=f"body {wire.show(content)}")


@_step
def octets(session, client, number, value):
    """Octets as they are."""
    session.send_bytes(value, client, number, "octets " + wire.show(value))


@_step
def bare(session, client, number):
    """Connects and says nothing."""
    session.bare(client)


@_step
def connected(session, client, number, **login):
    """Connects with options of `Session.connect`, recording the handshake."""
    session.connect(client, recording=True, **login)
    session.settle()


@_step
def quietly_connected(session, client, number, **login):
    """The same, unrecorded."""
    session.connect(client, **login)


@_step
def silent_on_close(session, client, number):
    """From now on the client answers no close by itself."""
    session.client(client).answers_close = False


@_step
def closed(session, client, number, seconds=4.0):
    """The broker should have closed the socket within that time."""
    session.wait_closed(client, seconds)


@_step
def hang_up(session, client, number):
    """The client's socket ends without a word."""
    session.record(client, 0, ">", "socket closed")
    session.client(client).is_closed = True
    session.client(client).socket.close()
    session.settle()


@_step
def pause(session, client, number, seconds):
    """Lets time pass at the broker, as for a time-to-live."""
    session.settle(seconds)
