"""Where a broker differs on purpose: scenario name -> the reason."""

_UNKNOWN_METHOD = "an unknown method is answered with 503, not with a reset socket"
_UNKNOWN_TYPE = "a table with an unknown type is answered with 501, not with a reset socket"
_LOCATOR = "a wrong locator is answered with 406, not with 541 and the end of the connection"
_ANONYMOUS = "ANONYMOUS is a mechanism of RabbitMQ 4"
_EARLY_FRAME = "client-properties of more than 4 KiB are taken, as RabbitMQ 4 takes them"
_RACE = "RabbitMQ answers by how its processes happen to run"
_TEXT = "the text is not broken into lines as Erlang prints long terms"
_ANSWERED = "an answer that has been delivered is not returned as well, and each delivery has its own tag"
_BODY = "a body longer than announced is answered with 505, not with silence"

DIFFERENCES = {
    "authentication: mechanism 'ANONYMOUS'": _ANONYMOUS,
    "handshake: a frame of 4097 octets before tuning": _EARLY_FRAME,
    "channel 0: unknown method of class 10": _UNKNOWN_METHOD,
    "channel 0: unknown class": _UNKNOWN_METHOD,
    "unopened channel: unknown method": _UNKNOWN_METHOD,
    "unopened channel: basic.publish": "refused at once, not when its content has come",
    "channel: unknown method of a known class": _UNKNOWN_METHOD,
    "channel: unknown method of a known class, with arguments": _UNKNOWN_METHOD,
    "channel: unknown class": _UNKNOWN_METHOD,
    "channel: wrong frame end": _TEXT,
    "channel error: an unknown method before close-ok": _UNKNOWN_METHOD,
    "channel.close: two in one go": _RACE,
    "exchange.declare: argument of unknown type letter 'U'": _UNKNOWN_TYPE,
    "exchange.declare: argument of unknown type letter 'q'": _UNKNOWN_TYPE,
    "exchange.declare: argument of unknown type letter '\\x00'": _UNKNOWN_TYPE,
    "queue.declare: argument of an unknown type letter": _UNKNOWN_TYPE,
    "queue.declare: x-queue-master-locator = 'nonsense'": _LOCATOR,
    "queue.declare: x-queue-master-locator = 5": _LOCATOR,
    "properties: expiration '99999999999999999999'": _TEXT,
    "direct reply-to: two answers": _ANSWERED,
    "direct reply-to: a mandatory answer": _ANSWERED,
    "direct reply-to: an answer in confirm mode": _ANSWERED,
    "content: body longer than announced": _BODY,
    "content: body longer than announced, second frame": _BODY,
}
