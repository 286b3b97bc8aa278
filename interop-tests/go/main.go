// amqp091-go against the broker at AMQP_PORT.
package main

import (
	"context"
	"errors"
	"math/rand"
	"os"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	largeOctets = 10 * 1024 * 1024
	timeToWait  = 10 * time.Second
)

// client is what one test works with: a connection, a channel, and what to delete afterwards.
type client struct {
	connection  *amqp.Connection
	channel     *amqp.Channel
	connections []*amqp.Connection
	queues      []string
	exchanges   []string
}

func newClient() *client {
	one := &client{}
	one.connection = one.connect(os.Getenv("AMQP_PORT"))
	one.channel = open(one.connection)
	return one
}

func url(port string) string { return "amqp://guest:guest@127.0.0.1:" + port + "/" }

func (c *client) connect(port string) *amqp.Connection {
	connection, err := amqp.Dial(url(port))
	must(err)
	c.connections = append(c.connections, connection)
	return connection
}

func open(connection *amqp.Connection) *amqp.Channel {
	channel, err := connection.Channel()
	must(err)
	return channel
}

func (c *client) cleanUp() {
	for _, connection := range c.connections {
		if !connection.IsClosed() {
			must(connection.Close())
		}
	}
	connection, err := amqp.Dial(url(os.Getenv("AMQP_PORT")))
	must(err)
	defer connection.Close()
	channel := open(connection)
	for _, queue := range c.queues {
		_, err := channel.QueueDelete(queue, false, false, false)
		must(err)
	}
	for _, exchange := range c.exchanges {
		must(channel.ExchangeDelete(exchange, false, false))
	}
}

func (c *client) nameQueue() string {
	c.queues = append(c.queues, unique("queue"))
	return c.queues[len(c.queues)-1]
}

func (c *client) queue(arguments amqp.Table) string {
	queue, err := c.channel.QueueDeclare(c.nameQueue(), true, false, false, false, arguments)
	must(err)
	return queue.Name
}

func (c *client) exchange(kind string) string {
	c.exchanges = append(c.exchanges, unique(kind))
	name := c.exchanges[len(c.exchanges)-1]
	must(c.channel.ExchangeDeclare(name, kind, true, false, false, false, nil))
	return name
}

func publish(channel *amqp.Channel, exchange, key string, message amqp.Publishing) {
	must(channel.PublishWithContext(context.Background(), exchange, key, false, false, message))
}

func (c *client) publishTexts(queue string, bodies ...string) {
	for _, body := range bodies {
		publish(c.channel, "", queue, amqp.Publishing{Body: []byte(body)})
	}
}

// get takes the queue's first message, unacknowledged; it must have one.
func (c *client) get(queue string) amqp.Delivery {
	delivery, ok, err := c.channel.Get(queue, false)
	must(err)
	expect(ok, true)
	return delivery
}

// texts takes every message of the queue.
func (c *client) texts(queue string) []string {
	bodies := []string{}
	for {
		delivery, ok, err := c.channel.Get(queue, true)
		must(err)
		if !ok {
			return bodies
		}
		bodies = append(bodies, string(delivery.Body))
	}
}

func (c *client) ready(queue string) int {
	declared, err := c.channel.QueueInspect(queue)
	must(err)
	return declared.Messages
}

func consume(channel *amqp.Channel, queue string, autoAck bool) <-chan amqp.Delivery {
	deliveries, err := channel.Consume(queue, "", autoAck, false, false, false, nil)
	must(err)
	return deliveries
}

func next(deliveries <-chan amqp.Delivery) amqp.Delivery {
	select {
	case delivery, ok := <-deliveries:
		expect(ok, true)
		return delivery
	case <-time.After(timeToWait):
		panic("no delivery in time")
	}
}

func expectError(err error, code int, part string) {
	var refusal *amqp.Error
	if !errors.As(err, &refusal) {
		panic("not refused by the broker")
	}
	expect(refusal.Code, code)
	expectPart(refusal.Reason, part)
}

func main() {
	if runAll(behaviours) > 0 {
		os.Exit(1)
	}
}

var behaviours = []behaviour{
	{"a consumer receives what was published, in order, and acknowledges it", func(c *client) {
		queue := c.queue(nil)
		c.publishTexts(queue, "first", "second")
		deliveries := consume(c.channel, queue, false)
		expect(string(next(deliveries).Body), "first")
		second := next(deliveries)
		expect(string(second.Body), "second")
		must(second.Ack(true))
		must(c.channel.Close())
		c.channel = open(c.connection)
		expect(c.ready(queue), 0)
	}},

	{"get takes one message and tells how many remain; on an empty queue it tells so", func(c *client) {
		queue := c.queue(nil)
		c.publishTexts(queue, "first", "second")
		expect(c.get(queue).MessageCount, uint32(1))
		expect(c.texts(queue), []string{"second"})
		_, ok, err := c.channel.Get(queue, true)
		must(err)
		expect(ok, false)
	}},

	{"nack and reject with requeue bring messages again in their order; without requeue they drop them", func(c *client) {
		queue := c.queue(nil)
		c.publishTexts(queue, "1", "2", "3")
		c.get(queue)
		must(c.get(queue).Nack(true, true))
		again := c.get(queue)
		expect(string(again.Body), "1")
		expect(again.Redelivered, true)
		must(again.Reject(true))
		must(c.get(queue).Reject(false))
		expect(c.texts(queue), []string{"2", "3"})
	}},

	{"recover with requeue delivers unacknowledged messages again", func(c *client) {
		queue := c.queue(nil)
		c.publishTexts(queue, "again")
		c.get(queue)
		must(c.channel.Recover(true))
		expect(c.get(queue).Redelivered, true)
	}},

	{"prefetch limits what a consumer holds", func(c *client) {
		queue := c.queue(nil)
		c.publishTexts(queue, "1", "2", "3", "4", "5")
		must(c.channel.Qos(2, 0, false))
		deliveries := consume(c.channel, queue, false)
		first := next(deliveries)
		next(deliveries)
		expect(c.ready(queue), 3)
		must(first.Ack(false))
		next(deliveries)
		expect(c.ready(queue), 2)
	}},

	{"a consumer is told when its queue is deleted", func(c *client) {
		queue := c.queue(nil)
		cancelled := c.channel.NotifyCancel(make(chan string, 1))
		_, err := c.channel.Consume(queue, "told", true, false, false, false, nil)
		must(err)
		_, err = open(c.connect(os.Getenv("AMQP_PORT"))).QueueDelete(queue, false, false, false)
		must(err)
		select {
		case tag := <-cancelled:
			expect(tag, "told")
		case <-time.After(timeToWait):
			panic("not told")
		}
	}},

	{"deferred confirms of a burst are all positive", func(c *client) {
		queue := c.queue(nil)
		must(c.channel.Confirm(false))
		var confirms []*amqp.DeferredConfirmation
		for number := 0; number < 500; number++ {
			confirm, err := c.channel.PublishWithDeferredConfirmWithContext(context.Background(), "", queue, false, false,
				amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(strconv.Itoa(number))})
			must(err)
			confirms = append(confirms, confirm)
		}
		for _, confirm := range confirms {
			expect(confirm.Wait(), true)
		}
		expect(c.ready(queue), 500)
	}},

	{"a queue with overflow reject-publish nacks what it has no room for", func(c *client) {
		queue := c.queue(amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
		must(c.channel.Confirm(false))
		confirms := c.channel.NotifyPublish(make(chan amqp.Confirmation, 2))
		c.publishTexts(queue, "fits", "refused")
		expect([]bool{(<-confirms).Ack, (<-confirms).Ack}, []bool{true, false})
	}},

	{"an unroutable mandatory message is returned with its content", func(c *client) {
		returns := c.channel.NotifyReturn(make(chan amqp.Return, 1))
		must(c.channel.PublishWithContext(context.Background(), "amq.direct", "nobody", true, false,
			amqp.Publishing{AppId: "me", Body: []byte("lost")}))
		returned := <-returns
		expect([]interface{}{returned.ReplyCode, returned.ReplyText, returned.RoutingKey, returned.AppId,
			string(returned.Body)}, []interface{}{uint16(312), "NO_ROUTE", "nobody", "me", "lost"})
	}},

	{"a transaction publishes at commit and forgets at rollback", func(c *client) {
		queue := c.queue(nil)
		must(c.channel.Tx())
		c.publishTexts(queue, "dropped")
		must(c.channel.TxRollback())
		c.publishTexts(queue, "kept")
		must(c.channel.TxCommit())
		expect(c.texts(queue), []string{"kept"})
		must(c.channel.TxCommit())
	}},

	{"a message of 10 MiB arrives unchanged", func(c *client) {
		queue := c.queue(nil)
		body := make([]byte, largeOctets)
		rand.New(rand.NewSource(1)).Read(body)
		publish(c.channel, "", queue, amqp.Publishing{Body: body})
		received := next(consume(c.channel, queue, true)).Body
		expect(string(received) == string(body), true)
	}},

	{"every property and headers of every field type the client can send arrive unchanged", func(c *client) {
		queue := c.queue(nil)
		sent := amqp.Publishing{
			Headers: amqp.Table{"yes": true, "octet": byte(200), "byte": int8(-5), "short": int16(-300), "int": int32(-70000),
				"long": int64(-1 << 62), "float": float32(0.5), "double": 0.1, "text": "värde", "octets": []byte{0, 255},
				"decimal": amqp.Decimal{Scale: 3, Value: 12345}, "time": time.Unix(1700000000, 0), "nothing": nil,
				"table": amqp.Table{"inner": amqp.Table{"deep": []interface{}{int32(1), amqp.Table{"deeper": "x"}}}},
				"array": []interface{}{"a", false, nil}},
			ContentType: "text/plain", ContentEncoding: "utf-8", DeliveryMode: 2, Priority: 4, CorrelationId: "c",
			ReplyTo: "r", Expiration: "100000", MessageId: "i", Timestamp: time.Unix(1700000000, 0), Type: "t",
			UserId: "guest", AppId: "a", Body: []byte("body"),
		}
		publish(c.channel, "", queue, sent)
		got := c.get(queue)
		expect(amqp.Publishing{Headers: got.Headers, ContentType: got.ContentType, ContentEncoding: got.ContentEncoding,
			DeliveryMode: got.DeliveryMode, Priority: got.Priority, CorrelationId: got.CorrelationId, ReplyTo: got.ReplyTo,
			Expiration: got.Expiration, MessageId: got.MessageId, Timestamp: got.Timestamp, Type: got.Type,
			UserId: got.UserId, AppId: got.AppId, Body: got.Body}, sent)
	}},

	{"exchanges of all four types route", func(c *client) {
		for kind, key := range map[string]string{"direct": "a.b", "fanout": "", "topic": "*.b", "headers": ""} {
			exchange, queue := c.exchange(kind), c.queue(nil)
			must(c.channel.QueueBind(queue, key, exchange, false, amqp.Table{"x-match": "any", "h": int32(1), "i": "x"}))
			publish(c.channel, exchange, "a.b", amqp.Publishing{Headers: amqp.Table{"h": int32(1)}, Body: []byte("matching")})
			if kind != "fanout" {
				publish(c.channel, exchange, "a.c", amqp.Publishing{Body: []byte("other")})
			}
			expect(c.texts(queue), []string{"matching"})
			must(c.channel.QueueUnbind(queue, key, exchange, amqp.Table{"x-match": "any", "h": int32(1), "i": "x"}))
			publish(c.channel, exchange, "a.b", amqp.Publishing{Headers: amqp.Table{"h": int32(1)}})
			expect(c.texts(queue), []string{})
		}
	}},

	{"an exchange bound to an exchange passes messages on until unbound", func(c *client) {
		source, destination, queue := c.exchange("topic"), c.exchange("fanout"), c.queue(nil)
		must(c.channel.QueueBind(queue, "", destination, false, nil))
		must(c.channel.ExchangeBind(destination, "a.*", source, false, nil))
		publish(c.channel, source, "a.b", amqp.Publishing{Body: []byte("passed")})
		must(c.channel.ExchangeUnbind(destination, "a.*", source, false, nil))
		publish(c.channel, source, "a.b", amqp.Publishing{Body: []byte("unbound")})
		expect(c.texts(queue), []string{"passed"})
	}},

	{"queue arguments are taken again when equal and refused with 406 when not", func(c *client) {
		arguments := amqp.Table{"x-message-ttl": int32(60000), "x-expires": int64(600000), "x-max-length": 10,
			"x-dead-letter-exchange": "amq.fanout", "x-dead-letter-routing-key": "dead"}
		queue := c.queue(arguments)
		_, err := c.channel.QueueDeclare(queue, true, false, false, false, arguments)
		must(err)
		arguments["x-dead-letter-routing-key"] = "other"
		_, err = c.channel.QueueDeclare(queue, true, false, false, false, arguments)
		expectError(err, amqp.PreconditionFailed, "inequivalent arg 'x-dead-letter-routing-key'")
	}},

	{"an expired message is dead-lettered with its x-death", func(c *client) {
		dead := c.queue(nil)
		queue := c.queue(amqp.Table{"x-message-ttl": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
		c.publishTexts(queue, "late")
		deaths := next(consume(c.channel, dead, true)).Headers["x-death"].([]interface{})
		death := deaths[0].(amqp.Table)
		expect([]interface{}{death["reason"], death["queue"], death["count"]}, []interface{}{"expired", queue, int64(1)})
	}},

	{"an absent queue closes the channel with 404 and the connection goes on", func(c *client) {
		absent := c.nameQueue()
		_, err := c.channel.QueueDeclarePassive(absent, true, false, false, false, nil)
		expectError(err, amqp.NotFound, "NOT_FOUND - no queue '"+absent+"' in vhost '/'")
		c.channel = open(c.connection)
		c.publishTexts(c.queue(nil), "still here")
	}},

	{"publishing to an absent exchange closes the channel with 404", func(c *client) {
		closed := c.channel.NotifyClose(make(chan *amqp.Error, 1))
		publish(c.channel, unique("absent"), "", amqp.Publishing{})
		expectError(<-closed, amqp.NotFound, "no exchange")
	}},

	{"an inequivalent exchange type gets 406 and a queue named amq.* 403", func(c *client) {
		exchange := c.exchange("direct")
		expectError(c.channel.ExchangeDeclare(exchange, "topic", true, false, false, false, nil), amqp.PreconditionFailed,
			"inequivalent arg 'type' for exchange '"+exchange+"' in vhost '/': received 'topic' but current is 'direct'")
		c.channel = open(c.connection)
		_, err := c.channel.QueueDeclare("amq.mine", true, false, false, false, nil)
		expectError(err, amqp.AccessRefused, "ACCESS_REFUSED")
	}},

	{"another connection's exclusive queue is locked with 405", func(c *client) {
		queue, err := c.channel.QueueDeclare("", false, false, true, false, nil)
		must(err)
		_, err = open(c.connect(os.Getenv("AMQP_PORT"))).QueueDeclarePassive(queue.Name, false, false, true, false, nil)
		expectError(err, amqp.ResourceLocked, "RESOURCE_LOCKED")
	}},

	{"a wrong password is refused with 403", func(c *client) {
		_, err := amqp.Dial("amqp://guest:wrong@127.0.0.1:" + os.Getenv("AMQP_PORT") + "/")
		expectError(err, amqp.AccessRefused, "username or password not allowed")
	}},

	{"an absent virtual host is refused", func(c *client) {
		_, err := amqp.Dial(url(os.Getenv("AMQP_PORT")) + "nowhere")
		expectError(err, amqp.AccessRefused, "no access to this vhost")
	}},

	{"a heartbeat of one second keeps an idle connection open", func(c *client) {
		connection, err := amqp.DialConfig(url(os.Getenv("AMQP_PORT")), amqp.Config{Heartbeat: time.Second})
		must(err)
		c.connections = append(c.connections, connection)
		select {
		case problem := <-connection.NotifyClose(make(chan *amqp.Error, 1)):
			panic(problem)
		case <-time.After(4 * time.Second):
		}
	}},

	{"after a lost connection a new one finds the queue and the unacknowledged message", func(c *client) {
		queue := c.queue(nil)
		c.publishTexts(queue, "survivor")
		lost := c.connect(os.Getenv("AMQP_PROXY_PORT"))
		closed := lost.NotifyClose(make(chan *amqp.Error, 1))
		expect(next(consume(open(lost), queue, false)).Redelivered, false)
		cutConnections()
		<-closed
		again := next(consume(open(c.connect(os.Getenv("AMQP_PROXY_PORT"))), queue, false))
		expect(string(again.Body), "survivor")
		expect(again.Redelivered, true)
		must(again.Ack(false))
	}},
}
