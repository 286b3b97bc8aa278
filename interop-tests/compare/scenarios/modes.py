"""Publisher confirms and transactions."""

from scenario import (
    basic, channel, closed, confirm, group, on, publish, queue, scenario, tx,
)  # fmt: skip

group("mode")

Q = queue.declare(queue="q")
GET = basic.get(queue="q", no_ack=True)
STATE = queue.declare(queue="q", passive=True)

scenario("confirm.select: twice", confirm.select(), confirm.select())
scenario("confirm.select: nowait", confirm.select(nowait=True), Q, publish("", "q", b"1"))
scenario("confirm.select: on a transactional channel", tx.select(), confirm.select())
scenario("confirm.select: counts from then on", Q, publish("", "q", b"1"), publish("", "q", b"2"), confirm.select(),
         publish("", "q", b"3"), publish("", "q", b"4"))
scenario("confirm: transient and persistent", queue.declare(queue="q", durable=True), confirm.select(),
         publish("", "q", b"1"), publish("", "q", b"2", delivery_mode=2))
scenario("confirm: returned and confirmed", confirm.select(), publish("", "nothing", b"1", mandatory=True),
         publish("", "nothing", b"2", mandatory=True))
scenario("confirm: a refused publish takes a number", confirm.select(), publish("nothing", "", b"1"), channel.open(), Q,
         confirm.select(), publish("", "q", b"2"))
scenario("confirm: basic.ack of a confirm is for deliveries", confirm.select(), basic.ack(delivery_tag=1))
scenario("confirm: nack of a full queue, then ack", queue.declare(queue="q",
         arguments={"x-max-length": 1, "x-overflow": "reject-publish"}), confirm.select(), publish("", "q", b"1"),
         publish("", "q", b"2"), GET, publish("", "q", b"3"))
scenario("confirm: a message consumed without acknowledgement", Q, basic.consume(queue="q", consumer_tag="c",
         no_ack=True), confirm.select(), publish("", "q", b"1", delivery_mode=2))
scenario("tx.select: twice", tx.select(), tx.select())
scenario("tx.select: on a confirming channel", confirm.select(), tx.select())
scenario("tx.commit: on a plain channel", tx.commit())
scenario("tx.rollback: on a plain channel", tx.rollback())
scenario("tx.commit: on a confirming channel", confirm.select(), tx.commit())
scenario("tx.rollback: on a confirming channel", confirm.select(), tx.rollback())
scenario("tx.commit: nothing", tx.select(), tx.commit(), tx.commit(), tx.rollback())
scenario("tx.commit: publishes appear", Q, tx.select(), publish("", "q", b"1"), publish("", "q", b"2"), STATE,
         tx.commit(), STATE, publish("", "q", b"3"), tx.commit(), STATE)
scenario("tx.rollback: publishes are gone", Q, tx.select(), publish("", "q", b"1"), tx.rollback(), tx.commit(), STATE)
scenario("tx.commit: returns come then", tx.select(), publish("", "nothing", b"1", mandatory=True),
         publish("", "nothing", b"2", mandatory=True), tx.commit())
scenario("tx.rollback: returns never come", tx.select(), publish("", "nothing", b"1", mandatory=True), tx.rollback())
scenario("tx.commit: routing is decided at publish", Q, tx.select(), publish("", "later", b"1", mandatory=True),
         queue.declare(queue="later"), publish("", "q", b"2"), queue.delete(queue="q"), tx.commit(),
         queue.declare(queue="later", passive=True))
scenario("tx.commit: a binding made behind the publish does not count", Q, tx.select(),
         publish("amq.direct", "k", b"1", mandatory=True), queue.bind(queue="q", exchange="amq.direct",
         routing_key="k"), tx.commit(), STATE)
scenario("tx.commit: a binding taken away behind the publish counts", Q,
         queue.bind(queue="q", exchange="amq.direct", routing_key="k"), tx.select(),
         publish("amq.direct", "k", b"1", mandatory=True), queue.unbind(queue="q", exchange="amq.direct",
         routing_key="k"), tx.commit(), STATE)
scenario("tx.commit: a queue deleted behind the publish, mandatory", Q, tx.select(),
         publish("", "q", b"1", mandatory=True), queue.delete(queue="q"), tx.commit())
scenario("tx.commit: acknowledgements count then", Q, publish("", "q", b"1"), tx.select(), basic.get(queue="q"),
         basic.ack(delivery_tag=1), on(2, STATE), tx.commit(), channel.close(), channel.open(), STATE)
scenario("tx.rollback: acknowledgements are taken back", Q, publish("", "q", b"1"), tx.select(), basic.get(queue="q"),
         basic.ack(delivery_tag=1), tx.rollback(), basic.ack(delivery_tag=1), tx.commit(),
         channel.close(), channel.open(), STATE)
scenario("tx: acknowledged twice in one transaction", Q, publish("", "q", b"1"), tx.select(), basic.get(queue="q"),
         basic.ack(delivery_tag=1), basic.ack(delivery_tag=1))
scenario("tx: an unknown tag is refused at once", tx.select(), basic.ack(delivery_tag=99))
scenario("tx: rejected with requeue, rolled back", Q, publish("", "q", b"1"), tx.select(), basic.get(queue="q"),
         basic.reject(delivery_tag=1, requeue=True), STATE, tx.rollback(), STATE,
         basic.reject(delivery_tag=1, requeue=True), tx.commit(), STATE)
scenario("tx: rejected without requeue, committed", Q, publish("", "q", b"1"), tx.select(), basic.get(queue="q"),
         basic.reject(delivery_tag=1), tx.commit(), channel.close(), channel.open(), STATE)
scenario("tx: a missing exchange is refused at once", tx.select(), publish("nothing", "", b"1"))
scenario("tx: the channel closes uncommitted", Q, tx.select(), publish("", "q", b"1"), channel.close(), channel.open(),
         STATE)
scenario("tx: an error loses what is uncommitted", Q, tx.select(), publish("", "q", b"1"), basic.ack(delivery_tag=99),
         channel.open(), STATE)
scenario("tx: the channel closes, an acknowledgement uncommitted", Q, publish("", "q", b"1"),
         on(2, tx.select(), basic.get(queue="q"), basic.ack(delivery_tag=1), channel.close()), GET)
scenario("tx: prefetch is freed at commit", Q, basic.qos(prefetch_count=1), publish("", "q", b"1"),
         publish("", "q", b"2"), tx.select(), basic.consume(queue="q", consumer_tag="c"), basic.ack(delivery_tag=1),
         tx.commit())
scenario("tx: declares are not transactional", tx.select(), Q, tx.rollback(), STATE)
scenario("tx: recover in a transaction", Q, publish("", "q", b"1"), tx.select(), basic.get(queue="q"),
         basic.ack(delivery_tag=1), basic.recover(requeue=True), tx.commit(), STATE)
scenario("tx: messages of a full queue are dropped at commit", queue.declare(queue="q",
         arguments={"x-max-length": 1, "x-overflow": "reject-publish"}), tx.select(), publish("", "q", b"1"),
         publish("", "q", b"2"),
         tx.commit(), STATE)
scenario("tx: immediate", tx.select(), publish("", "q", b"1", immediate=True), closed(seconds=0.5))
scenario("tx: multiple acknowledgement of all, committed", Q, publish("", "q", b"1"), publish("", "q", b"2"),
         tx.select(), basic.get(queue="q"), basic.get(queue="q"), basic.ack(delivery_tag=0, multiple=True),
         tx.commit(), channel.close(), channel.open(), STATE)
scenario("tx: on one channel only", Q, tx.select(), publish("", "q", b"1"), on(2, publish("", "q", b"2")), STATE,
         tx.commit(), STATE)
