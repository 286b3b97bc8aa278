"""Where a broker differs on purpose: scenario name -> the reason."""

_UNKNOWN_METHOD = "an unknown method is answered with 503, not with a reset socket"
_UNKNOWN_TYPE = "a table with an unknown type is answered with 501, not with a reset socket"
_LOCATOR = "a wrong locator is answered with 406, not with 541 and the end of the connection"
_ANONYMOUS = "ANONYMOUS is a mechanism of RabbitMQ 4"
_EARLY_FRAME = "client-properties of more than 4 KiB are taken, as RabbitMQ 4 takes them"
_RACE = "RabbitMQ answers by how its processes happen to run"
_TEXT = "the text is not broken into lines as Erlang prints long terms"
_ANSWERED = "an answer that has been delivered is not returned as well, and each delivery has its own tag"
_LAST_DEATH = "x-last-death-* are RabbitMQ 4's"
_BODY = "a body longer than announced is answered with 505, not with silence"
_HEARTBEAT = "closed after two silent intervals; RabbitMQ waits half an interval longer"
_AT_ONCE = "permissions count from the moment they change; RabbitMQ remembers what a channel was allowed before"
_STREAM_NACK = "nack and reject of a stream's messages give credit, as RabbitMQ 4 does it"

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
    "direct reply-to: an answer by CC": _ANSWERED,
    "limit: drop-head": _LAST_DEATH,
    "limit: reject-publish-dlx": _LAST_DEATH,
    "dead letter: rejected": _LAST_DEATH,
    "dead letter: nacked, multiple": _LAST_DEATH,
    "dead letter: expired": _LAST_DEATH,
    "dead letter: expired by the message's own time": _LAST_DEATH,
    "dead letter: too many": _LAST_DEATH,
    "dead letter: keeps its routing keys": _LAST_DEATH,
    "dead letter: a new routing key removes CC": _LAST_DEATH,
    "dead letter: twice by rejection": _LAST_DEATH,
    "dead letter: the same queue twice counts": _LAST_DEATH,
    "dead letter: persistent message": _LAST_DEATH,
    "dead letter: x-death from the publisher": _LAST_DEATH,
    "user: permissions taken away under a connection": _AT_ONCE,
    "user: permissions lowered under a connection": _AT_ONCE,
    "time-to-live: of a message behind another": "a message expires wherever it stands",
    "redelivery: of a quorum queue counts": "x-delivery-count comes with the second delivery, as in RabbitMQ 4",
    "exchange.declare: type that names a class of atom": "x-delayed-message is there, which is a plugin of RabbitMQ",
    "stream: recover": "gives credit, as RabbitMQ 4 does it",
    "stream: nack": _STREAM_NACK,
    "stream: nack without requeue": _STREAM_NACK,
    "stream: nack of several": _STREAM_NACK,
    "stream: reject": _STREAM_NACK,
    "stream: reject without requeue": _STREAM_NACK,
    "stream: nack in a transaction": _STREAM_NACK,
    "stream: counts": "RabbitMQ counts the messages of a stream now and then",
    "exchange.declare: type x-local-random": "a type of exchange of RabbitMQ 4",
}
