"""AMQP 0-9-1 in raw frames: methods, field tables, content headers.

A codec that refuses nothing: it sends what a scenario asks for, right or wrong, and shows what comes back.
Values travel as Python's own; `Typed` names a field table's type letter where Python's type does not decide it.
"""

import struct
from dataclasses import dataclass, field

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
FRAME_END = b"\xce"
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"

# class method name type:field,field ...; a field that begins with "reserved" is not shown.
_METHODS = """
10 10 connection.start octet:version-major,version-minor table:server-properties longstr:mechanisms,locales
10 11 connection.start-ok table:client-properties shortstr:mechanism longstr:response shortstr:locale
10 20 connection.secure longstr:challenge
10 21 connection.secure-ok longstr:response
10 30 connection.tune short:channel-max long:frame-max short:heartbeat
10 31 connection.tune-ok short:channel-max long:frame-max short:heartbeat
10 40 connection.open shortstr:virtual-host,reserved-1 bit:reserved-2
10 41 connection.open-ok shortstr:reserved-1
10 50 connection.close short:reply-code shortstr:reply-text short:class-id,method-id
10 51 connection.close-ok
10 60 connection.blocked shortstr:reason
10 61 connection.unblocked
10 70 connection.update-secret longstr:new-secret shortstr:reason
10 71 connection.update-secret-ok
20 10 channel.open shortstr:reserved-1
20 11 channel.open-ok longstr:reserved-1
20 20 channel.flow bit:active
20 21 channel.flow-ok bit:active
20 40 channel.close short:reply-code shortstr:reply-text short:class-id,method-id
20 41 channel.close-ok
30 10 access.request shortstr:realm bit:exclusive,passive,active,write,read
30 11 access.request-ok short:reserved-1
40 10 exchange.declare short:reserved-1 shortstr:exchange,type bit:passive,durable,auto-delete,internal,nowait \
  table:arguments
40 11 exchange.declare-ok
40 20 exchange.delete short:reserved-1 shortstr:exchange bit:if-unused,nowait
40 21 exchange.delete-ok
40 30 exchange.bind short:reserved-1 shortstr:destination,source,routing-key bit:nowait table:arguments
40 31 exchange.bind-ok
40 40 exchange.unbind short:reserved-1 shortstr:destination,source,routing-key bit:nowait table:arguments
40 51 exchange.unbind-ok
50 10 queue.declare short:reserved-1 shortstr:queue bit:passive,durable,exclusive,auto-delete,nowait table:arguments
50 11 queue.declare-ok shortstr:queue long:message-count,consumer-count
50 20 queue.bind short:reserved-1 shortstr:queue,exchange,routing-key bit:nowait table:arguments
50 21 queue.bind-ok
50 30 queue.purge short:reserved-1 shortstr:queue bit:nowait
50 31 queue.purge-ok long:message-count
50 40 queue.delete short:reserved-1 shortstr:queue bit:if-unused,if-empty,nowait
50 41 queue.delete-ok long:message-count
50 50 queue.unbind short:reserved-1 shortstr:queue,exchange,routing-key table:arguments
50 51 queue.unbind-ok
60 10 basic.qos long:prefetch-size short:prefetch-count bit:global
60 11 basic.qos-ok
60 20 basic.consume short:reserved-1 shortstr:queue,consumer-tag bit:no-local,no-ack,exclusive,nowait table:arguments
60 21 basic.consume-ok shortstr:consumer-tag
60 30 basic.cancel shortstr:consumer-tag bit:nowait
60 31 basic.cancel-ok shortstr:consumer-tag
60 40 basic.publish short:reserved-1 shortstr:exchange,routing-key bit:mandatory,immediate
60 50 basic.return short:reply-code shortstr:reply-text,exchange,routing-key
60 60 basic.deliver shortstr:consumer-tag longlong:delivery-tag bit:redelivered shortstr:exchange,routing-key
60 70 basic.get short:reserved-1 shortstr:queue bit:no-ack
60 71 basic.get-ok longlong:delivery-tag bit:redelivered shortstr:exchange,routing-key long:message-count
60 72 basic.get-empty shortstr:reserved-1
60 80 basic.ack longlong:delivery-tag bit:multiple
60 90 basic.reject longlong:delivery-tag bit:requeue
60 100 basic.recover-async bit:requeue
60 110 basic.recover bit:requeue
60 111 basic.recover-ok
60 120 basic.nack longlong:delivery-tag bit:multiple,requeue
85 10 confirm.select bit:nowait
85 11 confirm.select-ok
90 10 tx.select
90 11 tx.select-ok
90 20 tx.commit
90 21 tx.commit-ok
90 30 tx.rollback
90 31 tx.rollback-ok
"""

PROPERTIES = (
    ("content-type", "shortstr"), ("content-encoding", "shortstr"), ("headers", "table"), ("delivery-mode", "octet"),
    ("priority", "octet"), ("correlation-id", "shortstr"), ("reply-to", "shortstr"), ("expiration", "shortstr"),
    ("message-id", "shortstr"), ("timestamp", "longlong"), ("type", "shortstr"), ("user-id", "shortstr"),
    ("app-id", "shortstr"), ("cluster-id", "shortstr"),
)  # fmt: skip


@dataclass(frozen=True)
class MethodSpec:
    class_id: int
    method_id: int
    name: str
    fields: tuple


def _read_specs():
    for line in _METHODS.strip().splitlines():
        class_id, method_id, name, *groups = line.split()
        fields = tuple((member, kind) for kind, names in (g.split(":") for g in groups) for member in names.split(","))
        yield MethodSpec(int(class_id), int(method_id), name, fields)


SPECS = {spec.name: spec for spec in _read_specs()}
SPECS_BY_ID = {(spec.class_id, spec.method_id): spec for spec in SPECS.values()}
CONTENT_METHODS = {"basic.return", "basic.deliver", "basic.get-ok"}
_INTEGERS = {"octet": ">B", "short": ">H", "long": ">I", "longlong": ">Q"}
_TABLE_NUMBERS = {
    "b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q", "f": ">f", "d": ">d", "T": ">Q",
}  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """A field table value under a type letter; `octets` of an unknown letter follow it as they are."""

    letter: str
    value: object = b""


@dataclass
class Method:
    """A method by its name in the specification, with the fields that differ from zero."""

    name: str
    values: dict = field(default_factory=dict)

    def __getitem__(self, key):
        return self.values[key]

    def answers(self):
        """The names of what the broker may answer this with; none when it answers nothing."""
        if self.name == "basic.get":
            return {"basic.get-ok", "basic.get-empty"}
        answer = self.name + "-ok"
        return {answer} if answer in SPECS and not self.values.get("nowait") else set()

    def encode(self):
        spec = SPECS[self.name]
        unknown = set(self.values) - {name for name, _ in spec.fields}
        if unknown:
            raise KeyError(f"{self.name} has no field {unknown}")
        octets = struct.pack(">HH", spec.class_id, spec.method_id)
        bits = None
        for name, kind in spec.fields:
            value = self.values.get(name)
            if kind == "bit":
                bits = (bits or []) + [bool(value)]
                continue
            if bits:
                octets, bits = octets + _encode_bits(bits), None
            octets += _encode(kind, value)
        return octets + (_encode_bits(bits) if bits else b"")

    def __str__(self):
        return " ".join([self.name] + [f"{name}={show(value)}" for name, value in self.values.items()])


def decode_method(octets):
    """The method in a frame's payload, with every field but the reserved ones."""
    class_id, method_id = struct.unpack_from(">HH", octets)
    spec = SPECS_BY_ID[class_id, method_id]
    position, bit, values = 4, 0, {}
    for name, kind in spec.fields:
        if kind == "bit":
            value = bool(octets[position] >> bit & 1)
            bit += 1
        else:
            if bit:
                position, bit = position + 1, 0
            value, position = _decode(kind, octets, position)
        if not name.startswith("reserved"):
            values[name] = value
    return Method(spec.name, values)


def encode_header(properties, body_size, class_id=60, weight=0):
    flags, octets = 0, b""
    for index, (name, kind) in enumerate(PROPERTIES):
        if name in properties:
            flags |= 1 << (15 - index)
            octets += _encode(kind, properties[name])
    return struct.pack(">HHQH", class_id, weight, body_size, flags) + octets


def decode_header(octets):
    """(properties, body size) of a content header's payload."""
    _, _, body_size, flags = struct.unpack_from(">HHQH", octets)
    position, properties = 14, {}
    for index, (name, kind) in enumerate(PROPERTIES):
        if flags >> (15 - index) & 1:
            properties[name], position = _decode(kind, octets, position)
    return properties, body_size


def encode_frame(kind, channel, payload, end=FRAME_END):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def encode_content(properties, body, channel, frame_max=131072):
    frames = [encode_frame(HEADER, channel, encode_header(properties, len(body)))]
    for start in range(0, len(body), frame_max - 8):
        frames.append(encode_frame(BODY, channel, body[start : start + frame_max - 8]))
    return b"".join(frames)


def take_frame(octets):
    """((type, channel, payload), rest) of the first whole frame, or (None, octets)."""
    if len(octets) < 8:
        return None, octets
    kind, channel, size = struct.unpack_from(">BHI", octets)
    if len(octets) < 8 + size:
        return None, octets
    return (kind, channel, octets[7 : 7 + size]), octets[8 + size :]


def encode_table(table):
    octets = b"".join(encode_short_string(key) + _encode_field(value) for key, value in table.items())
    return struct.pack(">I", len(octets)) + octets


def encode_short_string(value):
    octets = _octets(value)
    return bytes([len(octets)]) + octets


def show(value):
    """A value as one reads it: field table integers keep their type letter."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, Typed):
        return f"{show(value.letter)[1:-1]}({show(value.value)})"
    if isinstance(value, bytes):
        text = value if len(value) <= 300 else value[:40] + b"..."
        shown = repr(text)[2:-1]
        return f'"{shown}"' if text is value else f'"{shown}" ({len(value)} octets)'
    if isinstance(value, str):
        if len(value) > 300:
            return show(value.encode())
        return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value) + '"'
    return str(value)


def _octets(value):
    return value if isinstance(value, bytes) else (value or "").encode()


def _text(octets):
    return octets.decode("utf-8", "backslashreplace")


def _encode_bits(bits):
    return b"".join(
        bytes([sum(bit << index for index, bit in enumerate(bits[start : start + 8]))])
        for start in range(0, len(bits), 8)
    )


def _encode(kind, value):
    if kind in _INTEGERS:
        return struct.pack(_INTEGERS[kind], value or 0)
    if kind == "shortstr":
        return encode_short_string(value)
    if kind == "longstr":
        return struct.pack(">I", len(_octets(value))) + _octets(value)
    return value if isinstance(value, bytes) else encode_table(value or {})


def _decode(kind, octets, position):
    if kind in _INTEGERS:
        size = struct.calcsize(_INTEGERS[kind])
        return struct.unpack_from(_INTEGERS[kind], octets, position)[0], position + size
    if kind == "shortstr":
        end = position + 1 + octets[position]
        return _text(octets[position + 1 : end]), end
    end = position + 4 + struct.unpack_from(">I", octets, position)[0]
    content = octets[position + 4 : end]
    return (_decode_table(content) if kind == "table" else _text(content)), end


def _encode_field(value):
    if isinstance(value, Typed):
        letter = value.letter.encode("latin-1")
        if value.letter in _TABLE_NUMBERS:
            return letter + struct.pack(_TABLE_NUMBERS[value.letter], value.value)
        if value.letter == "t":
            return letter + bytes([value.value])
        if value.letter == "x":
            return letter + struct.pack(">I", len(value.value)) + value.value
        return letter + value.value
    if isinstance(value, bool):
        return b"t" + bytes([value])
    if isinstance(value, int):
        return b"I" + struct.pack(">i", value) if -(2**31) <= value < 2**31 else b"l" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"d" + struct.pack(">d", value)
    if isinstance(value, dict):
        return b"F" + encode_table(value)
    if isinstance(value, list):
        items = b"".join(map(_encode_field, value))
        return b"A" + struct.pack(">I", len(items)) + items
    if value is None:
        return b"V"
    return b"S" + struct.pack(">I", len(_octets(value))) + _octets(value)


def _decode_table(octets):
    position, table = 0, {}
    while position < len(octets):
        key, position = _decode("shortstr", octets, position)
        table[key], position = _decode_field(octets, position)
    return table


def _decode_field(octets, position):
    letter, position = chr(octets[position]), position + 1
    if letter in _TABLE_NUMBERS:
        form = _TABLE_NUMBERS[letter]
        value = struct.unpack_from(form, octets, position)[0]
        return Typed(letter, value), position + struct.calcsize(form)
    if letter == "t":
        return bool(octets[position]), position + 1
    if letter == "V":
        return None, position
    if letter == "D":
        return Typed(letter, octets[position : position + 5]), position + 5
    end = position + 4 + struct.unpack_from(">I", octets, position)[0]
    content = octets[position + 4 : end]
    if letter == "F":
        return _decode_table(content), end
    if letter == "A":
        items, at = [], 0
        while at < len(content):
            item, at = _decode_field(content, at)
            items.append(item)
        return items, end
    return (Typed(letter, content) if letter == "x" else _text(content)), end
