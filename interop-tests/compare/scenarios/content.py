"""Frames of content in every wrong order and size."""

import wire
from scenario import (
    basic, body, channel, closed, confirm, frame, group, header, method_frame, on, publish, queue, scenario,
)  # fmt: skip

group("content")

Q = queue.declare(queue="q")
GET = basic.get(queue="q", no_ack=True)
PUBLISH = method_frame(basic.publish(exchange="", routing_key="q"))
AWAY = closed(seconds=0.5)

scenario("content: in one body frame", Q, PUBLISH, header(3), body(b"abc"), GET)
scenario("content: in several body frames", Q, PUBLISH, header(3), body(b"a"), body(b"b"), body(b"c"), GET)
scenario("content: with an empty body frame between", Q, PUBLISH, header(3), body(b"a"), body(b""), body(b"bc"), GET)
scenario("content: no body", Q, PUBLISH, header(0), GET)
scenario("content: an empty body frame behind no body", Q, PUBLISH, header(0), body(b""), AWAY)
scenario("content: body longer than announced", Q, PUBLISH, header(3), body(b"abcd"), AWAY, GET, AWAY)
scenario("content: body longer than announced, second frame", Q, PUBLISH, header(3), body(b"ab"), body(b"cd"), AWAY,
         GET, AWAY)
scenario("content: body behind a whole message", Q, PUBLISH, header(1), body(b"a"), body(b"b"), AWAY)
scenario("content: body without header", Q, PUBLISH, body(b"a"), AWAY)
scenario("content: body without method", Q, body(b"a"), AWAY)
scenario("content: header without method", Q, header(1), AWAY)
scenario("content: header twice", Q, PUBLISH, header(1), header(1), AWAY)
scenario("content: method instead of header", Q, PUBLISH, method_frame(Q), AWAY)
scenario("content: method instead of body", Q, PUBLISH, header(3), method_frame(Q), AWAY)
scenario("content: method in the middle of a body", Q, PUBLISH, header(3), body(b"a"), method_frame(Q), AWAY)
scenario("content: channel.close instead of a body", Q, PUBLISH, header(3), channel.close(), AWAY)
scenario("content: publish instead of header", Q, PUBLISH, PUBLISH, AWAY)
scenario("content: heartbeat on the channel instead of header", Q, PUBLISH, frame(wire.HEARTBEAT, b""), AWAY)
scenario("content: heartbeat on channel 0 in the middle", Q, PUBLISH, on(0, frame(wire.HEARTBEAT, b"")), header(1),
         body(b"a"), GET)
scenario("content: another channel in the middle", Q, PUBLISH, on(2, publish("", "q", b"two")), header(3), body(b"one"),
         GET, GET)
scenario("content: weight not zero", Q, PUBLISH, header(1, weight=1), body(b"a"), AWAY)
scenario("content: wrong class in the header", Q, PUBLISH, header(1, class_id=50), body(b"a"), AWAY)
scenario("content: unknown class in the header", Q, PUBLISH, header(1, class_id=99), body(b"a"), AWAY)
scenario("content: header cut short", Q, PUBLISH, frame(wire.HEADER, wire.encode_header({}, 1)[:9]), AWAY)
scenario("content: header empty", Q, PUBLISH, frame(wire.HEADER, b""), AWAY)
scenario("content: header with octets behind it", Q, PUBLISH, frame(wire.HEADER, wire.encode_header({}, 1) + b"xyz"),
         body(b"a"), GET, AWAY)
scenario("content: property cut short", Q, PUBLISH, frame(wire.HEADER,
         wire.encode_header({"content-type": "text/plain"}, 1)[:-3]), body(b"a"), GET, AWAY)
scenario("content: flags with the continuation bit", Q, PUBLISH, frame(wire.HEADER,
         wire.encode_header({}, 1)[:-2] + b"\0\1\0\0"), body(b"a"), GET, AWAY)
scenario("content: flags with the unused bit", Q, PUBLISH, frame(wire.HEADER, wire.encode_header({}, 1)[:-2] + b"\0\2"),
         body(b"a"), GET, AWAY)
scenario("content: headers table of an unknown type", Q, publish("", "q", b"a",
         headers={"a": wire.Typed("U", b"\0\0")}), GET, AWAY)
scenario("content: headers table of an unknown type, needed for routing",
         publish("amq.headers", "q", b"a", headers={"a": wire.Typed("U", b"\0\0")}), AWAY)
scenario("content: headers table cut short", Q, publish("", "q", b"a", headers=b"\0\0\0\x40\x01at\x01"), GET, AWAY)
scenario("content: body size of 2^63", Q, PUBLISH, header(2**63), body(b"a"), AWAY, GET, AWAY)
scenario("content: body size of 512 MiB and one", Q, PUBLISH, header(536870913), AWAY)
scenario("content: two frames and channel closed by the client", Q, PUBLISH, header(3), method_frame(channel.close()),
         AWAY)
scenario("content: to a missing exchange, refused after the whole content",
         method_frame(basic.publish(exchange="nothing")), header(3), body(b"abc"))
scenario("content: to a missing exchange, only the method", method_frame(basic.publish(exchange="nothing")), AWAY)
scenario("content: behind a refused method in confirm mode", confirm.select(), publish("nothing", "", b"abc"),
         channel.open(), Q)
scenario("content: behind a method that takes none", Q, method_frame(queue.purge(queue="q")), header(1), AWAY)

group("large")

scenario("message size: 128 MiB", Q, publish("", "q", b"x" * 134217728), queue.declare(queue="q", passive=True))
scenario("message size: 128 MiB and one octet", Q, publish("", "q", b"x" * 134217729), closed(seconds=0.5))
