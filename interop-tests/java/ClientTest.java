import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.LongString;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.Recoverable;
import com.rabbitmq.client.RecoveryListener;
import com.rabbitmq.client.RpcClient;
import com.rabbitmq.client.RpcServer;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The Java client against the broker at AMQP_PORT: one connection, one channel, and what to delete afterwards. */
final class ClientTest implements AutoCloseable {
  private static final int PORT = Integer.parseInt(System.getenv().getOrDefault("AMQP_PORT", "5672"));
  private static final int LARGE_OCTETS = 10 * 1024 * 1024;
  private static final int SECONDS_TO_WAIT = 10;

  private final List<String> queues = new ArrayList<>();
  private final List<String> exchanges = new ArrayList<>();
  private final List<Connection> connections = new ArrayList<>();
  private final Connection connection = connect();
  private Channel channel = connection.createChannel();

  private ClientTest() throws Exception {}

  public static void main(String[] arguments) {
    Behaviours behaviours = new Behaviours();
    addSettling(behaviours);
    addPublishing(behaviours);
    addContent(behaviours);
    addTopology(behaviours);
    addErrors(behaviours);
    addConnections(behaviours);
    System.exit(behaviours.run(ClientTest::new) == 0 ? 0 : 1);
  }

  private static ConnectionFactory factory() {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setHost("127.0.0.1");
    factory.setPort(PORT);
    factory.setNetworkRecoveryInterval(100);
    return factory;
  }

  private Connection connect() throws Exception {
    connections.add(factory().newConnection());
    return connections.get(connections.size() - 1);
  }

  @Override
  public void close() throws Exception {
    for (Connection opened : connections) {
      if (opened.isOpen()) {
        opened.close();
      }
    }
    try (Connection cleaner = factory().newConnection()) {
      Channel cleaning = cleaner.createChannel();
      for (String queue : queues) {
        cleaning.queueDelete(queue);
      }
      for (String exchange : exchanges) {
        cleaning.exchangeDelete(exchange);
      }
    }
  }

  private String nameQueue() {
    queues.add(Behaviours.unique("queue"));
    return queues.get(queues.size() - 1);
  }

  private String queue(Map<String, Object> arguments) throws IOException {
    return channel.queueDeclare(nameQueue(), true, false, false, arguments).getQueue();
  }

  private String queue() throws IOException {
    return queue(Map.of());
  }

  private String exchange(BuiltinExchangeType type) throws IOException {
    exchanges.add(Behaviours.unique(type.getType()));
    channel.exchangeDeclare(exchanges.get(exchanges.size() - 1), type);
    return exchanges.get(exchanges.size() - 1);
  }

  private void publish(String queue, String... bodies) throws IOException {
    for (String body : bodies) {
      channel.basicPublish("", queue, null, octets(body));
    }
  }

  /** Body of the queue's first message; null when it has none. */
  private String get(String queue) throws IOException {
    GetResponse response = channel.basicGet(queue, true);
    return response == null ? null : text(response.getBody());
  }

  private BlockingQueue<Delivery> consume(Channel consuming, String queue, boolean autoAck) throws IOException {
    BlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
    consuming.basicConsume(queue, autoAck, (tag, delivery) -> deliveries.add(delivery), tag -> {});
    return deliveries;
  }

  private static Delivery next(BlockingQueue<Delivery> deliveries) throws InterruptedException {
    Delivery delivery = deliveries.poll(SECONDS_TO_WAIT, TimeUnit.SECONDS);
    if (delivery == null) {
      throw new AssertionError("no delivery within " + SECONDS_TO_WAIT + " s");
    }
    return delivery;
  }

  private static byte[] octets(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] octets) {
    return new String(octets, StandardCharsets.UTF_8);
  }

  /** The texts of long strings in place of them, at every depth, so that tables compare. */
  private static Object plain(Object value) {
    if (value instanceof LongString string) {
      return text(string.getBytes());
    }
    if (value instanceof List<?> list) {
      return list.stream().map(ClientTest::plain).toList();
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> result = new HashMap<>();
      map.forEach((name, inner) -> result.put(name, plain(inner)));
      return result;
    }
    return value;
  }

  private static void expectChannelClosed(int code, String part, java.util.concurrent.Callable<?> action) {
    IOException error = Behaviours.expectThrown(IOException.class, action);
    AMQP.Channel.Close reason = (AMQP.Channel.Close) ((ShutdownSignalException) error.getCause()).getReason();
    Behaviours.expect(reason.getReplyCode(), code);
    Behaviours.expectPart(reason.getReplyText(), part);
  }

  private static void addSettling(Behaviours behaviours) {
    behaviours.add("a consumer receives what was published, in order, and acknowledges it", client -> {
      String queue = client.queue();
      client.publish(queue, "first", "second");
      BlockingQueue<Delivery> deliveries = client.consume(client.channel, queue, false);
      Behaviours.expect(text(next(deliveries).getBody()), "first");
      Delivery second = next(deliveries);
      Behaviours.expect(second.getEnvelope().getDeliveryTag(), 2L);
      client.channel.basicAck(2, true);
      client.channel.close();
      client.channel = client.connection.createChannel();
      Behaviours.expect(client.channel.messageCount(queue), 0L);
    });

    behaviours.add("get takes one message and tells how many remain; on an empty queue it gives null", client -> {
      String queue = client.queue();
      client.publish(queue, "first", "second");
      GetResponse response = client.channel.basicGet(queue, true);
      Behaviours.expect(text(response.getBody()) + response.getMessageCount(), "first1");
      Behaviours.expect(client.get(queue), "second");
      Behaviours.expect(client.channel.basicGet(queue, true), null);
    });

    behaviours.add("nack and reject with requeue bring a message again; without requeue they drop it", client -> {
      String queue = client.queue();
      client.publish(queue, "1", "2");
      client.channel.basicNack(client.channel.basicGet(queue, false).getEnvelope().getDeliveryTag(), false, true);
      GetResponse again = client.channel.basicGet(queue, false);
      Behaviours.expect(text(again.getBody()) + again.getEnvelope().isRedeliver(), "1true");
      client.channel.basicReject(again.getEnvelope().getDeliveryTag(), true);
      client.channel.basicReject(client.channel.basicGet(queue, false).getEnvelope().getDeliveryTag(), false);
      Behaviours.expect(client.get(queue), "2");
    });

    behaviours.add("recover with requeue delivers unacknowledged messages again", client -> {
      String queue = client.queue();
      client.publish(queue, "again");
      client.channel.basicGet(queue, false);
      client.channel.basicRecover(true);
      Behaviours.expect(client.channel.basicGet(queue, true).getEnvelope().isRedeliver(), true);
    });

    behaviours.add("prefetch limits what a consumer holds", client -> {
      String queue = client.queue();
      client.publish(queue, "1", "2", "3", "4", "5");
      client.channel.basicQos(2);
      BlockingQueue<Delivery> deliveries = client.consume(client.channel, queue, false);
      long first = next(deliveries).getEnvelope().getDeliveryTag();
      next(deliveries);
      Behaviours.expect(client.channel.messageCount(queue), 3L);
      client.channel.basicAck(first, false);
      next(deliveries);
      Behaviours.expect(client.channel.messageCount(queue), 2L);
    });

    behaviours.add("a consumer is told when its queue is deleted", client -> {
      String queue = client.queue();
      CompletableFuture<String> cancelled = new CompletableFuture<>();
      String tag = client.channel.basicConsume(queue, true, (consumer, delivery) -> {}, cancelled::complete);
      client.connect().createChannel().queueDelete(queue);
      Behaviours.expect(cancelled.get(SECONDS_TO_WAIT, TimeUnit.SECONDS), tag);
    });
  }

  private static void addPublishing(Behaviours behaviours) {
    behaviours.add("every publish of a burst is confirmed once", client -> {
      String queue = client.queue();
      client.channel.confirmSelect();
      ConcurrentSkipListSet<Long> unconfirmed = new ConcurrentSkipListSet<>();
      client.channel.addConfirmListener(
          (tag, multiple) -> {
            if (multiple) {
              unconfirmed.headSet(tag, true).clear();
            } else {
              unconfirmed.remove(tag);
            }
          }, (tag, multiple) -> {});
      for (int number = 0; number < 1000; ++number) {
        unconfirmed.add(client.channel.getNextPublishSeqNo());
        client.channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, octets("" + number));
      }
      client.channel.waitForConfirmsOrDie(SECONDS_TO_WAIT * 1000);
      Behaviours.expect(unconfirmed.size(), 0);
      Behaviours.expect(client.channel.messageCount(queue), 1000L);
    });

    behaviours.add("a queue with overflow reject-publish nacks what it has no room for", client -> {
      String queue = client.queue(Map.of("x-max-length", 1, "x-overflow", "reject-publish"));
      client.channel.confirmSelect();
      client.publish(queue, "fits");
      Behaviours.expect(client.channel.waitForConfirms(SECONDS_TO_WAIT * 1000), true);
      client.publish(queue, "refused");
      Behaviours.expect(client.channel.waitForConfirms(SECONDS_TO_WAIT * 1000), false);
    });

    behaviours.add("an unroutable mandatory message is returned with its content, then confirmed", client -> {
      List<String> events = new ArrayList<>();
      client.channel.confirmSelect();
      client.channel.addReturnListener(returned -> events.add(returned.getReplyCode() + returned.getReplyText()
          + returned.getRoutingKey() + returned.getProperties().getAppId() + text(returned.getBody())));
      client.channel.addConfirmListener((tag, multiple) -> events.add("confirmed"), (tag, multiple) -> {});
      client.channel.basicPublish("amq.direct", "nobody", true, new AMQP.BasicProperties.Builder().appId("me").build(),
          octets("lost"));
      client.channel.waitForConfirms(SECONDS_TO_WAIT * 1000);
      Behaviours.expect(events, List.of("312NO_ROUTEnobodymelost", "confirmed"));
    });

    behaviours.add("a transaction publishes at commit and forgets at rollback", client -> {
      String queue = client.queue();
      client.channel.txSelect();
      client.publish(queue, "dropped");
      client.channel.txRollback();
      client.publish(queue, "kept");
      Behaviours.expect(client.get(queue), null);
      client.channel.txCommit();
      Behaviours.expect(client.get(queue), "kept");
      client.channel.txCommit();
    });
  }

  private static void addContent(Behaviours behaviours) {
    behaviours.add("a message of 10 MiB arrives unchanged", client -> {
      String queue = client.queue();
      byte[] body = new byte[LARGE_OCTETS];
      new Random(1).nextBytes(body);
      client.channel.basicPublish("", queue, null, body);
      Behaviours.expect(Arrays.equals(next(client.consume(client.channel, queue, true)).getBody(), body), true);
    });

    behaviours.add("every property arrives unchanged", client -> {
      String queue = client.queue();
      AMQP.BasicProperties sent = new AMQP.BasicProperties.Builder().contentType("text/plain").contentEncoding("utf-8")
          .headers(Map.of("n", 1)).deliveryMode(2).priority(5).correlationId("c").replyTo("r").expiration("100000")
          .messageId("i").timestamp(new Date(1700000000000L)).type("t").userId("guest").appId("a").clusterId("k")
          .build();
      client.channel.basicPublish("", queue, sent, new byte[0]);
      Behaviours.expect(client.channel.basicGet(queue, true).getProps().toString(), sent.toString());
    });

    behaviours.add("headers of every field type the client can send arrive unchanged", client -> {
      String queue = client.queue();
      Map<String, Object> headers = new HashMap<>(Map.of("text", "värde", "octets", new byte[] {0, -1}, "yes", true,
          "byte", (byte) -5, "short", (short) -300, "int", -70000, "long", Long.MIN_VALUE, "float", 0.5f));
      headers.put("double", 0.1);
      headers.put("decimal", new BigDecimal("-12.345"));
      headers.put("date", new Date(1700000000000L));
      headers.put("nothing", null);
      headers.put("table", Map.of("inner", Map.of("deep", List.of(1, Map.of("deeper", "x")))));
      headers.put("array", Arrays.asList(1, "two", false, null, List.of()));
      client.channel.basicPublish("", queue, new AMQP.BasicProperties.Builder().headers(headers).build(), new byte[0]);
      Map<String, Object> received = new HashMap<>(client.channel.basicGet(queue, true).getProps().getHeaders());
      Behaviours.expect(received.remove("octets"), headers.remove("octets"));
      Behaviours.expect(plain(received), headers);
    });
  }

  private static void addTopology(Behaviours behaviours) {
    behaviours.add("exchanges of all four types route", client -> {
      AMQP.BasicProperties matching = new AMQP.BasicProperties.Builder().headers(Map.of("h", 1)).build();
      Map<BuiltinExchangeType, String> keys = Map.of(BuiltinExchangeType.DIRECT, "a.b", BuiltinExchangeType.FANOUT, "",
          BuiltinExchangeType.TOPIC, "#.b", BuiltinExchangeType.HEADERS, "");
      for (Map.Entry<BuiltinExchangeType, String> entry : keys.entrySet()) {
        String exchange = client.exchange(entry.getKey());
        String queue = client.queue();
        client.channel.queueBind(queue, exchange, entry.getValue(), Map.of("x-match", "all", "h", 1));
        client.channel.basicPublish(exchange, "a.b", matching, octets("matching"));
        if (entry.getKey() != BuiltinExchangeType.FANOUT) {
          client.channel.basicPublish(exchange, "a.c", null, octets("other"));
        }
        Behaviours.expect(client.get(queue), "matching");
        Behaviours.expect(client.get(queue), null);
      }
    });

    behaviours.add("an exchange bound to an exchange passes messages on until unbound", client -> {
      String source = client.exchange(BuiltinExchangeType.TOPIC);
      String destination = client.exchange(BuiltinExchangeType.FANOUT);
      String queue = client.queue();
      client.channel.queueBind(queue, destination, "");
      client.channel.exchangeBind(destination, source, "a.*");
      client.channel.basicPublish(source, "a.b", null, octets("passed"));
      client.channel.exchangeUnbind(destination, source, "a.*");
      client.channel.basicPublish(source, "a.b", null, octets("unbound"));
      Behaviours.expect(client.get(queue), "passed");
      Behaviours.expect(client.get(queue), null);
    });

    behaviours.add("queue arguments are taken again when equal and refused with 406 when not", client -> {
      Map<String, Object> arguments = new HashMap<>(Map.of("x-message-ttl", 60000, "x-expires", 600000L,
          "x-max-length", (short) 10, "x-max-priority", (byte) 3, "x-dead-letter-exchange", "amq.fanout"));
      String queue = client.queue(arguments);
      client.channel.queueDeclare(queue, true, false, false, arguments);
      arguments.put("x-expires", 600000);
      client.channel.queueDeclare(queue, true, false, false, arguments);
      arguments.put("x-expires", 600001);
      expectChannelClosed(406, "inequivalent arg 'x-expires'",
          () -> client.channel.queueDeclare(queue, true, false, false, arguments));
    });

    behaviours.add("a rejected message is dead-lettered with its x-death", client -> {
      String dead = client.queue();
      String queue = client.queue(Map.of("x-dead-letter-exchange", "", "x-dead-letter-routing-key", dead));
      client.publish(queue, "dead");
      client.channel.basicReject(client.channel.basicGet(queue, false).getEnvelope().getDeliveryTag(), false);
      Map<String, Object> headers = next(client.consume(client.channel, dead, true)).getProperties().getHeaders();
      Map<?, ?> death = (Map<?, ?>) ((List<?>) plain(headers.get("x-death"))).get(0);
      Behaviours.expect(death.get("reason") + " " + death.get("queue") + " " + death.get("count"),
          "rejected " + queue + " 1");
    });
  }

  private static void addErrors(Behaviours behaviours) {
    behaviours.add("a passive declare of an absent queue closes the channel with 404 and no more", client -> {
      String absent = client.nameQueue();
      expectChannelClosed(404, "NOT_FOUND - no queue '" + absent + "' in vhost '/'",
          () -> client.channel.queueDeclarePassive(absent));
      Behaviours.expectThrown(AlreadyClosedException.class, () -> client.channel.queueDeclare());
      client.channel = client.connection.createChannel();
      Behaviours.expect(client.get(client.queue()), null);
    });

    behaviours.add("publishing to an absent exchange closes the channel with 404", client -> {
      CompletableFuture<ShutdownSignalException> closed = new CompletableFuture<>();
      client.channel.addShutdownListener(closed::complete);
      client.channel.basicPublish(Behaviours.unique("absent"), "", null, new byte[0]);
      AMQP.Channel.Close reason = (AMQP.Channel.Close) closed.get(SECONDS_TO_WAIT, TimeUnit.SECONDS).getReason();
      Behaviours.expect(reason.getReplyCode(), 404);
      Behaviours.expect(reason.getClassId() + "." + reason.getMethodId(), "60.40");
    });

    behaviours.add("an inequivalent durable flag gets 406; deleting a used queue with if-unused too", client -> {
      String queue = client.queue();
      expectChannelClosed(406, "inequivalent arg 'durable'",
          () -> client.channel.queueDeclare(queue, false, false, false, null));
      client.channel = client.connection.createChannel();
      client.consume(client.channel, queue, true);
      expectChannelClosed(406, "in use", () -> client.channel.queueDelete(queue, true, false));
    });

    behaviours.add("an exclusive queue of another connection is locked with 405", client -> {
      String queue = client.channel.queueDeclare().getQueue();
      Channel other = client.connect().createChannel();
      expectChannelClosed(405, "RESOURCE_LOCKED", () -> other.queueDeclarePassive(queue));
    });

    behaviours.add("a wrong password is refused with 403", client -> {
      ConnectionFactory factory = factory();
      factory.setPassword("wrong");
      Behaviours.expectPart(Behaviours.expectThrown(AuthenticationFailureException.class, factory::newConnection)
          .getMessage(), "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN");
    });

    behaviours.add("an absent virtual host is refused with 530", client -> {
      ConnectionFactory factory = factory();
      factory.setVirtualHost("nowhere");
      IOException error = Behaviours.expectThrown(IOException.class, factory::newConnection);
      Behaviours.expectPart(error.getCause().getMessage(),
          "reply-code=530, reply-text=NOT_ALLOWED - vhost nowhere not found");
    });

    behaviours.add("a reused consumer tag closes the connection with 530", client -> {
      Connection connection = client.connect();
      Channel channel = connection.createChannel();
      String queue = channel.queueDeclare().getQueue();
      channel.basicConsume(queue, true, "tag", (tag, delivery) -> {}, tag -> {});
      IOException error = Behaviours.expectThrown(IOException.class,
          () -> channel.basicConsume(queue, true, "tag", (tag, delivery) -> {}, tag -> {}));
      Behaviours.expectPart(error.getCause().getMessage(), "attempt to reuse consumer tag 'tag'");
      Behaviours.expect(((ShutdownSignalException) error.getCause()).isHardError(), true);
    });
  }

  private static void addConnections(Behaviours behaviours) {
    behaviours.add("an RPC over direct reply-to is answered", client -> {
      String queue = client.queue();
      RpcServer server = new RpcServer(client.connect().createChannel(), queue) {
        @Override
        public byte[] handleCall(byte[] request, AMQP.BasicProperties properties) {
          return octets(text(request) + " pong");
        }
      };
      Thread serving = new Thread(() -> {
        try {
          server.mainloop();
        } catch (IOException error) {
          error.printStackTrace();
        }
      });
      serving.setDaemon(true);
      serving.start();
      RpcClient caller = new RpcClient(client.channel, "", queue, SECONDS_TO_WAIT * 1000);
      Behaviours.expect(caller.stringCall("ping"), "ping pong");
      caller.close();
    });

    behaviours.add("a heartbeat of one second keeps an idle connection open", client -> {
      ConnectionFactory factory = factory();
      factory.setRequestedHeartbeat(1);
      factory.setAutomaticRecoveryEnabled(false);
      try (Connection idle = factory.newConnection()) {
        CountDownLatch lost = new CountDownLatch(1);
        idle.addShutdownListener(cause -> lost.countDown());
        Behaviours.expect(idle.getHeartbeat(), 1);
        Behaviours.expect(lost.await(4, TimeUnit.SECONDS), false);
      }
    });

    behaviours.add("a connection that was cut recovers its queue, its binding and its consumer", client -> {
      ConnectionFactory factory = factory();
      factory.setPort(Integer.parseInt(System.getenv("AMQP_PROXY_PORT")));
      Connection recovering = factory.newConnection();
      client.connections.add(recovering);
      Channel channel = recovering.createChannel();
      CountDownLatch recovered = new CountDownLatch(1);
      ((Recoverable) recovering).addRecoveryListener(new RecoveryListener() {
        @Override
        public void handleRecovery(Recoverable recoverable) {
          recovered.countDown();
        }

        @Override
        public void handleRecoveryStarted(Recoverable recoverable) {}
      });
      String exchange = client.exchange(BuiltinExchangeType.TOPIC);
      String generated = channel.queueDeclare().getQueue();
      channel.queueBind(generated, exchange, "a.#");
      BlockingQueue<Delivery> deliveries = client.consume(channel, generated, true);
      client.channel.basicPublish(exchange, "a.b", null, octets("before"));
      Behaviours.expect(text(next(deliveries).getBody()), "before");
      Behaviours.cutConnections();
      Behaviours.expect(recovered.await(SECONDS_TO_WAIT, TimeUnit.SECONDS), true);
      client.channel.basicPublish(exchange, "a.b", null, octets("after"));
      Behaviours.expect(text(next(deliveries).getBody()), "after");
    });

    behaviours.add("what a cut connection had not acknowledged is delivered again after its recovery", client -> {
      ConnectionFactory factory = factory();
      factory.setPort(Integer.parseInt(System.getenv("AMQP_PROXY_PORT")));
      Connection recovering = factory.newConnection();
      client.connections.add(recovering);
      String queue = client.queue();
      client.publish(queue, "survivor");
      Channel channel = recovering.createChannel();
      BlockingQueue<Delivery> deliveries = client.consume(channel, queue, false);
      Behaviours.expect(next(deliveries).getEnvelope().isRedeliver(), false);
      Behaviours.cutConnections();
      Delivery again = next(deliveries);
      Behaviours.expect(again.getEnvelope().isRedeliver(), true);
      channel.basicAck(again.getEnvelope().getDeliveryTag(), false);
    });
  }
}
