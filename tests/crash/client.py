"""A small AMQP 0-9-1 client: one connection with one channel, blocking, made for speed and for honest bookkeeping.

What has arrived is handed out as events, tuples that begin with the method's name and, when there is content, end with
the body and the offset in a stream; all that came before the broker
went away is handed out before `Closed` is raised, so that a confirm the client has received counts as received.
"""

import select
import socket
import struct
import time

METHOD, HEADER, BODY = 1, 2, 3
ANSWER_SECONDS = 30

_FRAME = struct.Struct(">BHI")
_CONTENT = struct.Struct(">HHQHB")  # class, weight, body size, property flags, delivery-mode
_DELIVERY_MODE_FLAG = 0x1000
_HEADERS_FLAG = 0x2000
_OFFSET_FIELD = b"\x0fx-stream-offsetl"

_NAMES = {
    (10, 10): "connection.start",
    (10, 30): "connection.tune",
    (10, 41): "connection.open-ok",
    (10, 51): "connection.close-ok",
    (20, 11): "channel.open-ok",
    (20, 41): "channel.close-ok",
    (40, 11): "exchange.declare-ok",
    (50, 11): "queue.declare-ok",
    (50, 21): "queue.bind-ok",
    (50, 41): "queue.delete-ok",
    (60, 11): "basic.qos-ok",
    (60, 21): "basic.consume-ok",
    (60, 72): "basic.get-empty",
    (85, 11): "confirm.select-ok",
}


class Closed(Exception):
    """The connection has ended; the text says how."""


class ChannelClosed(Exception):
    """The broker has closed the channel; a new one is open."""

    def __init__(self, code, text):
        super().__init__(f"{code} {text}")
        self.code = code


class Stalled(Exception):
    """The broker lives, and does not answer."""


def _short(text):
    octets = text.encode()
    return bytes([len(octets)]) + octets


def _frame(kind, channel, payload):
    return _FRAME.pack(kind, channel, len(payload)) + payload + b"\xce"


def _method(class_id, method_id, arguments=b"", channel=1):
    return _frame(METHOD, channel, struct.pack(">HH", class_id, method_id) + arguments)


def _header(body, persistent, delay):
    mode = 2 if persistent else 1
    if delay is None:
        return _CONTENT.pack(60, 0, len(body), _DELIVERY_MODE_FLAG, mode)
    flags = _HEADERS_FLAG | _DELIVERY_MODE_FLAG
    return struct.pack(">HHQH", 60, 0, len(body), flags) + _table(x_delay=delay) + bytes([mode])


def publish_frames(exchange, routing_key, body, persistent, frame_max, mandatory=False, delay=None):
    """basic.publish with its content, ready to be sent; `delay` is its header x-delay."""
    arguments = b"\0\0" + _short(exchange) + _short(routing_key) + bytes([mandatory])
    header = _header(body, persistent, delay)
    room = frame_max - 8
    parts = [_frame(BODY, 1, body[at : at + room]) for at in range(0, len(body), room)]
    return b"".join([_method(60, 40, arguments), _frame(HEADER, 1, header), *parts])


def ack_frame(tag, multiple=False):
    return _method(60, 80, struct.pack(">QB", tag, multiple))


def reject_frame(tag, requeue):
    return _method(60, 90, struct.pack(">QB", tag, requeue))


def nack_frame(tag, multiple, requeue):
    return _method(60, 120, struct.pack(">QB", tag, multiple | requeue << 1))


def _table(**entries):
    """Of texts and integers; an underscore stands for a hyphen."""
    fields = b""
    for name, value in entries.items():
        fields += _short(name.replace("_", "-"))
        if isinstance(value, int):
            fields += b"l" + struct.pack(">q", value)
        else:
            fields += b"S" + struct.pack(">I", len(value)) + value.encode()
    return struct.pack(">I", len(fields)) + fields


def _stream_offset(header):
    """Of a content header; None in a message that is of no stream."""
    at = header.find(_OFFSET_FIELD)
    return struct.unpack_from(">q", header, at + len(_OFFSET_FIELD))[0] if at >= 0 else None


def qos_frame(prefetch, is_global):
    return _method(60, 10, struct.pack(">IHB", 0, prefetch, is_global))


class Client:
    """`frame_max` counts octets of a whole frame."""

    def __init__(self, port, frame_max=131072):
        self.frame_max = frame_max
        self._input = b""
        self._events = []
        self._end = None  # why the connection has ended, if it has
        self._content = None  # the method whose content is arriving
        self._missing = 0
        self._offset = None
        self._parts = []
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        except OSError as error:
            raise Closed(str(error)) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._open()

    def _open(self):
        self.call(b"AMQP\0\0\x09\x01", "connection.start")
        response = b"\0guest\0guest"
        start_ok = bytes(4) + _short("PLAIN") + struct.pack(">I", len(response)) + response + _short("en_US")
        self.call(_method(10, 11, start_ok, 0), "connection.tune")
        self.send(_method(10, 31, struct.pack(">HIH", 2047, self.frame_max, 0), 0))
        self.call(_method(10, 40, _short("/") + b"\0\0", 0), "connection.open-ok")
        self._open_channel()

    def _open_channel(self):
        self.call(_method(20, 10, b"\0"), "channel.open-ok")

    # Sending

    def send(self, octets):
        """Never fails: what the broker had still said is handed out first, and then `Closed`."""
        if self._end:
            return
        try:
            self._socket.sendall(octets)
        except OSError as error:
            while not self._end:
                self._receive()
            self._end = f"{self._end}; {error}"

    def call(self, octets, *answers):
        """Sends, and waits for the event of one of those names; the others are kept for `events`.

        Raises ChannelClosed when the broker refuses, Closed, and Stalled when no answer comes.
        """
        kept = []
        self.send(octets)
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                arrived = self.events(max(deadline - time.monotonic(), 0))
            except Closed:
                self._events = kept
                raise
            for at, event in enumerate(arrived):
                if event[0] in answers:
                    self._events = kept + arrived[at + 1 :] + self._events
                    return event
                if event[0] == "channel.close":
                    self._events = kept + arrived[at + 1 :] + self._events
                    self._open_channel()
                    raise ChannelClosed(event[1], event[2])
                kept.append(event)
            if time.monotonic() >= deadline:
                self._events = kept
                raise Stalled(f"no {' or '.join(answers)} within {ANSWER_SECONDS} s")

    def declare_exchange(self, name, kind):
        self._declare_exchange(name, kind)

    def declare_delayed_exchange(self, name, kind):
        """One of type x-delayed-message that routes as `kind`."""
        self._declare_exchange(name, "x-delayed-message", x_delayed_type=kind)

    def _declare_exchange(self, name, kind, **arguments):
        declare = _method(40, 10, b"\0\0" + _short(name) + _short(kind) + b"\2" + _table(**arguments))
        self.call(declare, "exchange.declare-ok")

    def declare_frame(self, name, passive=False, durable=True, exclusive=False, **arguments):
        flags = passive | durable << 1 | exclusive << 2
        return _method(50, 10, b"\0\0" + _short(name) + bytes([flags]) + _table(**arguments))

    def declare(self, name, **options):
        """How many ready messages the queue has."""
        return self.call(self.declare_frame(name, **options), "queue.declare-ok")[1]

    def bind_frame(self, queue, exchange, key):
        return _method(50, 20, b"\0\0" + _short(queue) + _short(exchange) + _short(key) + bytes(5))

    def delete(self, queue):
        self.call(_method(50, 40, b"\0\0" + _short(queue) + b"\0"), "queue.delete-ok")

    def select_confirms(self):
        self.call(_method(85, 10, b"\0"), "confirm.select-ok")

    def set_prefetch(self, prefetch, is_global=False):
        self.call(qos_frame(prefetch, is_global), "basic.qos-ok")

    def consume(self, queue, start=None):
        """The consumer tag is the queue's name; of a stream, `start` says where to begin."""
        arguments = _table() if start is None else _table(x_stream_offset=start)
        self.call(_method(60, 20, b"\0\0" + _short(queue) + _short(queue) + b"\0" + arguments), "basic.consume-ok")

    def get(self, queue):
        """The event basic.get-ok or basic.get-empty."""
        return self.call(_method(60, 70, b"\0\0" + _short(queue) + b"\0"), "basic.get-ok", "basic.get-empty")

    def close_channel(self):
        """What the broker has answered to, it has taken note of; deliveries until then are left for `events`."""
        self.call(_method(20, 40, struct.pack(">H", 200) + _short("") + bytes(4)), "channel.close-ok")

    def close(self):
        try:
            self.call(_method(10, 50, struct.pack(">H", 200) + _short("") + bytes(4), 0), "connection.close-ok")
        except Closed:
            pass
        self._socket.close()

    # Receiving

    def events(self, seconds):
        """What has arrived; waits for `seconds` at most when that is nothing."""
        if not self._events and not self._end and self._poll.poll(seconds * 1000):
            self._receive()
        if not self._events and self._end:
            raise Closed(self._end)
        taken, self._events = self._events, []
        return taken

    def _receive(self):
        try:
            octets = self._socket.recv(1 << 18)
        except OSError as error:
            self._end = str(error)
            return
        if not octets:
            self._end = "end of stream"
            return
        self._input += octets
        self._take_frames()

    def _take_frames(self):
        data, at, size = self._input, 0, len(self._input)
        while size - at >= 8:
            kind, _, length = _FRAME.unpack_from(data, at)
            begin, end = at + 7, at + 7 + length
            if end >= size:
                break
            if kind == METHOD:
                self._take_method(data, begin, end)
            elif kind == HEADER:
                self._missing = struct.unpack_from(">Q", data, begin + 4)[0]
                self._offset = _stream_offset(data[begin:end])
                self._finish_content()
            elif kind == BODY:
                self._parts.append(data[begin:end])
                self._missing -= length
                self._finish_content()
            at = end + 1
        self._input = data[at:]

    def _finish_content(self):
        if self._missing > 0:
            return
        self._events.append((*self._content, b"".join(self._parts), self._offset))
        self._parts = []

    def _take_method(self, data, begin, end):
        method = struct.unpack_from(">HH", data, begin)
        at = begin + 4
        if method == (60, 60):
            tag_end = at + 1 + data[at]
            delivery_tag, redelivered = struct.unpack_from(">Q?", data, tag_end)
            self._content = ("basic.deliver", delivery_tag, redelivered, data[at + 1 : tag_end].decode())
        elif method == (60, 71):
            self._content = ("basic.get-ok", *struct.unpack_from(">Q?", data, at))
        elif method == (60, 50):
            self._content = ("basic.return",)
        elif method in ((60, 80), (60, 120)):
            name = "basic.ack" if method == (60, 80) else "basic.nack"
            tag, bits = struct.unpack_from(">QB", data, at)
            self._events.append((name, tag, bool(bits & 1)))
        elif method == (50, 11):
            self._events.append(("queue.declare-ok", struct.unpack_from(">I", data, at + 1 + data[at])[0]))
        elif method in ((10, 50), (20, 40)):
            code = struct.unpack_from(">H", data, at)[0]
            text = data[at + 3 : at + 3 + data[at + 2]].decode()
            if method == (10, 50):
                self.send(_method(10, 51, channel=0))
                self._end = f"connection.close {code} {text}"
            else:
                self.send(_method(20, 41))
                self._events.append(("channel.close", code, text))
        else:
            self._events.append((_NAMES.get(method, str(method)), data[at:end]))
