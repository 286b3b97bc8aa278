#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <spdlog/spdlog.h>

#include "tests/support/test_client.h"
#include "tests/support/test_peer.h"

/// Plays its input as a script of what a few clients do to one broker, and reads what the broker answers: frames that
/// can be decoded, content whole and in its place, delivery tags that rise by one.  In the end all clients go; nothing
/// may be left of them.
///
/// A client joins when a step first names it; the first octet says which of them do not shake hands then.  Then come
/// steps, each an octet and what it needs:
///
///     bits 0-3: what (see Step) | bits 4-5: which client | bits 6-7: which channel
namespace leveret::test {
namespace {

using protocol::FrameType;
using protocol::Octets;

constexpr std::size_t client_count = 3;
constexpr std::uint32_t frame_max = 4096;             // of clients that shake hands by themselves
constexpr std::uint32_t frame_max_offered = 131'072;  // others may ask for more

enum class Step : std::uint8_t {
  method = 0,  // to 3: a method frame; its size and payload follow
  alarm = 4,   // odd: raised; even: cleared
  header = 5,  // the body's size; then size and octets of the properties
  body = 6,    // size and octets
  octets = 7,  // size and octets, in no frame
  heartbeat = 8,
  time = 9,  // seconds
  stop_reading = 10,
  read_on = 11,
  reconnect = 12,  // 0: without shaking hands
  publish = 13,    // routing key and body's size
  prepare = 14,    // opens the channel, declares a queue, consumes from it; the queue's name and flags
  settle = 15,     // delivery tag and flags
};

void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// The input, taken off from the front; an end where more is needed ends the script.
class Script {
 public:
  explicit Script(Octets input) : rest_(input) {}

  std::optional<std::uint8_t> next() {
    if (rest_.empty()) return {};
    const std::uint8_t octet = rest_.front();
    rest_ = rest_.subspan(1);
    return octet;
  }
  std::uint8_t number() { return next().value_or(0); }
  std::string_view text() {
    const std::size_t asked = number();  // takes an octet off, so it comes before what is left is looked at
    const std::size_t size = std::min(asked, rest_.size());
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return protocol::as_text(taken);
  }

 private:
  Octets rest_;
};

/// Reads what the broker writes to one client.
class Reader {
 public:
  void read(const std::string& written) {
    unread_ += written;
    if (is_first_ && unread_.starts_with("AMQP")) {
      check(unread_.size() == protocol::protocol_header.size(), "nothing follows the protocol header");
      return;
    }
    Octets rest = protocol::as_octets(unread_);
    while (true) {
      const auto frame = protocol::take_frame(rest, frame_max_offered);
      check(frame.has_value(), "the broker sends well-formed frames");
      if (!*frame) break;
      is_first_ = false;
      read(**frame);
    }
    unread_.erase(0, unread_.size() - rest.size());
  }

 private:
  struct Channel {
    bool expects_header = false;
    std::uint64_t body_left = 0;
    std::uint64_t last_tag = 0;
  };

  struct MethodReader {
    Channel& channel;
    template <Method M>
    protocol::Result<void> operator()(const M& method) {
      if constexpr (std::is_same_v<M, protocol::basic::Deliver> || std::is_same_v<M, protocol::basic::GetOk>)
        check(static_cast<std::uint64_t>(method.delivery_tag) == ++channel.last_tag, "delivery tags rise by one");
      if constexpr (std::is_same_v<M, protocol::channel::OpenOk>) channel = {};
      channel.expects_header = protocol::content_follows<M>;
      return {};
    }
  };

  void read(const protocol::Frame& frame) {
    if (frame.type == FrameType::heartbeat) return;
    Channel& channel = channels_[frame.channel];
    if (frame.type == FrameType::header) {
      check(std::exchange(channel.expects_header, false), "a header follows its method");
      const auto header = protocol::decode_content_header(frame.payload);
      check(header && protocol::decode_properties(header->properties), "a header can be decoded");
      channel.body_left = header->body_size;
      return;
    }
    check(!channel.expects_header, "nothing comes between a method and its content");
    if (frame.type == FrameType::body) {
      check(frame.payload.size() <= channel.body_left, "a body is as long as announced");
      channel.body_left -= frame.payload.size();
      return;
    }
    check(channel.body_left == 0, "nothing comes between the parts of a body");
    const protocol::MethodId id{protocol::load<std::uint16_t>(frame.payload.data()),
                                protocol::load<std::uint16_t>(frame.payload.data() + 2)};
    MethodReader reader{channel};
    const auto read = protocol::dispatch_among(protocol::ServerMethods{}, id,
                                               frame.payload.subspan(protocol::method_id_size), reader);
    // An explanation quotes what the client has sent, be it text or not, as RabbitMQ's does.
    check(read || read.error().text == protocol::malformed_utf8(id).text, "the broker sends methods of a server");
  }

  bool is_first_ = true;
  std::string unread_{};
  std::map<ChannelNumber, Channel> channels_{};
};

/// Whether a client does what every other does first, or begins with what the script says.
enum class Handshake : bool { no, yes };

struct Client {
  Client(UnthreadedBroker& broker, Handshake handshake) : peer(broker) {
    if (handshake == Handshake::yes) peer.shake_hands(frame_max, 10);
  }

  TestPeer peer;
  Reader reader{};
};

class Play {
 public:
  explicit Play(Octets input) : script_(input), begin_bare_(script_.number()) {}

  void run() {
    while (const auto octet = script_.next()) {
      const std::size_t client = (*octet >> 4 & 3) % client_count;
      step(Step{static_cast<std::uint8_t>(*octet & 15)}, client,
           ChannelNumber{static_cast<std::uint16_t>(*octet >> 6)});
      for (auto& each : clients_) {
        if (!each) continue;
        each->peer.send();
        each->reader.read(each->peer.take_written());
      }
    }
    for (auto& client : clients_) client.reset();
    broker_.run();
    for (const auto& [id, queue] : broker_.shard().queues()) {
      check(queue->counts().consumers == 0, "no consumer is left behind");
      check(!queue->record().is_exclusive(), "no exclusive queue is left behind");
    }
    check(broker_.broker().connection_count() == 0, "no connection is left behind");
  }

 private:
  void join(std::size_t client, Handshake handshake) {
    clients_[client].reset();
    clients_[client] = std::make_unique<Client>(broker_, handshake);
  }

  /// Joins when it is first named.
  TestPeer& peer_of(std::size_t client) {
    if (!clients_[client]) join(client, Handshake{(begin_bare_ >> client & 1) == 0});
    return clients_[client]->peer;
  }

  void step(Step step, std::size_t client, ChannelNumber channel) {
    TestPeer& peer = peer_of(client);
    switch (step) {
      case Step::alarm:
        return set_alarm(script_.number() % 2 == 1);
      case Step::header: {
        std::string payload{0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        payload.push_back(static_cast<char>(script_.number()));
        return peer.send(frame_of(FrameType::header, channel, payload.append(script_.text())));
      }
      case Step::body:
        return peer.send(frame_of(FrameType::body, channel, script_.text()));
      case Step::octets:
        return peer.send(script_.text());
      case Step::heartbeat:
        return peer.send(frame_of(FrameType::heartbeat, channel, ""));
      case Step::time:
        return pass_time(std::chrono::seconds{script_.number()});
      case Step::stop_reading:
        return peer.stop_reading();
      case Step::read_on:
        return peer.read_on();
      case Step::reconnect:
        return join(client, Handshake{script_.number() != 0});
      case Step::publish:
        return publish(peer, channel);
      case Step::prepare:
        return prepare(peer, channel);
      case Step::settle:
        return settle(peer, channel);
      default:
        return peer.send(frame_of(FrameType::method, channel, script_.text()));
    }
  }

  void pass_time(std::chrono::seconds time) {
    broker_.clock().advance(time);
    broker_.shard().begin_turn();
    for (auto& client : clients_)
      if (client && !client->peer.connection().is_finished()) client->peer.connection().tick(broker_.clock().now());
    broker_.run();
  }

  void set_alarm(bool is_on) {
    broker::Alarms& alarms = broker_.broker().alarms();
    is_on ? alarms.raise(broker::Alarm::memory) : alarms.clear(broker::Alarm::memory);
    broker_.run();
  }

  /// Few names, so that steps meet each other.
  static std::string queue_name(std::uint8_t number) { return "q" + std::to_string(number % 4); }

  void publish(TestPeer& peer, ChannelNumber channel) {
    const std::string key = queue_name(script_.number());
    const std::string body(script_.number() * 64u, 'x');
    peer.send(frame_of(channel, protocol::basic::Publish{.routing_key = key, .mandatory = true}) +
              content_frames(channel, {.delivery_mode = std::uint8_t{2}}, body, frame_max));
  }

  void prepare(TestPeer& peer, ChannelNumber channel) {
    const std::string name = queue_name(script_.number());
    const std::uint8_t flags = script_.number();
    const auto has = [&](int bit) { return (flags >> bit & 1) != 0; };
    if (has(0)) peer.send(frame_of(channel, protocol::channel::Open{}));
    if (has(1))
      peer.send(frame_of(channel, protocol::queue::Declare{
                                      .queue = name, .durable = has(2), .exclusive = has(3), .auto_delete = has(4)}));
    if (has(5)) peer.send(frame_of(channel, protocol::basic::Qos{.prefetch_count = 1, .global = has(6)}));
    if (has(7)) peer.send(frame_of(channel, protocol::basic::Consume{.queue = name, .no_ack = has(4)}));
  }

  void settle(TestPeer& peer, ChannelNumber channel) {
    const DeliveryTag tag{script_.number()};
    const std::uint8_t flags = script_.number();
    const bool is_multiple = flags & 2;
    if (flags & 1)
      peer.send(frame_of(channel, protocol::basic::Ack{.delivery_tag = tag, .multiple = is_multiple}));
    else
      peer.send(frame_of(
          channel, protocol::basic::Nack{.delivery_tag = tag, .multiple = is_multiple, .requeue = (flags & 4) != 0}));
  }

  Script script_;
  const std::uint8_t begin_bare_;
  UnthreadedBroker broker_{{.message_size_max = 100'000}};
  std::array<std::unique_ptr<Client>, client_count> clients_{};
};

}  // namespace
}  // namespace leveret::test

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  leveret::test::Play{{data, size}}.run();
  return 0;
}
