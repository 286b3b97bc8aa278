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
_HEARTBEAT = "closed after two silent intervals; RabbitMQ waits half an interval longer"
_NOT_YET = "time-to-live, limits, priorities, dead letters, single active consumers and quorum queues are not there yet"

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
    "tune-ok: heartbeat 1 is kept by the broker, and missed": _HEARTBEAT,
    "queue.declare: x-expires starts anew with a declare, a get or a consumer": _NOT_YET,
    "queue.declare: x-expires ends the queue": _NOT_YET,
    "properties: expiration '0'": _NOT_YET,
    "properties: expiration '10'": _NOT_YET,
    "properties: expiration '010'": _NOT_YET,
    "properties: expiration '+5'": _NOT_YET,
    "limit: drop-head": _NOT_YET,
    "limit: reject-publish": _NOT_YET,
    "limit: reject-publish-dlx": _NOT_YET,
    "limit: x-max-length 0 and no consumer": _NOT_YET,
    "limit: x-max-length-bytes counts bodies": _NOT_YET,
    "limit: the unacknowledged do not count": _NOT_YET,
    "limit: reject-publish with one of two queues full": _NOT_YET,
    "priority queue: order": _NOT_YET,
    "priority queue: full": _NOT_YET,
    "time-to-live: of the queue": _NOT_YET,
    "time-to-live: zero, no consumer": _NOT_YET,
    "time-to-live: of a message behind another": _NOT_YET,
    "dead letter: rejected": _NOT_YET,
    "dead letter: nacked, multiple": _NOT_YET,
    "dead letter: expired": _NOT_YET,
    "dead letter: expired by the message's own time": _NOT_YET,
    "dead letter: too many": _NOT_YET,
    "dead letter: keeps its routing keys": _NOT_YET,
    "dead letter: a new routing key removes CC": _NOT_YET,
    "dead letter: twice by rejection": _NOT_YET,
    "dead letter: the same queue twice counts": _NOT_YET,
    "dead letter: a cycle of expiries ends": _NOT_YET,
    "dead letter: persistent message": _NOT_YET,
    "dead letter: x-death from the publisher": _NOT_YET,
    "basic.consume: single active consumer": _NOT_YET,
    "basic.consume: single active consumer, exclusive": _NOT_YET,
    "redelivery: of a quorum queue counts": _NOT_YET,
    "direct reply-to: an answer by CC": _ANSWERED,
    "confirm: nack of a full queue, then ack": _NOT_YET,
    "tx: messages of a full queue are dropped at commit": _NOT_YET,
}
