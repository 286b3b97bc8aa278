"""A client that hides nothing: it sends what it is told and writes down all that comes back.

A `Session` is one scenario against one broker: its clients, made when first named, and the record of what they saw.
Connections and channels open by themselves when a step needs them, unrecorded, unless the scenario opens them.
"""

import re
import select
import socket
import time

import wire

ANSWER_SECONDS = 2.0  # how long a synchronous method may stay without its answer
CLOSE_SECONDS = 4.0  # how long a socket may stay open after close-ok

_MASKS = (
    (re.compile(r"amq\.gen-[\w-]{22}"), "amq.gen-*"),
    (re.compile(r"amq\.ctag-[\w-]{22}"), "amq.ctag-*"),
    (re.compile(r"amq\.rabbitmq\.reply-to\.[\w./=+-]{24,}"), "amq.rabbitmq.reply-to.*"),
    (re.compile(r"\bT\(\d{10}\)"), "T(*)"),
    (re.compile(r"(vhost '.*' is) down"), r"\1 deleted"),  # RabbitMQ says either, as its processes happen to run
)
_MASKED_SERVER_PROPERTIES = ("cluster_name", "copyright", "information", "platform", "product", "version")


class Client:
    """One connection.  Its record is the session's; `frames` is what has arrived and no step has read."""

    def __init__(self, session, name, port):
        self.session, self.name = session, name
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""
        self.contents = {}  # channel -> [method, properties, octets of body missing, body]
        self.events = []  # (channel, Method) of everything seen, for scenarios that need a value of it
        self.used_channels = set()  # opened once, by a scenario or for it
        self.is_bare = True  # no handshake yet: nothing opens by itself
        self.answers_close = True  # sends close-ok to channel.close and connection.close by itself
        self.is_closing = False  # connection.close seen and answered: the socket should end
        self.is_closed = False
        self.published = {}  # channel -> [publishes since confirm.select, tags not yet confirmed]

    def send_bytes(self, octets):
        if self.is_closed:
            return
        try:
            self.socket.sendall(octets)
        except OSError:
            self._closed()

    def send(self, method, channel):
        if method.name == "confirm.select":
            self.published.setdefault(channel, [0, []])
        if method.name == "basic.publish" and channel in self.published:
            self.published[channel][0] += 1
            self.published[channel][1].append(self.published[channel][0])
        self.send_bytes(wire.encode_frame(wire.METHOD, channel, method.encode()))

    def receive(self):
        """Reads what the socket has, and records it."""
        try:
            octets = self.socket.recv(1 << 20)
        except OSError:
            octets = b""
        self.unread += octets
        if self.unread.startswith(b"AMQP") and len(self.unread) >= 8:
            self._record(0, "protocol header " + wire.show(self.unread[:8]))
            self.unread = self.unread[8:]
        while True:
            frame, self.unread = wire.take_frame(self.unread)
            if frame is None:
                break
            self._handle(*frame)
        if not octets:
            self._closed()

    def last(self, name):
        """The most recent method of that name."""
        return next(method for _, method in reversed(self.events) if method.name == name)

    def _handle(self, kind, channel, payload):
        if kind == wire.METHOD:
            method = wire.decode_method(payload)
            self.events.append((channel, method))
            if method.name in wire.CONTENT_METHODS:
                self.contents[channel] = [method, None, 0, b""]
            elif method.name in ("basic.ack", "basic.nack") and channel in self.published:
                self._confirmed(channel, method)
            else:
                self._record(channel, str(method))
            self._answer(channel, method)
        elif kind == wire.HEADER:
            content = self.contents[channel]
            content[1], content[2] = wire.decode_header(payload)
            self._finish_content(channel)
        elif kind == wire.BODY:
            content = self.contents[channel]
            content[2] -= len(payload)
            content[3] += payload
            self._finish_content(channel)
        else:
            self._record(channel, "heartbeat" if kind == wire.HEARTBEAT else f"frame of type {kind}")

    def _finish_content(self, channel):
        method, properties, missing, body = self.contents[channel]
        if missing <= 0:
            del self.contents[channel]
            method.values = {**method.values, "properties": properties, "body": body}
            self._record(channel, str(method))

    def _confirmed(self, channel, method):
        """One line per message, whether the broker confirmed it alone or with those before it."""
        unconfirmed = self.published[channel][1]
        tag = method["delivery-tag"]
        tags = [t for t in unconfirmed if t <= tag] if method["multiple"] else [tag]
        for settled in tags:
            if settled in unconfirmed:
                unconfirmed.remove(settled)
            self._record(channel, f"{method.name} {settled}")

    def _answer(self, channel, method):
        if method.name == "channel.close":
            if self.answers_close:
                self.send(wire.Method("channel.close-ok"), channel)
        if method.name == "connection.close":
            if self.answers_close:
                self.send(wire.Method("connection.close-ok"), 0)
                self.is_closing = True

    def _closed(self):
        if not self.is_closed:
            self.is_closed = True
            self._record(0, "socket closed")

    def _record(self, channel, text):
        if text.startswith("connection.start "):
            for key in _MASKED_SERVER_PROPERTIES:
                text = re.sub(rf'\b{key}: "[^"]*"', f"{key}: *", text)
            text = re.sub(r'leveret_version: "[^"]*", ', "", text)
            text = re.sub('mechanisms="([^"]*)"', self._show_mechanisms, text)
        self.session.record(self.name, channel, "<", text)

    @staticmethod
    def _show_mechanisms(match):
        """In order, for RabbitMQ's is by chance; and without that which only RabbitMQ 4 offers."""
        return 'mechanisms="%s"' % " ".join(sorted(set(match[1].split()) - {"ANONYMOUS"}))


class Session:
    """One scenario against one broker.  `quiet` is how many seconds of silence end a step."""

    def __init__(self, target, quiet):
        self.target, self.quiet = target, quiet
        self.clients = {}
        self.lines = []  # (client, channel, direction, text), in order
        self.recording = True
        self.failure = None  # why the scenario could not be run, if so
        self.declared = []  # ("queue" | "exchange", name), deleted in the end

    def record(self, client, channel, direction, text):
        if not self.recording:
            return
        for pattern, replacement in _MASKS:
            text = pattern.sub(replacement, text)
        self.lines.append((client, channel, direction, text))

    def received(self):
        """What each client saw on each of its channels, in order: what two brokers must agree on."""
        seen = {}
        for client, channel, direction, text in self.lines:
            if direction == "<":
                seen.setdefault((client, channel), []).append(text)
        return seen

    # Clients

    def bare(self, name="a"):
        """A client that has said nothing yet."""
        self.clients[name] = Client(self, name, self.target.port)
        return self.clients[name]

    def client(self, name="a", **login):
        """The client of that name, connected with `login` (see `connect`) when it is new."""
        if name not in self.clients:
            self.connect(name, **login)
        return self.clients[name]

    def connect(
        self, name="a", user="guest", password="guest", virtual_host="/", capabilities=None, channel_max=2047,
        frame_max=131072, recording=False,
    ):  # fmt: skip
        client = self.bare(name)
        before, self.recording = self.recording, recording
        client.send_bytes(wire.PROTOCOL_HEADER)
        self.wait(client, {"connection.start"})
        properties = {"capabilities": capabilities if capabilities is not None else {
            "authentication_failure_close": True, "consumer_cancel_notify": True, "basic.nack": True,
            "publisher_confirms": True, "connection.blocked": True}}  # fmt: skip
        response = f"\0{user}\0{password}"
        client.send(
            wire.Method("connection.start-ok", {"client-properties": properties, "mechanism": "PLAIN",
                                                "response": response, "locale": "en_US"}), 0)  # fmt: skip
        self.wait(client, {"connection.tune"})
        client.send(wire.Method("connection.tune-ok", {"channel-max": channel_max, "frame-max": frame_max}), 0)
        client.send(wire.Method("connection.open", {"virtual-host": virtual_host}), 0)
        self.wait(client, {"connection.open-ok"})
        client.is_bare = False
        self.recording = before
        return client

    def open_channel(self, client, channel):
        if channel == 0 or channel in client.used_channels or client.is_closed or client.is_bare:
            return
        client.used_channels.add(channel)
        before, self.recording = self.recording, False
        client.send(wire.Method("channel.open"), channel)
        self.wait(client, {"channel.open-ok"})
        self.recording = before

    # Sending and waiting

    def send(self, method, client="a", channel=1, settle=True):
        """Sends a method, waits for its answer if it has one, then for silence."""
        client = self._ready(client, channel, opens=method.name == "channel.open")
        self._note_declared(method)
        self.record(client.name, channel, ">", str(method))
        client.send(method, channel)
        if method.answers() and settle:
            self.wait(client, method.answers(), channel)
        if settle:
            self.settle()

    def publish(self, method, properties, body, client="a", channel=1, settle=True):
        client = self._ready(client, channel)
        shown = wire.Method(method.name, {**method.values, "properties": properties, "body": body})
        self.record(client.name, channel, ">", str(shown))
        client.send(method, channel)
        client.send_bytes(wire.encode_content(properties, body, channel))
        if settle:
            self.settle()

    def send_bytes(self, octets, client, channel, what):
        """Octets as they are; `what` describes them in the record."""
        client = self.client(client)
        self.record(client.name, channel, ">", what)
        client.send_bytes(octets)
        self.settle()

    def wait(self, client, names, channel=0):
        """Until the client has seen one of `names`, or a close; writes down when neither comes."""
        start = len(client.events)
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline and not client.is_closed:
            self._receive(deadline - time.monotonic())
            for seen_on, method in client.events[start:]:
                if method.name == "connection.close" or (method.name == "channel.close" and seen_on == channel):
                    return
                if method.name in names:
                    return
        if not client.is_closed:
            self.record(client.name, channel, "<", "(no answer)")

    def settle(self, quiet=None):
        """Until nothing has arrived for `quiet` seconds and no closing socket is left open."""
        quiet = quiet or self.quiet
        silent_since = started = time.monotonic()
        while True:
            now = time.monotonic()
            if now - silent_since >= quiet:
                closing = any(c.is_closing and not c.is_closed for c in self.clients.values())
                if not closing or now - started > CLOSE_SECONDS:
                    return
            if self._receive(0.01):
                silent_since = time.monotonic()

    def wait_closed(self, client="a", seconds=CLOSE_SECONDS):
        """Until the broker closes the socket; writes down when it does not."""
        client = self.client(client)
        deadline = time.monotonic() + seconds
        while not client.is_closed and time.monotonic() < deadline:
            self._receive(deadline - time.monotonic())
        if not client.is_closed:
            self.record(client.name, 0, "<", f"(still open after {seconds:g} s)")

    def finish(self):
        """Closes every connection and deletes what the scenario declared."""
        self.recording = False
        for client in self.clients.values():
            if not client.is_closed and client.events:
                client.send(wire.Method("connection.close"), 0)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if all(c.is_closed or c.events[-1:] and c.events[-1][1].name in ("connection.close-ok", "connection.start")
                   for c in self.clients.values()):  # fmt: skip
                break
            self._receive(0.05)
        for client in self.clients.values():
            client.socket.close()
        self.clients = {}
        if self.declared:
            cleaner = self.connect("cleaner")
            for channel, (kind, name) in enumerate(dict.fromkeys(self.declared), 1):
                self.open_channel(cleaner, channel)
                cleaner.send(wire.Method(kind + ".delete", {kind: name}), channel)
                self.wait(cleaner, {kind + ".delete-ok"}, channel)
            cleaner.socket.close()

    def _receive(self, seconds):
        """Reads from whichever sockets have something within `seconds`; whether any had."""
        alive = {c.socket: c for c in self.clients.values() if not c.is_closed}
        if not alive:
            time.sleep(min(seconds, 0.01))
            return False
        ready, _, _ = select.select(list(alive), [], [], max(seconds, 0))
        for sock in ready:
            alive[sock].receive()
        return bool(ready)

    def _ready(self, name, channel, opens=False):
        """The client, connected, with that channel open; a channel once closed is not opened again."""
        client = self.client(name)
        if opens:
            client.used_channels.add(channel)
        else:
            self.open_channel(client, channel)
        return client

    def _note_declared(self, method):
        if method.name in ("queue.declare", "exchange.declare"):
            kind = method.name.split(".")[0]
            name = method.values.get(kind)
            if name and isinstance(name, str) and not name.startswith("amq.") and len(name) < 250:
                self.declared.append((kind, name.replace("\r", "").replace("\n", "")))
