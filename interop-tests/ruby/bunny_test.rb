# frozen_string_literal: true

# Bunny against the broker at AMQP_PORT.

require 'bunny'
require 'digest'
require_relative 'behaviours'
include Behaviours

LARGE_OCTETS = 10 * 1024 * 1024
SECONDS_TO_WAIT = 10

# One connection, one channel, and what to delete after the test.
class Client
  attr_accessor :channel
  attr_reader :connection

  def initialize
    @connections = []
    @queues = []
    @exchanges = []
    @connection = connect
    @channel = @connection.create_channel
  end

  def connect(**options)
    settings = { host: '127.0.0.1', port: Integer(ENV.fetch('AMQP_PORT')), network_recovery_interval: 0.1,
                 log_level: :fatal, **options }
    @connections << Bunny.new(settings).start
    @connections.last
  end

  def close
    @connections.each { |connection| connection.close if connection.open? }
    cleaner = connect
    channel = cleaner.create_channel
    @queues.each { |queue| channel.queue_delete(queue) }
    @exchanges.each { |exchange| channel.exchange_delete(exchange) }
    cleaner.close
  end

  def name_queue
    @queues << unique('queue')
    @queues.last
  end

  def queue(**options)
    channel.queue(name_queue, **options)
  end

  def exchange(type, **options)
    @exchanges << unique(type)
    channel.exchange(@exchanges.last, type: type, **options)
  end

  # Subscribes and gives a queue of [delivery_info, properties, body].
  def deliveries(queue, **options)
    received = Queue.new
    queue.subscribe(**options) { |*delivery| received << delivery }
    received
  end
end

def next_of(deliveries)
  Timeout.timeout(SECONDS_TO_WAIT) { deliveries.pop }
end

def bodies(queue)
  found = []
  while (body = queue.pop[2])
    found << body
  end
  found
end

behaviour 'a consumer receives what was published, in order, and acknowledges it' do |client|
  queue = client.queue
  %w[first second].each { |body| queue.publish(body) }
  deliveries = client.deliveries(queue, manual_ack: true)
  expect(next_of(deliveries)[2], 'first')
  delivery, _, body = next_of(deliveries)
  expect([body, delivery.redelivered?], ['second', false])
  client.channel.ack(delivery.delivery_tag, true)
  client.channel.close
  client.channel = client.connection.create_channel
  expect(client.channel.queue(queue.name, passive: true).message_count, 0)
end

behaviour 'pop takes one message; on an empty queue it gives nothing' do |client|
  queue = client.queue
  queue.publish('only')
  expect(queue.pop[2], 'only')
  expect(queue.pop, [nil, nil, nil])
end

behaviour 'nack and reject with requeue bring a message again; without requeue they drop it' do |client|
  queue = client.queue
  %w[1 2].each { |body| queue.publish(body) }
  client.channel.nack(queue.pop(manual_ack: true)[0].delivery_tag, false, true)
  delivery, _, body = queue.pop(manual_ack: true)
  expect([body, delivery.redelivered?], ['1', true])
  client.channel.reject(delivery.delivery_tag, true)
  client.channel.reject(queue.pop(manual_ack: true)[0].delivery_tag, false)
  expect(bodies(queue), ['2'])
end

behaviour 'prefetch limits what a consumer holds' do |client|
  queue = client.queue
  5.times { queue.publish('x') }
  client.channel.prefetch(2)
  deliveries = client.deliveries(queue, manual_ack: true)
  first = next_of(deliveries)[0]
  next_of(deliveries)
  expect(queue.message_count, 3)
  client.channel.ack(first.delivery_tag)
  next_of(deliveries)
  expect(queue.message_count, 2)
end

behaviour 'a consumer is told when its queue is deleted' do |client|
  queue = client.queue
  told = Queue.new
  consumer = Bunny::Consumer.new(client.channel, queue, 'told')
  consumer.on_cancellation { |cancel| told << cancel.consumer_tag }
  queue.subscribe_with(consumer)
  client.connect.create_channel.queue_delete(queue.name)
  expect(next_of(told), 'told')
end

behaviour 'every publish of a burst is confirmed' do |client|
  queue = client.queue(durable: true)
  client.channel.confirm_select
  500.times { |number| queue.publish(number.to_s, persistent: true) }
  expect(client.channel.wait_for_confirms, true)
  expect(client.channel.unconfirmed_set.size, 0)
  expect(queue.message_count, 500)
end

behaviour 'a queue with overflow reject-publish nacks what it has no room for' do |client|
  queue = client.queue(arguments: { 'x-max-length' => 1, 'x-overflow' => 'reject-publish' })
  client.channel.confirm_select
  2.times { queue.publish('x') }
  expect(client.channel.wait_for_confirms, false)
  expect(client.channel.nacked_set.to_a, [2])
end

behaviour 'an unroutable mandatory message is returned with its content' do |client|
  returns = Queue.new
  exchange = client.channel.direct('amq.direct')
  exchange.on_return { |*returned| returns << returned }
  exchange.publish('lost', routing_key: 'nobody', mandatory: true, app_id: 'me')
  info, properties, body = next_of(returns)
  expect([info.reply_code, info.reply_text, info.routing_key, properties.app_id, body],
         [312, 'NO_ROUTE', 'nobody', 'me', 'lost'])
end

behaviour 'a transaction publishes at commit and forgets at rollback' do |client|
  queue = client.queue
  client.channel.tx_select
  queue.publish('dropped')
  client.channel.tx_rollback
  queue.publish('kept')
  client.channel.tx_commit
  expect(bodies(queue), ['kept'])
  client.channel.tx_commit
end

behaviour 'a message of 10 MiB arrives unchanged' do |client|
  queue = client.queue
  body = Random.new(1).bytes(LARGE_OCTETS)
  deliveries = client.deliveries(queue)
  queue.publish(body)
  expect(Digest::SHA256.hexdigest(next_of(deliveries)[2]), Digest::SHA256.hexdigest(body))
end

behaviour 'every property and headers of every field type the client can send arrive unchanged' do |client|
  queue = client.queue
  headers = { 'text' => 'värde'.b, 'integer' => -(2**62), 'double' => 0.1, 'yes' => true, 'no' => false,
              'time' => Time.at(1_700_000_000), 'nothing' => nil, 'table' => { 'deep' => [1, { 'deeper' => 'x' }] },
              'array' => ['a', 1, false, []] }
  sent = { content_type: 'text/plain', content_encoding: 'utf-8', priority: 6, correlation_id: 'c', reply_to: 'r',
           expiration: '100000', message_id: 'i', timestamp: 1_700_000_000, type: 't', user_id: 'guest',
           app_id: 'a', headers: headers }
  queue.publish('body', persistent: true, **sent)
  expect(queue.pop[1].to_h, sent.merge(delivery_mode: 2, timestamp: Time.at(1_700_000_000)))
end

behaviour 'exchanges of all four types route' do |client|
  { direct: 'a.b', fanout: '', topic: '#.b', headers: '' }.each do |type, key|
    exchange = client.exchange(type)
    queue = client.queue.bind(exchange, routing_key: key, arguments: { 'x-match' => 'all', 'h' => 1 })
    exchange.publish(type.to_s, routing_key: 'a.b', headers: { 'h' => 1 })
    exchange.publish('other', routing_key: 'a.c') unless type == :fanout
    expect(bodies(queue), [type.to_s])
  end
end

behaviour 'an exchange bound to an exchange passes messages on until unbound' do |client|
  source = client.exchange(:topic)
  destination = client.exchange(:fanout)
  queue = client.queue.bind(destination)
  destination.bind(source, routing_key: 'a.*')
  source.publish('passed', routing_key: 'a.b')
  destination.unbind(source, routing_key: 'a.*')
  source.publish('unbound', routing_key: 'a.b')
  expect(bodies(queue), ['passed'])
end

behaviour 'queue arguments are taken again when equal and refused with 406 when not' do |client|
  arguments = { 'x-message-ttl' => 60_000, 'x-expires' => 600_000, 'x-max-length' => 10, 'x-max-priority' => 3,
                'x-dead-letter-exchange' => 'amq.fanout' }
  queue = client.queue(durable: true, arguments: arguments)
  client.connection.create_channel.queue(queue.name, durable: true, arguments: arguments)
  error = expect_raised(Bunny::PreconditionFailed) do
    client.connection.create_channel.queue(queue.name, durable: true, arguments: arguments.merge('x-max-length' => 9))
  end
  expect_part(error.message, "inequivalent arg 'x-max-length'")
end

behaviour 'a rejected message is dead-lettered with its x-death' do |client|
  dead = client.queue
  queue = client.queue(arguments: { 'x-dead-letter-exchange' => '', 'x-dead-letter-routing-key' => dead.name })
  deliveries = client.deliveries(dead)
  queue.publish('dead')
  client.channel.reject(queue.pop(manual_ack: true)[0].delivery_tag, false)
  death = next_of(deliveries)[1].headers['x-death'][0]
  expect(death.values_at('reason', 'queue', 'count', 'routing-keys'), ['rejected', queue.name, 1, [queue.name]])
end

behaviour 'a passive declare of an absent queue closes the channel with 404 and the connection goes on' do |client|
  absent = unique('absent')
  error = expect_raised(Bunny::NotFound) { client.channel.queue(absent, passive: true) }
  expect_part(error.message, "NOT_FOUND - no queue '#{absent}' in vhost '/'")
  expect([client.channel.open?, client.connection.open?], [false, true])
  client.channel = client.connection.create_channel
  expect(client.queue.pop, [nil, nil, nil])
end

behaviour 'an acknowledgement with an unknown delivery tag closes the channel with 406' do |client|
  closed = Queue.new
  client.channel.on_error { |_, close| closed << [close.reply_code, close.reply_text] }
  client.channel.ack(99)
  code, text = next_of(closed)
  expect([code, text], [406, 'PRECONDITION_FAILED - unknown delivery tag 99'])
end

behaviour 'a queue named amq.* is refused with 403, another connection\'s exclusive queue with 405' do |client|
  expect_raised(Bunny::AccessRefused) { client.connection.create_channel.queue('amq.mine') }
  queue = client.queue(exclusive: true)
  expect_raised(Bunny::ResourceLocked) { client.connect.create_channel.queue(queue.name, passive: true) }
end

behaviour 'a wrong password is refused with 403' do |client|
  expect_raised(Bunny::AuthenticationFailureError) { client.connect(password: 'wrong') }
end

behaviour 'an absent virtual host is refused' do |client|
  error = expect_raised(Bunny::NotAllowedError) { client.connect(vhost: 'nowhere') }
  expect_part(error.message, 'vhost nowhere not found')
end

behaviour 'a connection that was cut recovers its queue, its binding and its consumer' do |client|
  recovered = Queue.new
  connection = client.connect(port: Integer(ENV.fetch('AMQP_PROXY_PORT')),
                              recovery_completed: -> { recovered << true })
  channel = connection.create_channel
  key = unique('key')
  queue = channel.queue('', exclusive: true).bind('amq.topic', routing_key: key)
  deliveries = client.deliveries(queue)
  exchange = client.channel.topic('amq.topic', durable: true)
  exchange.publish('before', routing_key: key)
  expect(next_of(deliveries)[2], 'before')
  cut_connections
  next_of(recovered)
  exchange.publish('after', routing_key: key)
  expect(next_of(deliveries)[2], 'after')
end

behaviour 'what a cut connection had not acknowledged is delivered again after its recovery' do |client|
  queue = client.queue(durable: true)
  queue.publish('survivor')
  channel = client.connect(port: Integer(ENV.fetch('AMQP_PROXY_PORT'))).create_channel
  deliveries = client.deliveries(channel.queue(queue.name, passive: true), manual_ack: true)
  expect(next_of(deliveries)[0].redelivered?, false)
  cut_connections
  again, _, body = next_of(deliveries)
  expect([body, again.redelivered?], ['survivor', true])
  channel.ack(again.delivery_tag)
end

run(Client)
