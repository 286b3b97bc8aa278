"""Channels: opening and closing, flow, the limit, methods nobody expects."""

import wire
from scenario import (
    access, basic, by, channel, closed, confirm, connection, exchange, frame, group, header, method_frame, octets, on,
        publish,
    queue, quietly_connected, scenario, silent_on_close, together, tx,
)  # fmt: skip

group("channel")



def raw_frame(kind, payload):
    """A frame on channel 7, which nobody opened."""
    return octets(wire.encode_frame(kind, 7, payload))


def exact_frame(size):
    """queue.declare in a frame of that many octets."""
    room = size - len(wire.encode_frame(wire.METHOD, 1, queue.declare(queue="q", arguments={"long": ""}).encode()))
    return queue.declare(queue="q", arguments={"long": "x" * room})


Q = queue.declare(queue="q")
ERROR = queue.purge(queue="nothing")

scenario("channel.open: twice", channel.open(), channel.open(), closed(seconds=1))
scenario("channel.open: channel 65535", on(65535, channel.open(), Q), closed(seconds=0.5))
scenario("channel.open: a number above channel-max", quietly_connected(channel_max=3), on(4, channel.open()),
         closed(seconds=0.5))
scenario("channel.open: one channel too many", quietly_connected(channel_max=3), on(1, channel.open()),
         on(2, channel.open()), on(3, channel.open()), on(4, channel.open()), closed(seconds=1))
scenario("channel.open: a closed one makes room", quietly_connected(channel_max=2), on(1, channel.open()),
         on(2, channel.open()), on(2, channel.close()), on(5, channel.open()))
scenario("channel.close: and open again", channel.open(), channel.close(reply_code=200), channel.open(), Q)
scenario("channel.close: twice", channel.open(), channel.close(), channel.close(), closed(seconds=1))
scenario("channel.close: two in one go", channel.open(), together(channel.close(), channel.close()), closed(seconds=1))
for name, method in {
    "queue.declare": Q, "channel.close": channel.close(), "channel.close-ok": channel.close_ok(),
    "channel.flow-ok": channel.flow_ok(active=True), "basic.ack": basic.ack(delivery_tag=1),
}.items():  # fmt: skip
    scenario(f"unopened channel: {name}", quietly_connected(), raw_frame(wire.METHOD, method.encode()),
             closed(seconds=1))
scenario("unopened channel: basic.publish", quietly_connected(),
         raw_frame(wire.METHOD, basic.publish(routing_key="q").encode()), closed(seconds=0.3),
         raw_frame(wire.HEADER, wire.encode_header({}, 0)), closed(seconds=1))
scenario("unopened channel: header", quietly_connected(), raw_frame(wire.HEADER, wire.encode_header({}, 1)),
         closed(seconds=1))
scenario("unopened channel: body", quietly_connected(), raw_frame(wire.BODY, b"x"), closed(seconds=1))
scenario("unopened channel: heartbeat", quietly_connected(), raw_frame(wire.HEARTBEAT, b""), closed(seconds=1))
scenario("unopened channel: unknown method", quietly_connected(), raw_frame(wire.METHOD, b"\0\x63\0\x63"),
         closed(seconds=1))
scenario("channel: heartbeat", frame(wire.HEARTBEAT, b""), closed(seconds=1))
scenario("channel: frame of type 9", frame(9, b"x"), closed(seconds=1))
scenario("channel: frame of type 0", frame(0, b"x"), closed(seconds=1))
scenario("channel: wrong frame end", frame(wire.METHOD, Q.encode(), b"\0"), closed(seconds=1))
scenario("channel: empty method frame", frame(wire.METHOD, b""), closed(seconds=1))
scenario("channel: method frame of three octets", frame(wire.METHOD, b"\0\x32\0"), closed(seconds=1))
scenario("channel: unknown method of a known class", frame(wire.METHOD, b"\0\x32\0\x63"), closed(seconds=1))
scenario("channel: unknown method of a known class, with arguments", frame(wire.METHOD, b"\0\x32\0\x63abc"),
         closed(seconds=1))
scenario("channel: unknown class", frame(wire.METHOD, b"\0\x63\0\x0a"), closed(seconds=1))
scenario("channel: method cut short", frame(wire.METHOD, Q.encode()[:-3]), closed(seconds=1))
scenario("channel: method with octets behind it", frame(wire.METHOD, Q.encode() + b"xyz"), closed(seconds=1))
scenario("channel: short string beyond the end", frame(wire.METHOD, b"\0\x32\0\x1e\0\0\xffabc"), closed(seconds=1))
for over in (0, 1, 7, 8, 9, 100):
    scenario(f"channel: {over} octets over frame-max", quietly_connected(frame_max=4096), exact_frame(4096 + over),
             closed(seconds=0.5))
for name, method in {
    "channel.open-ok": channel.open_ok(), "channel.close-ok": channel.close_ok(),
    "channel.flow-ok": channel.flow_ok(active=True),
    "queue.declare-ok": queue.declare_ok(queue="q"), "exchange.declare-ok": exchange.declare_ok(),
    "basic.qos-ok": basic.qos_ok(), "basic.consume-ok": basic.consume_ok(consumer_tag="c"),
    "basic.cancel-ok": basic.cancel_ok(consumer_tag="c"), "basic.get-empty": basic.get_empty(),
    "basic.recover-ok": basic.recover_ok(),
    "tx.select-ok": tx.select_ok(), "confirm.select-ok": confirm.select_ok(), "access.request-ok": access.request_ok(),
}.items():  # fmt: skip
    scenario(f"channel: the broker's {name} from a client", method_frame(method), closed(seconds=1))
for name, method in {"basic.deliver": basic.deliver(), "basic.return": basic.return_(),
        "basic.get-ok": basic.get_ok()}.items():
    scenario(f"channel: the broker's {name} from a client", method_frame(method), header(0), closed(seconds=1))
for name, method in {"connection.close": connection.close(reply_code=200), "connection.open": connection.open(),
                     "connection.close-ok": connection.close_ok()}.items():
    scenario(f"channel: {name}", method_frame(method), closed(seconds=1))

scenario("channel.flow: true", channel.flow(active=True))
scenario("channel.flow: true with a consumer", Q, basic.consume(queue="q", consumer_tag="c"), channel.flow(active=True))
scenario("channel.flow: false", channel.flow(active=False), closed(seconds=0.5))

# After an error

scenario("channel error: the channel opens again", ERROR, channel.open(), Q)
scenario("channel error: a method without opening again", ERROR, Q, closed(seconds=1))
scenario("channel error: methods behind it in one go", together(ERROR, Q, queue.declare(queue="r")),
         on(2, queue.declare(queue="q", passive=True)))
scenario("channel error: methods before close-ok are ignored", silent_on_close(), method_frame(ERROR), method_frame(Q),
         method_frame(queue.declare(queue="r")), method_frame(channel.close_ok()), channel.open(),
         queue.declare(queue="q", passive=True))
scenario("channel error: a close of one's own before close-ok", silent_on_close(), method_frame(ERROR),
         method_frame(channel.close()), method_frame(channel.close_ok()), channel.open(), Q)
scenario("channel error: open before close-ok", silent_on_close(), method_frame(ERROR), method_frame(channel.open()),
         method_frame(channel.close_ok()), channel.open(), closed(seconds=0.5))
scenario("channel error: an unknown method before close-ok", silent_on_close(), method_frame(ERROR),
         frame(wire.METHOD, b"\0\x32\0\x63"), closed(seconds=0.5))
scenario("channel error: content before close-ok", silent_on_close(), method_frame(ERROR), publish("", "q", b"1"),
         method_frame(channel.close_ok()), channel.open(), Q)
scenario("channel error: wrong content before close-ok", silent_on_close(), method_frame(ERROR), frame(wire.BODY, b"x"),
         method_frame(channel.close_ok()), channel.open(), Q)
scenario("channel error: another channel goes on", ERROR, on(2, Q, queue.delete(queue="q")))
scenario("channel error: a second error before close-ok", silent_on_close(), together(ERROR, ERROR),
         method_frame(channel.close_ok()), channel.open(), Q)
scenario("channel error: close-ok twice", silent_on_close(), method_frame(ERROR), method_frame(channel.close_ok()),
         method_frame(channel.close_ok()), closed(seconds=1))
scenario("channel error: unacknowledged messages return", Q, publish("", "q", b"1"), basic.get(queue="q"), ERROR,
         channel.open(), basic.get(queue="q"))
scenario("channel.close: unacknowledged messages return", Q, publish("", "q", b"1"), basic.get(queue="q"),
         channel.close(), channel.open(), basic.get(queue="q"))
scenario("connection error: methods on other channels are ignored", Q, silent_on_close(),
         on(2, method_frame(exchange.declare(exchange="x", type="nonsense"))), method_frame(queue.declare(queue="r")),
         on(0, method_frame(connection.close_ok())), closed(), by("b", queue.declare(queue="r", passive=True)))

group("access")
scenario("access.request: is granted", access.request(realm="/data", active=True, write=True, read=True))
scenario("access.request: nothing wanted", access.request())
