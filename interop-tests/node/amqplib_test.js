// amqplib for Node.js against the broker at AMQP_PORT.

'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { once } = require('node:events');
const amqp = require('amqplib');
const { behaviour, cutConnections, run, unique } = require('./behaviour.js');

const LARGE_OCTETS = 10 * 1024 * 1024;
const url = (port, rest = '') => `amqp://guest:guest@127.0.0.1:${port}${rest}`;
const brokerPort = process.env.AMQP_PORT || '5672';

/** One connection, one channel, and what to delete after the test. */
class Client {
  queues = [];
  exchanges = [];
  connections = [];

  async open() {
    this.connection = await this.connect();
    this.channel = await this.openChannel();
    return this;
  }

  async connect(port = brokerPort, rest = '') {
    const connection = await amqp.connect(url(port, rest));
    connection.on('error', () => {});
    connection.on('close', () => { connection.isClosed = true; });
    this.connections.push(connection);
    return connection;
  }

  /** A channel whose error, when it closes with one, is the value of `channel.failure`. */
  async openChannel(connection = this.connection, method = 'createChannel') {
    const channel = await connection[method]();
    channel.failure = new Promise((resolve) => { channel.on('error', resolve); });
    return channel;
  }

  nameQueue() {
    this.queues.push(unique('queue'));
    return this.queues.at(-1);
  }

  async queue(options = {}) {
    return (await this.channel.assertQueue(this.nameQueue(), { durable: false, ...options })).queue;
  }

  async exchange(type, options = {}) {
    this.exchanges.push(unique(type));
    return (await this.channel.assertExchange(this.exchanges.at(-1), type, { durable: false, ...options })).exchange;
  }

  publish(queue, ...bodies) {
    for (const body of bodies) this.channel.sendToQueue(queue, Buffer.from(body));
  }

  /** Body of the queue's first message as text; null when it has none. */
  async get(queue) {
    const message = await this.channel.get(queue, { noAck: true });
    return message && message.content.toString();
  }

  /** The first `count` messages of a consumer; later ones go to `more`. */
  take(queue, count, options = {}, more = () => {}) {
    return new Promise((resolve, reject) => {
      const messages = [];
      this.channel.consume(queue, (message) => {
        if (messages.length === count) more(message);
        else if (messages.push(message) === count) resolve(messages);
      }, options).catch(reject);
    });
  }

  async close() {
    for (const connection of this.connections) {
      if (!connection.isClosed) await connection.close();
    }
    const connection = await amqp.connect(url(brokerPort));
    const channel = await connection.createChannel();
    for (const queue of this.queues) await channel.deleteQueue(queue);
    for (const exchange of this.exchanges) await channel.deleteExchange(exchange);
    await connection.close();
  }
}

async function rejectsWith(code, text, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code);
    assert.ok(error.message.includes(text), `${error.message} lacks ${text}`);
    return true;
  });
}

behaviour('a consumer receives what was published, in order, and acknowledges it', async (client) => {
  const queue = await client.queue();
  client.publish(queue, 'first', 'second');
  const messages = await client.take(queue, 2);
  assert.deepEqual(messages.map((message) => message.content.toString()), ['first', 'second']);
  assert.deepEqual(messages.map((message) => message.fields.deliveryTag), [1, 2]);
  messages.forEach((message) => client.channel.ack(message));
  await client.channel.close();
  client.channel = await client.openChannel();
  assert.equal((await client.channel.checkQueue(queue)).messageCount, 0);
});

behaviour('get takes one message and tells how many remain; on an empty queue it gives false', async (client) => {
  const queue = await client.queue();
  client.publish(queue, 'first', 'second');
  const message = await client.channel.get(queue);
  assert.deepEqual([message.content.toString(), message.fields.messageCount], ['first', 1]);
  client.channel.ack(message);
  assert.equal(await client.get(queue), 'second');
  assert.equal(await client.channel.get(queue), false);
});

behaviour('nack, nackAll and reject with requeue bring messages again in their order', async (client) => {
  const queue = await client.queue();
  client.publish(queue, '1', '2', '3');
  for (let count = 0; count < 3; count += 1) await client.channel.get(queue);
  client.channel.nackAll(true);
  const first = await client.channel.get(queue);
  client.channel.nack(first, false, true);
  const again = await client.channel.get(queue);
  assert.deepEqual([again.content.toString(), again.fields.redelivered], ['1', true]);
  client.channel.reject(again, false);
  assert.deepEqual([await client.get(queue), await client.get(queue)], ['2', '3']);
});

behaviour('recover delivers unacknowledged messages again', async (client) => {
  const queue = await client.queue();
  client.publish(queue, 'again');
  await client.channel.get(queue);
  await client.channel.recover();
  assert.equal((await client.channel.get(queue)).fields.redelivered, true);
});

behaviour('prefetch per consumer and for the whole channel limit what is held', async (client) => {
  for (const isGlobal of [false, true]) {
    const queue = await client.queue();
    const channel = client.channel = await client.openChannel();
    await channel.prefetch(2, isGlobal);
    client.publish(queue, '1', '2', '3', '4', '5');
    const next = {};
    next.arrives = new Promise((resolve) => { next.resolve = resolve; });
    const [first] = await client.take(queue, 2, {}, next.resolve);
    assert.equal((await channel.checkQueue(queue)).messageCount, 3);
    channel.ack(first);
    await next.arrives;
    assert.equal((await channel.checkQueue(queue)).messageCount, 2);
  }
});

behaviour('a consumer is told with a null message when its queue is deleted', async (client) => {
  const queue = await client.queue();
  const told = new Promise((resolve) => { client.channel.consume(queue, resolve); });
  await (await client.openChannel(await client.connect())).deleteQueue(queue);
  assert.equal(await told, null);
});

behaviour('confirms arrive for every publish of a burst', async (client) => {
  const queue = await client.queue({ durable: true });
  const channel = await client.openChannel(client.connection, 'createConfirmChannel');
  for (let number = 0; number < 500; number += 1) {
    channel.sendToQueue(queue, Buffer.from(String(number)), { persistent: true });
  }
  await channel.waitForConfirms();
  assert.equal((await channel.checkQueue(queue)).messageCount, 500);
});

behaviour('a queue with overflow reject-publish nacks what it has no room for', async (client) => {
  const queue = await client.queue({ maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } });
  const channel = await client.openChannel(client.connection, 'createConfirmChannel');
  channel.sendToQueue(queue, Buffer.from('fits'));
  await channel.waitForConfirms();
  channel.sendToQueue(queue, Buffer.from('refused'));
  await assert.rejects(channel.waitForConfirms(), /nacked/);
});

behaviour('an unroutable mandatory message is returned before it is confirmed', async (client) => {
  const channel = await client.openChannel(client.connection, 'createConfirmChannel');
  const events = [];
  channel.on('return', (message) => events.push([message.fields.replyCode, message.fields.replyText,
    message.fields.routingKey, message.content.toString()]));
  channel.publish('amq.direct', 'nobody', Buffer.from('lost'), { mandatory: true }, () => events.push('confirmed'));
  await channel.waitForConfirms();
  assert.deepEqual(events, [[312, 'NO_ROUTE', 'nobody', 'lost'], 'confirmed']);
});

behaviour('a message of 10 MiB arrives unchanged', async (client) => {
  const queue = await client.queue();
  const body = createHash('shake256', { outputLength: LARGE_OCTETS }).update('large').digest();
  client.channel.sendToQueue(queue, body);
  const [message] = await client.take(queue, 1, { noAck: true });
  assert.ok(message.content.equals(body));
});

behaviour('every property arrives unchanged', async (client) => {
  const queue = await client.queue();
  const sent = { contentType: 'text/plain', contentEncoding: 'utf-8', headers: { k: 'v' }, deliveryMode: 2,
    priority: 9, correlationId: 'c', replyTo: 'r', expiration: '100000', messageId: 'i', timestamp: 1700000000,
    type: 't', userId: 'guest', appId: 'a' };
  client.channel.sendToQueue(queue, Buffer.alloc(0), sent);
  const { properties } = await client.channel.get(queue, { noAck: true });
  assert.deepEqual({ ...properties }, { ...sent, clusterId: undefined });
});

behaviour('headers of every field type the client can send arrive unchanged', async (client) => {
  const queue = await client.queue();
  const headers = {
    text: 'värde', empty: '', octets: Buffer.from([0, 255]), yes: true, no: false, nothing: null,
    byte: -5, short: -300, int: -70000, long: -(2 ** 50), double: 0.1, table: { inner: { deep: [1, { deeper: 2 }] } },
    array: [1, 'two', false, null, []], timestamp: { '!': 'timestamp', value: 1700000000 },
    decimal: { '!': 'decimal', value: { digits: 12345, places: 3 } }, float: { '!': 'float', value: 0.5 },
  };
  client.channel.sendToQueue(queue, Buffer.alloc(0), { headers });
  const { properties } = await client.channel.get(queue, { noAck: true });
  assert.deepEqual({ ...properties.headers }, { ...headers, float: 0.5 });
});

behaviour('exchanges of all four types route', async (client) => {
  const cases = [['direct', 'k', 'k', {}], ['fanout', '', 'any', {}], ['topic', 'a.*.#', 'a.b.c', {}],
    ['headers', '', '', { 'x-match': 'all', h: 1 }]];
  for (const [type, bindingKey, routingKey, criteria] of cases) {
    const [exchange, queue] = [await client.exchange(type), await client.queue()];
    await client.channel.bindQueue(queue, exchange, bindingKey, criteria);
    client.channel.publish(exchange, routingKey, Buffer.from(type), { headers: { h: 1 } });
    if (type !== 'fanout') client.channel.publish(exchange, 'other', Buffer.from('other'), { headers: { h: 2 } });
    assert.deepEqual([await client.get(queue), await client.get(queue)], [type, false]);
  }
});

behaviour('an exchange bound to an exchange passes messages on until unbound', async (client) => {
  const [source, destination] = [await client.exchange('direct'), await client.exchange('fanout')];
  const queue = await client.queue();
  await client.channel.bindQueue(queue, destination, '');
  await client.channel.bindExchange(destination, source, 'k');
  client.channel.publish(source, 'k', Buffer.from('passed'));
  await client.channel.unbindExchange(destination, source, 'k');
  client.channel.publish(source, 'k', Buffer.from('unbound'));
  assert.deepEqual([await client.get(queue), await client.get(queue)], ['passed', false]);
});

behaviour('queue arguments are taken again when equal and refused with 406 when not', async (client) => {
  const options = { durable: true, messageTtl: 60000, expires: 600000, deadLetterExchange: 'amq.fanout',
    deadLetterRoutingKey: 'dead', maxLength: 10, maxPriority: 3 };
  const queue = await client.queue(options);
  await client.channel.assertQueue(queue, options);
  await rejectsWith(406, "inequivalent arg 'x-max-priority'",
    client.channel.assertQueue(queue, { ...options, maxPriority: 4 }));
});

behaviour('a message that expires is dead-lettered with its x-death', async (client) => {
  const dead = await client.queue();
  const queue = await client.queue({ deadLetterExchange: '', deadLetterRoutingKey: dead });
  client.channel.sendToQueue(queue, Buffer.from('late'), { expiration: 1 });
  const [message] = await client.take(dead, 1, { noAck: true });
  const [death] = message.properties.headers['x-death'];
  assert.deepEqual([death.reason, death.queue, death.count, death['routing-keys'], death['original-expiration']],
    ['expired', queue, 1, [queue], '1']);
  assert.equal(message.properties.expiration, undefined);
});

behaviour('checkQueue of an absent queue closes the channel with 404 and the connection goes on', async (client) => {
  const absent = client.nameQueue();
  await rejectsWith(404, `NOT_FOUND - no queue '${absent}' in vhost '/'`, client.channel.checkQueue(absent));
  client.channel = await client.openChannel();
  assert.equal(await client.get(await client.queue()), false);
});

behaviour('publishing to an absent exchange closes the channel with 404', async (client) => {
  client.channel.publish(unique('absent'), '', Buffer.from('lost'));
  const error = await client.channel.failure;
  assert.equal(error.code, 404);
  assert.match(error.message, /no exchange/);
});

behaviour('an unknown delivery tag closes the channel with 406', async (client) => {
  client.channel.ack({ fields: { deliveryTag: 99 } });
  const error = await client.channel.failure;
  assert.equal(error.code, 406);
  assert.match(error.message, /unknown delivery tag 99/);
});

behaviour('an exclusive queue of another connection is locked with 405', async (client) => {
  const queue = await client.queue({ exclusive: true });
  await rejectsWith(405, 'RESOURCE_LOCKED', (await client.openChannel(await client.connect())).checkQueue(queue));
});

behaviour('a wrong password is refused with 403', async () => {
  await assert.rejects(amqp.connect(`amqp://guest:wrong@127.0.0.1:${brokerPort}`), /403 \(ACCESS-REFUSED\)/);
});

behaviour('an absent virtual host is refused', async () => {
  await assert.rejects(amqp.connect(url(brokerPort, '/nowhere')), /got <ConnectionClose channel:0>/);
});

behaviour('a heartbeat of one second keeps an idle connection open in both directions', async (client) => {
  const connection = await client.connect(brokerPort, '?heartbeat=1');
  let beats = 0;
  connection.connection.stream.on('data', () => { beats += 1; });
  while (beats < 6) await once(connection.connection.stream, 'data');
  await (await client.openChannel(connection)).checkExchange('amq.direct');
});

behaviour('after a lost connection a new one finds the queue and the unacknowledged message', async (client) => {
  const queue = await client.queue({ durable: true });
  client.publish(queue, 'survivor');
  const lost = await client.connect(process.env.AMQP_PROXY_PORT);
  const closed = new Promise((resolve) => { lost.once('close', resolve); });
  await (await lost.createChannel()).get(queue);
  await cutConnections();
  await closed;
  const channel = await client.openChannel(await client.connect(process.env.AMQP_PROXY_PORT));
  const message = await new Promise((resolve) => { channel.consume(queue, resolve); });
  assert.deepEqual([message.content.toString(), message.fields.redelivered], ['survivor', true]);
  channel.ack(message);
});

run(() => new Client().open(), (client) => client.close());
