"""Before a connection is open: protocol headers, authentication, tuning, opening; and the end of a connection."""

import wire
from scenario import (
    bare, basic, channel, closed, connected, connection, exchange, frame, group, octets,
    queue, quietly_connected, scenario, silent_on_close, together, on,
)  # fmt: skip
from wire import Typed

group("handshake")

HEADER = octets(wire.PROTOCOL_HEADER)
CLOSING = {"capabilities": {"authentication_failure_close": True}}
TUNE_OK = connection.tune_ok(channel_max=2047, frame_max=131072, heartbeat=0)


def zero(*steps):
    return on(0, *steps)


def start_ok(mechanism="PLAIN", response="\0guest\0guest", locale="en_US", properties=CLOSING):
    return zero(connection.start_ok(client_properties=properties, mechanism=mechanism, response=response,
        locale=locale))


STARTED = (bare(), HEADER)
TUNING = (*STARTED, start_ok())
OPENING = (*TUNING, zero(TUNE_OK))

# Protocol header

for name, value in {
    "0-9-1": b"AMQP\0\0\x09\x01", "0-9 in the way of 0-9-1": b"AMQP\0\0\x09\0", "0-9": b"AMQP\x01\x01\0\x09",
    "0-8": b"AMQP\x01\x01\x08\0", "0-8 in the way of 0-9": b"AMQP\x01\x01\0\x08", "0-10": b"AMQP\x01\x01\0\x0a",
    "1.0": b"AMQP\0\x01\0\0", "1.0 with SASL": b"AMQP\x03\x01\0\0", "1.0 with TLS": b"AMQP\x02\x01\0\0",
    "9-1-1": b"AMQP\0\x09\x01\x01",
    "HTTP": b"GET / HTTP/1.1\r\n\r\n", "TLS": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "eight zeros": b"\0" * 8,
    "lower case": b"amqp\0\0\x09\x01",
}.items():  # fmt: skip
    scenario(f"protocol header: {name}", bare(), octets(value), closed(seconds=1))
scenario("protocol header: three octets and silence", bare(), octets(b"AMQ"), closed(seconds=12))
scenario("protocol header: in two parts", bare(), octets(b"AMQP"), octets(b"\0\0\x09\x01"))
scenario("protocol header: seven wrong octets", bare(), octets(b"XXXXXXX"), closed(seconds=1))
scenario("protocol header: twice", bare(), HEADER, HEADER, closed(seconds=2))

# Authentication

scenario("authentication: a whole handshake", connected())
scenario("authentication: wrong password", *STARTED, start_ok(response="\0guest\0wrong"), closed())
scenario("authentication: wrong password, no capability", *STARTED, start_ok(response="\0guest\0wrong", properties={}),
         closed())
scenario("authentication: wrong password, capability false", *STARTED,
         start_ok(response="\0guest\0wrong", properties={"capabilities": {"authentication_failure_close": False}}),
             closed())
scenario("authentication: unknown user", *STARTED, start_ok(response="\0nobody\0guest"), closed())
scenario("authentication: empty password", *STARTED, start_ok(response="\0guest\0"), closed())
scenario("authentication: empty user", *STARTED, start_ok(response="\0\0guest"), closed())
scenario("authentication: PLAIN with an authorisation identity", *STARTED, start_ok(response="guest\0guest\0guest"),
         closed())
scenario("authentication: PLAIN, empty response", *STARTED, start_ok(response=""), closed())
scenario("authentication: PLAIN, empty response, no capability", *STARTED, start_ok(response="", properties={}),
         closed())
scenario("authentication: PLAIN without zeros", *STARTED, start_ok(response="guest"), closed())
scenario("authentication: PLAIN with one zero", *STARTED, start_ok(response="guest\0guest"), closed())
scenario("authentication: PLAIN with three zeros", *STARTED, start_ok(response="\0guest\0gue\0st"), closed())
AMQPLAIN = wire.encode_table({"LOGIN": "guest", "PASSWORD": "guest"})[4:]
scenario("authentication: AMQPLAIN", *STARTED, start_ok("AMQPLAIN", AMQPLAIN))
scenario("authentication: AMQPLAIN, keys in lower case", *STARTED,
         start_ok("AMQPLAIN", wire.encode_table({"login": "guest", "password": "guest"})[4:]), closed())
scenario("authentication: AMQPLAIN, wrong password", *STARTED,
         start_ok("AMQPLAIN", wire.encode_table({"LOGIN": "guest", "PASSWORD": "wrong"})[4:]), closed())
scenario("authentication: AMQPLAIN, no password", *STARTED,
         start_ok("AMQPLAIN", wire.encode_table({"LOGIN": "guest"})[4:]), closed())
scenario("authentication: AMQPLAIN, empty", *STARTED, start_ok("AMQPLAIN", ""), closed())
scenario("authentication: AMQPLAIN, nonsense", *STARTED, start_ok("AMQPLAIN", "nonsense"), closed())
scenario("authentication: AMQPLAIN with a table's length", *STARTED,
         start_ok("AMQPLAIN", wire.encode_table({"LOGIN": "guest", "PASSWORD": "guest"})), closed())
scenario("authentication: AMQPLAIN, a password that is a number", *STARTED,
         start_ok("AMQPLAIN", wire.encode_table({"LOGIN": "guest", "PASSWORD": 5})[4:]), closed())
for mechanism in ("ANONYMOUS", "EXTERNAL", "RABBIT-CR-DEMO", "CRAM-MD5", "SCRAM-SHA-256", "plain", "",
        "PLAIN AMQPLAIN"):
    scenario(f"authentication: mechanism '{mechanism}'", *STARTED, start_ok(mechanism), closed())
scenario("authentication: unknown mechanism, no capability", *STARTED, start_ok("NONSENSE", properties={}), closed())
scenario("authentication: mechanism that is not UTF-8", *STARTED, start_ok(b"\xff"), closed())
scenario("authentication: another locale", *STARTED, start_ok(locale="xx_XX"))
scenario("authentication: empty locale", *STARTED, start_ok(locale=""))
scenario("authentication: client properties of every type", *STARTED, start_ok(properties={
    **CLOSING, "t": True, "I": 1, "l": Typed("l", 1), "d": 1.5, "A": [1], "V": None, "connection_name": "name"}))
scenario("authentication: client properties with an unknown type", *STARTED,
         start_ok(properties={**CLOSING, "a": Typed("U", b"\0\0")}), closed())
scenario("authentication: capabilities that are no table", *STARTED, start_ok(properties={"capabilities": "all"}),
         closed(seconds=1))
scenario("authentication: wrong password and capabilities that are no table", *STARTED,
         start_ok(response="\0guest\0wrong", properties={"capabilities": "all"}), closed())

# Tuning

scenario("tune-ok: as proposed", *OPENING, zero(connection.open(virtual_host="/")))
for name, values in {
    "channel-max 0": (0, 131072, 0), "channel-max above": (2048, 131072, 0), "channel-max 65535": (65535, 131072, 0),
    "frame-max 0": (2047, 0, 0), "frame-max above": (2047, 131073, 0), "frame-max 4095": (2047, 4095, 0),
    "frame-max 4096": (2047, 4096, 0), "frame-max 1": (2047, 1, 0), "channel-max 1": (1, 131072, 0),
    "heartbeat 65535": (2047, 131072, 65535), "heartbeat above": (2047, 131072, 120),
}.items():  # fmt: skip
    maxima = connection.tune_ok(channel_max=values[0], frame_max=values[1], heartbeat=values[2])
    scenario(f"tune-ok: {name}", *TUNING, zero(maxima), zero(connection.open(virtual_host="/")), closed(seconds=2))
scenario("tune-ok: heartbeat 1 is kept by the broker, and missed",
         *TUNING, zero(connection.tune_ok(channel_max=2047, frame_max=131072, heartbeat=1)),
         zero(connection.open(virtual_host="/")), closed(seconds=6))

# Opening

scenario("connection.open: unknown virtual host", *OPENING, zero(connection.open(virtual_host="nothing")), closed())
scenario("connection.open: empty virtual host", *OPENING, zero(connection.open(virtual_host="")), closed())
scenario("connection.open: virtual host that is not UTF-8", *OPENING, zero(connection.open(virtual_host=b"\xff")),
         closed())
scenario("connection.open: unknown virtual host, no capability", *STARTED, start_ok(properties={}), zero(TUNE_OK),
         zero(connection.open(virtual_host="nothing")), closed())

# Out of order

scenario("handshake: tune-ok instead of start-ok", *STARTED, zero(TUNE_OK), closed())
scenario("handshake: open instead of start-ok", *STARTED, zero(connection.open(virtual_host="/")), closed())
scenario("handshake: channel.open instead of start-ok", *STARTED, frame(wire.METHOD, channel.open().encode()), closed())
scenario("handshake: secure-ok instead of start-ok", *STARTED, zero(connection.secure_ok(response="x")), closed())
scenario("handshake: close instead of start-ok", *STARTED, zero(connection.close(reply_code=200)), closed())
scenario("handshake: heartbeat instead of start-ok", *STARTED, zero(frame(wire.HEARTBEAT, b"")), closed(seconds=1))
scenario("handshake: open instead of tune-ok", *TUNING, zero(connection.open(virtual_host="/")), closed())
scenario("handshake: close instead of tune-ok", *TUNING, zero(connection.close(reply_code=200)), closed())
scenario("handshake: start-ok twice", *TUNING, start_ok(), closed())
scenario("handshake: tune-ok twice", *OPENING, zero(TUNE_OK), closed())
scenario("handshake: close instead of open", *OPENING, zero(connection.close(reply_code=200)), closed())
scenario("handshake: channel.open instead of open", *OPENING, frame(wire.METHOD, channel.open().encode()), closed())
scenario("handshake: queue.declare on channel 0 instead of open", *OPENING, zero(queue.declare(queue="q")), closed())
scenario("handshake: heartbeat instead of open", *OPENING, zero(frame(wire.HEARTBEAT, b"")), closed(seconds=1))
scenario("handshake: a body instead of start-ok", *STARTED, zero(frame(wire.BODY, b"x")), closed())
scenario("handshake: a header instead of start-ok", *STARTED, zero(frame(wire.HEADER, wire.encode_header({}, 0))),
         closed())
scenario("handshake: frame of an unknown type instead of start-ok", *STARTED, zero(frame(9, b"x")), closed())
scenario("handshake: garbage instead of start-ok", *STARTED, octets(b"garbage, and more of it"), closed())
scenario("handshake: wrong frame end", *STARTED,
         zero(frame(wire.METHOD, connection.tune_ok().encode(), b"\0")), closed())
scenario("handshake: start-ok cut short", *STARTED, zero(frame(wire.METHOD, connection.start_ok().encode()[:6])),
         closed())
scenario("handshake: start-ok with octets behind it", *STARTED, zero(frame(wire.METHOD,
         connection.start_ok(client_properties=CLOSING, mechanism="PLAIN", response="\0guest\0guest").encode() + b"x")),
             closed())
scenario("handshake: unknown method instead of start-ok", *STARTED, zero(frame(wire.METHOD, b"\0\x0a\0\x63")), closed())
scenario("handshake: half a frame, then silence", *STARTED, octets(b"\1\0\0\0\0\0\x20\0"), closed(seconds=12))
scenario("handshake: nothing at all", bare(), closed(seconds=12))
scenario("handshake: a frame too large", *STARTED, octets(b"\1\0\0\0\xff\xff\xff" + b"x" * 20), closed())
scenario("handshake: a frame of 4097 octets before tuning", *STARTED, start_ok(properties={**CLOSING,
         "long": "x" * 5000}), closed())
scenario("handshake: a frame of 140000 octets before tuning", *STARTED,
         start_ok(properties={**CLOSING, "long": "x" * 140000}), closed())
scenario("handshake: start-ok on channel 1", *STARTED, frame(wire.METHOD, connection.start_ok(
    client_properties=CLOSING, mechanism="PLAIN", response="\0guest\0guest").encode()), closed())
scenario("handshake: everything in one go", bare(), octets(wire.PROTOCOL_HEADER + b"".join(
    wire.encode_frame(wire.METHOD, number, method.encode()) for number, method in (
        (0, connection.start_ok(client_properties=CLOSING, mechanism="PLAIN", response="\0guest\0guest",
        locale="en_US")),
        (0, TUNE_OK), (0, connection.open(virtual_host="/")), (1, channel.open()),
        (1, queue.declare(queue="", exclusive=True))))))

# While open

scenario("connection.close: is answered, and the socket left to the client", quietly_connected(),
         zero(connection.close(reply_code=200, reply_text="bye")), closed(seconds=1))
scenario("connection.close: with channels open", channel.open(), zero(connection.close(reply_code=200)),
         closed(seconds=1))
scenario("connection.close: methods behind it", quietly_connected(),
         zero(together(connection.close(reply_code=200), connection.close(reply_code=200))), closed(seconds=1))
scenario("connection.close: close-ok without a close", quietly_connected(), zero(connection.close_ok()),
         closed(seconds=1))
scenario("connection.close: unanswered after an error", quietly_connected(), silent_on_close(),
         zero(queue.declare(queue="q")), closed(seconds=1), zero(connection.close(reply_code=200)), closed(seconds=2))
scenario("connection.close: methods between close and close-ok", quietly_connected(), silent_on_close(),
         zero(queue.declare(queue="q")), frame(wire.METHOD, channel.open().encode()),
         frame(wire.METHOD, queue.declare(queue="q").encode()), zero(connection.close_ok()), closed())
for name, method in {
    "connection.open": connection.open(virtual_host="/"), "connection.tune-ok": TUNE_OK,
    "connection.start-ok": connection.start_ok(mechanism="PLAIN"), "connection.secure-ok": connection.secure_ok(),
    "connection.blocked": connection.blocked(reason="x"), "connection.unblocked": connection.unblocked(),
    "connection.start": connection.start(), "connection.open-ok": connection.open_ok(),
    "connection.update-secret": connection.update_secret(new_secret="x", reason="y"),
    "channel.open": channel.open(), "channel.close": channel.close(), "queue.declare": queue.declare(queue="q"),
    "basic.publish": basic.publish(routing_key="q"), "exchange.declare-ok": exchange.declare_ok(),
}.items():  # fmt: skip
    scenario(f"channel 0: {name} while open", quietly_connected(), zero(frame(wire.METHOD, method.encode())),
             closed(seconds=1))
scenario("channel 0: header", quietly_connected(), zero(frame(wire.HEADER, wire.encode_header({}, 0))),
         closed(seconds=1))
scenario("channel 0: body", quietly_connected(), zero(frame(wire.BODY, b"x")), closed(seconds=1))
scenario("channel 0: heartbeat", quietly_connected(), zero(frame(wire.HEARTBEAT, b"")), closed(seconds=0.3))
scenario("channel 0: heartbeat with a payload", quietly_connected(), zero(frame(wire.HEARTBEAT, b"x")),
         closed(seconds=1))
scenario("channel 0: unknown method of class 10", quietly_connected(), zero(frame(wire.METHOD, b"\0\x0a\0\x63")),
         closed(seconds=1))
scenario("channel 0: unknown class", quietly_connected(), zero(frame(wire.METHOD, b"\0\x63\0\x63")), closed(seconds=1))
scenario("channel 0: empty method frame", quietly_connected(), zero(frame(wire.METHOD, b"")), closed(seconds=1))
for name in ("connection.open", "connection.close", "connection.tune-ok", "connection.close-ok"):
    method = wire.Method(name)
    scenario(f"{name}: on channel 1", frame(wire.METHOD, method.encode()), closed(seconds=1))
