// rabbitmq-c against the broker at AMQP_PORT.
//
// Each test runs in a process of its own, so that a failure is an exit and a hang is ended by an alarm.  Unless a test
// says otherwise its queues are exclusive and go with its connection.

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { seconds_per_test = 20, seconds_to_wait = 10, large_octets = 10 * 1024 * 1024, why_size = 500 };

static const amqp_channel_t channel = 1;
static int why_pipe;

// Ends the test's process with the reason, on one line.
static _Noreturn void fail(const char* format, ...) {
  char why[why_size];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof why, format, arguments);
  va_end(arguments);
  for (char* c = why; *c; ++c) {
    if (*c == '\n' || *c == '\t') *c = ' ';
  }
  if (write(why_pipe, why, strlen(why)) < 0) perror("write");
  _exit(1);
}

#define EXPECT(condition) \
  if (!(condition)) fail("line %d: %s does not hold", __LINE__, #condition)

static amqp_bytes_t text(const char* string) {
  return amqp_cstring_bytes(string);
}

static bool same(amqp_bytes_t one, amqp_bytes_t other) {
  return one.len == other.len && (one.len == 0 || memcmp(one.bytes, other.bytes, one.len) == 0);
}

static int port_of(const char* variable) {
  const char* value = getenv(variable);
  return value ? atoi(value) : 5672;
}

static void expect_normal(amqp_rpc_reply_t reply, const char* what) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    fail("%s: %s", what, amqp_error_string2(reply.library_error));
  if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const amqp_channel_close_t* closed = reply.reply.decoded;
    fail("%s: %d %.*s", what, closed->reply_code, (int)closed->reply_text.len, (char*)closed->reply_text.bytes);
  }
  fail("%s: refused", what);
}

static void expect_channel_closed(amqp_rpc_reply_t reply, int code, const char* part) {
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION || reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD) {
    fail("the channel was not closed");
  }
  const amqp_channel_close_t* closed = reply.reply.decoded;
  char reply_text[256];
  snprintf(reply_text, sizeof reply_text, "%.*s", (int)closed->reply_text.len, (char*)closed->reply_text.bytes);
  if (closed->reply_code != code || !strstr(reply_text, part))
    fail("closed with %d %s", closed->reply_code, reply_text);
}

static amqp_rpc_reply_t log_in(amqp_connection_state_t connection, int port, const char* virtual_host,
                               const char* password, int frame_max) {
  amqp_socket_t* socket = amqp_tcp_socket_new(connection);
  if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) fail("no connection to port %d", port);
  amqp_table_entry_t capability = {text("consumer_cancel_notify"),
                                   {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}};
  amqp_table_entry_t capabilities = {text("capabilities"),
                                     {.kind = AMQP_FIELD_KIND_TABLE, .value.table = {1, &capability}}};
  return amqp_login_with_properties(connection, virtual_host, 0, frame_max, 0, &(amqp_table_t){1, &capabilities},
                                    AMQP_SASL_METHOD_PLAIN, "guest", password);
}

static amqp_connection_state_t connect_to(int port, int frame_max) {
  amqp_connection_state_t connection = amqp_new_connection();
  expect_normal(log_in(connection, port, "/", "guest", frame_max), "login");
  amqp_channel_open(connection, channel);
  expect_normal(amqp_get_rpc_reply(connection), "channel.open");
  return connection;
}

// Opens the channel again that the broker has closed; the client's library leaves the answer to its user.
static void reopen_channel(amqp_connection_state_t connection) {
  amqp_channel_close_ok_t closed = {0};
  EXPECT(amqp_send_method(connection, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed) == AMQP_STATUS_OK);
  amqp_channel_open(connection, channel);
  expect_normal(amqp_get_rpc_reply(connection), "channel.open");
}

static amqp_connection_state_t connect_to_broker(void) {
  return connect_to(port_of("AMQP_PORT"), AMQP_DEFAULT_FRAME_SIZE);
}

// A name for a queue or exchange that no other test and no earlier run has used.
static amqp_bytes_t unique(const char* kind) {
  static int count = 0;
  char name[100];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(name, sizeof name, "interop.c.%s.%d.%ld.%d", kind, (int)getpid(), (long)now.tv_sec, ++count);
  return amqp_bytes_malloc_dup(text(name));
}

static amqp_bytes_t declare_exclusive(amqp_connection_state_t connection) {
  const amqp_queue_declare_ok_t* declared =
      amqp_queue_declare(connection, channel, amqp_empty_bytes, 0, 0, 1, 0, amqp_empty_table);
  expect_normal(amqp_get_rpc_reply(connection), "queue.declare");
  return amqp_bytes_malloc_dup(declared->queue);
}

static amqp_bytes_t declare_exchange(amqp_connection_state_t connection, const char* type) {
  amqp_bytes_t exchange = unique(type);
  amqp_exchange_declare(connection, channel, exchange, text(type), 0, 0, 1, 0, amqp_empty_table);
  expect_normal(amqp_get_rpc_reply(connection), "exchange.declare");
  return exchange;
}

static void publish(amqp_connection_state_t connection, amqp_bytes_t exchange, amqp_bytes_t routing_key,
                    const char* body, const amqp_basic_properties_t* properties) {
  EXPECT(amqp_basic_publish(connection, channel, exchange, routing_key, 0, 0, properties, text(body)) ==
         AMQP_STATUS_OK);
}

static void publish_to(amqp_connection_state_t connection, amqp_bytes_t queue, const char* body) {
  publish(connection, amqp_empty_bytes, queue, body, NULL);
}

// A message of the queue, which the caller destroys; false when there is none.
static bool get(amqp_connection_state_t connection, amqp_bytes_t queue, bool no_ack, amqp_basic_get_ok_t* got,
                amqp_message_t* message) {
  amqp_rpc_reply_t reply = amqp_basic_get(connection, channel, queue, no_ack);
  expect_normal(reply, "basic.get");
  if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return false;
  *got = *(amqp_basic_get_ok_t*)reply.reply.decoded;
  expect_normal(amqp_read_message(connection, channel, message, 0), "content");
  return true;
}

static void expect_body(amqp_connection_state_t connection, amqp_bytes_t queue, const char* body) {
  amqp_basic_get_ok_t got;
  amqp_message_t message;
  if (!get(connection, queue, true, &got, &message)) fail("no message, expected %s", body);
  if (!same(message.body, text(body)))
    fail("got %.*s, expected %s", (int)message.body.len, (char*)message.body.bytes, body);
  amqp_destroy_message(&message);
}

static void expect_empty(amqp_connection_state_t connection, amqp_bytes_t queue) {
  amqp_basic_get_ok_t got;
  amqp_message_t message;
  EXPECT(!get(connection, queue, true, &got, &message));
}

static void consume(amqp_connection_state_t connection, amqp_bytes_t queue, bool no_ack) {
  amqp_basic_consume(connection, channel, queue, text("consumer"), 0, no_ack, 0, amqp_empty_table);
  expect_normal(amqp_get_rpc_reply(connection), "basic.consume");
}

static amqp_envelope_t next_delivery(amqp_connection_state_t connection) {
  amqp_envelope_t envelope;
  struct timeval time_out = {.tv_sec = seconds_to_wait};
  amqp_maybe_release_buffers(connection);
  expect_normal(amqp_consume_message(connection, &envelope, &time_out, 0), "delivery");
  return envelope;
}

// The next method that comes by itself, not as an answer.
static amqp_method_t next_method(amqp_connection_state_t connection) {
  amqp_frame_t frame;
  struct timeval time_out = {.tv_sec = seconds_to_wait};
  EXPECT(amqp_simple_wait_frame_noblock(connection, &frame, &time_out) == AMQP_STATUS_OK);
  EXPECT(frame.frame_type == AMQP_FRAME_METHOD);
  return frame.payload.method;
}

static amqp_table_entry_t entry(const char* key, uint8_t kind) {
  return (amqp_table_entry_t){.key = text(key), .value = {.kind = kind}};
}

static amqp_table_entry_t text_entry(const char* key, const char* value) {
  amqp_table_entry_t result = entry(key, AMQP_FIELD_KIND_UTF8);
  result.value.value.bytes = text(value);
  return result;
}

static amqp_table_entry_t integer_entry(const char* key, int32_t value) {
  amqp_table_entry_t result = entry(key, AMQP_FIELD_KIND_I32);
  result.value.value.i32 = value;
  return result;
}

static void consumer_receives_and_acknowledges(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t queue = declare_exclusive(connection);
  publish_to(connection, queue, "first");
  publish_to(connection, queue, "second");
  consume(connection, queue, false);
  amqp_envelope_t first = next_delivery(connection);
  EXPECT(same(first.message.body, text("first")) && first.delivery_tag == 1 && !first.redelivered);
  EXPECT(same(first.routing_key, queue) && same(first.consumer_tag, text("consumer")));
  amqp_envelope_t second = next_delivery(connection);
  EXPECT(same(second.message.body, text("second")) && second.delivery_tag == 2);
  EXPECT(amqp_basic_ack(connection, channel, 2, 1) == AMQP_STATUS_OK);
  amqp_basic_cancel(connection, channel, text("consumer"));
  expect_normal(amqp_get_rpc_reply(connection), "basic.cancel");
  amqp_basic_recover(connection, channel, 1);
  expect_normal(amqp_get_rpc_reply(connection), "basic.recover");
  expect_empty(connection, queue);
}

static void settling(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t queue = declare_exclusive(connection);
  amqp_basic_get_ok_t got;
  amqp_message_t message;
  publish_to(connection, queue, "1");
  publish_to(connection, queue, "2");
  EXPECT(get(connection, queue, false, &got, &message) && got.message_count == 1);
  EXPECT(amqp_basic_nack(connection, channel, got.delivery_tag, 0, 1) == AMQP_STATUS_OK);
  EXPECT(get(connection, queue, false, &got, &message) && got.redelivered && same(message.body, text("1")));
  EXPECT(amqp_basic_reject(connection, channel, got.delivery_tag, 0) == AMQP_STATUS_OK);
  expect_body(connection, queue, "2");
  expect_empty(connection, queue);
}

static void prefetch(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t queue = declare_exclusive(connection);
  for (int count = 0; count < 3; ++count) publish_to(connection, queue, "x");
  amqp_basic_qos(connection, channel, 0, 1, 0);
  expect_normal(amqp_get_rpc_reply(connection), "basic.qos");
  consume(connection, queue, false);
  for (int ready = 2; ready >= 0; --ready) {
    amqp_envelope_t delivery = next_delivery(connection);
    const amqp_queue_declare_ok_t* declared =
        amqp_queue_declare(connection, channel, queue, 1, 0, 1, 0, amqp_empty_table);
    expect_normal(amqp_get_rpc_reply(connection), "queue.declare");
    EXPECT((int)declared->message_count == ready);
    EXPECT(amqp_basic_ack(connection, channel, delivery.delivery_tag, 0) == AMQP_STATUS_OK);
  }
}

static void cancel_notification(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t queue = declare_exclusive(connection);
  const amqp_channel_t other = 2;
  consume(connection, queue, true);
  amqp_channel_open(connection, other);
  amqp_queue_delete(connection, other, queue, 0, 0);
  expect_normal(amqp_get_rpc_reply(connection), "queue.delete");
  amqp_method_t method = next_method(connection);
  EXPECT(method.id == AMQP_BASIC_CANCEL_METHOD);
  EXPECT(same(((amqp_basic_cancel_t*)method.decoded)->consumer_tag, text("consumer")));
}

static void confirms(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t queue = declare_exclusive(connection);
  amqp_confirm_select(connection, channel);
  expect_normal(amqp_get_rpc_reply(connection), "confirm.select");
  enum { count = 100 };
  bool confirmed[count + 1] = {true};
  for (int number = 1; number <= count; ++number) publish_to(connection, queue, "x");
  for (int left = count; left > 0;) {
    amqp_method_t method = next_method(connection);
    EXPECT(method.id == AMQP_BASIC_ACK_METHOD);
    const amqp_basic_ack_t* ack = method.decoded;
    EXPECT(ack->delivery_tag >= 1 && ack->delivery_tag <= count);
    for (uint64_t tag = ack->multiple ? 1 : ack->delivery_tag; tag <= ack->delivery_tag; ++tag) {
      left -= !confirmed[tag];
      confirmed[tag] = true;
    }
  }
}

static void mandatory_return(void) {
  amqp_connection_state_t connection = connect_to_broker();
  EXPECT(amqp_basic_publish(connection, channel, text("amq.direct"), text("nobody"), 1, 0, NULL, text("lost")) == 0);
  amqp_method_t method = next_method(connection);
  EXPECT(method.id == AMQP_BASIC_RETURN_METHOD);
  const amqp_basic_return_t* returned = method.decoded;
  EXPECT(returned->reply_code == 312 && same(returned->reply_text, text("NO_ROUTE")));
  EXPECT(same(returned->exchange, text("amq.direct")) && same(returned->routing_key, text("nobody")));
  amqp_message_t message;
  expect_normal(amqp_read_message(connection, channel, &message, 0), "content");
  EXPECT(same(message.body, text("lost")));
}

static void transactions(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t queue = declare_exclusive(connection);
  amqp_tx_select(connection, channel);
  expect_normal(amqp_get_rpc_reply(connection), "tx.select");
  publish_to(connection, queue, "dropped");
  amqp_tx_rollback(connection, channel);
  expect_normal(amqp_get_rpc_reply(connection), "tx.rollback");
  publish_to(connection, queue, "kept");
  expect_empty(connection, queue);
  amqp_tx_commit(connection, channel);
  expect_normal(amqp_get_rpc_reply(connection), "tx.commit");
  expect_body(connection, queue, "kept");
}

static void large_message_in_frames_of(int frame_max) {
  amqp_connection_state_t connection = connect_to(port_of("AMQP_PORT"), frame_max);
  amqp_bytes_t queue = declare_exclusive(connection);
  amqp_bytes_t body = amqp_bytes_malloc(large_octets);
  uint32_t state = 1;
  for (size_t i = 0; i < body.len; ++i)
    ((uint8_t*)body.bytes)[i] = (uint8_t)((state = state * 1664525 + 1013904223) >> 24);
  EXPECT(amqp_basic_publish(connection, channel, amqp_empty_bytes, queue, 0, 0, NULL, body) == AMQP_STATUS_OK);
  consume(connection, queue, true);
  EXPECT(same(next_delivery(connection).message.body, body));
}

static void large_message(void) {
  large_message_in_frames_of(AMQP_DEFAULT_FRAME_SIZE);
}

static void large_message_in_small_frames(void) {
  large_message_in_frames_of(4096);
}

static amqp_bytes_t encoded(amqp_table_t table) {
  amqp_bytes_t octets = amqp_bytes_malloc(4096);
  size_t size = 0;
  EXPECT(amqp_encode_table(octets, &table, &size) == AMQP_STATUS_OK);
  octets.len = size;
  return octets;
}

static void properties_and_headers(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t queue = declare_exclusive(connection);
  amqp_table_entry_t inner[] = {text_entry("deep", "x"), integer_entry("n", -1)};
  amqp_field_value_t items[] = {{.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1},
                                {.kind = AMQP_FIELD_KIND_TABLE, .value.table = {2, inner}},
                                {.kind = AMQP_FIELD_KIND_VOID}};
  amqp_table_entry_t headers[] = {
      {text("boolean"), {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}},
      {text("i8"), {.kind = AMQP_FIELD_KIND_I8, .value.i8 = -5}},
      {text("u8"), {.kind = AMQP_FIELD_KIND_U8, .value.u8 = 200}},
      {text("i16"), {.kind = AMQP_FIELD_KIND_I16, .value.i16 = -300}},
      {text("u16"), {.kind = AMQP_FIELD_KIND_U16, .value.u16 = 60000}},
      {text("i32"), {.kind = AMQP_FIELD_KIND_I32, .value.i32 = -70000}},
      {text("u32"), {.kind = AMQP_FIELD_KIND_U32, .value.u32 = 3000000000U}},
      {text("i64"), {.kind = AMQP_FIELD_KIND_I64, .value.i64 = INT64_MIN}},
      {text("f32"), {.kind = AMQP_FIELD_KIND_F32, .value.f32 = 0.5F}},
      {text("f64"), {.kind = AMQP_FIELD_KIND_F64, .value.f64 = 0.1}},
      {text("decimal"), {.kind = AMQP_FIELD_KIND_DECIMAL, .value.decimal = {3, 12345}}},
      {text("text"), {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = text("v\xC3\xA4rde")}},
      {text("octets"), {.kind = AMQP_FIELD_KIND_BYTES, .value.bytes = {3, "\0\xFF\1"}}},
      {text("time"), {.kind = AMQP_FIELD_KIND_TIMESTAMP, .value.u64 = 1700000000}},
      {text("void"), {.kind = AMQP_FIELD_KIND_VOID}},
      {text("table"), {.kind = AMQP_FIELD_KIND_TABLE, .value.table = {2, inner}}},
      {text("array"), {.kind = AMQP_FIELD_KIND_ARRAY, .value.array = {3, items}}},
  };
  amqp_basic_properties_t sent = {
      ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG | AMQP_BASIC_HEADERS_FLAG |
                AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG |
                AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_USER_ID_FLAG | AMQP_BASIC_APP_ID_FLAG |
                AMQP_BASIC_CLUSTER_ID_FLAG,
      .content_type = text("text/plain"),
      .content_encoding = text("utf-8"),
      .headers = {sizeof headers / sizeof *headers, headers},
      .delivery_mode = 2,
      .priority = 9,
      .correlation_id = text("c"),
      .reply_to = text("r"),
      .expiration = text("100000"),
      .message_id = text("i"),
      .timestamp = 1700000000,
      .type = text("t"),
      .user_id = text("guest"),
      .app_id = text("a"),
      .cluster_id = text("k"),
  };
  publish(connection, amqp_empty_bytes, queue, "body", &sent);
  amqp_basic_get_ok_t got;
  amqp_message_t message;
  EXPECT(get(connection, queue, true, &got, &message));
  const amqp_basic_properties_t* received = &message.properties;
  EXPECT(received->_flags == sent._flags);
  EXPECT(same(encoded(received->headers), encoded(sent.headers)));
  EXPECT(same(received->content_type, sent.content_type) && same(received->content_encoding, sent.content_encoding));
  EXPECT(received->delivery_mode == 2 && received->priority == 9 && received->timestamp == sent.timestamp);
  EXPECT(same(received->correlation_id, sent.correlation_id) && same(received->reply_to, sent.reply_to));
  EXPECT(same(received->expiration, sent.expiration) && same(received->message_id, sent.message_id));
  EXPECT(same(received->type, sent.type) && same(received->user_id, sent.user_id));
  EXPECT(same(received->app_id, sent.app_id) && same(received->cluster_id, sent.cluster_id));
}

static void exchanges_of_all_types(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_table_entry_t criteria[] = {text_entry("x-match", "all"), integer_entry("h", 1)};
  amqp_basic_properties_t matching = {._flags = AMQP_BASIC_HEADERS_FLAG, .headers = {1, criteria + 1}};
  const char* const types_and_keys[][2] = {{"direct", "a.b"}, {"fanout", ""}, {"topic", "a.#"}, {"headers", ""}};
  for (size_t i = 0; i < 4; ++i) {
    amqp_bytes_t exchange = declare_exchange(connection, types_and_keys[i][0]);
    amqp_bytes_t queue = declare_exclusive(connection);
    amqp_queue_bind(connection, channel, queue, exchange, text(types_and_keys[i][1]), (amqp_table_t){2, criteria});
    expect_normal(amqp_get_rpc_reply(connection), "queue.bind");
    publish(connection, exchange, text("a.b"), "matching", &matching);
    if (strcmp(types_and_keys[i][0], "fanout") != 0) publish(connection, exchange, text("b"), "other", NULL);
    expect_body(connection, queue, "matching");
    expect_empty(connection, queue);
  }
}

static void exchange_to_exchange(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t destination = declare_exchange(connection, "fanout");
  amqp_bytes_t queue = declare_exclusive(connection);
  amqp_queue_bind(connection, channel, queue, destination, amqp_empty_bytes, amqp_empty_table);
  amqp_exchange_bind(connection, channel, destination, text("amq.topic"), text("interop.c.*"), amqp_empty_table);
  expect_normal(amqp_get_rpc_reply(connection), "exchange.bind");
  publish(connection, text("amq.topic"), text("interop.c.x"), "passed", NULL);
  amqp_exchange_unbind(connection, channel, destination, text("amq.topic"), text("interop.c.*"), amqp_empty_table);
  expect_normal(amqp_get_rpc_reply(connection), "exchange.unbind");
  publish(connection, text("amq.topic"), text("interop.c.x"), "unbound", NULL);
  expect_body(connection, queue, "passed");
  expect_empty(connection, queue);
}

static void queue_arguments(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_bytes_t dead = declare_exclusive(connection);
  char* dead_name = strndup(dead.bytes, dead.len);
  amqp_table_entry_t arguments[] = {integer_entry("x-message-ttl", 1), text_entry("x-dead-letter-exchange", ""),
                                    text_entry("x-dead-letter-routing-key", dead_name)};
  amqp_bytes_t queue = unique("arguments");
  for (int count = 0; count < 2; ++count) {
    amqp_queue_declare(connection, channel, queue, 0, 0, 1, 0, (amqp_table_t){3, arguments});
    expect_normal(amqp_get_rpc_reply(connection), "queue.declare");
  }
  publish_to(connection, queue, "late");
  consume(connection, dead, true);
  amqp_envelope_t delivery = next_delivery(connection);
  const amqp_table_t headers = delivery.message.properties.headers;
  EXPECT(headers.num_entries > 0 && same(headers.entries[0].key, text("x-death")));
  amqp_queue_declare(connection, channel, queue, 0, 0, 1, 0, (amqp_table_t){2, arguments});
  expect_channel_closed(amqp_get_rpc_reply(connection), 406, "inequivalent arg 'x-dead-letter-routing-key'");
}

static void channel_errors(void) {
  amqp_connection_state_t connection = connect_to_broker();
  amqp_queue_declare(connection, channel, text("interop.c.absent"), 1, 0, 0, 0, amqp_empty_table);
  expect_channel_closed(amqp_get_rpc_reply(connection), 404, "NOT_FOUND - no queue 'interop.c.absent' in vhost '/'");
  reopen_channel(connection);
  amqp_queue_declare(connection, channel, text("amq.mine"), 0, 0, 0, 0, amqp_empty_table);
  expect_channel_closed(amqp_get_rpc_reply(connection), 403, "ACCESS_REFUSED");
  reopen_channel(connection);
  amqp_bytes_t queue = declare_exclusive(connection);
  amqp_connection_state_t other = connect_to_broker();
  amqp_queue_declare(other, channel, queue, 1, 0, 1, 0, amqp_empty_table);
  expect_channel_closed(amqp_get_rpc_reply(other), 405, "RESOURCE_LOCKED");
}

static void wrong_login(void) {
  amqp_rpc_reply_t reply = log_in(amqp_new_connection(), port_of("AMQP_PORT"), "/", "wrong", AMQP_DEFAULT_FRAME_SIZE);
  EXPECT(reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD);
  EXPECT(((amqp_connection_close_t*)reply.reply.decoded)->reply_code == 403);
  reply = log_in(amqp_new_connection(), port_of("AMQP_PORT"), "nowhere", "guest", AMQP_DEFAULT_FRAME_SIZE);
  EXPECT(reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD);
  EXPECT(((amqp_connection_close_t*)reply.reply.decoded)->reply_code == 530);
}

static void cut_connections(void) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port_of("AMQP_PROXY_CONTROL_PORT")),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int control = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT(connect(control, (struct sockaddr*)&address, sizeof address) == 0);
  char octet;
  EXPECT(read(control, &octet, 1) == 0);
  close(control);
}

static void lost_connection(void) {
  amqp_connection_state_t owner = connect_to_broker();
  amqp_bytes_t name = unique("cut");
  amqp_queue_declare(owner, channel, name, 0, 1, 0, 0, amqp_empty_table);
  expect_normal(amqp_get_rpc_reply(owner), "queue.declare");
  publish_to(owner, name, "survivor");
  amqp_connection_state_t lost = connect_to(port_of("AMQP_PROXY_PORT"), AMQP_DEFAULT_FRAME_SIZE);
  consume(lost, name, false);
  EXPECT(!next_delivery(lost).redelivered);
  cut_connections();
  amqp_frame_t frame;
  EXPECT(amqp_simple_wait_frame(lost, &frame) != AMQP_STATUS_OK);
  amqp_connection_state_t found = connect_to(port_of("AMQP_PROXY_PORT"), AMQP_DEFAULT_FRAME_SIZE);
  consume(found, name, false);
  amqp_envelope_t again = next_delivery(found);
  amqp_queue_delete(owner, channel, name, 0, 0);
  expect_normal(amqp_get_rpc_reply(owner), "queue.delete");
  EXPECT(again.redelivered && same(again.message.body, text("survivor")));
}

static const struct {
  const char* sentence;
  void (*run)(void);
} tests[] = {
    {"a consumer receives what was published, in order, and acknowledges it", consumer_receives_and_acknowledges},
    {"nack with requeue brings a message again, reject without requeue drops it", settling},
    {"prefetch of one hands over the next message after each acknowledgement", prefetch},
    {"a consumer is told when its queue is deleted", cancel_notification},
    {"every publish of a burst is confirmed", confirms},
    {"an unroutable mandatory message is returned with its content", mandatory_return},
    {"a transaction publishes at commit and forgets at rollback", transactions},
    {"a message of 10 MiB arrives unchanged", large_message},
    {"a message of 10 MiB arrives unchanged in frames of 4096 octets", large_message_in_small_frames},
    {"every property and headers of every field type the client can send arrive unchanged", properties_and_headers},
    {"exchanges of all four types route", exchanges_of_all_types},
    {"an exchange bound to an exchange passes messages on until unbound", exchange_to_exchange},
    {"queue arguments dead-letter what expires and are refused with 406 when not equal", queue_arguments},
    {"404, 403 and 405 close the channel and the connection goes on", channel_errors},
    {"a wrong password is refused with 403, an absent virtual host with 530", wrong_login},
    {"after a lost connection a new one finds the queue and the unacknowledged message", lost_connection},
};

int main(void) {
  int failures = 0;
  for (size_t i = 0; i < sizeof tests / sizeof *tests; ++i) {
    int ends[2];
    if (pipe(ends) != 0) return 1;
    const pid_t child = fork();
    if (child == 0) {
      why_pipe = ends[1];
      close(ends[0]);
      alarm(seconds_per_test);
      tests[i].run();
      _exit(0);
    }
    close(ends[1]);
    char why[why_size] = "";
    if (read(ends[0], why, sizeof why - 1) < 0) perror("read");
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (status == 0) {
      printf("ok\t%s\n", tests[i].sentence);
    } else {
      ++failures;
      if (!*why) snprintf(why, sizeof why, "ended by signal %d", WTERMSIG(status));
      printf("FAILED\t%s\t%s\n", tests[i].sentence, why);
    }
    fflush(stdout);
  }
  puts("end");
  return failures ? 1 : 0;
}
